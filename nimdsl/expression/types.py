"""The types of the expression language.

int, real, duration, lifeforce, share, bytes, string, bool, list<T>, record{...}.
Quantities are int64 at run time (nanoseconds, micro-LF, millionths, bytes); the
type alone tells them apart.  ``ANY`` stands for what validation cannot know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its name, and what a list holds or which fields a record has.

    ``fields`` is None for a record of unknown fields; an ``open`` record may have
    others than these.  ``source`` says where the fields come from, for messages; with ``{}`` in it, it is
    the message about a name that is none of them.
    """

    name: str
    element: Type | None = None
    fields: tuple[tuple[str, Type], ...] | None = None
    source: str = ""
    open: bool = False

    def __eq__(self, other: object) -> bool:
        """Field by field; mostly both are the same scalar, or have different names."""
        if self is other:
            return True
        if not isinstance(other, Type):
            return NotImplemented
        return (
            self.name == other.name
            and self.element == other.element
            and self.fields == other.fields
            and self.source == other.source
            and self.open == other.open
        )

    def field(self, name: str) -> Type | None:
        """The type of a record's field, or None when there is no such field."""
        for key, kind in self.fields or ():
            if key == name:
                return kind
        return None

    def to_data(self) -> Any:
        """Plain data that is equal for equal types."""
        if self.element is not None:
            return ["list", self.element.to_data()]
        if self.fields is not None:
            return {name: kind.to_data() for name, kind in self.fields}
        return self.name

    def __str__(self) -> str:
        return f"list<{self.element}>" if self.element else self.name

    @property
    def written(self) -> str:
        """As a document writes it."""
        if self.element:
            return f"list<{self.element.written}>"
        if self.fields is None:
            return self.name
        return "{" + ", ".join(f"{name}: {kind.written}" for name, kind in self.fields) + "}"


ANY = Type("any")
INT = Type("int")
REAL = Type("real")
DURATION = Type("duration")
LIFEFORCE = Type("lifeforce")
SHARE = Type("share")
BYTES = Type("bytes")
STRING = Type("string")
BOOL = Type("bool")
RECORD = Type("record")
EMPTY = Type("nothing")
"""Of the items of ``[]``: it joins every type."""

SCALARS: Mapping[str, Type] = {
    kind.name: kind for kind in (INT, REAL, DURATION, LIFEFORCE, SHARE, BYTES, STRING, BOOL)
}
QUANTITIES = (DURATION, LIFEFORCE, SHARE, BYTES)
NUMERIC = (INT, REAL, *QUANTITIES)

_LIST = re.compile(r"list<(.+)>", re.DOTALL)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def element_of(kind: Type) -> Type:
    """The type of what a list holds; ``any`` where nothing says so."""
    return ANY if kind.element is None or kind.element == EMPTY else kind.element


def list_of(element: Type) -> Type:
    """The type of a list of ``element``."""
    return Type("list", element)


def record_of(fields: Mapping[str, Type], source: str = "", open: bool = False) -> Type:
    """The type of a record with exactly these fields; with at least these, when ``open``."""
    return Type("record", None, tuple(fields.items()), source, open)


def parse_type(text: str) -> Type | None:
    """The type written in a document (``real``, ``list<string>``, ``{x: int}``, ``record``), or None."""
    text = text.strip()
    if match := _LIST.fullmatch(text):
        element = parse_type(match[1])
        return list_of(element) if element else None
    if text.startswith("{") and text.endswith("}"):
        return _parse_record(text[1:-1])
    return RECORD if text == "record" else SCALARS.get(text)


def _parse_record(text: str) -> Type | None:
    fields: dict[str, Type] = {}
    for part in _split(text):
        name, colon, written = part.partition(":")
        kind = parse_type(written) if colon else None
        name = name.strip()
        if kind is None or not _FIELD.fullmatch(name) or name in fields:
            return None
        fields[name] = kind
    return record_of(fields)


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no bracket."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "<{") - (character in ">}")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def accepts(expected: Type, actual: Type) -> bool:
    """Whether a value of type ``actual`` may stand where ``expected`` is wanted (int to real converts)."""
    if expected is actual or ANY in (expected, actual) or expected == actual or actual == EMPTY:
        return True
    if expected == REAL and actual == INT:
        return True
    if expected.name != actual.name:
        return False
    if expected.name == "list":
        return accepts(expected.element or ANY, actual.element or ANY)
    return _accepts_record(expected, actual) if expected.name == "record" else False


def _accepts_record(expected: Type, actual: Type) -> bool:
    if expected.fields is None or actual.fields is None:
        return True
    return all(
        (known := expected.field(name)) is not None and accepts(known, kind) for name, kind in actual.fields
    )


def join(left: Type, right: Type) -> Type | None:
    """The type that holds both, or None: int and real join to real, a type with any to any.

    A quantity stays one beside any, which at run time never is a quantity.
    """
    if left == right or right == EMPTY:
        return left
    if left == EMPTY:
        return right
    if ANY in (left, right):
        quantity = [one for one in (left, right) if one in QUANTITIES]
        return quantity[0] if quantity else ANY
    if {left, right} == {INT, REAL}:
        return REAL
    if left.name == right.name == "list":
        element = join(left.element or ANY, right.element or ANY)
        return list_of(element) if element else None
    return _join_records(left, right) if left.name == right.name == "record" else None


def _join_records(left: Type, right: Type) -> Type:
    """A record of the fields of either, where they agree; else one of unknown fields."""
    if left.fields is None or right.fields is None:
        return RECORD
    fields = dict(left.fields)
    for name, kind in right.fields:
        joined = join(fields.get(name, kind), kind)
        if joined is None:
            return RECORD
        fields[name] = joined
    return record_of(fields, left.source or right.source, left.open or right.open)


def zero(kind: Type) -> object:
    """The value that data of this type has before anything sets it."""
    if kind.name == "list":
        return []
    if kind.name == "record":
        return {name: zero(one) for name, one in kind.fields or ()}
    return {"real": 0.0, "string": "", "bool": False}.get(kind.name, 0)
