"""Plain text inside brackets: `[ ] { } ,` end it, so that an expression is cut; and missing commas.

Also a condition that begins with `!`, wherever it stands.

What is said is a guess at what was meant, from the characters of one line.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Guess(NamedTuple):
    """What was meant: where it begins (column from 0), how long it is, what to say and to write."""

    column: int
    length: int
    message: str
    fix: str


CUT = "`[ ] { } ,` end a plain text inside brackets, and this one goes on"
_SEPARATOR = re.compile(r"(?<=:)\s+|[,\[{]\s*(?=\S)")
_NEXT_KEY = re.compile(r",\s*[A-Za-z_][\w.-]*:(\s|$)")
_WORD = re.compile(r"(?<=\s)[\w.-]+\Z")
_NEGATION = re.compile(r"!(?=\(|[A-Za-z_][\w.]*(?:\[[^\]]*\])*\s*(?:$|[&|=!<>?,}\])#]))")
_COMMENT = re.compile(r"\s+#[^\"']*$")


def cut_text(line: str, column: int, in_list: bool) -> Guess | None:
    """The text that ends at ``column``, where a bracket stands that belongs to it."""
    if line[column : column + 1] not in ("[", "{", "]", "}"):
        return None
    begins = [found.end() for found in _SEPARATOR.finditer(line, 0, column)]
    begin = next((one for one in reversed(begins) if one <= column and _whole(line, one, column)), None)
    if begin is None or line[begin] in "\"'[{" or not line[begin:column].strip():
        return None
    end = end_of_text(line, begin, in_list)
    text = line[begin:end].rstrip()
    if column >= begin + len(text):
        return None
    return Guess(begin, len(text), CUT, f"quote it: {quoted(text)}")


def missing_comma(line: str, column: int) -> Guess | None:
    """The key before the `:` at ``column``, if it stands behind a value without a comma."""
    found = _WORD.search(line, 0, column)
    before = line[: found.start()].rstrip() if found else ""
    prose = re.search(r": *[^\s:,\[{]+ [^:,\[{]*\Z", before)
    if (
        line[column : column + 1] != ":"
        or found is None
        or not before.strip(" -")
        or before.endswith(":")
        or prose
    ):
        return None
    key = found.group()
    return Guess(found.start(), len(key), f"a comma is missing before `{key}:`", f"write `, {key}:`")


def quoted(text: str) -> str:
    """``text`` in quotes, with nothing escaped that need not be."""
    return f'"{text}"' if not set('"\\') & set(text) else "'" + text.replace("'", "''") + "'"


def _whole(line: str, begin: int, column: int) -> bool:
    """Whether a separator before ``begin`` lies outside the parentheses that are open at ``column``."""
    depth = 0
    for char in reversed(line[:begin]):
        depth += {")": 1, "(": -1}.get(char, 0)
        if depth < 0:
            return False
        if char == ":":
            return True
    return column >= begin


def negated(line: str, column: int, in_flow: bool) -> Guess | None:
    """The whole condition that begins with the `!` at ``column``, which is a tag to YAML."""
    if _NEGATION.match(line, column) is None:
        return None
    end = end_of_text(line, column, True) if in_flow else len(_COMMENT.sub("", line))
    text = line[column:end].rstrip()
    message = "a text that begins with `!` is a tag to YAML"
    return Guess(column, len(text), message, f"quote the whole: `{quoted(text)}`")


def end_of_text(line: str, begin: int, in_list: bool) -> int:
    """Where the text that begins there ends, if its brackets belong to it."""
    depth, quote = 0, ""
    for offset in range(begin, len(line)):
        char = line[offset]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth < 0:
                return offset
        elif (char == "," and depth == 0) and (
            in_list or _NEXT_KEY.match(line, offset) or not line[offset + 1 :].strip()
        ):
            return offset
    return len(line)
