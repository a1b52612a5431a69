"""What verbs print: diagnostics in colour on a terminal, plain in a pipe; JSON.

Colour is left out where the stream is no terminal or ``NO_COLOR`` is set.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from nimdsl.base.diagnostics import Diagnostic, Severity

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "bold": 1, "dim": 2}
_SEVERITY_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """``text`` in a colour, where the stream shows colours."""
    out = stream or sys.stdout
    if not out.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m"


def print_json(data: Any) -> None:
    """Indented JSON on standard output."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, be it right or wrong; the last word counts."""
    words = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    pairs = itertools.pairwise(" ".join(words).replace("--format=", "--format ").split(" "))
    return "json" in [after for word, after in pairs if word == "--format"][-1:]


def print_failure(exit_code: int, message: str, diagnostics: Iterable[Diagnostic] = ()) -> None:
    """Why there is no result, as JSON on standard output: ``error`` in words, and what is wrong where."""
    found = [diagnostic.to_data() for diagnostic in diagnostics]
    print_json({"ok": False, "exit_code": exit_code, "error": message, "diagnostics": found})


def print_diagnostics(diagnostics: Iterable[Diagnostic], stream: TextIO | None = None) -> None:
    """Each diagnostic with its source line, its caret and its fix, an empty line between them."""
    out = stream or sys.stdout
    for number, diagnostic in enumerate(diagnostics):
        print(("\n" if number else "") + _coloured(diagnostic, out), file=out)


def _coloured(diagnostic: Diagnostic, out: TextIO) -> str:
    colour = _SEVERITY_COLOURS[diagnostic.severity]
    head, *rest = diagnostic.to_text().split("\n")
    label = f"{diagnostic.severity} {diagnostic.code}"
    head = head.replace(label, styled(label, colour, out), 1)
    lines = []
    for line in rest:
        if line.startswith("      = fix:"):
            line = styled("      = fix:", "green", out) + line.removeprefix("      = fix:")
        elif line.strip(" |^") == "":
            line = re.sub(r"\^+", lambda caret: styled(caret[0], colour, out), line)
        lines.append(line)
    return "\n".join([head, *lines])
