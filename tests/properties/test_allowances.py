"""SEMANTICS 3.14 over random lives of two purses: what one gives another, whoever looks, and restored."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nimdsl.program.economy import DAY_NS
from runtime.ledger.accounts import Charge, Entry, Reward, Tariff
from runtime.ledger.purses import Purses
from tests.support.effort import examples

S = 1_000_000_000
M = 1_000_000
RATE = 86_400 * 100_000
"""A tenth of a lifeforce a second, micro-LF a day."""
STEPS = st.lists(
    st.tuples(
        st.sampled_from([1, 300, 999, 1_000, 2_500, 20_000]).map(lambda ms: ms * 1_000_000),
        st.sampled_from(["charge", "charge", "take", "reward", "look"]),
        st.integers(1, 4 * M),
    ),
    max_size=25,
)


def purses(entries: tuple[Entry, ...] = ()) -> Purses:
    """A body that keeps something for emergencies, and motors that it feeds."""
    usual: dict[str, Any] = {
        "incomes": {"sun": 86_400 * 50_000},
        "upkeep": {},
        "rewards": {"food": M},
        "window_ns": S,
    }
    body = Tariff("body", 8 * M, 0, 12 * M, emergency=2 * M, **usual)
    none: dict[str, Any] = {"incomes": {}, "upkeep": {}, "rewards": {}, "window_ns": S}
    motors = Tariff("motors", 3 * M, 0, 5 * M, allowance=("body", RATE), **none)
    return Purses({"body": body, "motors": motors}, "body", entries)


def lived(steps: Any, looks: bool, restored: bool = False) -> Purses:
    """Two purses after a life; ``looks``: somebody looks besides; ``restored``: made anew at each step."""
    books, now_ns = purses(), 0
    for number, (gap_ns, what, amount) in enumerate(steps):
        if looks:
            books.look(now_ns + gap_ns // 3)
        now_ns += gap_ns
        if restored:
            books = purses(books.entries)
        match what:
            case "charge":
                books.apply(Charge(f"a/{number + 1}", "wheel", amount, "cell/a", "motors"), now_ns)
            case "take":
                books.apply(Charge(f"b/{number + 1}", "life", amount, "cell/b", "body"), now_ns)
            case "reward":
                books.apply(Reward("food", (f"r{number}",), "cell/b", purse="body"), now_ns)
            case _:
                books.look(now_ns)
    books.close(now_ns + 90 * S)
    return books


def moved(books: Purses) -> list[tuple[str, int, int]]:
    """What was given and got: purse, when, how much."""
    return [(one.purse, one.time_ns, one.amount) for one in books.entries if one.cause == "allowance"]


@given(STEPS)
@settings(max_examples=examples(200), deadline=None)
def test_what_is_given_is_got_at_whole_seconds_and_never_too_much(steps: Any) -> None:
    books = lived(steps, looks=False)
    given_, got = ([one[1:] for one in moved(books) if one[0] == purse] for purse in ("", "motors"))
    assert given_ == got
    assert all(at_ns % S == 0 and 0 < amount <= 100_000 for at_ns, amount in got)
    body = 8 * M
    for entry in books.entries:
        if entry.purse or entry.kind != "transfer":
            continue
        body += entry.amount * ((entry.target == "pool") - (entry.source == "pool")) if entry.number else 0
        assert entry.cause != "allowance" or body >= 2 * M, "it gave what it keeps for emergencies"
    assert books.ledgers["motors"].most <= 5 * M


@given(STEPS)
@settings(max_examples=examples(200), deadline=None)
def test_nobody_who_looks_and_no_restart_changes_what_moves(steps: Any) -> None:
    plain = moved(lived(steps, looks=False))
    assert moved(lived(steps, looks=True)) == plain
    assert moved(lived(steps, looks=False, restored=True)) == plain


def test_an_empty_purse_is_full_again_after_as_long_as_it_takes() -> None:
    books = purses()
    books.apply(Charge("a/1", "wheel", 3 * M, "cell/a", "motors"), S // 2)
    books.look(10 * S)
    assert books.ledgers["motors"].balance == M
    books.look(200 * S)
    assert books.ledgers["motors"].balance == 5 * M
    assert DAY_NS == 86_400 * S
