"""The purses of a garden: a ledger for each economy that takes part, and one writer for all of them.

The law (SEMANTICS 3.7): a bill is paid from all of its purses or from none, and each purse keeps
the law of its own ledger.  Entries are in the order in which they were written; each
counts those of its purse.  The scenario's own economy is the purse ``""``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping

from nimdsl.base.errors import InternalError
from runtime.ledger.accounts import Answer, Entry, LedgerCommand, LedgerDamaged, Pay, Tariff
from runtime.ledger.allowances import Allowance
from runtime.ledger.economy import Ledger, NumberedPayment, numbered
from runtime.ledger.written import WrittenList


class Purses:
    """Ledgers by purse; ``tariffs`` are by the names of their economies, ``own`` is the scenario's."""

    def __init__(
        self,
        tariffs: Mapping[str, Tariff],
        own: str = "",
        entries: Iterable[Entry] = (),
        written: Callable[[Entry], None] | None = None,
        day_ns: int = 0,
    ) -> None:
        self._own = own
        self._tell = written
        self._written: WrittenList[Entry] = WrittenList(entries)
        by_purse: dict[str, list[Entry]] = defaultdict(list)
        for entry in self._written.since(0):
            by_purse[entry.purse].append(entry)
        self.ledgers: dict[str, Ledger] = {}
        for name in sorted(tariffs, key=self.purse_of):
            purse = self.purse_of(name)
            known = by_purse.pop(purse, ())
            self.ledgers[purse] = Ledger(tariffs[name], known, purse, self._write, day_ns)
        self._allowances = [
            Allowance(self.ledger(one.allowance[0]), self.ledgers[purse], one.allowance[1])
            for purse in self.ledgers
            if (one := self.ledgers[purse].tariff).allowance is not None
        ]
        if by_purse:
            purse = min(by_purse)
            raise LedgerDamaged(by_purse[purse][0].number, f"there is no purse {purse!r}")

    def _write(self, entry: Entry) -> None:
        self._written.append(entry)
        if self._tell is not None:
            self._tell(entry)

    @property
    def own(self) -> Ledger | None:
        """The ledger of the scenario's own economy; None where it has none."""
        return self.ledgers.get("")

    def purse_of(self, economy: str) -> str:
        """The purse that an economy is here."""
        return "" if economy == self._own else economy

    def economy_of(self, purse: str) -> str:
        """The name of a purse's economy."""
        return purse or self._own

    def ledger(self, economy: str) -> Ledger:
        """The ledger of an economy.  Raises InternalError for one that does not take part."""
        purse = self.purse_of(economy)
        if purse not in self.ledgers:
            raise InternalError(f"no purse is called {economy!r} here")
        return self.ledgers[purse]

    # -- commands

    def apply(self, command: LedgerCommand, now_ns: int) -> Answer:
        """Decides a command in the purse that it names.  Raises what :meth:`Ledger.apply` raises."""
        self.allow(now_ns)
        if not isinstance(command, Pay):
            return self.ledger(command.purse).apply(command, now_ns)
        parts = numbered(command.key, command.items)
        named = {self.purse_of(part.purse) for _, part in parts}
        if len(named) == 1:
            return self.ledger(parts[0][1].purse).apply(command, now_ns)
        return self._pay(command, parts, now_ns)

    def _pay(self, bill: Pay, parts: list[NumberedPayment], now_ns: int) -> Answer:
        """A bill of several purses: it is known that each can pay before the first one does."""
        by_purse: dict[str, list[NumberedPayment]] = {}
        for key, part in parts:
            by_purse.setdefault(self.purse_of(part.purse), []).append((key, part))
        shares = [(self.ledger(purse), share) for purse, share in by_purse.items()]
        for ledger, share in shares:
            ledger.prepare(share, now_ns)
        for ledger, share in shares:
            if refused := ledger.refusal(share, bill.reflex):
                return ledger.refuse_bill(*refused, bill.scope)
        answers = [ledger.pay_items(share, bill.scope) for ledger, share in shares]
        return answers[0]

    def look(self, now_ns: int) -> None:
        """All purses say what is due up to ``now_ns``, each at its instant, until one has starved."""
        self.allow(now_ns)
        for ledger in self.ledgers.values():
            if self.starved_ns is None:
                ledger.look(now_ns)

    def next_look_ns(self, heard: Mapping[str, Container[str]]) -> int | None:
        """When somebody should look, if nothing but time happens (:meth:`Ledger.next_look_ns`).

        Marks that are ``heard`` are by their economies.  None for never.
        """
        if self.starved_ns is not None:
            return None
        found = (
            ledger.next_look_ns(heard.get(self.economy_of(purse), ()))
            for purse, ledger in self.ledgers.items()
        )
        allowed = (one.next_ns() for one in self._allowances)
        return min((at_ns for at_ns in (*found, *allowed) if at_ns is not None), default=None)

    def allow(self, until_ns: int) -> None:
        """Pays the allowances of each second up to ``until_ns``, before anything else happens there."""
        while self._allowances and self.starved_ns is None:
            times = [
                (at_ns, number) for number, one in enumerate(self._allowances) if (at_ns := one.next_ns())
            ]
            if not times or min(times)[0] > until_ns:
                return
            at_ns, number = min(times)
            self._allowances[number].pay(at_ns)

    def close(self, now_ns: int) -> None:
        """The end of a run: rates are settled, holds given back."""
        self.allow(now_ns)
        for ledger in self.ledgers.values():
            ledger.close(now_ns)

    def forget(self, count: int, now_ns: int) -> None:
        """Lets go of the first ``count`` entries, which a journal has, and of what no lambda needs."""
        self._written.forget(count)
        for ledger in self.ledgers.values():
            ledger.forget(ledger.entry_count, now_ns)

    # -- queries

    @property
    def starved_ns(self) -> int | None:
        """When the first purse starved, which ends a run; None: none has."""
        found = (ledger.famine.over_ns for ledger in self.ledgers.values())
        return min((at_ns for at_ns in found if at_ns is not None), default=None)

    @property
    def starved(self) -> str:
        """What of that was not paid, for people; empty where none has starved."""
        for purse, ledger in self.ledgers.items():
            if ledger.famine.over_ns is not None:
                return f"`{self.economy_of(purse)}` found nothing for {ledger.famine.unpaid}"
        return ""

    @property
    def has_flows(self) -> bool:
        """Whether a state of some actor makes some purse change just now."""
        return any(ledger.has_flows for ledger in self.ledgers.values())

    @property
    def now_ns(self) -> int:
        """Garden time of the last entry, or at which one of them was last asked."""
        return max((ledger.now_ns for ledger in self.ledgers.values()), default=0)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything that was written, oldest first.  Raises NimdslError when some were forgotten."""
        return self.entries_from(0)

    def entries_from(self, number: int) -> tuple[Entry, ...]:
        """The entries from the ``number``-th on: what a journal has not seen yet.

        Raises NimdslError when some of them were forgotten.
        """
        return self._written.since(number)

    @property
    def entry_count(self) -> int:
        """How many entries were ever written."""
        return self._written.count
