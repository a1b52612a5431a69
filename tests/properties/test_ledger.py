"""SEMANTICS 3.1 and 3.4 for the ledger, step by step against a naive model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nimdsl.program.amount import RATE_TIMES as DAY
from runtime.ledger import keys
from runtime.ledger.accounts import (
    Answer,
    Charge,
    Entry,
    LedgerCommand,
    LedgerConflict,
    Release,
    Reserve,
    Reward,
    Settle,
)
from runtime.ledger.economy import Ledger
from tests.properties.ledger_laws import (
    COMMANDS,
    PLAIN_TARIFF,
    SECOND,
    TARIFF,
    Model,
    answer_of,
    check_laws,
    check_rates,
    restored,
    state,
)
from tests.support.effort import examples


class LedgerMachine(RuleBasedStateMachine):
    """Commands, repetitions, the passing of time; after each the laws, the model and a restored ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.sent: list[LedgerCommand] = []

    @initialize(tariff=st.sampled_from([TARIFF, PLAIN_TARIFF]))
    def open(self, tariff: Any) -> None:
        self.ledger, self.model = Ledger(tariff), Model(tariff)

    @rule(command=COMMANDS)
    def send(self, command: LedgerCommand) -> None:
        answer = answer_of(self.ledger, command, self.now_ns)
        assert answer == self.model.apply(command, self.now_ns), "the model answers the same"
        self.sent.append(command)
        event("conflict" if answer is None else "granted" if answer.granted else "refused")

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data: Any) -> None:
        """3.1: a command that was granted is answered as the first time and writes nothing."""
        command = data.draw(st.sampled_from(self.sent))
        first = answer_of(self.ledger, command, self.now_ns)
        self.model.apply(command, self.now_ns)
        before = len(self.ledger.entries)
        again = answer_of(self.ledger, command, self.now_ns)
        if first is not None and first.granted and isinstance(command, Charge | Reserve | Reward):
            keyless = isinstance(command, Reward) and not command.keys
            assert again == first, "3.1 answered as the first time"
            assert keyless or len(self.ledger.entries) == before, "3.1 a repetition writes nothing"

    @rule(passed_ns=st.integers(0, 5 * SECOND) | st.sampled_from([1, 333_333_333, SECOND]))
    def wait(self, passed_ns: int) -> None:
        self.now_ns += passed_ns
        self.ledger.accrue(self.now_ns)
        self.model.accrue(self.now_ns)

    @rule()
    def end(self) -> None:
        """3.1: at the end of a run no hold is left."""
        self.ledger.close(self.now_ns)
        self.model.accrue(self.now_ns)
        self.model.pool += sum(self.model.holds.values())
        self.model.holds.clear()
        assert self.ledger.holds() == {}, "3.1 no hold is left"

    @invariant()
    def laws_hold(self) -> None:
        check_laws(self.ledger)

    @invariant()
    def rates_are_exact(self) -> None:
        check_rates(self.ledger, self.now_ns)

    @invariant()
    def the_model_agrees(self) -> None:
        assert self.ledger.balance == self.model.pool
        assert self.ledger.holds() == {key: held for key, held in sorted(self.model.holds.items()) if held}
        assert (self.ledger.spent(), self.ledger.earned()) == (self.model.spent, self.model.earned)

    @invariant()
    def a_restored_ledger_is_the_same_and_goes_on(self) -> None:
        again = restored(self.ledger)
        assert state(again) == state(self.ledger)
        self.ledger = again


LedgerMachine.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=25)
TestLedger = LedgerMachine.TestCase


@given(
    st.lists(st.integers(0, 9 * SECOND), max_size=12), st.integers(0, 1_700_000), st.integers(0, 1_700_000)
)
def test_rates_pay_the_same_however_time_is_sampled(times: list[int], income: int, upkeep: int) -> None:
    """3.4: floor(rate x elapsed) for each rate, whatever the sampling, as long as no bound is met."""
    tariff = type(TARIFF)(
        "rates", 10**9, 0, None, {}, {"sun": income * DAY}, {"body": upkeep * DAY}, SECOND
    )
    often, once = Ledger(tariff), Ledger(tariff)
    for time_ns in sorted(times):
        often.accrue(time_ns)
        check_rates(often, time_ns)
    end_ns = 9 * SECOND + 1
    often.accrue(end_ns)
    once.accrue(end_ns)
    assert often.balances() == once.balances()
    assert often.balance == 10**9 + income * end_ns // SECOND - upkeep * end_ns // SECOND


