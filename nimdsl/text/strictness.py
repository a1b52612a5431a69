"""What the parser takes although YAML does not, or reads as nobody else does.

Each is found at an event of the parser by looking at the characters around it.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Oddity(NamedTuple):
    """A thing that has to be written differently: where it begins (from 0), and what to do."""

    column: int
    message: str
    fix: str


_SUSPECT = re.compile(r"#(?<=\S#)|\?|-\s*[\],}]")
"""Each way begins with a sign of its own: so a text is searched five times as fast."""
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*#")
_COMMENT_FIX = "put a space before `#`; quote the text if `#` belongs to it"
_GLUED = "a comment begins with a space and `#`"
_AFTER_ITEM = re.compile(r"\s*,#")


def is_suspect(text: str) -> bool:
    """Whether a file can hold any of this at all: most hold nothing that looks like it."""
    return _SUSPECT.search(text) is not None


def of_block(line: str, column: int) -> Oddity | None:
    """A block scalar whose header begins at ``column`` of ``line``."""
    found = _BLOCK_HEADER.search(line, column)
    if found is None or line[column : found.start()].strip():
        return None
    return Oddity(found.end() - 1, _GLUED, _COMMENT_FIX)


def of_end(line: str, column: int, flow: bool) -> Oddity | None:
    """What follows the end (``column``) of a quoted text, a list or a map; ``flow``: inside brackets."""
    if line[column : column + 1] == "#":
        return Oddity(column, _GLUED, _COMMENT_FIX)
    found = _AFTER_ITEM.match(line, column) if flow else None
    return Oddity(found.end() - 1, _GLUED, _COMMENT_FIX) if found else None


def of_start(line: str, column: int) -> Oddity | None:
    """What follows the bracket at ``column`` that opens a list or map."""
    return of_end(line, column + 1, False)


def of_flow_scalar(line: str, column: int, text: str, quoted: bool) -> Oddity | None:
    """A scalar inside brackets, at ``column`` of its line."""
    if column and line[column - 1] == "?":
        message = "`?` before a text inside brackets marks a key for some tools"
        return Oddity(column - 1, message, f'quote it: "?{text}"' if not quoted and len(text) <= 40 else "")
    if quoted:
        return None
    if text == "-":
        return Oddity(
            column, "a single `-` inside brackets is a list item without brackets", 'quote it: "-"'
        )
    if "?" in text:
        message = "a plain text with `?` inside brackets ends there for some tools (PyYAML's own loader)"
        return Oddity(column, message, f'quote it: "{text[:40]}"' if len(text) <= 40 else "quote it")
    return None


_HALVES = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u[dD]([89abAB])([0-9a-fA-F]{2})\\u[dD]([c-fC-F])([0-9a-fA-F]{2})"
)
_STAND_INS = re.compile(r"\\uE([0-3])([0-9a-fA-F]{2})\\uE([4-7])([0-9a-fA-F]{2})")
_JOINED = re.compile("([\ue000-\ue3ff])([\ue400-\ue7ff])")


def with_stand_ins(text: str) -> str:
    """The text of a file whose surrogate pairs (``\\ud83d\\udc09``) the parser takes: of the same length.

    The halves become characters for private use, which :func:`joined` and :func:`restored` undo.
    """

    def stand_in(found: re.Match[str]) -> str:
        before, high, high_rest, low, low_rest = found.groups()
        first, second = int(high, 16) - 8, int(low, 16) - 8
        return f"{before}\\uE{first}{high_rest}\\uE{second}{low_rest}"

    return _HALVES.sub(stand_in, text) if "\\u" in text else text


def joined(value: str) -> str:
    """A value in which two stand-ins become the character that they make."""
    return _JOINED.sub(
        lambda found: chr(0x10000 + ((ord(found[1]) - 0xE000) << 10) + ord(found[2]) - 0xE400), value
    )


def restored(text: str) -> str:
    """Text outside double quotes, where a stand-in was no escape, as it was written."""

    def halves(found: re.Match[str]) -> str:
        first, high_rest, second, low_rest = found.groups()
        return f"\\ud{int(first) + 8:x}{high_rest}\\ud{int(second) + 8:x}{low_rest}"

    return _STAND_INS.sub(halves, text)
