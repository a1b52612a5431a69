"""Each law of the ledger kills the defect that it is there for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nimdsl.program.economy import DAY_NS
from runtime.ledger.accounts import Cause, EntryKind, LedgerBroken, LedgerCommand
from runtime.ledger.economy import Ledger
from tests.properties.ledger_laws import (
    COMMANDS,
    SECOND,
    TARIFF,
    answer_of,
    check_laws,
    check_rates,
    restored,
    state,
)
from tests.support.killing import hunting

Steps = list[tuple[LedgerCommand, int]]
STEPS = st.lists(st.tuples(COMMANDS, st.sampled_from([0, 1, 333_333_333, SECOND])), min_size=1, max_size=20)


def exercise(steps: Steps) -> None:
    """Send commands, each of them twice, and look at the laws after each."""
    ledger, now_ns = Ledger(TARIFF), 0
    for command, passed_ns in steps:
        now_ns += passed_ns
        for _ in range(2):
            answer_of(ledger, command, now_ns)
            check_laws(ledger)
            check_rates(ledger, now_ns)
        assert state(restored(ledger)) == state(ledger), "3.1 the state is the fold"
    ledger.close(now_ns)
    assert ledger.holds() == {}, "3.1 no hold is left"


hunt = hunting(3_000)(given(STEPS)(exercise))


@given(STEPS)
@settings(max_examples=300)
def test_the_ledger_itself_survives(steps: Steps) -> None:
    exercise(steps)


def forgets_the_floor(patch: Callable[[str, Any], None]) -> None:
    patch("affords", lambda self, amount, reflex=False: True)


def charges_again_on_a_repetition(patch: Callable[[str, Any], None]) -> None:
    once = Ledger._once

    def _once(self: Ledger, cause: Cause, key: str, *rest: Any) -> Any:
        if cause == "charge":
            self._done._done.pop(key, None)
        return once(self, cause, key, *rest)

    patch("_once", _once)


def loses_money_in_a_release(patch: Callable[[str, Any], None]) -> None:
    fold = Ledger._fold

    def _fold(self: Ledger, entry: Any) -> None:
        fold(self, entry)
        if entry.cause == "release":
            self._accounts["pool"] -= 1

    patch("_fold", _fold)


def lets_a_penalty_break_the_floor(patch: Callable[[str, Any], None]) -> None:
    def _take(self: Ledger, cause: Cause, key: str, name: str, amount: int, scope: str) -> None:
        self._transfer(cause, key, "pool", f"cost:{name}", amount, scope)

    patch("_take", _take)


def forgets_the_shortfall(patch: Callable[[str, Any], None]) -> None:
    write = Ledger._write

    def _write(self: Ledger, kind: EntryKind, *rest: Any, **more: Any) -> None:
        if kind != "shortfall":
            write(self, kind, *rest, **more)

    patch("_write", _write)


def settles_more_than_the_hold_contains(patch: Callable[[str, Any], None]) -> None:
    def _settle(self: Ledger, command: Any) -> Any:
        return self._once(
            "settle", command.key, f"hold:{command.hold}", f"cost:{command.name}", command.amount, ""
        )

    patch("_settle", _settle)


def drops_the_fraction_of_a_rate(patch: Callable[[str, Any], None]) -> None:
    original = Ledger.accrue

    def accrue(self: Ledger, now_ns: int) -> None:
        original(self, now_ns)
        for rate in (*self._incomes, *self._upkeep):
            rate.before -= rate.flowed(now_ns) % DAY_NS

    patch("accrue", accrue)


def forgets_the_capacity(patch: Callable[[str, Any], None]) -> None:
    def _bring(self: Ledger, cause: Cause, key: str, source: str, amount: int, scope: str) -> None:
        self._transfer(cause, key, source, "pool", amount, scope)

    patch("_bring", _bring)


def books_a_refusal_as_a_transfer(patch: Callable[[str, Any], None]) -> None:
    fold = Ledger._fold

    def _fold(self: Ledger, entry: Any) -> None:
        fold(self, entry)
        if entry.kind == "refused":
            self._entries._kept[-1] = replace(entry, kind="transfer")

    patch("_fold", _fold)


def leaves_the_last_hold(patch: Callable[[str, Any], None]) -> None:
    patch("close", lambda self, now_ns: [self._release(hold, 0) for hold in list(self.holds())[:-1]])


@pytest.mark.parametrize(
    ("defect", "law"),
    [
        (forgets_the_floor, "3.1 the pool keeps its floor"),
        (charges_again_on_a_repetition, "3.1 a transfer happens once"),
        (loses_money_in_a_release, "3.1 accounts sum to zero"),
        (lets_a_penalty_break_the_floor, "3.1 the pool keeps its floor"),
        (forgets_the_shortfall, "3.4"),
        (settles_more_than_the_hold_contains, "3.1 no hold is negative"),
        (drops_the_fraction_of_a_rate, "3.4 the rate of"),
        (forgets_the_capacity, "the capacity"),
        (books_a_refusal_as_a_transfer, "3.1"),
        (leaves_the_last_hold, "3.1 no hold is left"),
    ],
)
def test_a_defect_is_caught(defect: Any, law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the laws, on entries that the ledger itself would not have let pass."""
    monkeypatch.setattr(Ledger, "_check_law", lambda *_: None)
    defect(lambda name, body: monkeypatch.setattr(Ledger, name, body))
    with pytest.raises(AssertionError, match=law):
        hunt()


@pytest.mark.parametrize(
    "defect",
    [
        forgets_the_floor,
        lets_a_penalty_break_the_floor,
        settles_more_than_the_hold_contains,
        forgets_the_capacity,
    ],
)
def test_a_ledger_stops_at_the_entry_that_breaks_its_law(
    defect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(lambda name, body: monkeypatch.setattr(Ledger, name, body))
    with pytest.raises(LedgerBroken):
        hunt()
