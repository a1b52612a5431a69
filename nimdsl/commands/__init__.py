"""The command line: finds verbs, runs one, and says how it ended.

A verb is an entry point of the group ``nimdsl.commands`` (name ->
``module:command``), ``command`` a typed function with typer's annotations; so
other packages can add verbs.  The law: ``nimdsl --help`` imports no verb; every
way to end has one exit code (0 clean, 1 the user's input or expectation, 2
could not run, 70 a bug in nimdsl, 130 interrupted); a user's mistake is never
shown as a traceback.  What verbs do is in their own modules.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from nimdsl.commands.failures import ended
from nimdsl.commands.output import wants_json
from nimdsl.commands.verbs import build

CLEAN = 0


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script.  Always raises SystemExit."""
    _prepare_streams()
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit code; everything but SystemExit is handled here."""
    group = build()
    try:
        with group.make_context("nimdsl", list(arguments)) as context:
            group.invoke(context)
    except BrokenPipeError:
        _forget_stdout()
        return CLEAN
    except (Exception, KeyboardInterrupt) as problem:
        verb = next((word for word in arguments if not word.startswith("-")), "")
        return ended(problem, verb, wants_json(arguments))
    return CLEAN


def _forget_stdout() -> None:
    """Whoever read our output is gone: nothing more can be said, nor flushed at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare_streams() -> None:
    """A terminal that cannot show a character gets a substitute; a closed stream swallows everything."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
