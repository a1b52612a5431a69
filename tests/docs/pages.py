"""Pages of documentation as tests read them: fenced blocks with the marks that stand before them.

A mark is an HTML comment on a line of its own just before the fence:

- ``<!-- wrong: NIM0406 -->``: the YAML must have this diagnostic;
- ``<!-- part -->``: the YAML is a part of a document, it is only parsed;
- ``<!-- file: lamp.yaml -->``: the block is written to this file of the page's folder;
- ``<!-- edit: lamp.yaml -->``: a diff that is made in this file; ``<!-- undo: lamp.yaml -->``
  (without a block) takes the last edit back;
- ``<!-- here -->``: the Python runs in the page's folder, after the commands above it, and
  ``<!-- prints -->``: this is what it prints;
- ``<!-- exit: 1 -->``: the last command of the block ends with this code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
EXAMPLES = tuple(sorted((ROOT / "examples").glob("*.yaml")))

_FENCE = re.compile(r"```(\w*)$")
_MARK = re.compile(r"<!-- (wrong|part|file|edit|undo|exit|here|prints)(?:: (.+?))? -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line of its fence, its marks."""

    language: str
    text: str
    line: int
    marks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """A command of a console block: its words, what it must print, how it must end."""

    line: str
    output: tuple[str, ...]
    code: int


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page; an ``undo`` mark is a block of its own without a language."""
    marks: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        mark, fence = _MARK.match(line), _FENCE.match(line)
        if mark and mark[1] == "undo":
            yield Block("", "", number, {"undo": mark[2]})
        elif mark:
            marks[mark[1]] = mark[2] or ""
        elif fence:
            body = []
            for _, inner in lines:
                if inner == "```":
                    break
                body.append(inner)
            yield Block(fence[1], "\n".join(body) + "\n", number, marks)
            marks = {}


def commands(block: Block) -> list[Command]:
    """The commands of a console block; the mark ``exit`` is about the last one."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    last = int(block.marks.get("exit", "0"))
    codes = [0] * (len(found) - 1) + [last]
    return [Command(line, tuple(output), code) for (line, output), code in zip(found, codes, strict=True)]


def patched(text: str, diff: str) -> str:
    """``text`` with a diff made in it.  Raises ValueError when the old lines do not stand there once."""
    rows = diff.splitlines()
    old = "".join(row[1:] + "\n" for row in rows if not row.startswith("+"))
    new = "".join(row[1:] + "\n" for row in rows if not row.startswith("-"))
    if text.count(old) != 1:
        raise ValueError(f"the old lines stand there {text.count(old)} times:\n{old}")
    return text.replace(old, new)


def matches(expected: Sequence[str], printed: str) -> bool:
    """Whether ``printed`` is what a page shows.  ``...`` stands for any lines, or any text in a line.

    Spaces at the ends of lines do not count, nor how many empty lines stand together.
    """
    wanted = _trimmed(list(expected))
    actual = _trimmed(printed.splitlines())
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line == "..." else ".*?".join(map(re.escape, line.split("..."))) + "\n"
        for line in wanted
    )
    return re.fullmatch(pattern, "".join(line + "\n" for line in actual)) is not None


def _trimmed(lines: list[str]) -> list[str]:
    lines = [line.rstrip() for line in lines]
    lines = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return lines


def showable(printed: str) -> str:
    """What a page shows of an output: no spaces at the ends, hashes of programs left out."""
    return "\n".join(re.sub(r" · [0-9a-f]{12}$", " · ...", line) for line in _trimmed(printed.splitlines()))
