"""The ledger, command by command; the laws over all sequences are in tests/properties/test_ledger.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
from msgspec.structs import replace as with_changes

from nimdsl.base.errors import InternalError, NimdslError
from nimdsl.base.units import INT64_MAX
from nimdsl.program.amount import RATE_TIMES as DAY
from nimdsl.program.economy import Pulse, Slumber
from runtime.ledger.accounts import (
    Answer,
    Cause,
    Charge,
    Consume,
    Entry,
    EntryKind,
    LedgerCommand,
    LedgerConflict,
    LedgerDamaged,
    Release,
    Reserve,
    Reward,
    SetRates,
    Settle,
    Tariff,
    Urge,
    in_words,
)
from runtime.ledger.economy import Ledger
from tests.properties.ledger_laws import check_laws, restored, state

SECOND = 1_000_000_000
LF = 1_000_000
TARIFF = Tariff(
    "spark", 100 * LF, 0, None, {"identity": 20 * LF, "pod": 5 * LF, "lie": -30 * LF}, {}, {}, 60 * SECOND
)


def kinds(ledger: Ledger) -> list[tuple[str, str]]:
    return [(entry.kind, entry.cause) for entry in ledger.entries]


def test_a_fault_free_handshake_reserves_settles_and_releases() -> None:
    """SEMANTICS 4.1: 1.4 reserved, 0.8 spent, 20.0 earned."""
    ledger = Ledger(TARIFF)
    steps: list[LedgerCommand] = [
        Reserve("h1", 1_400_000, "identity"),
        Settle("h1", "h1/translate", "translation", 200_000),
        Settle("h1", "h1/publish/1", "publish", 100_000),
        Settle("h1", "h1/process", "processing", 500_000),
        Release("h1"),
        Reward("identity", ("h1/accepted",), "identity", claimed=20 * LF),
    ]
    assert all(ledger.apply(step, time_ns).granted for time_ns, step in enumerate(steps))
    assert ledger.balances() == {
        "cost:processing": 500_000,
        "cost:publish": 100_000,
        "cost:translation": 200_000,
        "opening": -100 * LF,
        "pool": 119_200_000,
        "reward:identity": -20 * LF,
    }
    assert (ledger.spent("identity"), ledger.earned("identity")) == (800_000, 20 * LF)
    assert (ledger.spent(), ledger.earned(), ledger.spent("other")) == (800_000, 20 * LF, 0)
    check_laws(ledger)


def test_what_would_break_the_floor_is_refused_and_may_be_asked_again() -> None:
    ledger = Ledger(replace(TARIFF, opening=10, floor=4))
    assert ledger.apply(Charge("c", "work", 6), 1) == Answer(True, 6, 4)
    for command in (Charge("d", "work", 1, "s"), Reserve("d", 1, "s")):
        assert ledger.apply(command, 2) == Answer(False, 1, 4)
        entry = ledger.entries[-1]
        assert (entry.kind, entry.key, entry.amount, entry.scope) == ("refused", "d", 1, "s")
        assert entry.balance == 4
    ledger.apply(Reward("pod", ("p",)), 3)
    assert ledger.apply(Charge("d", "work", 1, "s"), 4).granted


def test_a_repetition_is_answered_as_the_first_time() -> None:
    ledger = Ledger(TARIFF)
    commands: list[LedgerCommand] = [Reserve("h", 10), Settle("h", "s", "work", 4), Charge("c", "work", 3)]
    commands.append(Reward("pod", ("p", "q")))
    first = [ledger.apply(command, 1) for command in commands]
    written = len(ledger.entries)
    ledger.apply(Charge("later", "work", 50), 2)
    assert [ledger.apply(command, 3) for command in commands] == first
    assert len(ledger.entries) == written + 1


@pytest.mark.parametrize(
    "command",
    [
        Charge("c", "work", 4),
        Charge("c", "play", 3),
        Reserve("c", 3),
        Settle("h", "c", "work", 3),
        Reward("pod", ("new", "c")),
        Reward("lie", ("p",)),
        Charge("@opening", "work", 1),
        Reward("pod", ("@x",)),
    ],
)
def test_a_key_that_stands_for_something_else_is_a_conflict(command: LedgerCommand) -> None:
    ledger = Ledger(TARIFF)
    ledger.apply(Reserve("h", 10), 0)
    ledger.apply(Charge("c", "work", 3), 0)
    ledger.apply(Reward("pod", ("p",)), 0)
    before = state(ledger)
    with pytest.raises(LedgerConflict) as caught:
        ledger.apply(command, 1)
    assert isinstance(caught.value, NimdslError)
    assert state(ledger) == before


def test_a_hold_bounds_what_is_settled_and_gives_its_scope() -> None:
    ledger = Ledger(TARIFF)
    ledger.apply(Reserve("h", 10, "spark"), 0)
    assert ledger.apply(Settle("h", "a", "work", 7), 0) == Answer(True, 7, 100 * LF - 10)
    assert ledger.apply(Settle("h", "b", "work", 4), 0) == Answer(False, 4, 100 * LF - 10)
    entry = ledger.entries[-1]
    assert (entry.cause, entry.balance, entry.claimed) == ("settle", 3, None)
    assert not ledger.apply(Settle("nothing", "c", "work", 1), 0).granted
    assert ledger.spent("spark") == 7
    assert ledger.holds() == {"h": 3}


def test_a_release_keeps_what_it_is_told_and_is_idempotent() -> None:
    ledger = Ledger(TARIFF)
    ledger.apply(Reserve("h", 10, "spark"), 0)
    assert ledger.apply(Release("h", 4), 0).amount == 6
    assert ledger.apply(Release("h", 4), 0).amount == 0
    assert ledger.apply(Release("unknown"), 0) == Answer(True, 0, 100 * LF - 4)
    assert ledger.holds() == {"h": 4}
    ledger.close(5)
    assert ledger.holds() == {}
    assert ledger.balance == 100 * LF
    assert ledger.entries[-1].scope == "spark"


def test_a_reward_is_paid_once_for_each_key_and_a_wrong_claim_is_noted() -> None:
    ledger = Ledger(TARIFF)
    assert ledger.apply(Reward("pod", ("a", "b", "a"), claimed=10 * LF), 0).amount == 10 * LF
    assert ledger.apply(Reward("pod", ("b", "c"), "env", claimed=10 * LF), 0).amount == 10 * LF
    entry = ledger.entries[-1]
    assert (entry.kind, entry.amount, entry.claimed, entry.scope) == (
        "mismatch",
        5 * LF,
        10 * LF,
        "env",
    )
    assert ledger.earned() == 15 * LF
    ledger.apply(Reward("pod", (), claimed=3), 0)
    assert (ledger.entries[-1].kind, ledger.entries[-1].amount) == ("mismatch", 0)


def test_a_penalty_takes_at_most_what_is_above_the_floor() -> None:
    """SEMANTICS 3.4."""
    ledger = Ledger(replace(TARIFF, opening=50 * LF, floor=5 * LF))
    assert ledger.apply(Reward("lie", ("a",)), 0) == Answer(True, -30 * LF, 20 * LF)
    assert ledger.apply(Reward("lie", ("b",)), 0) == Answer(True, -15 * LF, 5 * LF)
    assert ledger.apply(Reward("lie", ("c",)), 0) == Answer(True, 0, 5 * LF)
    shortfalls = [entry.amount for entry in ledger.entries if entry.kind == "shortfall"]
    assert shortfalls == [15 * LF, 30 * LF]
    ledger.apply(Reward("identity", ("i",)), 0)
    assert ledger.apply(Reward("lie", ("c",)), 0) == Answer(True, 0, 5 * LF), "3.4 never owed again"
    check_laws(ledger)


def test_rates_are_settled_exactly_and_a_shortfall_is_never_owed_again() -> None:
    """SEMANTICS 3.4: floor(rate x elapsed)."""
    tariff = Tariff("rates", 5, 2, None, {"gift": 100}, {"sun": DAY}, {"body": 3 * DAY}, SECOND)
    ledger = Ledger(tariff)
    for time_ns in range(0, 3 * SECOND, 100_000_001):
        ledger.accrue(time_ns)
    ledger.accrue(3 * SECOND)
    assert ledger.balances()["income:sun"] == -3
    assert ledger.balance == 2
    ledger.apply(Reward("gift", ("g",)), 3 * SECOND)
    assert ledger.balance == 102
    ledger.accrue(4 * SECOND)
    assert ledger.balance == 102 + 1 - 3


def test_what_exceeds_the_capacity_flows_over() -> None:
    tariff = Tariff("cap", 90, 0, 100, {"gift": 15}, {"sun": 4 * DAY}, {}, SECOND)
    ledger = Ledger(tariff)
    ledger.apply(Reserve("h", 30), 0)
    assert ledger.apply(Reward("gift", ("a",), "s"), 0) == Answer(True, 15, 70)
    ledger.apply(Reward("gift", ("b",), "s"), SECOND)
    ledger.apply(Release("h"), SECOND)
    assert ledger.balance == 100
    assert ledger.balances()["cost:overflow"] == 5 + 4 + 15
    assert (ledger.earned("s"), ledger.spent("s"), ledger.earned()) == (10, 0, 10)
    assert ledger.apply(Reward("gift", ("b",), "s"), SECOND) == Answer(True, 15, 70)
    check_laws(ledger)


def test_lambda_is_income_over_expenditure_in_the_window() -> None:
    """SEMANTICS 3.5: the opening does not count, no expenditure is dormant."""
    ledger = Ledger(TARIFF)
    assert ledger.lambda_over(SECOND, 0) is None
    ledger.apply(Reward("pod", ("a",)), 1 * SECOND)
    assert ledger.lambda_over(SECOND, SECOND) is None
    ledger.apply(Charge("c", "work", 4 * LF), 2 * SECOND)
    assert ledger.lambda_over(2 * SECOND, 2 * SECOND) == 1.25
    assert ledger.lambda_over(SECOND, 2 * SECOND) == 0.0
    assert ledger.lambda_over(9 * SECOND, 1 * SECOND) is None
    ledger.apply(Reserve("h", 5), 3 * SECOND)
    assert ledger.lambda_over(SECOND, 3 * SECOND) is None


def test_3_5_who_starves_has_a_lambda_of_what_was_owed() -> None:
    tariff = Tariff("e", 0, 0, None, {}, {"grid": 500_000 * DAY}, {"life": 1_000_000 * DAY}, 60 * SECOND)
    ledger = Ledger(tariff)
    for second in range(1, 301):
        ledger.accrue(second * SECOND)
    flowed = ledger.flowed_over(60 * SECOND, 300 * SECOND)
    assert (flowed.ratio, flowed.span_ns, flowed.reserve_ns(0)) == (0.5, 60 * SECOND, 0)


def test_3_5_neither_lambda_nor_the_reserve_depends_on_who_looks() -> None:
    tariff = Tariff(
        "e", 10**9, 0, None, {}, {"grid": 500_000 * DAY}, {"life": 1_000_000 * DAY}, 60 * SECOND
    )
    often, once = Ledger(tariff), Ledger(tariff)
    for second in range(1, 601):
        often.look(second * SECOND)
    for ledger in (often, once):
        ledger.apply(Charge("x/1", "c", 30_000_000), 600 * SECOND)
    spans = {ledger.flowed_over(60 * SECOND, 600 * SECOND) for ledger in (often, once)}
    (span,) = spans
    assert span.ratio == 300 / 630
    assert span.reserve_ns(often.balance) == often.balance * 600 * SECOND // 330_000_000


def test_entries_are_plain_and_restore_the_ledger() -> None:
    ledger = Ledger(replace(TARIFF, incomes={"sun": 3 * DAY}, upkeep={"body": 7 * DAY}, capacity=101 * LF))
    commands: list[LedgerCommand] = [
        Reserve("h", 10, "x"),
        Settle("h", "s", "work", 4),
        Charge("no", "work", 900 * LF),
    ]
    commands += [Reward("lie", ("l",), claimed=0), Reward("identity", ("i", "j")), Release("h", 1)]
    for number, command in enumerate(commands):
        ledger.apply(command, number * SECOND)
        assert state(restored(ledger)) == state(ledger)
    assert {kind for kind, _ in kinds(ledger)} == {"transfer", "refused", "mismatch"}
    assert ledger.entries_from(len(ledger.entries) - 1) == ledger.entries[-1:]
    assert ledger.entries[0].to_data() == {
        "index": 0,
        "time_ns": 0,
        "kind": "transfer",
        "key": "@opening",
        "source": "opening",
        "target": "pool",
        "amount": 100 * LF,
        "scope": "",
        "cause": "opening",
    }


def test_what_a_ledger_has_forgotten_it_does_not_answer_for() -> None:
    ledger = Ledger(replace(TARIFF, window_ns=2 * SECOND))
    for second in range(1, 9):
        ledger.apply(Charge(f"c{second}", "work", 1), second * SECOND)
        ledger.apply(Reward("pod", (f"r{second}",)), second * SECOND)
    count = len(ledger.entries)
    kept = ledger.lambda_over(2 * SECOND, 8 * SECOND)
    ledger.forget(count - 1, 8 * SECOND)
    assert len(ledger.entries_from(count - 1)) == 1
    assert ledger.lambda_over(2 * SECOND, 8 * SECOND) == kept
    assert ledger.lambda_over(2 * SECOND, 9 * SECOND) == kept
    assert ledger.apply(Charge("c1", "work", 1), 9 * SECOND).granted, "its key is known"
    assert len(ledger.entries_from(count - 1)) == 1
    for forgotten in (
        lambda: ledger.entries,
        lambda: ledger.entries_from(count - 2),
        lambda: ledger.lambda_over(2 * SECOND, 7 * SECOND),
    ):
        with pytest.raises(NimdslError, match="ledger"):
            forgotten()


def test_entries_that_are_no_ledger_are_refused() -> None:
    entries = list(Ledger(TARIFF).entries)
    with pytest.raises(LedgerDamaged, match="out of order"):
        Ledger(TARIFF, [with_changes(entries[0], number=1)])
    with pytest.raises(ValueError, match="kind"):
        Entry.from_data(entries[0].to_data() | {"kind": "gift"})
    with pytest.raises(LedgerDamaged, match="opens with 1"):
        Ledger(replace(TARIFF, opening=1), entries)


def told() -> Ledger:
    """A ledger with every cause that its tariff knows."""
    ledger = Ledger(
        replace(
            TARIFF,
            capacity=110 * LF,
            incomes={"sun": 3 * LF * DAY},
            upkeep={"rent": 2 * LF * DAY},
            marks={"low": (107 * LF, 108 * LF)},
        )
    )
    commands: list[LedgerCommand] = [
        Reserve("a/1", 5 * LF, "identity"),
        Settle("a/1", "a/1/paid", "publish", LF),
        Charge("a/2", "work", LF),
        Charge("a/3", "work", 500 * LF),
        Reward("identity", ("a/4",), "identity", claimed=1),
        Reward("lie", ("a/5",)),
        Release("a/1"),
        Reserve("a/6", 2 * LF),
        Consume("a/6", "a/6/used", "work", 3 * LF),
        SetRates("cell/a", 9 * LF * DAY, 2 * LF * DAY),
        SetRates("cell/a", 9 * LF * DAY, 0),
    ]
    for second, command in enumerate(commands):
        ledger.apply(command, second * SECOND)
    ledger.give(2 * LF, "motors")
    ledger.get(LF, "body")
    return ledger


def starved() -> Ledger:
    """One that falls asleep, is woken, and starves."""
    tariff = Tariff(
        "body",
        10 * LF,
        0,
        100 * LF,
        {},
        {},
        {"life": 2 * LF * DAY},
        SECOND,
        pulse=Pulse(SECOND, 2 * SECOND, 200_000, 100_000),
        slumber=Slumber(SECOND, 700_000, 200_000, 500_000, 0, 1_200_000, 500_000, 700_000),
        starve_ns=3 * SECOND,
    )
    ledger = Ledger(tariff)
    ledger.apply(Urge(900_000), 3 * SECOND)
    ledger.look(20 * SECOND)
    return ledger


def test_what_was_told_is_taken_again() -> None:
    ledgers = told(), starved()
    entries = [entry for ledger in ledgers for entry in ledger.entries]
    assert {entry.cause for entry in entries} == set(get_args(Cause))
    assert {entry.kind for entry in entries} == set(get_args(EntryKind))
    for ledger in ledgers:
        assert state(Ledger(ledger.tariff, ledger.entries)) == state(ledger)


@pytest.mark.parametrize(
    ("make", "number"), [(make, n) for make in (told, starved) for n in range(len(make().entries))]
)
def test_a_single_wrong_field_of_an_entry_is_found(make: Callable[[], Ledger], number: int) -> None:
    """What the ledger cannot know alone, the amount within what balances allow, is the audit's."""
    ledger = make()
    entries = list(ledger.entries)
    entry = entries[number]
    wrong: list[dict[str, Any]] = [
        {"number": number + 1},
        {"source": "nobody"},
        {"target": "nobody"},
        {"balance": 7},
        {"time_ns": -1},
    ]
    wrong += [{"amount": -entry.amount}] if entry.amount and entry.kind != "mismatch" else []
    wrong += [{"cause": one} for one in ("opening", "release") if one != entry.cause]
    for change in wrong if entry.kind != "mismatch" else wrong[:1]:
        with pytest.raises(LedgerDamaged, match=f"at entry {change.get('number', number)}"):
            Ledger(
                ledger.tariff, [*entries[:number], with_changes(entry, **change), *entries[number + 1 :]]
            )


