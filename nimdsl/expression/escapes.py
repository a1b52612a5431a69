"""Escapes in strings, as CEL has them.

``\\n`` and its like, ``\\xHH``, ``\\uHHHH``, ``\\UHHHHHHHH`` and ``\\ooo`` each stand for one
character.  What else follows a backslash is refused, so that nobody waits for text that
never comes.
"""

from __future__ import annotations

import re

_SIMPLE = dict(zip("abfnrtv\\?\"'`", "\a\b\f\n\r\t\v\\?\"'`", strict=True))
_ESCAPE = re.compile(
    r"\\(?:([xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|([0-3][0-7]{2})|(.)|$)", re.DOTALL
)
_LENGTHS = {"x": 2, "X": 2, "u": 4, "U": 8}


class EscapeMistake(Exception):  # noqa: N818
    """An escape that means nothing: ``offset`` is where it begins, ``fix`` what to write."""

    def __init__(self, message: str, offset: int, fix: str) -> None:
        super().__init__(message)
        self.message, self.offset, self.fix = message, offset, fix


def decoded(body: str) -> str:
    """The text that ``body``, a string without its quotes, stands for.  Raises EscapeMistake."""
    return _ESCAPE.sub(_character, body) if "\\" in body else body


def escaped(text: str) -> str:
    """``text`` as it can stand between double quotes: on one line, and printable."""
    return "".join(map(_written, text))


def _character(found: re.Match[str]) -> str:
    numbered, octal, simple = found.groups()
    if octal:
        return chr(int(octal, 8))
    if numbered:
        return _numbered(found, int(numbered[1:], 16))
    if simple in _SIMPLE:
        return _SIMPLE[simple]
    if simple in _LENGTHS:
        message = f"after `\\{simple}` come {_LENGTHS[simple]} hexadecimal digits"
        raise EscapeMistake(message, found.start(), _doubled(simple))
    if simple and simple in "01234567":
        message = "an octal escape has three digits, at most `\\377`"
        raise EscapeMistake(message, found.start(), _doubled(simple))
    raise EscapeMistake(f"there is no escape `\\{simple or ''}`", found.start(), _doubled(simple or ""))


def _doubled(following: str) -> str:
    return f"for the backslash itself write two: `\\\\{following}`"


def _numbered(found: re.Match[str], number: int) -> str:
    if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF:
        return chr(number)
    message = f"`{found.group()}` is no character"
    if number > 0x10FFFF:
        raise EscapeMistake(message, found.start(), "write a number up to `\\U0010ffff`")
    low = re.match(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})", found.string[found.end() :])
    if low is None:
        raise EscapeMistake(message, found.start(), "write the character itself")
    whole = 0x10000 + ((number - 0xD800) << 10) + int(low[1], 16) - 0xDC00
    message = "two halves of a character are not joined"
    raise EscapeMistake(message, found.start(), f"write `\\U{whole:08x}`, or the character itself")


_WRITTEN = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _written(char: str) -> str:
    if char in _WRITTEN:
        return _WRITTEN[char]
    if char.isprintable():
        return char
    number = ord(char)
    return f"\\u{number:04x}" if number < 1 << 16 else f"\\U{number:08x}"
