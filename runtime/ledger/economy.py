"""The ledger of an economy: the only writer of lifeforce.

The law (SEMANTICS 3.1, 3.4), on every prefix of the entries:

* all accounts sum to zero, ``pool >= floor``, no hold is negative, and pool and
  holds together stay within the capacity; each entry is held against this before it is
  written (:class:`LedgerBroken`), and where it is read (:class:`LedgerDamaged`);
* the state is the fold of the entries, so ``Ledger(tariff, entries)`` restores it;
  whoever keeps them elsewhere may let go of them (:meth:`Ledger.forget`), which
  changes nothing that is decided later;
* a transfer has a key and happens once: the same command again is answered as
  the first time and writes nothing, the same key for another transfer raises
  :class:`LedgerConflict`; a refusal is not remembered;
* keys that count, ``<sender>/<number>``, are remembered as far back as the
  sender's last :data:`COUNTED_KEYS_MAX`.  To reserve or to charge with an older one
  is a conflict; a settlement is remembered besides while its hold contains
  something, and afterwards there is nothing that it could take;
* a rate has been settled to exactly floor(rate x time), however often it was
  looked at.  Upkeep and penalties take at most ``pool - floor``; the rest is a
  ``shortfall`` and is never owed again.

What an income or a reward brings beyond the capacity goes from its own account
straight to ``cost:overflow``, so that the pool is never too full, not even
between two entries.

What grows with a run: keys of rewards and keys that do not count, which are
remembered for ever (some 270 bytes each); entries, and flows older than the
window, until they are forgotten.

Not here: who asks and in which order (the drivers), the shapes of commands and
entries (:mod:`runtime.ledger.accounts`), slumber and waking.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from nimdsl.base.errors import InternalError, NimdslError
from nimdsl.base.units import SECOND_NS
from runtime.ledger.accounts import (
    OPENING,
    OVERFLOW,
    OWN_KEY,
    POOL,
    Answer,
    AnyCommand,
    Cause,
    Charge,
    Entry,
    EntryKind,
    LedgerBroken,
    LedgerConflict,
    LedgerDamaged,
    Release,
    Reserve,
    Reward,
    Settle,
    Tariff,
    int64,
)
from runtime.ledger.flows import Flows
from runtime.ledger.law import problem_of

_EARNINGS = ("reward:", "income:")
COUNTED_KEYS_MAX = 1_024
"""How many keys of a sender that counts are remembered."""
_DIGIT_COUNT_MAX = 18
_COUNTED = ("reserve", "charge", "settle")
_UNREPEATABLE = ("income", "upkeep", "release", "overflow")
"""Causes of transfers with keys of the ledger's own, each used once: nobody can ask for them again."""


@lru_cache(maxsize=1_024)
def _cost(name: str) -> str:
    """One text for all the keys that remember it."""
    return f"cost:{name}"


def _counting(key: str) -> tuple[str, int]:
    """The sender and the number of a key that counts; -1 for one that does not."""
    sender, _, number = key.rpartition("/")
    counts = sender and number.isascii() and number.isdigit() and len(number) <= _DIGIT_COUNT_MAX
    return sender, int(number) if counts else -1


class _Done(NamedTuple):
    """What is remembered of a key: its transfer, and the pool after it."""

    source: str
    target: str
    amount: int
    balance: int
    entry: int