def test_what_can_happen_once_does_not_come_twice_from_a_journal() -> None:
    ledger = told()
    entries = list(ledger.entries)
    repeatable = ("release", "overflow", "income", "upkeep", "allowance")
    for entry in entries:
        if entry.kind == "transfer" and entry.cause not in repeatable:
            again = with_changes(entry, number=len(entries), time_ns=entries[-1].time_ns)
            with pytest.raises(LedgerDamaged, match="has happened before"):
                Ledger(ledger.tariff, [*entries, again])


@pytest.mark.parametrize(
    ("change", "command", "now_ns"),
    [
        ({}, Charge("c", "work", -1), 9),
        ({}, Charge("c", "work", INT64_MAX + 1), 9),
        ({}, Release("c", -1), 9),
        ({}, Reward("unknown", ("k",)), 9),
        ({}, Reward("pod", ("k",), claimed=INT64_MAX + 1), 9),
        ({}, Charge("c", "work", 1), 4),
        ({}, Charge("c", "work", 1), INT64_MAX + 1),
        ({"incomes": {"sun": INT64_MAX}}, Charge("c", "work", 1), 2 * DAY * SECOND),
        ({"rewards": {"pod": INT64_MAX}}, Reward("pod", ("k",)), 9),
    ],
)
def test_what_no_caller_may_do_is_a_bug(
    change: dict[str, Any], command: LedgerCommand, now_ns: int
) -> None:
    ledger = Ledger(replace(TARIFF, **change))
    if "incomes" not in change:
        ledger.accrue(5)
    before = ledger.balances()
    for _ in range(2):
        with pytest.raises(InternalError):
            ledger.apply(command, now_ns)
    assert ledger.balances() == before


