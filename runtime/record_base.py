"""What every record is made of: the root of all bodies, ids, and what is no decision.

Not here: the records themselves (:mod:`runtime.records`).
"""

from __future__ import annotations

from typing import Annotated, NamedTuple, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")
_NO_DECISION = Meta(extra={"decision": False})
Aside = Annotated[T, _NO_DECISION]
"""A field that may differ between two gardens that decide alike."""


class Identity(NamedTuple):
    """A request, by who asked and under which effect number it was opened."""

    asker: str
    number: int

    def __str__(self) -> str:
        return f"{self.asker}/{self.number}"


class Body(Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """What happened.  The root of every class of the format."""
