"""The port ``Journal``: what each actor accepted, in order, never changed.

The law: an actor's entries are numbered from 0 without gaps; what ``read``
gives is what canonical bytes give back (SEMANTICS 8.1), so that every
implementation returns equal entries for equal appends.  There is no order
across actors.  ``append`` is durable once ``commit`` has returned.

Not here: the file (:mod:`runtime.sqlite_journal`), what bodies mean and how
records derive from them (the kernel).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from nimdsl import canonical
from nimdsl.canonical import Plain
from nimdsl.errors import PermanentPortError


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


class MemoryJournal:
    """A journal for runs that keep none: as durable as the process."""

    def __init__(self) -> None:
        self._lines: dict[str, list[tuple[str, bytes]]] = {}
        self._meta: dict[str, bytes] = {}
        self._open = True

    @property
    def place(self) -> str:
        """See :class:`Journal`."""
        return "a journal in memory"

    def append(self, actor: str, kind: str, body: Plain) -> int:
        """See :class:`Journal`."""
        self._check()
        data = encoded(body)
        lines = self._lines.setdefault(actor, [])
        lines.append((kind, data))
        return len(lines) - 1

    def read(self, actor: str, start: int = 0) -> Iterator[JournalEntry]:
        """See :class:`Journal`."""
        self._check()
        lines = tuple(self._lines.get(actor, ())[start:])
        return (
            JournalEntry(actor, position, kind, canonical.decode(data))
            for position, (kind, data) in enumerate(lines, start)
        )

    def actors(self) -> tuple[str, ...]:
        """See :class:`Journal`."""
        self._check()
        return tuple(sorted(self._lines))

    def counts(self) -> dict[str, int]:
        """See :class:`Journal`."""
        self._check()
        return {actor: len(lines) for actor, lines in sorted(self._lines.items())}

    def set_meta(self, key: str, value: Plain) -> None:
        """See :class:`Journal`."""
        self._check()
        self._meta[key] = encoded(value)

    def meta(self, key: str) -> Plain | None:
        """See :class:`Journal`."""
        self._check()
        return canonical.decode(self._meta[key]) if key in self._meta else None

    def commit(self) -> None:
        """See :class:`Journal`."""
        self._check()

    def close(self) -> None:
        """See :class:`Journal`."""
        self._open = False

    def _check(self) -> None:
        if not self._open:
            raise PermanentPortError("the journal is closed")


class DiscardingJournal:
    """A journal for runs from which nobody wants to read, nor to restore an actor: it only counts.

    Bodies are not even looked at.  ``read`` is a PermanentPortError, whoever's journal is asked for.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._meta: dict[str, bytes] = {}

    @property
    def place(self) -> str:
        """See :class:`Journal`."""
        return "a journal that keeps nothing"

    def append(self, actor: str, kind: str, body: Plain) -> int:  # noqa: ARG002
        """See :class:`Journal`."""
        position = self._counts.get(actor, 0)
        self._counts[actor] = position + 1
        return position

    def read(self, actor: str, start: int = 0) -> Iterator[JournalEntry]:  # noqa: ARG002
        """Raises PermanentPortError."""
        raise PermanentPortError("the journal of this run was not kept: run with `keep=True`, or with one")

    def actors(self) -> tuple[str, ...]:
        """See :class:`Journal`."""
        return tuple(sorted(self._counts))

    def counts(self) -> dict[str, int]:
        """See :class:`Journal`."""
        return dict(sorted(self._counts.items()))

    def set_meta(self, key: str, value: Plain) -> None:
        """See :class:`Journal`."""
        self._meta[key] = encoded(value)

    def meta(self, key: str) -> Plain | None:
        """See :class:`Journal`."""
        return canonical.decode(self._meta[key]) if key in self._meta else None

    def commit(self) -> None:
        """There is nothing to make durable."""

    def close(self) -> None:
        """There is nothing to let go of."""


def encoded(body: Plain) -> bytes:
    """Canonical bytes of a body; every way of not being plain data is a ValueError."""
    try:
        return canonical.encode(body)
    except TypeError as error:
        raise ValueError(f"no plain data: {error}") from error
