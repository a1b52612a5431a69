"""Defects of pulse, slumber, famine and emergency, each of which a law must find (SEMANTICS 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nimdsl.base.elementary import exp
from nimdsl.base.units import MICRO
from nimdsl.program.economy import Profile, Pulse, Slumber
from runtime.ledger.economy import Ledger
from runtime.ledger.flows import Flows, Span
from runtime.ledger.sleep import Famine, Sleep
from tests.properties.test_sleep import (
    AWAKE,
    CAPACITIES,
    HOURS,
    MEALS,
    OPENINGS,
    PRICES,
    PULSES,
    SLEEPS,
    URGES,
    a_pulse_keeps_its_bounds,
    keeps_the_emergency,
    lived,
    sleeps_by_the_rules,
    starved_by_the_rules,
)
from tests.support.killing import hunting

Defect = Callable[[pytest.MonkeyPatch], None]


def forgets_the_clamp(patch: pytest.MonkeyPatch) -> None:
    def period_ns(self: Pulse, pool: int, capacity: int) -> int:
        x = (pool / capacity - self.threshold / MICRO) / (self.scale / MICRO)
        return min(self.slowest_ns, round(self.base_ns * (1.0 + exp(-x))))

    patch.setattr(Pulse, "period_ns", period_ns)


def beats_by_the_frequency(patch: pytest.MonkeyPatch) -> None:
    def period_ns(self: Pulse, pool: int, capacity: int) -> int:
        x = min(max((pool / capacity - self.threshold / MICRO) / (self.scale / MICRO), -40.0), 40.0)
        return min(self.slowest_ns, round(self.base_ns / (1.0 + exp(-x))))

    patch.setattr(Pulse, "period_ns", period_ns)


@pytest.mark.parametrize("defect", [forgets_the_clamp, beats_by_the_frequency])
def test_a_defect_of_the_pulse_is_caught(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    @hunting(3_000)
    @given(PULSES, st.lists(st.integers(0, 10**12), min_size=1, max_size=6), CAPACITIES)
    def exercise(pulse: Pulse, pools: list[int], capacity: int) -> None:
        a_pulse_keeps_its_bounds(pulse, pools, capacity)

    defect(monkeypatch)
    with pytest.raises((AssertionError, ArithmeticError, ValueError)):
        exercise()


def waits_a_window_before_an_urgent_wake(patch: pytest.MonkeyPatch) -> None:
    turn = Sleep.turn

    def _turn(self: Sleep, pool: int, now_ns: int, flowed: Any) -> str:
        rules = self._tariff.slumber
        early = rules is not None and now_ns - self._changed_ns < rules.window_ns
        return "" if early else turn(self, pool, now_ns, flowed)

    patch.setattr(Sleep, "turn", _turn)


def knows_only_what_was_paid(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Flows, "lack", lambda *_: None)


def takes_the_dormant_for_poor(patch: pytest.MonkeyPatch) -> None:
    turn = Sleep.turn

    def _turn(self: Sleep, pool: int, now_ns: int, flowed: Callable[[int], Span]) -> str:
        def poor(window_ns: int) -> Span:
            span = flowed(window_ns)
            return span if span.owed else span._replace(earned=0, owed=1)

        return turn(self, pool, now_ns, poor)

    patch.setattr(Sleep, "turn", _turn)


def sleeps_when_it_is_urgent(patch: pytest.MonkeyPatch) -> None:
    turn = Sleep.turn

    def _turn(self: Sleep, *rest: Any) -> str:
        urgency = self.urgency
        self.urgency = urgency if self.asleep else 0
        try:
            return turn(self, *rest)
        finally:
            self.urgency = urgency

    patch.setattr(Sleep, "turn", _turn)


@pytest.mark.parametrize(
    "defect",
    [
        waits_a_window_before_an_urgent_wake,
        knows_only_what_was_paid,
        takes_the_dormant_for_poor,
        sleeps_when_it_is_urgent,
    ],
)
def test_a_defect_of_slumber_is_caught(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    @hunting(1_500)
    @given(HOURS, AWAKE, OPENINGS, SLEEPS, URGES)
    def exercise(
        income: Profile, awake: int, opening: int, rules: Slumber, urges: list[tuple[int, int]]
    ) -> None:
        sleeps_by_the_rules(lived(income, awake, opening, rules, urges))

    defect(monkeypatch)
    with pytest.raises(AssertionError, match="slumber"):
        exercise()


def counts_from_the_first_refusal(patch: pytest.MonkeyPatch) -> None:
    take = Famine.take

    def _take(self: Famine, entry: Any) -> None:
        refused = entry.kind == "refused"
        take(self, replace(entry, kind="shortfall", cause="upkeep") if refused else entry)

    patch.setattr(Famine, "take", _take)


def is_never_fed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Famine, "since_ns", property(lambda self: self._since_ns))


@pytest.mark.parametrize("defect", [counts_from_the_first_refusal, is_never_fed])
def test_a_defect_of_famines_is_caught(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    @hunting(2_000)
    @given(MEALS, st.integers(0, 20), st.sampled_from([0, 10_000, 32_999, 40_000]))
    def exercise(meals: list[tuple[int, str]], opening: int, income: int) -> None:
        starved_by_the_rules(meals, opening, income)

    defect(monkeypatch)
    with pytest.raises(AssertionError, match="famine"):
        exercise()


def test_holds_that_ignore_the_emergency_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    @hunting(2_000)
    @given(PRICES)
    def exercise(prices: list[tuple[str, int, bool]]) -> None:
        keeps_the_emergency(prices)

    pay = Ledger._pay

    def _pay(self: Ledger, cause: Any, key: str, target: str, amount: int, scope: str, reflex: bool) -> Any:
        return pay(self, cause, key, target, amount, scope, reflex or cause == "reserve")

    monkeypatch.setattr(Ledger, "_pay", _pay)
    with pytest.raises(AssertionError, match="reserve"):
        exercise()
