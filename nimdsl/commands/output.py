"""What verbs print: diagnostics in colour on a terminal, plain in a pipe; JSON.

Colour is left out where the stream is no terminal or ``NO_COLOR`` is set.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from nimdsl.base.diagnostics import Diagnostic, Severity
from nimdsl.base.printable import is_visible
from nimdsl.commands.streams import styled, tell, write

_SEVERITY_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def print_json(data: Any) -> None:
    """Indented JSON on standard output, with escapes for what cannot be seen, or not be encoded."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(data, indent=2, ensure_ascii=not encoding.startswith("utf"))
    if not is_visible(text):
        text = "".join(
            char if char == "\n" or is_visible(char) else json.dumps(char)[1:-1] for char in text
        )
    write(text + "\n", sys.stdout)


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
    for number, diagnostic in enumerate(diagnostics):
        tell(("\n" if number else "") + _coloured(diagnostic), stream)


def _coloured(diagnostic: Diagnostic) -> str:
    colour = _SEVERITY_COLOURS[diagnostic.severity]
    head, *rest = diagnostic.to_text().split("\n")
    label = f"{diagnostic.severity} {diagnostic.code}"
    head = head.replace(label, styled(label, colour), 1)
    lines = []
    for line in rest:
        if line.startswith("      = fix:"):
            line = styled("      = fix:", "green") + line.removeprefix("      = fix:")
        elif line.strip(" |^") == "":
            line = re.sub(r"\^+", lambda caret: styled(caret[0], colour), line)
        lines.append(line)
    return "\n".join([head, *lines])
