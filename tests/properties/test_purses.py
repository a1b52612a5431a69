"""Several purses, bills and marks (SEMANTICS 3.6, 3.7): against statements of their own, nanosecond by
nanosecond."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nimdsl.base import canonical
from nimdsl.program.economy import DAY_NS
from runtime.ledger.accounts import (
    POOL,
    Charge,
    Consume,
    Entry,
    LedgerCommand,
    Pay,
    Payment,
    Release,
    Reserve,
    Reward,
    SetRates,
    Tariff,
)
from runtime.ledger.economy import Ledger
from runtime.ledger.purses import Purses
from tests.support.effort import EFFORT

ECONOMIES = ("calls", "dollars", "own")
TARIFFS = {
    "calls": Tariff("calls", 6, 0, 9, {}, {}, {}, 1, {"few": (3, 5)}),
    "dollars": Tariff("dollars", 40, 5, None, {"tip": 4}, {}, {}, 1, {"low": (12, 12)}),
    "own": Tariff("own", 30, 0, None, {"tip": 9}, {}, {}, 1, {"low": (20, 25), "lower": (8, 8)}),
}
PURSES = st.sampled_from(["", "calls", "dollars", "own"])
AMOUNTS = st.integers(0, 8)
ITEMS = st.lists(
    st.builds(Payment, AMOUNTS, st.just("work"), PURSES, st.booleans()), min_size=1, max_size=4
)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.one_of(
            st.builds(lambda items: ("pay", tuple(items)), ITEMS),
            st.builds(lambda purse: ("tip", purse), st.sampled_from(["", "dollars"])),
            st.builds(lambda place, amount: ("consume", (place, amount)), st.integers(0, 20), AMOUNTS),
            st.builds(lambda place: ("again", place), st.integers(0, 20)),
        ),
    ),
    max_size=25,
)


def tour(steps: Sequence[tuple[int, tuple[str, object]]]) -> Purses:
    """Purses after commands, each of which is held against the laws."""
    purses, now_ns, asked = Purses(TARIFFS, "own"), 0, list[tuple[LedgerCommand, bool]]()
    for number, (wait_ns, (what, rest)) in enumerate(steps):
        now_ns += wait_ns
        command = _command(number, what, rest, asked)
        before = {name: _pool(purses, name) for name in ECONOMIES}
        count = purses.entry_count
        answer = purses.apply(command, now_ns)
        written = purses.entries_from(count)
        if what == "again" and isinstance(command, Pay):
            assert (answer.granted, written) == (True, ()), "3.7 a bill is paid once"
        elif isinstance(command, Pay):
            _check_bill(command, answer.granted, before, purses, written)
        asked.append((command, answer.granted))
    _check_books(purses)
    return purses


def _command(
    number: int, what: str, rest: object, asked: Sequence[tuple[LedgerCommand, bool]]
) -> LedgerCommand:
    bills = [one for one, granted in asked if isinstance(one, Pay) and granted]
    match what, rest:
        case "pay", tuple(items):
            return Pay(f"cell/a/{number}", items, "cell/a")
        case "tip", str(purse):
            return Reward("tip", (f"t{number}",), purse=purse)
        case "consume", (int(place), int(amount)) if bills:
            bill = bills[place % len(bills)]
            item = place % len(bill.items)
            purse = bill.items[item].purse
            return Consume(f"{bill.key}#{item}", f"{bill.key}#{item}/used", "work", amount, purse)
        case "again", int(place) if bills:
            return bills[place % len(bills)]
        case _:
            return Release("nothing")


def _pool(purses: Purses, economy: str) -> int:
    return purses.ledger(economy).balance


def _check_bill(
    bill: Pay, granted: bool, before: dict[str, int], purses: Purses, written: Sequence[Entry]
) -> None:
    """All or nothing, and refused only where some purse could not pay its share."""
    shares: Counter[str] = Counter()
    for item in bill.items:
        shares[item.purse or "own"] += item.amount
    able = all(before[name] - share >= TARIFFS[name].floor for name, share in shares.items())
    assert granted == able, "3.7 a bill is paid where every purse can pay its share"
    moved = [entry for entry in written if entry.kind == "transfer"]
    assert len(moved) == (len(bill.items) if granted else 0), "3.7 a bill is paid whole or not at all"
    for name in ECONOMIES:
        paid = shares[name] if granted else 0
        assert _pool(purses, name) == before[name] - paid, "3.7 each purse pays its own share"


def _check_books(purses: Purses) -> None:
    """3.1 of every purse, 3.7 of all of them together, and that they can be read again."""
    accounts: Counter[tuple[str, str]] = Counter()
    for entry in purses.entries:
        if entry.kind == "transfer":
            accounts[entry.purse, entry.source] -= entry.amount
            accounts[entry.purse, entry.target] += entry.amount
        assert not sum(accounts.values()), "3.7 the accounts of all purses sum to zero"
        for name in ECONOMIES:
            purse = "" if name == "own" else name
            opened = (purse, "opening") in accounts
            pool, floor = accounts[purse, POOL], TARIFFS[name].floor
            assert not opened or pool >= floor, "3.1 no purse has less than its floor"
    for purse in ("", "calls", "dollars"):
        numbers = [entry.number for entry in purses.entries if entry.purse == purse]
        assert numbers == list(range(len(numbers))), "3.7 each purse counts its own entries"
    data = canonical.decode(canonical.encode([entry.to_data() for entry in purses.entries]))
    again = Purses(TARIFFS, "own", [Entry.from_data(one) for one in data])
    assert again.entries == purses.entries
    assert {name: one.balances() for name, one in again.ledgers.items()} == {
        name: one.balances() for name, one in purses.ledgers.items()
    }


@settings(max_examples=200 * EFFORT)
@given(STEPS)
def test_bills_are_paid_whole_or_not_at_all(steps: list[tuple[int, tuple[str, object]]]) -> None:
    tour(steps)


class Change(NamedTuple):
    """What happens in a world of marks: at an instant a rate changes, or something is paid."""

    wait_ns: int
    what: str
    amount: int


CHANGES = st.lists(
    st.builds(
        Change,
        st.integers(0, 40),
        st.sampled_from(["income", "upkeep", "pay", "reserve", "release"]),
        st.integers(0, 12),
    ),
    max_size=8,
)
MARKED = st.tuples(st.integers(1, 50), st.integers(0, 20)).map(lambda two: (two[0], two[0] + two[1]))
RATE_PARTS = 41
"""Rates are in parts of a micro-LF a nanosecond, so that few crossings lie on one."""


def told(changes: Sequence[Change], mark: tuple[int, int], opening: int) -> list[tuple[int, str]]:
    """What a ledger tells, and when, asked to look just where it says that it is due.

    Not where its pool is empty: there what is less than a micro-LF is lost at each look.
    """
    ledger = Ledger(Tariff("e", opening, 0, None, {}, {}, {}, 1, {"low": mark}))
    now_ns, rates = 0, {"income": 0, "upkeep": 0}
    for number, change in enumerate(changes):
        _wait(ledger, now_ns + change.wait_ns)
        now_ns += change.wait_ns
        ledger.apply(_commanded(number, change, rates), now_ns)
    _wait(ledger, now_ns + 60)
    assume(not any(entry.kind == "shortfall" for entry in ledger.entries))
    return [(entry.time_ns, entry.key) for entry in ledger.entries if entry.kind == "mark"]


def _wait(ledger: Ledger, until_ns: int) -> None:
    while (due_ns := ledger.next_mark_ns()) is not None and due_ns < until_ns:
        ledger.look(due_ns)


def _commanded(number: int, change: Change, rates: dict[str, int]) -> LedgerCommand:
    match change.what:
        case "income" | "upkeep":
            rates[change.what] = change.amount * DAY_NS // RATE_PARTS
            return SetRates("cell/a", rates["income"], rates["upkeep"])
        case "reserve":
            return Reserve(f"h{number}", change.amount)
        case "release":
            return Release(f"h{change.amount}")
        case _:
            return Charge(f"c{number}", "work", change.amount)


def expected(changes: Sequence[Change], mark: tuple[int, int], opening: int) -> list[tuple[int, str]]:
    """The same, by looking at every nanosecond; exact amounts are in micro-LF x RATE_PARTS x DAY_NS."""
    found: list[tuple[int, str]] = []
    below = False
    ledger = Ledger(Tariff("e", opening, 0, None, {}, {}, {}, 1))
    flowed = {"income": 0, "upkeep": 0}
    rates = {"income": 0, "upkeep": 0}
    queue, now_ns = list(enumerate(changes)), 0
    due_ns = [sum(one.wait_ns for one in changes[: place + 1]) for place in range(len(changes))]
    end_ns = (due_ns[-1] if due_ns else 0) + 60
    while now_ns < end_ns:
        ledger.accrue(now_ns)
        while True:
            rest = flowed["income"] % DAY_NS - flowed["upkeep"] % DAY_NS
            exact = ledger.balance * DAY_NS + rest
            if below and exact >= mark[1] * DAY_NS:
                below = False
                found.append((now_ns, "low.over"))
            elif not below and exact < mark[0] * DAY_NS:
                below = True
                found.append((now_ns, "low"))
            if not queue or due_ns[queue[0][0]] > now_ns:
                break
            number, change = queue.pop(0)
            ledger.apply(_commanded(number, change, rates), now_ns)
        now_ns += 1
        for way, rate in rates.items():
            flowed[way] += rate
    return found


@settings(max_examples=300 * EFFORT)
@given(CHANGES, MARKED, st.integers(30, 60))
@example([Change(0, "upkeep", 12)], (30, 30), 31)
@example([Change(0, "upkeep", 1), Change(9, "income", 2)], (31, 32), 31)
def test_a_mark_is_told_at_its_instant_and_in_turns(
    changes: list[Change], mark: tuple[int, int], opening: int
) -> None:
    assert told(changes, mark, opening) == expected(changes, mark, opening)
