"""The laws of the ledger (SEMANTICS 3.1, 3.4) as one check; commands and a naive model to try them with.

``check_laws`` looks at a ledger from outside: it folds the entries in its own
way and knows nothing of how the ledger decides.  ``Model`` decides naively, on
dictionaries; it shares only the shapes of commands with the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from nimdsl.base import canonical
from nimdsl.program.amount import RATE_TIMES as DAY
from nimdsl.program.economy import DAY_NS, most_rate
from runtime.ledger.accounts import (
    Answer,
    Charge,
    Consume,
    Entry,
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
)
from runtime.ledger.economy import Ledger

SECOND = 1_000_000_000
TARIFF = Tariff(
    "test",
    50,
    5,
    90,
    {"small": 7, "big": 40, "none": 0, "fine": -30, "ruin": -70},
    {"sun": 3 * DAY},
    {"body": 2 * DAY, "mind": 1 * DAY},
    SECOND,
)
PLAIN_TARIFF = Tariff("plain", 50, 5, None, TARIFF.rewards, {}, {}, SECOND)

KEYS = st.sampled_from(["a", "b", "c", "d"])
SCOPES = st.sampled_from(["", "x", "y"])
NAMES = st.sampled_from(["work", "publish", "body"])
AMOUNTS = st.integers(0, 60)
FLOWS = st.integers(0, 9 * DAY) | st.just(0)
COMMANDS: st.SearchStrategy[LedgerCommand] = st.one_of(
    st.builds(Reserve, KEYS, AMOUNTS, SCOPES),
    st.builds(Charge, KEYS, NAMES, AMOUNTS, SCOPES),
    st.builds(Settle, KEYS, KEYS.map(lambda key: f"{key}/settle"), NAMES, AMOUNTS),
    st.builds(Release, KEYS, st.integers(0, 20)),
    st.builds(lambda hold, keep: Release(hold, keep, f"{hold}/settle"), KEYS, st.integers(0, 20)),
    st.builds(
        lambda key, items: Pay(f"{key}/bill", tuple(items), "x"),
        KEYS,
        st.lists(st.builds(Payment, AMOUNTS, NAMES, held=st.booleans()), min_size=1, max_size=3),
    ),
    st.builds(
        Consume,
        KEYS | KEYS.map(lambda key: f"{key}/bill#1"),
        KEYS.map(lambda key: f"{key}/consume"),
        NAMES,
        AMOUNTS,
    ),
    st.builds(SetRates, st.sampled_from(["cell/a", "cell/b"]), FLOWS, FLOWS),
    st.builds(
        Reward,
        st.sampled_from(sorted(TARIFF.rewards)),
        st.lists(KEYS.map(lambda key: f"{key}/reward"), max_size=3).map(tuple),
        SCOPES,
        st.none() | st.integers(-20, 50),
    ),
    st.builds(
        lambda name, keys, amount: Reward(name, tuple(keys), amount=amount),
        st.sampled_from(["small", "big"]),
        st.lists(KEYS.map(lambda key: f"{key}/measured"), max_size=3),
        st.integers(0, 50),
    ),
)


def check_laws(ledger: Ledger) -> None:
    """AssertionError for the first law of SEMANTICS 3.1 or 3.4 that a prefix of the entries breaks."""
    tariff, accounts, transfers = ledger.tariff, {"pool": 0, "opening": 0}, dict[str, Entry]()
    assert ledger.entries, "3.1 the opening is a transfer"
    for number, entry in enumerate(ledger.entries):
        assert entry.number == number, "3.1 entries are numbered"
        assert entry.amount >= 0 or entry.kind == "mismatch", "3.1 nothing moves backwards"
        if entry.kind != "transfer":
            continue
        assert entry.key not in transfers, "3.1 a transfer happens once"
        transfers[entry.key] = entry
        accounts[entry.source] = accounts.get(entry.source, 0) - entry.amount
        accounts[entry.target] = accounts.get(entry.target, 0) + entry.amount
        held = [amount for name, amount in accounts.items() if name.startswith("hold:")]
        assert sum(accounts.values()) == 0, "3.1 accounts sum to zero"
        assert number == 0 or accounts["pool"] >= tariff.floor, "3.1 the pool keeps its floor"
        assert min(held, default=0) >= 0, "3.1 no hold is negative"
        assert tariff.capacity is None or accounts["pool"] + sum(held) <= tariff.capacity, "the capacity"
    assert sum(ledger.balances().values()) == 0, "3.1 accounts sum to zero"
    there = {name: amount for name, amount in accounts.items() if amount or not name.startswith("hold:")}
    assert ledger.balances() == dict(sorted(there.items())), "3.1 balances are the fold"
    assert ledger.balance == accounts["pool"], "3.1 the pool is the fold"
    check_penalties(ledger.entries, tariff)


def check_penalties(entries: Iterable[Entry], tariff: Tariff) -> None:
    """3.4: what a penalty takes and its shortfall make up the penalty."""
    taken: dict[str, int] = {}
    owed: dict[str, int] = {}
    for entry in entries:
        if entry.cause == "penalty":
            taken[entry.key] = taken.get(entry.key, 0) + entry.amount
            owed[entry.key] = -tariff.rewards[entry.target.removeprefix("cost:")]
    assert taken == owed, "3.4 a penalty is taken or is a shortfall"


def check_rates(ledger: Ledger, now_ns: int) -> None:
    """3.4: at a time of accrual every rate has been settled to floor(sum of rate x time), never more."""
    settled: dict[str, int] = {}
    changes = {f"income:{name}": [(0, most_rate(rate))] for name, rate in ledger.tariff.incomes.items()}
    changes |= {f"cost:{name}": [(0, most_rate(rate))] for name, rate in ledger.tariff.upkeep.items()}
    for entry in ledger.entries:
        if entry.kind == "rate":
            account = entry.source if entry.cause == "income" else entry.target
            changes.setdefault(account, []).append((entry.time_ns, entry.amount))
            continue
        if entry.source.startswith("income:"):
            settled[entry.source] = settled.get(entry.source, 0) + entry.amount
        if entry.cause == "upkeep":
            settled[entry.target] = settled.get(entry.target, 0) + entry.amount
    for account, rates in changes.items():
        ends = [*(at for at, _ in rates[1:]), now_ns]
        flowed = sum(rate * (end - at) for (at, rate), end in zip(rates, ends, strict=True))
        assert settled.get(account, 0) == flowed // DAY_NS, f"3.4 the rate of {account}"


def state(ledger: Ledger) -> dict[str, Any]:
    """Everything that a ledger answers, for comparing two of them."""
    return {
        "entries": ledger.entries,
        "balances": ledger.balances(),
        "holds": ledger.holds(),
        "spent": [ledger.spent(scope) for scope in (None, "", "x", "y")],
        "earned": [ledger.earned(scope) for scope in (None, "", "x", "y")],
        "lambda": [
            ledger.lambda_over(window, time) for window in (1, SECOND) for time in (0, SECOND, 9 * SECOND)
        ],
    }


def restored(ledger: Ledger) -> Ledger:
    """The same ledger from its entries, passed through canonical bytes."""
    data = canonical.decode(canonical.encode([entry.to_data() for entry in ledger.entries]))
    return Ledger(ledger.tariff, [Entry.from_data(entry) for entry in data])


class Model:
    """A naive ledger: the pool, the holds, a table of what each key did, and the rates paid so far."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self.pool = tariff.opening
        self.holds: dict[str, int] = {}
        self.done: dict[str, tuple[Any, ...]] = {}
        self.spent = 0
        self.earned = 0
        self.seen = 0
        self.rates = {("income", name): most_rate(rate) for name, rate in tariff.incomes.items()}
        self.rates |= {("upkeep", name): most_rate(rate) for name, rate in tariff.upkeep.items()}
        self.flowed: dict[tuple[str, str], int] = {}
        """What every rate brought or took, times a day."""

    def apply(self, command: LedgerCommand, now_ns: int) -> Answer | None:
        """The answer; None for a conflict."""
        self.accrue(now_ns)
        if isinstance(command, Release):
            keep = 0 if command.settlement in self.done else command.keep
            back = max(0, self.holds.get(command.hold, 0) - keep)
            if back:
                self.holds[command.hold] -= back
            self.pool += back
            return Answer(True, back, self.pool)
        match command:
            case Urge():
                return Answer(True, 0, self.pool)
            case SetRates(name, income, upkeep):
                self.rates["income", name], self.rates["upkeep", name] = income, upkeep
                return Answer(True, 0, self.pool)
            case Consume():
                return self.consume(command)
            case Pay():
                return self.pay_all(command)
            case Reward():
                return self.reward(command)
            case _:
                return self.pay(command)

    def pay_all(self, bill: Pay) -> Answer | None:
        new, targets = 0, []
        for place, item in enumerate(bill.items):
            key = f"{bill.key}#{place}"
            what = "pool", "hold" if item.held else item.name, item.amount
            targets.append((key, what))
            if key not in self.done:
                new += item.amount
            elif self.done[key][:3] != what:
                return None
        if self.pool - self.tariff.floor < new:
            return Answer(False, new, self.pool)
        for key, what in targets:
            if key not in self.done:
                self.pool -= what[2]
                if what[1] == "hold":
                    self.holds[key] = self.holds.get(key, 0) + what[2]
                else:
                    self.spent += what[2]
                self.done[key] = (*what, self.pool)
        return Answer(True, sum(what[2] for _, what in targets), self.done[targets[-1][0]][3])

    def consume(self, command: Consume) -> Answer | None:
        held = self.holds.get(command.hold, 0)
        if not held:
            return Answer(True, 0, self.pool)
        what = command.hold, command.name, min(held, command.amount)
        if command.key not in self.done:
            held -= what[2]
            self.spent += what[2]
            self.done[command.key] = (*what, self.pool)
        elif self.done[command.key][:3] != what:
            return None
        self.holds[command.hold] = 0
        self.pool += held
        return Answer(True, held, self.pool)

    def pay(self, command: Reserve | Charge | Settle) -> Answer | None:
        target = "hold" if isinstance(command, Reserve) else command.name
        source = command.hold if isinstance(command, Settle) else "pool"
        what = (source, target, command.amount)
        if command.key in self.done:
            *before, balance = self.done[command.key]
            return Answer(True, command.amount, balance) if tuple(before) == what else None
        contained = (
            self.holds.get(source, 0) if isinstance(command, Settle) else self.pool - self.tariff.floor
        )
        if contained < command.amount:
            return Answer(False, command.amount, self.pool)
        if isinstance(command, Settle):
            self.holds[source] = self.holds.get(source, 0) - command.amount
        else:
            self.pool -= command.amount
        if isinstance(command, Reserve):
            self.holds[command.key] = self.holds.get(command.key, 0) + command.amount
        else:
            self.spent += command.amount
        self.done[command.key] = (*what, self.pool)
        return Answer(True, command.amount, self.pool)

    def reward(self, command: Reward) -> Answer | None:
        amount = self.tariff.rewards[command.name]
        if command.amount is not None:
            amount = min(amount, command.amount)
        known = [self.done[key] for key in command.keys if key in self.done]
        if any(name != command.name for name, _, _ in known):
            return None
        new = [key for key in dict.fromkeys(command.keys) if key not in self.done]
        for key in new:
            moved = self.gain(amount) if amount >= 0 else -self.lose(-amount)
            self.done[key] = (command.name, moved, self.pool)
        keys = list(dict.fromkeys(command.keys))
        latest = max(keys, key=lambda key: list(self.done).index(key), default=None)
        balance = self.pool if latest is None else self.done[latest][2]
        return Answer(True, sum(self.done[key][1] for key in keys), balance)

    def due(self, way: str, name: str, now_ns: int) -> int:
        """What flowed since it was last looked, in whole micro-LF of all that ever flowed."""
        before = self.flowed.get((way, name), 0)
        after = self.flowed[way, name] = before + self.rates[way, name] * (now_ns - self.seen)
        return after // DAY_NS - before // DAY_NS

    def gain(self, amount: int) -> int:
        room = (
            amount
            if self.tariff.capacity is None
            else self.tariff.capacity - self.pool - sum(self.holds.values())
        )
        self.earned += min(amount, max(0, room))
        self.pool += min(amount, room)
        return amount

    def lose(self, amount: int) -> int:
        taken = min(amount, self.pool - self.tariff.floor)
        self.pool -= taken
        self.spent += taken
        return taken

    def accrue(self, now_ns: int) -> None:
        came, went = (
            [self.due(way, name, now_ns) for one, name in sorted(self.rates) if one == way]
            for way in ("income", "upkeep")
        )
        self.seen = now_ns
        for number, wanted in enumerate(went):
            at_once = min(wanted, sum(came))
            self.earned += at_once
            self.spent += at_once
            went[number] -= at_once
            for source in range(len(came)):
                taken = min(at_once, came[source])
                came[source] -= taken
                at_once -= taken
        for amount in came:
            self.gain(amount)
        for amount in went:
            self.lose(amount)


def answer_of(ledger: Ledger, command: LedgerCommand, now_ns: int) -> Answer | None:
    """The ledger's answer; None for a conflict."""
    try:
        return ledger.apply(command, now_ns)
    except LedgerConflict:
        return None
