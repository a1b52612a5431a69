"""Journals that last as long as the process: one that keeps its lines, one that only counts them."""

from __future__ import annotations

from collections.abc import Iterator

from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import PermanentPortError
from runtime.ports.journal import JournalEntry, encoded


class MemoryJournal:
    """A journal for runs that keep none: as durable as the process."""

    def __init__(self) -> None:
        self._lines: dict[str, list[tuple[str, bytes]]] = {}
        self._meta: dict[str, bytes] = {}
        self._open = True

    @property
    def place(self) -> str:
        """See :class:`runtime.ports.journal.Journal`."""
        return "a journal in memory"

    def append(self, actor: str, kind: str, body: Plain) -> int:
        """See :class:`runtime.ports.journal.Journal`."""
        self._check()
        data = encoded(body)
        lines = self._lines.setdefault(actor, [])
        lines.append((kind, data))
        return len(lines) - 1

    def read(self, actor: str, start: int = 0) -> Iterator[JournalEntry]:
        """See :class:`runtime.ports.journal.Journal`."""
        self._check()
        lines = tuple(self._lines.get(actor, ())[start:])
        return (
            JournalEntry(actor, position, kind, canonical.decode(data))
            for position, (kind, data) in enumerate(lines, start)
        )

    def actors(self) -> tuple[str, ...]:
        """See :class:`runtime.ports.journal.Journal`."""
        self._check()
        return tuple(sorted(self._lines))

    def counts(self) -> dict[str, int]:
        """See :class:`runtime.ports.journal.Journal`."""
        self._check()
        return {actor: len(lines) for actor, lines in sorted(self._lines.items())}

    def set_meta(self, key: str, value: Plain) -> None:
        """See :class:`runtime.ports.journal.Journal`."""
        self._check()
        self._meta[key] = encoded(value)

    def meta(self, key: str) -> Plain | None:
        """See :class:`runtime.ports.journal.Journal`."""
        self._check()
        return canonical.decode(self._meta[key]) if key in self._meta else None

    def commit(self) -> None:
        """See :class:`runtime.ports.journal.Journal`."""
        self._check()

    def close(self) -> None:
        """See :class:`runtime.ports.journal.Journal`."""
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
        """See :class:`runtime.ports.journal.Journal`."""
        return "a journal that keeps nothing"

    def append(self, actor: str, kind: str, body: Plain) -> int:  # noqa: ARG002
        """See :class:`runtime.ports.journal.Journal`."""
        position = self._counts.get(actor, 0)
        self._counts[actor] = position + 1
        return position

    def read(self, actor: str, start: int = 0) -> Iterator[JournalEntry]:  # noqa: ARG002
        """Raises PermanentPortError."""
        raise PermanentPortError("the journal of this run was not kept: run with `keep=True`, or with one")

    def actors(self) -> tuple[str, ...]:
        """See :class:`runtime.ports.journal.Journal`."""
        return tuple(sorted(self._counts))

    def counts(self) -> dict[str, int]:
        """See :class:`runtime.ports.journal.Journal`."""
        return dict(sorted(self._counts.items()))

    def set_meta(self, key: str, value: Plain) -> None:
        """See :class:`runtime.ports.journal.Journal`."""
        self._meta[key] = encoded(value)

    def meta(self, key: str) -> Plain | None:
        """See :class:`runtime.ports.journal.Journal`."""
        return canonical.decode(self._meta[key]) if key in self._meta else None

    def commit(self) -> None:
        """There is nothing to make durable."""

    def close(self) -> None:
        """There is nothing to let go of."""
