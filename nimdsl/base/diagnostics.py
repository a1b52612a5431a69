"""Diagnostics: what is wrong, where, and what to write instead.

A diagnostic is plain data.  It carries a permanent code (explained by
:mod:`nimdsl.base.catalogue`), the place in the source, and where one is known the
fix.  Rendering needs nothing but the diagnostic: the source line travels in
its place.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from nimdsl.base.printable import visible

EXCERPT_MAX = 160
"""How many characters of a line are shown."""
_LINE = "\n"


class Severity(enum.StrEnum):
    """How bad it is: only an ``error`` keeps a program from being built."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file; ``line`` and ``column`` count from 1, 0 means the whole file.

    ``length`` is how many columns the caret underlines; ``excerpt`` is the source line.
    """

    file: str
    line: int = 0
    column: int = 0
    length: int = 1
    excerpt: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


NOWHERE = Place("")


class DiagnosticData(TypedDict):
    """The JSON form of a diagnostic."""

    code: str
    severity: str
    message: str
    file: str
    line: int
    column: int
    fix: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.  ``message`` says what was found and what was expected, ``fix`` what to write."""

    code: str
    severity: Severity
    message: str
    place: Place = NOWHERE
    fix: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place.file else ""
        return visible(f"{where}{self.severity} {self.code}: {self.message}", "\n")

    def to_data(self) -> DiagnosticData:
        """The JSON form: code, severity, message, file, line, column, fix."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "fix": self.fix,
        }

    def to_text(self) -> str:
        """Several lines for a terminal: place and message, the source line with a caret, the fix."""
        lines = [str(self)]
        if self.place.line and self.place.excerpt:
            gutter = f"{self.place.line:>5} | "
            before, marked, after = _shown(self.place)
            lines.append(gutter + before + marked + after)
            lines.append(" " * 5 + " | " + " " * len(before) + "^" * max(1, len(marked)))
        if self.fix:
            lines.append(f"      = fix: {visible(self.fix, _LINE)}")
        return "\n".join(lines)


def _shown(place: Place) -> tuple[str, str, str]:
    """The excerpt as it can be shown: what stands before the caret, above it, and behind."""
    excerpt, begin = place.excerpt[:EXCERPT_MAX].replace("\t", " "), place.column - 1
    parts = excerpt[:begin], excerpt[begin : begin + place.length], excerpt[begin + place.length :]
    before, marked, after = map(visible, parts)
    return before, marked, after


def error(code: str, message: str, place: Place = NOWHERE, fix: str = "") -> Diagnostic:
    """A diagnostic that keeps the program from being built."""
    return Diagnostic(code, Severity.ERROR, message, place, fix)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Without repetitions, by file, line, column and code."""
    unique = dict.fromkeys(diagnostics)
    return tuple(
        sorted(unique, key=lambda d: (d.place.file, d.place.line, d.place.column, d.code, d.message))
    )