def test_the_machine_reaches_what_matters() -> None:
    """Refusal, conflict, shortfall, overflow and mismatch each occur in at least 5 % of the examples."""
    seen = dict.fromkeys(("refused", "conflict", "shortfall", "overflow", "mismatch"), 0)
    runs = 0

    @settings(max_examples=300, database=None, derandomize=True)
    @given(st.lists(st.tuples(COMMANDS, st.integers(0, SECOND)), min_size=8, max_size=30))
    def run(steps: list[tuple[LedgerCommand, int]]) -> None:
        nonlocal runs
        runs += 1
        ledger, now_ns, answers = Ledger(TARIFF), 0, []
        for command, passed_ns in steps:
            now_ns += passed_ns
            answers.append(answer_of(ledger, command, now_ns))
        kinds = {entry.kind for entry in ledger.entries} | {entry.cause for entry in ledger.entries}
        for name in seen:
            seen[name] += name in kinds or (name == "conflict" and None in answers)

    run()
    assert all(count >= 0.05 * runs for count in seen.values()), (seen, runs)


@given(st.lists(st.tuples(COMMANDS, st.integers(0, SECOND), st.booleans()), max_size=40))
@settings(max_examples=examples(150))
def test_a_ledger_that_forgets_decides_and_writes_the_same(
    steps: list[tuple[LedgerCommand, int, bool]],
) -> None:
    whole, forgetful, now_ns = Ledger(TARIFF), Ledger(TARIFF), 0
    written: list[Entry] = []
    for command, passed_ns, forgets in steps:
        now_ns += passed_ns
        assert answer_of(forgetful, command, now_ns) == answer_of(whole, command, now_ns)
        written += forgetful.entries_from(len(written))
        if forgets:
            forgetful.forget(len(written), now_ns)
        assert forgetful.balances() == whole.balances()
        assert forgetful.lambda_over(TARIFF.window_ns, now_ns) == whole.lambda_over(
            TARIFF.window_ns, now_ns
        )
    for ledger in (whole, forgetful):
        ledger.close(now_ns + SECOND)
    written += forgetful.entries_from(len(written))
    assert tuple(written) == whole.entries
    assert state(Ledger(TARIFF, written)) == state(whole)
    assert (forgetful.spent(), forgetful.earned()) == (whole.spent(), whole.earned())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["cell/a", "cell/b"]),
            st.sampled_from(["reserve", "charge", "again"]),
            st.integers(0, 12),
            st.integers(0, 9),
        ),
        max_size=40,
    )
)
@settings(max_examples=examples(150))
def test_keys_that_count_are_remembered_as_far_as_they_may_come_again(
    sent: list[tuple[str, str, int, int]],
) -> None:
    """3.1: of each sender the last few are answered as the first time; older ones move nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "COUNTED_KEYS_MAX", 3)
        ledger = Ledger(PLAIN_TARIFF)
        done: dict[str, list[tuple[LedgerCommand, Answer]]] = {"cell/a": [], "cell/b": []}
        for number, (sender, what, back, amount) in enumerate(sent):
            known, before = done[sender], state(ledger)
            if what == "again":
                if known:
                    command, first = known[max(-len(known), -1 - back)]
                    expected = first if back < 3 or len(known) <= 3 else None
                    assert answer_of(ledger, command, number) == expected
                    assert state(ledger) == before, "3.1 a repetition writes nothing"
                continue
            key = f"{sender}/{number}"
            command = Reserve(key, amount) if what == "reserve" else Charge(key, "work", amount)
            answer = answer_of(ledger, command, number)
            assert answer is not None
            if answer.granted:
                known.append((command, answer))
            assert state(restored(ledger)) == state(ledger)
            assert ledger._done._done == restored(ledger)._done._done
            check_laws(ledger)
        assert len(ledger._done._done) <= 1 + 2 * 3, "the opening, and three of each"


def test_a_settlement_is_remembered_while_its_hold_has_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "COUNTED_KEYS_MAX", 2)
    ledger = Ledger(PLAIN_TARIFF)
    ledger.apply(Reserve("h", 13), 0)
    settles = [Settle("h", f"p/{number}", "work", 3) for number in range(1, 5)]
    answers = [ledger.apply(settle, 1) for settle in settles]
    count = len(ledger.entries)
    assert [restored(ledger).apply(settle, 2) for settle in settles] == answers
    assert [ledger.apply(settle, 2) for settle in settles] == answers
    assert len(ledger.entries) == count
    with pytest.raises(LedgerConflict):
        ledger.apply(Settle("h", "p/1", "work", 1), 2)
    ledger.apply(Release("h"), 3)
    assert [ledger.apply(settle, 4).granted for settle in settles] == [False, False, True, True]
    assert (ledger.spent(), ledger.holds(), len(ledger._done._done)) == (12, {}, 4)


def test_a_settlement_that_took_all_is_answered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "COUNTED_KEYS_MAX", 1)
    ledger = Ledger(PLAIN_TARIFF)
    ledger.apply(Reserve("h", 3), 0)
    first = ledger.apply(Settle("h", "p/1", "work", 3), 1)
    assert ledger.apply(Settle("h", "p/1", "work", 3), 2) == first


def test_what_is_older_is_told_by_the_highest_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "COUNTED_KEYS_MAX", 2)
    ledger = Ledger(PLAIN_TARIFF)
    for number in (5, 1, 2, 6):
        ledger.apply(Charge(f"cell/a/{number}", "work", 1), 0)
    for number in (5, 1, 4):
        with pytest.raises(LedgerConflict, match="older"):
            ledger.apply(Charge(f"cell/a/{number}", "work", 1), 1)
    assert ledger.spent() == 4


def test_whoever_settles_forbids_nobody_to_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "COUNTED_KEYS_MAX", 2)
    ledger = Ledger(PLAIN_TARIFF)
    for number in range(90, 95):
        ledger.apply(Settle("nothing", f"cell/a/{number}", "work", 0), 0)
    assert ledger.apply(Charge("cell/a/1", "work", 1), 1).granted


@pytest.mark.parametrize("key", ["a/" + "1" * 30, "a/\u0661", "a/-1", "a/x", "a/", "5", "/5"])
def test_a_key_that_does_not_count_is_remembered_for_ever(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "COUNTED_KEYS_MAX", 1)
    ledger = Ledger(PLAIN_TARIFF)
    command = Charge(key, "work", 1)
    first = ledger.apply(command, 0)
    for more in range(3):
        ledger.apply(Charge(f"{key.rpartition('/')[0]}/{more}", "work", 1), 1)
        ledger.apply(Charge(f"{100 + more}", "work", 1), 1)
    count = len(ledger.entries)
    assert ledger.apply(command, 2) == first
    assert len(ledger.entries) == count


@pytest.mark.parametrize("tariff", [TARIFF, PLAIN_TARIFF])
def test_laws_hold_for_an_untouched_ledger(tariff: Any) -> None:
    check_laws(Ledger(tariff))


@pytest.mark.parametrize("looks", [1, 3, 1000])
def test_a_full_pool_stays_full_however_long_nobody_looks(looks: int) -> None:
    """3.4: what comes in and goes out at the same time never was in the pool."""
    tariff = type(TARIFF)("full", 100, 5, 100, {}, {"sun": 40}, {"body": 5}, SECOND)
    ledger = Ledger(tariff)
    for look in range(1, looks + 1):
        ledger.accrue(look * 3_000 * SECOND // looks)
    assert ledger.balance == 100
    assert not any(entry.kind == "shortfall" for entry in ledger.entries)
    check_laws(ledger)
