"""How a command ends that did not end well: what is printed, and the exit code.

The law: diagnostics for the user's documents (1), one line for a missing extra,
a port, a package or a wrong command line (2), one line for a bug in nimdsl or in a
package beside it (70; the traceback only with ``NIMDSL_DEBUG=1``), nothing for Ctrl-C (130).
Where JSON was asked for, standard output has the same as one JSON document.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import sys
import traceback
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import typer

from nimdsl.base.diagnostics import Severity
from nimdsl.base.errors import InternalError, NimdslError, PackageError, PortError, SpecError
from nimdsl.base.plugins import brought_by, package_of
from nimdsl.base.words import counted
from nimdsl.commands.output import print_diagnostics, print_failure
from nimdsl.commands.streams import tell

OWN_PACKAGES = ("nimdsl", "runtime", "gardens", "simulate")
_PACKAGES = {"nats": "nats_py"}
"""Where a module and its package have different names."""
_PLAIN = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Input should be a valid integer.*", "a whole number is wanted"),
        (r"Input should be a valid number.*", "a number is wanted"),
        (r"Input should be greater than or equal to (\S+)", r"at least \1 is wanted"),
        (r"Input should be less than or equal to (\S+)", r"at most \1 is wanted"),
        (r"Value error, ", ""),
    )
]
"""What the library says that reads the command line, and what it means."""
_EXTRA = re.compile(r"got unexpected extra argument(?:s|\(s\))? \((.*)\)")
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""Typer brings click along under a private name; this is click's own class."""


def ended(problem: BaseException, verb: str, as_json: bool = False) -> int:
    """Prints what ``problem`` means to the user, or to a program, and returns the exit code."""
    if isinstance(problem, typer.Exit):
        return problem.exit_code
    if isinstance(problem, KeyboardInterrupt | typer.Abort):
        return 130
    code, text = _told(problem, verb)
    diagnostics = problem.diagnostics if isinstance(problem, SpecError) else ()
    if as_json:
        print_failure(code, text, diagnostics)
    elif diagnostics:
        print_diagnostics(diagnostics, sys.stderr)
    else:
        tell(text, sys.stderr)
    return code


def _told(problem: BaseException, verb: str) -> tuple[int, str]:
    """The exit code, and why in words."""
    if isinstance(problem, UsageError):
        return 2, _usage(problem)
    if isinstance(problem, SpecError):
        first, *others = [one for one in problem.diagnostics if one.severity is Severity.ERROR]
        return 1, first.message + (f", and {counted(len(others), 'error')} more" if others else "")
    if isinstance(problem, ModuleNotFoundError) and not _own(problem):
        return 2, f"`nimdsl {verb}` needs `{install_command(problem.name or '')}`"
    if isinstance(problem, NimdslError) and not isinstance(problem, InternalError):
        return 2 if isinstance(problem, PortError | PackageError) else 1, str(problem)
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EBADF):
        return 2, f"cannot write the output: {problem.strerror}"
    return 70, _bug(problem)


def _usage(problem: Exception) -> str:
    context = getattr(problem, "ctx", None)
    text = problem.format_message() if hasattr(problem, "format_message") else str(problem)
    if type(problem).__name__ == "NoArgsIsHelpError":
        return str(text)
    hint = "" if context is None else f"\nsee `{context.command_path} --help`"
    return _friendly(problem, text) + hint


def _friendly(problem: Exception, text: str) -> str:
    possible = getattr(problem, "possibilities", None)
    text = text.partition(" (Possible options")[0].replace("'", "`")
    text = text[:1].lower() + text[1:]
    for pattern, words in _PLAIN:
        text = pattern.sub(words, text)
    if extra := _EXTRA.fullmatch(text):
        return _too_many(getattr(problem, "ctx", None), extra[1])
    if possible:
        text = f"{text.rstrip('.')}: did you mean `{sorted(possible)[0]}`?"
    return text.replace(". Did you mean", ": did you mean")


def _too_many(context: Any, words: str) -> str:
    """Arguments that a verb does not take; a scenario beside its documents is what was meant."""
    given = str(context.params.get("scenario", "")) if context else ""
    if " " in words:
        return f"too many arguments: `{words}`"
    if given and Path(given).exists():
        meant = f"{context.command_path} {words} --specs {shlex.quote(given)}"
        return f"one argument too many: did you mean `{meant}`?"
    return f"one argument too many: `{words}`"


def _own(problem: ModuleNotFoundError) -> bool:
    return (problem.name or "").partition(".")[0] in OWN_PACKAGES


def install_command(module: str) -> str:
    """What to type to get a missing module: the extra that brings it, else its own name."""
    name = module.partition(".")[0]
    name = _PACKAGES.get(name, name)
    try:
        wanted = requires("nimdsl") or []
    except PackageNotFoundError:
        wanted = []
    for requirement in wanted:
        package = re.match(r"[A-Za-z0-9_.-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)", requirement)
        if package and extra and package[0].lower().replace("-", "_") == name.lower():
            return f"pip install nimdsl[{extra[1]}]"
    return f"pip install {name}"


def _bug(problem: BaseException) -> str:
    if os.environ.get("NIMDSL_DEBUG") == "1":
        tell("".join(traceback.format_exception(problem)), sys.stderr, end="")
    message = f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0][:200]}"
    if found := _beside(problem):
        package, place = found
        return f"this is a bug in {package}: {message}, at {place}"
    where = "" if os.environ.get("NIMDSL_DEBUG") == "1" else " (NIMDSL_DEBUG=1 shows where)"
    return f"this is a bug in nimdsl, not in your documents: {message}{where}"


def _beside(problem: BaseException | None) -> tuple[str, str] | None:
    """The package beside nimdsl in whose hands it happened, and its innermost line; None: there is none.

    What calls it may raise its problem anew, so causes are looked at too.
    """
    while problem is not None:
        for frame, line in reversed(list(traceback.walk_tb(problem.__traceback__))):
            module = str(frame.f_globals.get("__name__", ""))
            if module.partition(".")[0] in (*OWN_PACKAGES, *sys.stdlib_module_names):
                continue
            if point := brought_by(module):
                return package_of(point), f"{frame.f_code.co_filename}:{line}"
        problem = problem.__cause__
    return None
