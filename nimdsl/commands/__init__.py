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
import signal
import sys
from collections.abc import Sequence

from nimdsl.commands.streams import forget, prepare

CLEAN, INTERRUPTED = 0, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script.  Never returns: it raises SystemExit, or ends the process when interrupted."""
    try:
        prepare()
        code = run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        forget(sys.stdout)
    except KeyboardInterrupt:
        code = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is over: nothing is left to interrupt
    if code == INTERRUPTED:
        sys.stderr.flush()
        os._exit(INTERRUPTED)  # what the interpreter itself makes of an interrupt is another code
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit code; everything but SystemExit is handled here."""
    from nimdsl.commands.failures import ended
    from nimdsl.commands.output import wants_json
    from nimdsl.commands.verbs import build

    group = build()
    try:
        with group.make_context("nimdsl", list(arguments)) as context:
            group.invoke(context)
    except BrokenPipeError:
        forget(sys.stdout)
        return CLEAN
    except (Exception, KeyboardInterrupt) as problem:
        verb = next((word for word in arguments if not word.startswith("-")), "")
        return ended(problem, verb, wants_json(arguments))
    return CLEAN
