"""The port ``Journal``: what each actor accepted, in order, never changed.

The law: an actor's entries are numbered from 0 without gaps; what ``read``
gives is what canonical bytes give back (SEMANTICS 8.1), so that every
implementation returns equal entries for equal appends.  There is no order
across actors.  ``append`` is durable once ``commit`` has returned.

Not here: memory and file (:mod:`gardens.stores`), what bodies mean and how
records derive from them (the kernel).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from nimdsl.base import canonical
from nimdsl.base.canonical import Plain

RESTORE = "restore the journal from a copy, or run again"
"""What a person can do about a damaged one."""


class JournalEntry(NamedTuple):
    """One line of an actor's journal; ``position`` counts from 0 within the actor."""

    actor: str
    position: int
    kind: str
    body: Plain


class Appender(Protocol):
    """The writing side: all that an actor needs while it runs."""

    def append(self, actor: str, kind: str, body: Plain) -> int:
        """Add a line and return its position.  Raises ValueError for what is not plain data."""


@runtime_checkable
class Journal(Appender, Protocol):
    """An append-only store.  Failures are PortErrors; after ``close`` every call is a permanent one."""

    @property
    def place(self) -> str:
        """Where it is kept, in words that an error message can begin with."""

    def read(self, actor: str, start: int = 0) -> Iterator[JournalEntry]:
        """What ``actor`` has at the time of the call, oldest first, from position ``start`` on.

        Nothing for an unknown actor.
        """

    def actors(self) -> tuple[str, ...]:
        """Every actor that has an entry, sorted."""

    def counts(self) -> dict[str, int]:
        """How many entries every actor has, sorted by actor."""

    def set_meta(self, key: str, value: Plain) -> None:
        """Keep a plain value beside the entries; durable with the next ``commit``."""

    def meta(self, key: str) -> Plain | None:
        """What ``set_meta`` kept under ``key``; None when there is nothing.  ValueError for damage."""

    def commit(self) -> None:
        """Make everything appended so far durable."""

    def close(self) -> None:
        """Commit and let go; closing twice is allowed."""


def encoded(body: Plain) -> bytes:
    """Canonical bytes of a body; every way of not being plain data is a ValueError."""
    try:
        return canonical.encode(body)
    except TypeError as error:
        raise ValueError(f"no plain data: {error}") from error
