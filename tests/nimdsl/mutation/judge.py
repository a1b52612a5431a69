"""What nimdsl says of a mutant, and whether what it says helps: the fix is applied, and read again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimdsl.assembly import Report
from nimdsl.base.diagnostics import Diagnostic, Severity
from nimdsl.loading import check_sources
from nimdsl.text.source import Source
from tests.nimdsl.mutation.mutants import Mutant

TRIES_MAX = 3
"""So many of the errors at the mutated line are tried."""


@dataclass(frozen=True)
class Verdict:
    """How well a mutant was told."""

    mutant: Mutant
    caught: bool
    exact: bool
    fixed: bool
    errors: tuple[Diagnostic, ...]

    def told(self) -> str:
        """For people: what was mutated and what was said."""
        old, new = self.mutant.file.text.split("\n"), self.mutant.text.split("\n")
        first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
        said = "\n".join(one.to_text() for one in self.errors[:3]) or "nothing"
        where = f"{self.mutant.mutator}, {self.mutant.group.name}, {self.mutant.file.name}"
        wanted = f"lines {sorted(self.mutant.lines)}"
        return f"{where}:{first + 1} ({wanted})\n- {old[first]}\n+ {new[first]}\n{said}\n"


def check(texts: dict[str, str]) -> Report:
    """Everything about texts by the name of their file."""
    return check_sources([Source(name, text) for name, text in texts.items()])


def errors_of(texts: dict[str, str]) -> tuple[Diagnostic, ...]:
    """The errors in texts by the name of their file."""
    found = check(texts).diagnostics
    return tuple(one for one in found if one.severity is Severity.ERROR)


def judged(mutant: Mutant) -> Verdict:
    """The verdict on a mutant."""
    texts = dict(mutant.texts())
    errors = errors_of(texts)
    for one in errors:
        one.to_text()
    here = [one for one in errors if one.place.file == mutant.file.name and one.place.line in mutant.lines]
    fixed = not mutant.determined or any(_works(texts, one) for one in here[:TRIES_MAX])
    return Verdict(mutant, bool(errors), bool(here), fixed, errors)


def _works(texts: dict[str, str], said: Diagnostic) -> bool:
    changed = applied(texts[said.place.file], said)
    return changed is not None and not errors_of({**texts, said.place.file: changed})


_INDENT = re.compile(r"indent it by (\d+) space")
_WRITTEN = re.compile(r"`+([^`]+)`+")
_CLOSING = {"[": "]", "{": "}"}


def applied(text: str, said: Diagnostic) -> str | None:
    """The text with the fix of a diagnostic in it, as who reads only that would write it; None without."""
    lines = text.split("\n")
    line = lines[said.place.line - 1]
    start = said.place.column - 1
    end = start + said.place.length
    if indent := _INDENT.search(said.fix):
        lines[said.place.line - 1] = " " * int(indent[1]) + line.lstrip()
        return "\n".join(lines)
    written = _WRITTEN.search(said.fix)
    if written is None:
        return None
    new = written[1]
    key = re.match(r"[\w.]+: ", new)
    if said.fix.startswith("remove the `"):
        new = ""
    elif said.fix.startswith(("close it with", "open it with")):
        new, end = new + line[start:end], end
    elif key and line[:start].endswith(key.group()):
        new = new[key.end() :]
    elif key and line[start:].startswith(key.group()):
        end = _end(line, start + key.end())
    lines[said.place.line - 1] = line[:start] + new + line[end:]
    return "\n".join(lines)


def _end(line: str, begin: int) -> int:
    """Where the value that begins there ends: a bracket's at the one that closes it."""
    if line[begin] not in _CLOSING:
        found = re.compile(r"[,}\]]|\s+#|$").search(line, begin)
        return found.start() if found else len(line)
    depth, quote = 0, ""
    for column in range(begin, len(line)):
        sign = line[column]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        else:
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(sign, 0)
        if depth == 0:
            return column + 1
    return len(line)