class Ledger:
    """Accounts of one economy; deterministic, with a single owner that calls :meth:`apply`."""

    def __init__(self, tariff: Tariff, entries: Iterable[Entry] = ()) -> None:
        self.tariff = tariff
        self._incomes = [(name, f"income:{name}", rate) for name, rate in sorted(tariff.incomes.items())]
        self._upkeep = sorted(tariff.upkeep.items())
        self._entries: list[Entry] = []
        self._count = self._forgotten_count = 0
        self._accounts: dict[str, int] = {POOL: 0, OPENING: 0}
        self._held = 0
        self._done: dict[str, _Done] = {}
        self._payers: dict[str, list[str]] = {}
        """By sender: the latest of its keys that count, of reserves and charges, oldest first."""
        self._settlers: dict[str, list[str]] = {}
        """The same for settlements."""
        self._kept: dict[str, list[str]] = {}
        """By hold: settlements that are remembered only because it still contains something."""
        self._forgotten: dict[str, int] = {}
        """By sender: the highest number of a reserve or a charge that is not remembered any more."""
        self._scopes: dict[str, str] = {}
        self._upkeep_settled: dict[str, int] = {}
        self._flows = Flows()
        self._now_ns = 0
        self._accrued_ns = -1
        """Until then the rates are settled."""
        for entry in entries:
            self._restore(entry)
        self._once("opening", OWN_KEY + OPENING, OPENING, POOL, tariff.opening, "")

    # -- commands

    def apply(self, command: AnyCommand, now_ns: int) -> Answer:
        """Settle the rates up to ``now_ns``, then decide ``command`` and write what it moves.

        Raises LedgerConflict for a key that stands for something else, InternalError when
        time runs backwards, for negative amounts, unknown rewards, and beyond int64.
        """
        self._check(command)
        self.accrue(now_ns)
        match command:
            case Reserve(key, amount, scope):
                return self._pay("reserve", key, f"hold:{key}", amount, scope)
            case Charge(key, name, amount, scope):
                return self._pay("charge", key, _cost(name), amount, scope)
            case Settle():
                return self._settle(command)
            case Release(hold, keep, settlement):
                return self._release(hold, 0 if settlement and settlement in self._done else keep)
            case Reward():
                return self._reward(command)

    def accrue(self, now_ns: int) -> None:
        """Settle every income, then every upkeep, each in the order of the names, up to ``now_ns``."""
        if now_ns < self._now_ns:
            raise InternalError(f"the ledger stands at {self._now_ns} ns and was asked at {now_ns} ns")
        if now_ns == self._accrued_ns:
            return
        self._now_ns = int64(now_ns, "time")
        self._net()
        for name, account, rate in self._incomes:
            owed = self._owed(rate) + self._accounts.get(account, 0)
            if owed:
                self._bring("income", f"@income/{name}/{now_ns}", account, owed, "")
        for name, rate in self._upkeep:
            owed = self._owed(rate) - self._upkeep_settled.get(name, 0)
            if owed:
                self._take("upkeep", f"@upkeep/{name}/{now_ns}", name, owed, "")
        self._accrued_ns = now_ns

    def _net(self) -> None:
        """What came in and went out at the same time never was in the pool: the one pays the other.

        So neither the capacity nor the floor decides on it, however long nobody looked.
        """
        for name, rate in self._upkeep:
            owed = self._owed(rate) - self._upkeep_settled.get(name, 0)
            for income, account, income_rate in self._incomes:
                amount = min(owed, self._owed(income_rate) + self._accounts.get(account, 0))
                if amount > 0:
                    key = f"@upkeep/{name}/{income}/{self._now_ns}"
                    self._transfer("upkeep", key, account, _cost(name), amount, "")
                    owed -= amount

    def close(self, now_ns: int) -> None:
        """The end of a run: settle the rates and give every hold that is left back to the pool."""
        self.accrue(now_ns)
        for hold in self.holds():
            self._release(hold, 0)

    def affords(self, amount: int) -> bool:
        """Whether the pool could pay ``amount`` and keep its floor."""
        return self.balance - amount >= self.tariff.floor

    def forget(self, count: int, now_ns: int) -> None:
        """Let go of the first ``count`` entries, which a journal has, and of what no lambda needs.

        From now on :meth:`lambda_over` answers for the tariff's window at ``now_ns`` and later.
        """
        forgotten = count - self._forgotten_count
        if forgotten > 0:
            del self._entries[:forgotten]
            self._forgotten_count = count
        self._flows.forget(now_ns - self.tariff.window_ns)

    # -- queries

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything that was written, oldest first.  Raises NimdslError when some were forgotten."""
        return self.entries_from(0)

    def entries_from(self, number: int) -> tuple[Entry, ...]:
        """The entries from ``number`` on: what a journal has not seen yet.

        Raises NimdslError when some of them were forgotten.
        """
        if number < self._forgotten_count:
            raise NimdslError(
                f"the ledger let go of its first {self._forgotten_count} entries: read them in the journal,"
                " or run with `keep=True`"
            )
        return tuple(self._entries[number - self._forgotten_count :])

    @property
    def balance(self) -> int:
        """The pool, in micro-LF."""
        return self._accounts[POOL]

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

    def lambda_over(self, window_ns: int, now_ns: int) -> float | None:
        """Income / expenditure in (now - window, now] (SEMANTICS 3.5); None: nothing spent, dormant.

        Raises NimdslError for a window that begins before what was forgotten.
        """
        return self._flows.ratio(window_ns, now_ns)

    # -- decisions

    def _check(self, command: AnyCommand) -> None:
        if isinstance(command, Reward):
            keys, amount = command.keys, 0
            int64(command.claimed or 0, "claimed")
            if command.name not in self.tariff.rewards:
                raise InternalError(f"{self.tariff.name} has no reward {command.name!r}")
        elif isinstance(command, Release):
            keys, amount = (), command.keep
        else:
            keys, amount = (command.key,), command.amount
        for key in keys:
            if key.startswith(OWN_KEY):
                raise LedgerConflict(f"{key}: keys that begin with {OWN_KEY} are the ledger's own")
        if int64(amount, "amount") < 0:
            raise InternalError(f"a negative amount: {command}")

    def _pay(self, cause: Cause, key: str, target: str, amount: int, scope: str) -> Answer:
        if key not in self._done:
            self._refuse_forgotten(key)
            if not self.affords(amount):
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
            key = f"@release/{hold}/{self._count}"
            self._transfer("release", key, source, POOL, excess, self._scopes[source])
        return Answer(True, excess, self.balance)

    def _reward(self, command: Reward) -> Answer:
        reward = self.tariff.rewards[command.name]
        accounts = (f"reward:{command.name}", POOL) if reward >= 0 else (POOL, _cost(command.name))
        keys = tuple(dict.fromkeys(command.keys))
        for key in keys:
            self._same(key, *accounts)
        new = [key for key in keys if key not in self._done]
        for key in new:
            if reward >= 0:
                self._bring("reward", key, accounts[0], reward, command.scope)
            else:
                self._take("penalty", key, command.name, -reward, command.scope)
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

    def _owed(self, rate: int) -> int:
        return int64(rate * self._now_ns // SECOND_NS, "a rate")

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
        return Answer(False, amount, self.balance)

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

    # -- the fold

    def _restore(self, entry: Entry) -> None:
        """Takes an entry that was read."""
        try:
            if entry.number != self._count or entry.time_ns < self._now_ns:
                raise InternalError(f"it is out of order, {self._count} should come")
            if problem := problem_of(entry) or self._unlike(entry):
                raise InternalError(problem)
            self._fold(entry)
        except (InternalError, KeyError) as problem:
            raise LedgerDamaged(entry.number, str(problem)) from None

    def _unlike(self, entry: Entry) -> str:
        """Why this ledger would not have written an entry here; empty when it might."""
        repeats = entry.kind == "transfer" and entry.cause not in (*_UNREPEATABLE, "overflow")
        if repeats and entry.key in self._done:
            return f"{entry.key} has happened before"
        if entry.cause == "opening" and entry.amount != self.tariff.opening:
            own = self.tariff.opening
            return f"it opened with {entry.amount} micro-LF, {self.tariff.name} opens with {own}"
        if entry.balance is not None and entry.balance != self._accounts.get(entry.source, 0):
            return f"{entry.source} had {self._accounts.get(entry.source, 0)} micro-LF, not {entry.balance}"
        return ""

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
        entry = Entry(
            self._count, self._now_ns, kind, key, source, target, amount, scope, cause, balance, claimed
        )
        self._fold(entry)

    def _fold(self, entry: Entry) -> None:
        self._now_ns, source, target, amount = entry.time_ns, entry.source, entry.target, entry.amount
        if entry.kind == "transfer":
            accounts = self._accounts
            left = int64(accounts.get(source, 0) - amount, source)
            gained = int64(accounts.get(target, 0) + amount, target)
            self._check_law(entry, left, gained)
            accounts[target], accounts[source] = gained, left
            self._classify(entry)
        if entry.cause == "upkeep":
            name = target.removeprefix("cost:")
            self._upkeep_settled[name] = self._upkeep_settled.get(name, 0) + amount
        self._entries.append(entry)
        self._count += 1

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
            key = key.removeprefix("@overflow/")
            whole = self._done.get(key)
            if whole:
                self._done[key] = whole._replace(amount=whole.amount + amount)
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
            self._done[key] = _Done(source, target, amount, self._accounts[POOL], entry.number)
            self._forget_one(cause, key)

    def _tidy(self, hold: str) -> None:
        """A hold that contains nothing is no account."""
        if not self._accounts[hold]:
            del self._accounts[hold]
            self._scopes.pop(hold, None)
            for key in self._kept.pop(hold, ()):
                del self._done[key]

    def _forget_one(self, cause: Cause, key: str) -> None:
        """The oldest key of the sender that used this one, if that makes too many."""
        sender, number = _counting(key)
        if number < 0 or cause not in _COUNTED:
            return
        keys = (self._settlers if cause == "settle" else self._payers).setdefault(sender, [])
        keys.append(key)
        if len(keys) <= COUNTED_KEYS_MAX:
            return
        oldest = keys.pop(0)
        hold = self._done[oldest].source
        if cause != "settle":
            del self._done[oldest]
            self._forgotten[sender] = max(_counting(oldest)[1], self._forgotten.get(sender, -1))
        elif hold in self._accounts:
            self._kept.setdefault(hold, []).append(oldest)
        else:
            del self._done[oldest]

    def _refuse_forgotten(self, key: str) -> None:
        sender, number = _counting(key)
        if 0 <= number <= self._forgotten.get(sender, -1):
            raise LedgerConflict(
                f"{key}: of {sender} the last {COUNTED_KEYS_MAX} keys are remembered, and this one is older"
            )
