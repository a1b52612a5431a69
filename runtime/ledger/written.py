"""What was written of a ledger, of which a journal may have the beginning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from nimdsl.base.errors import NimdslError

Item = TypeVar("Item")


class WrittenList(Generic[Item]):
    """Everything that was written, oldest first, but for what it let go of; ``items`` were before."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._kept = list(items)
        self._forgotten_count = 0

    @property
    def count(self) -> int:
        """How many were ever written."""
        return self._forgotten_count + len(self._kept)

    def append(self, item: Item) -> None:
        """One more."""
        self._kept.append(item)

    def since(self, number: int) -> tuple[Item, ...]:
        """Those from the ``number``-th on.  Raises NimdslError when some of them were forgotten."""
        if number < self._forgotten_count:
            raise NimdslError(
                f"the ledger let go of its first {self._forgotten_count} entries: read them in the journal,"
                " or run with `keep=True`"
            )
        return tuple(self._kept[number - self._forgotten_count :])

    def forget(self, count: int) -> None:
        """Lets go of the first ``count``, which a journal has."""
        forgotten = count - self._forgotten_count
        if forgotten > 0:
            del self._kept[:forgotten]
            self._forgotten_count = count