@pytest.mark.parametrize(
    "change",
    [
        {"opening": -1, "floor": -5},
        {"floor": 101 * LF},
        {"capacity": 99 * LF},
        {"window_ns": 0},
        {"incomes": {"sun": -1}},
        {"upkeep": {"body": -1}},
        {"rewards": {"pod": INT64_MAX + 1}},
    ],
)
def test_a_tariff_that_no_document_may_have_is_a_bug(change: dict[str, Any]) -> None:
    with pytest.raises(InternalError):
        replace(TARIFF, **change)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Reserve("a/1", 1_500_000), "reserve 1.5 LF for `a/1`"),
        (Charge("a/2", "work", 200_000, "meet"), "charge 0.2 LF for `work` (`a/2`)"),
        (Settle("a/1", "a/3", "work", 1), "settle 0.000001 LF of `a/1` for `work` (`a/3`)"),
        (Release("a/1"), "release what `a/1` reserves"),
        (Release("a/1", 2_000_000), "release what `a/1` reserves but 2.0 LF"),
        (Release("a/1", 5, "p/a/1"), "release what `a/1` reserves but 0.000005 LF, unless `p/a/1` is paid"),
        (Reward("pod", ("a", "b")), "reward `pod` for `a` and `b`"),
        (Reward("pod", ("a",), claimed=-3_000_000), "reward `pod` for `a`, -3.0 LF claimed"),
        (Reward("pod", ()), "reward `pod`"),
    ],
)
def test_a_command_is_told_in_words_and_lf(command: LedgerCommand, words: str) -> None:
    assert in_words(command) == words


