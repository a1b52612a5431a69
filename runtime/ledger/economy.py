"""The ledger of an economy: the only writer of lifeforce.

The law (SEMANTICS 3.1, 3.4), on every prefix of the entries:

* all accounts sum to zero, ``pool >= floor``, no hold is negative, and pool and
  holds together stay within the capacity; each entry is held against this before it is
  written, and where it is read (:mod:`runtime.ledger.state`);
* the state is the fold of the entries, so ``Ledger(tariff, entries)`` restores it;
  whoever keeps them elsewhere may let go of them (:meth:`LedgerState.forget`), which
  changes nothing that is decided later;
* a transfer has a key and happens once: the same command again is answered as
  the first time and writes nothing, the same key for another transfer raises
  :class:`LedgerConflict`; a refusal is not remembered;
* keys that count, ``<sender>/<number>``, are remembered for a while (:mod:`runtime.ledger.keys`).
  To reserve or to charge with an older one is a conflict; a settlement is remembered besides
  while its hold contains something, and afterwards there is nothing that it could take;
* a rate has been settled to exactly floor(rate x time), however often it was looked at
  or changed.  Upkeep and penalties take at most ``pool - floor``; the rest is a
  ``shortfall`` and is never owed again.

What an income or a reward brings beyond the capacity goes from its own account
straight to ``cost:overflow``, so that the pool is never too full, not even
between two entries.

What grows with a run: keys of rewards and keys that do not count, which are
remembered for ever (some 270 bytes each); entries, and flows older than the
window, until they are forgotten.

Not here: who asks and in which order (the drivers), the shapes of commands and
entries (:mod:`runtime.ledger.accounts`), several economies in one garden
(:mod:`runtime.ledger.purses`), when an economy sleeps or starves (:mod:`runtime.ledger.sleep`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from functools import lru_cache
from typing import cast

import msgspec

from nimdsl.base.errors import InternalError
from nimdsl.program.economy import DAY_NS
from runtime.ledger.accounts import (
    OPENING,
    OVERFLOW,
    OWN_KEY,
    POOL,
    Answer,
    Cause,
    Charge,
    Consume,
    Entry,
    EntryKind,
    LedgerCommand,
    LedgerConflict,
    Pay,
    Payment,
    Release,
    Reserve,
    Reward,
    SetRates,
    Settle,
    Tariff,
    Urge,
    int64,
)
from runtime.ledger.sleep import SLUMBER
from runtime.ledger.state import LedgerState


@lru_cache(maxsize=1_024)
def _cost(name: str) -> str:
    """One text for all the keys that remember it."""
    return f"cost:{name}"


class Ledger(LedgerState):
    """Accounts of one economy; deterministic, with a single owner that calls :meth:`apply`.

    Its entries say that they are of the ``purse``; ``written`` is told each as it is written.  How far the
    day was when garden time began (``day_ns``) its opening says, where it has one already.
    """

    def __init__(
        self,
        tariff: Tariff,
        entries: Iterable[Entry] = (),
        purse: str = "",
        written: Callable[[Entry], None] | None = None,
        day_ns: int = 0,
    ) -> None:
        super().__init__(tariff, entries, purse, written, day_ns)
        self._once("opening", OWN_KEY + OPENING, OPENING, POOL, tariff.opening, "")
        self._tell()

    # -- commands

    def apply(self, command: LedgerCommand, now_ns: int) -> Answer:
        """Settles the rates up to ``now_ns``, then decides ``command`` and writes what it moves.

        Raises LedgerConflict for a key that stands for something else, InternalError when
        time runs backwards, for negative amounts, unknown rewards, and beyond int64.
        """
        self._check(command)
        self.settle(now_ns)
        answer = self._decide(command)
        self._tell()
        return answer

    def _decide(self, command: LedgerCommand) -> Answer:
        match command:
            case Reserve(key, amount, scope):
                return self._pay("reserve", key, f"hold:{key}", amount, scope, command.reflex)
            case Charge(key, name, amount, scope):
                return self._pay("charge", key, _cost(name), amount, scope, command.reflex)
            case Pay(key, items, scope):
                parts = numbered(key, items)
                refused = self.refusal(parts, command.reflex)
                return self.refuse_bill(*refused, scope) if refused else self.pay_items(parts, scope)
            case Settle():
                return self._settle(command)
            case Release(hold, keep, settlement):
                return self._release(hold, 0 if settlement and settlement in self._done else keep)
            case Consume():
                return self._consume(command)
            case SetRates(name, income, upkeep):
                return self._set_rates(name, income, upkeep)
            case Urge(urgency):
                return self._urge(urgency)
            case Reward():
                return self._reward(command)

    def prepare(self, parts: Sequence[NumberedPayment], now_ns: int) -> None:
        """Settles the rates before a share of a bill is decided.  Raises what :meth:`apply` raises."""
        for key, part in parts:
            self._check(Charge(key, part.name, part.amount))
        self.settle(now_ns)

    def refusal(self, parts: Sequence[NumberedPayment], reflex: bool = False) -> NumberedPayment | None:
        """What of a bill cannot be paid: its first new item, with the amount of all of them; None: it can.

        Nothing is written.  Raises LedgerConflict.
        """
        new = []
        for key, part in parts:
            if key in self._done:
                self._same(key, POOL, _way(key, part)[1], part.amount)
            else:
                self._done.refuse_forgotten(key)
                new.append((key, part))
        amount = int64(sum(part.amount for _, part in new), "a bill")
        if not new or self.affords(amount, reflex):
            return None
        key, first = new[0]
        return key, msgspec.structs.replace(first, amount=amount)

    def refuse_bill(self, key: str, part: Payment, scope: str) -> Answer:
        """A bill is refused for what :meth:`refusal` found."""
        cause, target = _way(key, part)
        return self._refuse(cause, key, POOL, target, part.amount, scope)

    def pay_items(self, parts: Sequence[NumberedPayment], scope: str) -> Answer:
        """Pays the items of a bill, which can be paid."""
        for key, part in parts:
            cause, target = _way(key, part)
            self._once(cause, key, POOL, target, part.amount, scope)
        self._tell()
        return Answer(True, sum(part.amount for _, part in parts), self._done[parts[-1][0]].balance)

    @property
    def room(self) -> int:
        """What the pool can still take in, micro-LF; without a capacity nothing from an allowance."""
        capacity = self.tariff.capacity
        return 0 if capacity is None else capacity - self.balance - self._held

    @property
    def spare(self) -> int:
        """What the pool has above what only it may use, micro-LF."""
        return self.balance - self.tariff.floor - self.tariff.emergency

    def give(self, amount: int, to: str) -> None:
        """Another economy's allowance."""
        self._transfer(
            "allowance", f"@allowance/{to}/{self._now_ns}", POOL, _cost(f"allowance/{to}"), amount, ""
        )
        self._tell()

    def get(self, amount: int, giver: str) -> None:
        """Its own allowance."""
        self._transfer("allowance", f"@allowance/{self._now_ns}", f"income:{giver}", POOL, amount, "")
        self._tell()

    def next_look_ns(self, heard: Container[str] = ()) -> int | None:
        """When somebody should look if nothing but time happens: it may then have something to say.

        Of its marks only those that are ``heard`` count: others are told whenever somebody looks.
        None for never.
        """
        waits = bool(self._marks.among(heard)) or self.has_flows or self.tariff.starve_ns > 0
        part_ns = self._next_part_ns() if waits else None
        return _earliest(self.next_mark_ns(heard), self._next_dry_ns(), part_ns, *self._own_ns())

    def look(self, now_ns: int) -> None:
        """Says all that is due up to ``now_ns``, each at its instant, at which the rates are settled.

        So nothing depends on who looks, or how often.
        """
        while (at_ns := self._due_ns()) is not None and at_ns <= now_ns:
            self.accrue(at_ns)
            self._tell()
            self._live(at_ns)

    def settle(self, now_ns: int) -> None:
        """Looks, and settles the rates up to ``now_ns``: something is decided then."""
        self.look(now_ns)
        self.accrue(now_ns)
        self._tell()

    def _due_ns(self) -> int | None:
        """The next instant at which the rates are settled if nothing but time happens; None for never."""
        return _earliest(self.next_mark_ns(), self._next_dry_ns(), self._next_part_ns(), *self._own_ns())

    def _own_ns(self) -> tuple[int | None, int | None]:
        """When the next pulse comes, and when it starves."""
        return self.sleep.next_ns, self.famine.ends_ns

    def _live(self, now_ns: int) -> None:
        """A pulse, if it is due, with what it finds; and the end of a famine."""
        if self.famine.ends_ns == now_ns:
            self._say("starved", self.famine.unpaid)
        if self.sleep.next_ns == now_ns:
            self._say("pulse")
            self._sleep_or_wake()

    def _sleep_or_wake(self) -> None:
        turn = self._turn(self._now_ns)
        if turn:
            self._say("slumber" if turn == SLUMBER else "wake")

    def _say(self, kind: EntryKind, key: str = "", amount: int = 0) -> None:
        """Something that moves nothing; such kinds are causes too."""
        cause: Cause = cast(Cause, kind)
        self._write(kind, key or kind, POOL, "", amount, "", cause, balance=self.balance)

    def _urge(self, urgency: int) -> Answer:
        if self.sleep.urgency != urgency:
            self._say("urgency", amount=urgency)
            self._sleep_or_wake()
        return Answer(True, 0, self.balance)

    def next_mark_ns(self, heard: Container[str] | None = None) -> int | None:
        """When a mark is due at the rates of now, of those ``heard``, or of all; None for never."""
        if not self._marks:
            return None
        exact, slope = self._exact(self._now_ns), self._slope()
        return self._marks.next_ns(exact, slope, self._now_ns, self._full(), self._most(), heard)

    def _next_dry_ns(self) -> int | None:
        """When an upkeep finds no means at the rates of now, where a state has flows or it may starve.

        Then a micro-LF of each upkeep could not be paid, so a ``shortfall`` is written by whoever looks.
        """
        tariff, famine = self.tariff, self.famine
        waits = self.has_flows or (tariff.starve_ns > 0 and famine.over_ns is None)
        full = self.balance > tariff.floor or (tariff.starve_ns > 0 and famine.since_ns is None)
        if not waits or not full or (slope := self._slope()) >= 0:
            return None
        least = (self.tariff.floor - self._upkeep.count) * DAY_NS
        return self._now_ns + max(0, (self._exact(self._now_ns) - least - 1) // -slope + 1)

    def _next_part_ns(self) -> int | None:
        """When the next part of a profile begins; None where there is none."""
        return _earliest(self._incomes.next_ns(self._now_ns), self._upkeep.next_ns(self._now_ns))

    def _tell(self) -> None:
        if self._marks:
            exact = self._exact(self._now_ns)
            for event in list(self._marks.due(exact, self._full())):
                self._write("mark", event, POOL, "", 0, "", "mark", balance=exact // DAY_NS)

    def _set_rates(self, name: str, income: int, upkeep: int) -> Answer:
        if self._incomes.get(name).amount(self._now_ns) != income:
            self._write("rate", name, f"income:{name}", POOL, income, name, "income")
        if self._upkeep.get(name).amount(self._now_ns) != upkeep:
            self._write("rate", name, POOL, _cost(name), upkeep, name, "upkeep")
        return Answer(True, 0, self.balance)

    def _consume(self, command: Consume) -> Answer:
        source, target = f"hold:{command.hold}", _cost(command.name)
        held = self._accounts.get(source, 0)
        if not held:
            return Answer(True, 0, self.balance)
        scope, amount = self._scopes.get(source, ""), min(held, command.amount)
        self._once("settle", command.key, source, target, amount, scope)
        if command.amount > amount:
            self._write("shortfall", command.key, source, target, command.amount - amount, scope, "settle")
        return self._release(command.hold, 0)

    def accrue(self, now_ns: int) -> None:
        """Settle every income, then every upkeep, each in the order of the names, up to ``now_ns``."""
        if now_ns < self._now_ns:
            raise InternalError(f"the ledger stands at {self._now_ns} ns and was asked at {now_ns} ns")
        if now_ns == self._accrued_ns:
            return
        self._now_ns = int64(now_ns, "time")
        self._net()
        for rate in self._incomes:
            if owed := rate.owed(now_ns):
                key = f"@income/{rate.name}/{now_ns}"
                self._bring("income", key, f"income:{rate.name}", owed, rate.scope)
        for rate in self._upkeep:
            if owed := rate.owed(now_ns):
                self._take("upkeep", f"@upkeep/{rate.name}/{now_ns}", rate.name, owed, rate.scope)
        self._accrued_ns = now_ns

    def _net(self) -> None:
        """What came in and went out at the same time never was in the pool: the one pays the other.

        So neither the capacity nor the floor decides on it, however long nobody looked.
        """
        now_ns = self._now_ns
        coming = [(rate, owed) for rate in self._incomes if (owed := rate.owed(now_ns))]
        coming.reverse()
        for rate in self._upkeep:
            owed = rate.owed(now_ns)
            while owed and coming:
                income, left = coming.pop()
                amount = min(owed, left)
                key = f"@upkeep/{rate.name}/{income.name}/{now_ns}"
                self._transfer("upkeep", key, f"income:{income.name}", _cost(rate.name), amount, rate.scope)
                owed -= amount
                if left > amount:
                    coming.append((income, left - amount))

    def close(self, now_ns: int) -> None:
        """The end of a run: settle the rates and give every hold that is left back to the pool.

        A mark that ends by this is told, so that the books are what they restore.
        """
        self.settle(now_ns)
        for hold in self.holds():
            self._release(hold, 0)
        self._tell()

    # -- decisions

    def _check(self, command: LedgerCommand) -> None:
        keys, amounts = _keys_and_amounts(command)
        if isinstance(command, Reward):
            int64(command.claimed or 0, "claimed")
            if command.name not in self.tariff.rewards:
                raise InternalError(f"{self.tariff.name} has no reward {command.name!r}")
        for key in keys:
            if key.startswith(OWN_KEY):
                raise LedgerConflict(f"{key}: keys that begin with {OWN_KEY} are the ledger's own")
        if any(int64(amount, "amount") < 0 for amount in amounts):
            raise InternalError(f"a negative amount: {command}")

    def _pay(self, cause: Cause, key: str, target: str, amount: int, scope: str, reflex: bool) -> Answer:
        if key not in self._done:
            self._done.refuse_forgotten(key)
            if not self.affords(amount, reflex):
                return self._refuse(cause, key, POOL, target, amount, scope)
        return self._once(cause, key, POOL, target, amount, scope)

    def _settle(self, command: Settle) -> Answer:
        source, target = f"hold:{command.hold}", _cost(command.name)
        scope = self._scopes.get(source, "")
        if command.key not in self._done and self._accounts.get(source, 0) < command.amount:
            return self._refuse("settle", command.key, source, target, command.amount, scope)
        return self._once("settle", command.key, source, target, command.amount, scope)

    def _release(self, hold: str, keep: int) -> Answer:
        source = f"hold:{hold}"
        excess = max(0, self._accounts.get(source, 0) - keep)
        if excess:
            key = f"@release/{hold}/{self._entries.count}"
            self._transfer("release", key, source, POOL, excess, self._scopes[source])
        return Answer(True, excess, self.balance)

    def _reward(self, command: Reward) -> Answer:
        whole = self.tariff.rewards[command.name]
        reward = whole if command.amount is None else _at_most(command.amount, whole)
        accounts = (f"reward:{command.name}", POOL) if whole >= 0 else (POOL, _cost(command.name))
        keys = tuple(dict.fromkeys(command.keys))
        for key in keys:
            self._same(key, *accounts)
        new = [key for key in keys if key not in self._done]
        for key in new:
            if whole >= 0:
                self._bring("reward", key, accounts[0], reward, command.scope)
            else:
                self._take("penalty", key, command.name, -reward, command.scope)
        if command.amount is not None and command.amount > abs(whole):
            claimed = command.amount if whole >= 0 else -command.amount
            for key in new:
                paid = self._paid(key)
                self._write("mismatch", key, *accounts, paid, command.scope, "reward", claimed=claimed)
        if new or not keys:
            self._compare(command, accounts, sum(self._paid(key) for key in new))
        last = max((self._done[key] for key in keys), key=lambda done: done.entry, default=None)
        balance = last.balance if last else self.balance
        return Answer(True, sum(self._paid(key) for key in keys), balance)

    def _compare(self, command: Reward, accounts: tuple[str, str], paid: int) -> None:
        if command.claimed is not None and command.claimed != paid:
            key = command.keys[0] if command.keys else ""
            self._write("mismatch", key, *accounts, paid, command.scope, "reward", claimed=command.claimed)

    def _paid(self, key: str) -> int:
        done = self._done[key]
        return -done.amount if done.source == POOL else done.amount

    # -- movements

    def _bring(self, cause: Cause, key: str, source: str, amount: int, scope: str) -> None:
        capacity = self.tariff.capacity
        fits = amount if capacity is None else min(amount, capacity - self.balance - self._held)
        if fits or cause == "reward":
            self._transfer(cause, key, source, POOL, fits, scope)
        if amount > fits:
            self._transfer("overflow", f"@overflow/{key}", source, OVERFLOW, amount - fits, scope)

    def _take(self, cause: Cause, key: str, name: str, amount: int, scope: str) -> None:
        target = _cost(name)
        taken = min(amount, self.balance - self.tariff.floor)
        if taken or cause == "penalty":
            self._transfer(cause, key, POOL, target, taken, scope)
        if amount > taken:
            self._write("shortfall", key, POOL, target, amount - taken, scope, cause)

    def _refuse(self, cause: Cause, key: str, source: str, target: str, amount: int, scope: str) -> Answer:
        balance = self._accounts.get(source, 0)
        self._write("refused", key, source, target, amount, scope, cause, balance=balance)
        return Answer(False, amount, self.balance, self.purse)

    def _once(self, cause: Cause, key: str, source: str, target: str, amount: int, scope: str) -> Answer:
        if key in self._done:
            self._same(key, source, target, amount)
        else:
            self._transfer(cause, key, source, target, amount, scope)
        return Answer(True, amount, self._done[key].balance)

    def _transfer(self, cause: Cause, key: str, source: str, target: str, amount: int, scope: str) -> None:
        self._write("transfer", key, source, target, amount, scope, cause)

    def _same(self, key: str, source: str, target: str, amount: int | None = None) -> None:
        done = self._done.get(key)
        if done and (done[:2] != (source, target) or amount not in (None, done.amount)):
            was = f"{done.amount} from {done.source} to {done.target}"
            raise LedgerConflict(f"{key}: {was} was written, not {amount} from {source} to {target}")


def _earliest(*times_ns: int | None) -> int | None:
    return min((at_ns for at_ns in times_ns if at_ns is not None), default=None)


NumberedPayment = tuple[str, Payment]
"""An item of a bill under its own key."""


def numbered(key: str, items: Iterable[Payment]) -> list[NumberedPayment]:
    """The items of a bill with their keys."""
    return [(f"{key}#{place}", item) for place, item in enumerate(items)]


def _at_most(amount: int, whole: int) -> int:
    """As much of a reward, or of a penalty, as was measured."""
    return min(amount, whole) if whole >= 0 else max(-amount, whole)


def _way(key: str, part: Payment) -> tuple[Cause, str]:
    """The cause and the target of an item."""
    return ("reserve", f"hold:{key}") if part.held else ("charge", _cost(part.name))


def _keys_and_amounts(command: LedgerCommand) -> tuple[tuple[str, ...], tuple[int, ...]]:
    match command:
        case Reward(_, keys):
            return keys, () if command.amount is None else (command.amount,)
        case Release(_, keep):
            return (), (keep,)
        case SetRates(_, income, upkeep):
            return (), (income, upkeep)
        case Urge(urgency):
            return (), (urgency,)
        case Pay(key, items):
            return (key,), tuple(item.amount for item in items)
        case _:
            return (command.key,), (command.amount,)
