"""Defects of rates by the time of day, and of looks, each of which a law must find (SEMANTICS 3.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.program.economy import DAY_NS, Profile
from runtime.ledger.accounts import LedgerBroken
from runtime.ledger.economy import Ledger
from tests.properties.test_profiles import (
    DAYS,
    PROFILES,
    STEPS,
    TIMES,
    flows_exactly,
    looks_decide_nothing,
    tells_at_its_instant,
)
from tests.support.killing import hunting

QUICK = hunting(2_000)


def loses_a_nanosecond_a_part(patch: pytest.MonkeyPatch) -> None:
    flowed = Profile.flowed

    def _flowed(self: Profile, at_ns: int) -> int:
        rest_ns = at_ns % DAY_NS
        return flowed(self, at_ns) - sum(rate for since_ns, rate in self.parts[1:] if since_ns <= rest_ns)

    patch.setattr(Profile, "flowed", _flowed)


def floors_each_part(patch: pytest.MonkeyPatch) -> None:
    flowed = Profile.flowed

    def _flowed(self: Profile, at_ns: int) -> int:
        found, begins_ns = 0, 0
        while begins_ns < at_ns:
            over_ns = min(self.next_ns(begins_ns), at_ns)
            found += (flowed(self, over_ns) - flowed(self, begins_ns)) // DAY_NS * DAY_NS
            begins_ns = over_ns
        return found

    patch.setattr(Profile, "flowed", _flowed)


def forgets_the_day_of_the_epoch(patch: pytest.MonkeyPatch) -> None:
    original = Ledger.__init__

    def begins(self: Ledger, *rest: Any, day_ns: int = 0) -> None:
        original(self, *rest)

    patch.setattr(Ledger, "__init__", begins)


@pytest.mark.parametrize(
    "defect", [loses_a_nanosecond_a_part, floors_each_part, forgets_the_day_of_the_epoch]
)
def test_a_defect_of_profiles_is_caught(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    @QUICK
    @given(PROFILES, DAYS, TIMES)
    def exercise(profile: Profile, day_ns: int, times: list[int]) -> None:
        flows_exactly(profile, day_ns, times)

    defect(monkeypatch)
    with pytest.raises((AssertionError, LedgerBroken)):
        exercise()


def test_a_mark_that_knows_no_boundary_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    @QUICK
    @given(PROFILES, DAYS, st.integers(0, 2_000 * 86_400).map(lambda less: 10**12 - less))
    def exercise(profile: Profile, day_ns: int, below: int) -> None:
        tells_at_its_instant(profile, day_ns, below)

    monkeypatch.setattr(Ledger, "_next_part_ns", lambda self: None)
    with pytest.raises(AssertionError, match=r"3\.6"):
        exercise()


def test_a_look_at_the_clock_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    @QUICK
    @given(STEPS)
    def exercise(steps: list[Any]) -> None:
        looks_decide_nothing(steps)

    look = Ledger.look

    def settles(self: Ledger, now_ns: int) -> None:
        look(self, now_ns)
        self.accrue(now_ns)

    monkeypatch.setattr(Ledger, "look", settles)
    with pytest.raises(AssertionError, match="looks decide nothing"):
        exercise()
