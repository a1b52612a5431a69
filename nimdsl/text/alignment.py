"""Where a part of a scalar's text stands in its file, also when it is folded, escaped or indented.

YAML changes nothing in a text but white space, escapes and doubled quotes, so the characters
that are not white space stand in the file in the same order.
"""

from __future__ import annotations

import re

from nimdsl.base.diagnostics import Place
from nimdsl.text.tree import Scalar

_PROPERTIES = re.compile(r"(?:[&!][^ \t]*[ \t]+)*")
_ESCAPE = re.compile(r"\\(?:x..|u....|U........|.|$)")


def place_within(node: Scalar, start: int, end: int) -> Place:
    """The place of ``text[start:end]`` of a scalar; the whole scalar where it is not in a file."""
    source, text = node.source, str(node.value)
    if not 0 < node.line <= len(source.lines) or not node.place.excerpt:
        return node.place
    positions = _positions(node, text)
    if not positions:
        return node.place
    first = min(max(start, 0), len(positions) - 1)
    last = min(max(end - 1, first), len(positions) - 1)
    line, column = positions[first]
    length = positions[last][1] - column + 1 if positions[last][0] == line else 0
    if end > len(text) and start >= len(text):
        column, length = column + 1, 1
    return source.place(line, column, max(length, 0))


def rest_of_line(node: Scalar) -> str:
    """What follows a plain scalar on its last line; empty where it is not in a file."""
    end = len(str(node.value))
    place = place_within(node, end, end + 1)
    lines = node.source.lines
    return lines[place.line - 1][place.column - 1 :].rstrip() if 0 < place.line <= len(lines) else ""


def _positions(node: Scalar, text: str) -> list[tuple[int, int]]:
    """Line and column (from 1) of each character of ``text``; empty where they cannot be told."""
    lines = node.source.lines
    line, offset = node.line - 1, node.column - 1
    quote = ""
    if node.quoted:
        found = _PROPERTIES.match(lines[line], offset)
        offset = found.end() if found else offset
        quote = lines[line][offset : offset + 1]
        line, offset = (line + 1, 0) if quote in "|>" else (line, offset + 1)
    positions: list[tuple[int, int]] = []
    for char in text:
        if char.isspace():
            positions.append((line + 1, offset + 1))
            here = lines[line][offset : offset + 1] if line < len(lines) else ""
            offset += len(here) if here == char else 0
            continue
        line, offset = _next(lines, line, offset)
        if line >= len(lines):
            return []
        positions.append((line + 1, offset + 1))
        offset += _width(lines[line], offset, quote)
    return positions


def _next(lines: list[str], line: int, offset: int) -> tuple[int, int]:
    """The next character that is not white space, at or after a position."""
    while line < len(lines):
        rest = lines[line][offset:]
        if rest.strip() and rest.strip() != "\\":
            return line, offset + len(rest) - len(rest.lstrip())
        line, offset = line + 1, 0
    return line, offset


def _width(line: str, offset: int, quote: str) -> int:
    """How many characters of a line stand for one of the text."""
    if quote == '"' and line[offset] == "\\":
        found = _ESCAPE.match(line, offset)
        return len(found.group()) if found else 1
    return 2 if quote == "'" and line[offset] == "'" else 1
