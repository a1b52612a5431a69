"""A map that only grows, and forgets its oldest: persistent, yet cheap to add to.

The law: an ``AnswerCache`` never changes.  ``with_one`` gives another one, which
shares what both know; only a second growth from the same value copies.  So a
step that remembers an answer costs the same whether the actor has given three
or three thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from nimdsl.base.values import Fields


class _Store:
    """What several values share: entries in the order in which they came, with their numbers."""

    __slots__ = ("entries", "next")

    def __init__(self, entries: dict[str, tuple[int, Fields]], following: int) -> None:
        self.entries = entries
        self.next = following


class AnswerCache(Mapping[str, Fields]):
    """Keys and values, oldest first; at most ``count_max`` of them."""

    __slots__ = ("_count_max", "_end", "_start", "_store")

    def __init__(self, items: Mapping[str, Fields] | None = None, count_max: int = 4_096) -> None:
        entries = {key: (number, value) for number, (key, value) in enumerate((items or {}).items())}
        self._store = _Store(entries, len(entries))
        self._start, self._end, self._count_max = 0, len(entries), count_max

    def with_one(self, key: str, value: Fields) -> AnswerCache:
        """These and one more, which must be new; the oldest goes when there are too many."""
        store = self._store
        if store.next != self._end or key in store.entries:
            return AnswerCache({**self, key: value}, self._count_max)._trimmed()
        grown = AnswerCache.__new__(AnswerCache)
        grown._store, grown._start, grown._end = store, self._start, self._end + 1
        grown._count_max = self._count_max
        store.entries[key] = (self._end, value)
        store.next += 1
        return grown._trimmed()

    def _trimmed(self) -> AnswerCache:
        if self._end - self._start > self._count_max:
            self._start = self._end - self._count_max
            if self._store.next > 4 * self._count_max:
                return AnswerCache(dict(self), self._count_max)
        return self

    def __getitem__(self, key: str) -> Fields:
        number, value = self._store.entries[key]
        if not self._start <= number < self._end:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._mine())

    def __len__(self) -> int:
        return self._end - self._start

    def _mine(self) -> Iterator[tuple[str, tuple[int, Fields]]]:
        first = next(iter(self._store.entries.values()), (0, None))[0]
        return islice(self._store.entries.items(), self._start - first, self._end - first)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnswerCache) and self.items() == other.items()

    def __repr__(self) -> str:
        return f"AnswerCache({dict(self.items())!r})"

    __hash__ = None  # type: ignore[assignment]
