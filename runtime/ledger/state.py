"""What a ledger knows: the fold of its entries, which is held against the law at each of them.

Not here: what is decided, and so which entries there are (:mod:`runtime.ledger.economy`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nimdsl.base.errors import InternalError
from nimdsl.program.economy import DAY_NS
from runtime.ledger.accounts import (
    OPENING,
    POOL,
    SAID,
    Cause,
    Entry,
    EntryKind,
    LedgerBroken,
    LedgerDamaged,
    Tariff,
    int64,
)
from runtime.ledger.flows import Flows, Span
from runtime.ledger.hunger import Hunger
from runtime.ledger.keys import Done, Keys
from runtime.ledger.law import problem_of
from runtime.ledger.marks import Marks
from runtime.ledger.rates import Rates
from runtime.ledger.sleep import Famine, Sleep
from runtime.ledger.written import WrittenList

_EARNINGS = ("reward:", "income:")
_UNREPEATABLE = ("income", "upkeep", "allowance", "release", "overflow")
"""Causes of transfers with keys of the ledger's own, each used once: nobody can ask for them again."""


class LedgerState:
    """Accounts, holds, rates, marks and remembered keys of one economy."""

    def __init__(
        self,
        tariff: Tariff,
        entries: Iterable[Entry] = (),
        purse: str = "",
        written: Callable[[Entry], None] | None = None,
        day_ns: int = 0,
    ) -> None:
        self.tariff = tariff
        self.purse = purse
        self._written = written
        self._day_ns = day_ns if tariff.by_day else None
        self._incomes = Rates(tariff.incomes)
        self._upkeep = Rates(tariff.upkeep)
        self._marks = Marks(tariff.marks)
        self._entries: WrittenList[Entry] = WrittenList()
        self._accounts: dict[str, int] = {POOL: 0, OPENING: 0}
        self._held = 0
        self._done = Keys()
        self._scopes: dict[str, str] = {}
        self._flows = Flows()
        self._now_ns = 0
        self._accrued_ns = -1
        """Until then the rates are settled."""
        self.least = self.most = tariff.opening
        """The least and the most that the pool ever had, micro-LF."""
        self.shortfall = 0
        """What upkeep, penalties and prices known afterwards found no means for, micro-LF."""
        self.hunger = Hunger(tariff.floor + tariff.emergency)
        self.sleep = Sleep(tariff)
        self.famine = Famine(tariff.floor, tariff.starve_ns)
        for entry in entries:
            self._restore(entry)

    # -- queries

    def affords(self, amount: int, reflex: bool = False) -> bool:
        """Whether the pool could pay ``amount`` and keep its floor, and its emergency but for a reflex."""
        kept = 0 if reflex else self.tariff.emergency
        return self.balance - amount >= self.tariff.floor + kept

    def forget(self, count: int, now_ns: int) -> None:
        """Let go of the first ``count`` entries, which a journal has, and of what no lambda needs.

        From now on :meth:`lambda_over` answers for the tariff's window at ``now_ns`` and later.
        """
        self._entries.forget(count)
        slumber = self.tariff.slumber
        window_ns = max(self.tariff.window_ns, slumber.window_ns if slumber else 0)
        self._flows.forget(now_ns - window_ns)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything that was written, oldest first.  Raises NimdslError when some were forgotten."""
        return self.entries_from(0)

    def entries_from(self, number: int) -> tuple[Entry, ...]:
        """The entries from ``number`` on: what a journal has not seen yet.

        Raises NimdslError when some of them were forgotten.
        """
        return self._entries.since(number)

    @property
    def now_ns(self) -> int:
        """Garden time of its last entry, or at which it was last asked."""
        return self._now_ns

    @property
    def has_flows(self) -> bool:
        """Whether a state of some actor makes it change just now."""
        return any(rate.scope for rates in (self._incomes, self._upkeep) for rate in rates)

    @property
    def entry_count(self) -> int:
        """How many entries were ever written."""
        return self._entries.count

    @property
    def balance(self) -> int:
        """The pool, in micro-LF."""
        return self._accounts[POOL]

    def balance_at(self, now_ns: int) -> int:
        """About what the pool has at a time that nothing is settled up to, micro-LF."""
        exact = self._exact(max(now_ns, self._now_ns)) // DAY_NS
        most = self._most()
        return max(self.tariff.floor, exact if most is None else min(exact, most))

    def balances(self) -> dict[str, int]:
        """Every account that was ever used, but for empty holds; sorted by name."""
        return dict(sorted(self._accounts.items()))

    def holds(self) -> dict[str, int]:
        """The holds that contain something, by key (without ``hold:``), sorted."""
        held = ((name[5:], amount) for name, amount in self._accounts.items() if name.startswith("hold:"))
        return dict(sorted((key, amount) for key, amount in held if amount))

    def spent(self, scope: str | None = None) -> int:
        """What went into ``cost:*``, in all or for one scope; overflow was never there to spend."""
        return self._flows.spent(scope)

    def earned(self, scope: str | None = None) -> int:
        """What came from ``reward:*`` and ``income:*``, in all or for one scope; no opening."""
        return self._flows.earned(scope)

    def flowed_over(self, window_ns: int, now_ns: int) -> Span:
        """What was earned and owed in (now - window, now] (SEMANTICS 3.5), as far as it is booked.

        Raises NimdslError for a window that begins before what was forgotten.
        """
        return self._flows.over(window_ns, now_ns)

    def lambda_over(self, window_ns: int, now_ns: int) -> float | None:
        """Lambda of that window; None: nothing was owed.  Raises what :meth:`flowed_over` raises."""
        return self.flowed_over(window_ns, now_ns).ratio

    def _exact(self, now_ns: int) -> int:
        """The pool with what has flowed and is not booked: micro-LF / ``DAY_NS``."""
        return self.balance * DAY_NS + self._incomes.rest(now_ns) - self._upkeep.rest(now_ns)

    def _slope(self) -> int:
        """By how much the pool changes by time alone just now, micro-LF a day."""
        return self._incomes.slope(self._now_ns) - self._upkeep.slope(self._now_ns)

    def _full(self) -> int:
        """The pool, where it would grow and there is no room; else 0."""
        capacity = self.tariff.capacity
        no_room = capacity is not None and self.balance + self._held >= capacity
        return self.balance if no_room and self._slope() > 0 else 0

    def _most(self) -> int | None:
        """What the pool holds at most beside the holds; None: any amount."""
        return None if self.tariff.capacity is None else self.tariff.capacity - self._held

    # -- the fold

    def _restore(self, entry: Entry) -> None:
        """Takes an entry that was read."""
        try:
            if entry.number != self._entries.count or entry.time_ns < self._now_ns:
                raise InternalError(f"it is out of order, {self._entries.count} should come")
            if problem := problem_of(entry) or self._unlike(entry):
                raise InternalError(problem)
            self._fold(entry)
        except (InternalError, KeyError) as problem:
            raise LedgerDamaged(entry.number, str(problem)) from None

    def _unlike(self, entry: Entry) -> str:
        """Why this ledger would not have written an entry here; empty when it might."""
        if entry.purse != self.purse:
            return f"it is of the purse {entry.purse!r}, not of {self.purse!r}"
        if entry.kind == "mark":
            exact = self._exact(entry.time_ns)
            due = entry.key in self._marks.due(exact, self._full()) and entry.balance == exact // DAY_NS
            return "" if due else f"the mark {entry.key} is not due with {entry.balance} micro-LF"
        if entry.kind in SAID:
            return "" if self._would_say(entry) else f"{entry.key} is not due with {entry.balance} micro-LF"
        repeats = entry.kind == "transfer" and entry.cause not in (*_UNREPEATABLE, "overflow")
        if repeats and entry.key in self._done:
            return f"{entry.key} has happened before"
        if entry.cause == "opening" and entry.amount != self.tariff.opening:
            own = self.tariff.opening
            return f"it opened with {entry.amount} micro-LF, {self.tariff.name} opens with {own}"
        if (entry.day_ns is not None) != (entry.cause == "opening" and self.tariff.by_day):
            return "only an opening says how far the day was, and only where a rate depends on that"
        if entry.balance is not None and entry.balance != self._accounts.get(entry.source, 0):
            return f"{entry.source} had {self._accounts.get(entry.source, 0)} micro-LF, not {entry.balance}"
        return ""

    def _would_say(self, entry: Entry) -> bool:
        """Whether this ledger would say so here."""
        now_ns, sleep = entry.time_ns, self.sleep
        if entry.balance != self.balance:
            return False
        match entry.kind:
            case "pulse":
                return sleep.next_ns == now_ns
            case "urgency":
                return entry.amount != sleep.urgency
            case "starved":
                return self.famine.ends_ns == now_ns
            case _:
                return self._turn(now_ns) == entry.kind

    def _turn(self, now_ns: int) -> str:
        """Whether it falls asleep or wakes."""
        return self.sleep.turn(self.balance, now_ns, lambda window_ns: self._flows.over(window_ns, now_ns))

    def _write(
        self,
        kind: EntryKind,
        key: str,
        source: str,
        target: str,
        amount: int,
        scope: str,
        cause: Cause,
        balance: int | None = None,
        claimed: int | None = None,
    ) -> None:
        number, now_ns, purse = self._entries.count, self._now_ns, self.purse
        day_ns = self._day_ns if cause == "opening" else None
        entry = Entry(
            number, now_ns, kind, key, source, target, amount, scope, cause, balance, claimed, purse, day_ns
        )
        self._fold(entry)
        if self._written is not None:
            self._written(entry)

    def _fold(self, entry: Entry) -> None:
        self._now_ns, source, target, amount = entry.time_ns, entry.source, entry.target, entry.amount
        if entry.kind == "transfer":
            accounts = self._accounts
            left = int64(accounts.get(source, 0) - amount, source)
            gained = int64(accounts.get(target, 0) + amount, target)
            self._check_law(entry, left, gained)
            accounts[target], accounts[source] = gained, left
            self._classify(entry)
            if source == POOL:
                self.least = min(self.least, left)
            elif target == POOL:
                self.most = max(self.most, gained)
        elif entry.kind == "shortfall":
            self.shortfall += amount
            self._flows.lack(amount, entry.time_ns)
        if entry.day_ns is not None:
            self._incomes.begin(entry.day_ns)
            self._upkeep.begin(entry.day_ns)
        self.hunger.take(entry)
        self.sleep.take(entry)
        self.famine.take(entry)
        if entry.kind == "mark":
            self._marks.tell(entry.key)
        elif entry.kind == "rate":
            rates = self._incomes if entry.cause == "income" else self._upkeep
            rates.change(entry.key, amount, entry.time_ns)
        elif entry.kind not in SAID:
            self._settle_rates(entry)
        self._entries.append(entry)

    def _settle_rates(self, entry: Entry) -> None:
        """What an entry books of what has flowed."""
        if entry.cause == "allowance":
            return
        if entry.kind == "transfer" and entry.source.startswith("income:"):
            self._incomes.get(entry.source.removeprefix("income:")).settled += entry.amount
        if entry.cause == "upkeep":
            self._upkeep.get(entry.target.removeprefix("cost:")).settled += entry.amount

    def _check_law(self, entry: Entry, left: int, gained: int) -> None:
        """SEMANTICS 3.1 at each entry, before it is written; what one account loses another one gains."""
        source, target, tariff = entry.source, entry.target, self.tariff
        if entry.amount < 0 or source == target:
            raise LedgerBroken(f"{entry.key}: {entry.amount} from {source} to {target}")
        if source == POOL and left < tariff.floor:
            raise LedgerBroken(f"{entry.key}: the pool would have {left}, its floor is {tariff.floor}")
        if left < 0 and source.startswith("hold:"):
            raise LedgerBroken(f"{entry.key}: {source} would have {left}")
        if target == POOL and tariff.capacity is not None and not source.startswith("hold:"):
            full = gained + self._held
            if full > tariff.capacity:
                raise LedgerBroken(f"{entry.key}: pool and holds would have {full} of {tariff.capacity}")

    def _classify(self, entry: Entry) -> None:
        """What a transfer is besides a movement: by its cause."""
        key, source, target, amount, cause = (
            entry.key,
            entry.source,
            entry.target,
            entry.amount,
            entry.cause,
        )
        if cause == "overflow":
            self._done.change(key.removeprefix("@overflow/"), amount)
            return
        if cause == "reserve":
            self._scopes[target] = entry.scope
            self._held += amount
            self._tidy(target)
        elif source.startswith("hold:"):
            self._held -= amount
            self._tidy(source)
        earned = amount if source.startswith(_EARNINGS) else 0
        spent = amount if target.startswith("cost:") else 0
        if earned or spent:
            self._flows.add(earned, spent, entry.scope, entry.time_ns)
        if cause not in _UNREPEATABLE:
            done = Done(source, target, amount, self._accounts[POOL], entry.number)
            self._done.add(cause, key, done, self._accounts)

    def _tidy(self, hold: str) -> None:
        """A hold that contains nothing is no account."""
        if not self._accounts[hold]:
            del self._accounts[hold]
            self._scopes.pop(hold, None)
            self._done.emptied(hold)
