"""The bookkeeper of a garden: one writer for its purses and its resources, in one order of lines.

Not here: the laws of purses (:mod:`runtime.ledger.purses`) and of resources (:mod:`runtime.ledger.lender`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runtime.ledger.accounts import Acquire, Answer, AnyCommand, Entry, GiveBack, Tariff
from runtime.ledger.lender import Lender, LoanEntry, LoanTerms
from runtime.ledger.purses import Purses
from runtime.ledger.written import WrittenList

AnyEntry = Entry | LoanEntry


class Bookkeeper:
    """Purses and the lender; ``entries`` restore them."""

    def __init__(
        self,
        tariffs: Mapping[str, Tariff],
        own: str = "",
        terms: Mapping[str, LoanTerms] | None = None,
        entries: Iterable[AnyEntry] = (),
        day_ns: int = 0,
    ) -> None:
        self._written: WrittenList[AnyEntry] = WrittenList(entries)
        known = self._written.since(0)
        booked = [one for one in known if isinstance(one, Entry)]
        lent = [one for one in known if isinstance(one, LoanEntry)]
        self.purses = Purses(tariffs, own, booked, self._written.append, day_ns)
        self.lender = Lender(terms or {}, lent, self._written.append)

    def __bool__(self) -> bool:
        """Whether there is anything to keep books of."""
        return bool(self.purses.ledgers or self.lender.shelves)

    def apply(self, command: AnyCommand, now_ns: int) -> Answer:
        """Decides a command; one for the lender is always taken, and heard of later."""
        match command:
            case Acquire(resource, key, units, priority):
                self.lender.acquire(resource, key, units, priority, now_ns)
            case GiveBack(resource, key):
                self.lender.give_back(resource, key, now_ns)
            case _:
                return self.purses.apply(command, now_ns)
        return Answer(True, 0, 0)

    def entries_from(self, number: int) -> tuple[AnyEntry, ...]:
        """What was written, from the ``number``-th on: what a journal has not seen yet.

        Raises NimdslError when some of them were forgotten.
        """
        return self._written.since(number)

    @property
    def entry_count(self) -> int:
        """How many entries were ever written."""
        return self._written.count

    def forget(self, count: int, now_ns: int) -> None:
        """Lets go of the first ``count`` entries, which a journal has, and of what no lambda needs."""
        self._written.forget(count)
        self.purses.forget(self.purses.entry_count, now_ns)
