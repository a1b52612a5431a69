"""Words of messages: articles, lists of names, types."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from types import MappingProxyType

JSON_TYPES = MappingProxyType(
    {
        "object": "a map",
        "array": "a list",
        "string": "text",
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
    }
)
"""What a type of JSON Schema is called before people."""


def with_article(word: str) -> str:
    """The word behind its article; what is a plural has none.

    >>> with_article("Economy"), with_article("Cell"), with_article("bytes")
    ('an Economy', 'a Cell', 'bytes')
    """
    if word == "bytes":
        return word
    return f"{'an' if word[:1].lower() in 'aeio' else 'a'} {word}"


def counted(count: int, what: str, many: str = "") -> str:
    """``1 error``, ``3 errors``."""
    return f"{count:,} {what if count == 1 else many or what + 's'}"


def shown(value: object) -> str:
    """A value that something was given instead of what it wants: as it is written, one short line.

    >>> shown("x"), shown([1, 2])
    ("`'x'`", '`[1, 2]`')
    """
    return f"`{' '.join(reprlib.repr(value).split())}`"


def listed(names: Sequence[str]) -> str:
    """Names in backquotes, the last one behind an `and`.

    >>> listed(["a", "b", "c"])
    '`a`, `b` and `c`'
    """
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