def test_a_full_pool_has_reached_its_marks_whatever_flows_have_left() -> None:
    """Two upkeeps that are over have each left less than a micro-LF, which nothing settles any more."""
    marks = {"low": (5, 30)}
    ledger = Ledger(Tariff("e", 4, 0, 30, {}, {"sun": 1_500 * 86_400}, {}, 1, marks))
    for name in ("cell/a", "cell/b"):
        ledger.apply(SetRates(name, 0, 86_400 * 10**9 * 9 // 13_000), 0)
    for name in ("cell/a", "cell/b"):
        ledger.apply(SetRates(name, 0, 0), 1_300)
    ledger.look(10**9)
    assert [entry.key for entry in ledger.entries if entry.kind == "mark"] == ["low", "low.over"]
    assert ledger.next_mark_ns() is None
    assert Ledger(ledger.tariff, ledger.entries).entries == ledger.entries


def test_what_holds_leave_no_room_for_is_not_waited_for() -> None:
    ledger = Ledger(
        Tariff("e", 90 * LF, 0, 100 * LF, {}, {"sun": 86_400 * LF}, {}, 1, {"low": (95 * LF, 100 * LF)})
    )
    assert ledger.next_mark_ns() == 10 * SECOND
    assert ledger.apply(Reserve("h", 1, ""), SECOND).granted
    assert ledger.next_mark_ns() is None, "a micro-LF is held, so 100 LF cannot come"
    ledger.look(60 * SECOND)
    assert ledger.apply(Release("h", 0), 61 * SECOND).granted
    assert [entry.key for entry in ledger.entries if entry.kind == "mark"] == ["low", "low.over"]


def test_books_that_are_closed_are_what_they_restore() -> None:
    """What comes back from holds ends a mark: it is told then, not by who reads the books later."""
    ledger = Ledger(Tariff("e", 10 * LF, 0, None, {}, {}, {}, 1, {"low": (5 * LF, 9 * LF)}))
    ledger.apply(Reserve("c/1", 8 * LF, "c"), 1)
    assert ledger.entries[-1].key == "low"
    ledger.close(2)
    assert ledger.entries[-1].key == "low.over"
    assert Ledger(ledger.tariff, ledger.entries).entries == ledger.entries
