"""Defects of bills and marks, each of which a law must find (SEMANTICS 3.6, 3.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.program.economy import DAY_NS
from runtime.ledger.accounts import Answer, Pay
from runtime.ledger.economy import Ledger, NumberedPayment
from runtime.ledger.marks import Marks
from runtime.ledger.purses import Purses
from tests.properties.test_purses import CHANGES, MARKED, STEPS, Change, expected, told, tour
from tests.support.killing import hunting

Defect = Callable[[pytest.MonkeyPatch], None]
QUICK = hunting(3_000)


def pays_until_one_cannot(patch: pytest.MonkeyPatch) -> None:
    def _pay(self: Purses, bill: Pay, parts: list[NumberedPayment], now_ns: int) -> Answer:
        answer = Answer(True, 0, 0)
        for part in parts:
            ledger = self.ledger(part[1].purse)
            ledger.prepare([part], now_ns)
            if refused := ledger.refusal([part]):
                return ledger.refuse_bill(*refused, bill.scope)
            answer = ledger.pay_items([part], bill.scope)
        return answer

    patch.setattr(Purses, "_pay", _pay)


def looks_at_the_first_purse_alone(patch: pytest.MonkeyPatch) -> None:
    original = Ledger.refusal

    def refusal(self: Ledger, parts: Any, reflex: bool = False) -> Any:
        return original(self, parts, reflex) if self.purse == "" else None

    patch.setattr(Ledger, "_check_law", lambda *_: None)
    patch.setattr(Ledger, "refusal", refusal)


def tells_a_moment_late(patch: pytest.MonkeyPatch) -> None:
    original = Marks.next_ns

    def next_ns(self: Marks, *state: Any) -> int | None:
        due_ns = original(self, *state)
        return None if due_ns is None else due_ns + 1

    patch.setattr(Marks, "next_ns", next_ns)


def has_no_hysteresis(patch: pytest.MonkeyPatch) -> None:
    original = Marks.__init__
    patch.setattr(
        Marks,
        "__init__",
        lambda self, marks: original(self, {name: (one[0], one[0]) for name, one in marks.items()}),
    )


def counts_holds(patch: pytest.MonkeyPatch) -> None:
    original = Ledger._exact
    patch.setattr(Ledger, "_exact", lambda self, now_ns: original(self, now_ns) + self._held * DAY_NS)


def forgets_what_is_not_booked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "_exact", lambda self, now_ns: self.balance * DAY_NS)


@pytest.mark.parametrize(
    ("defect", "law"),
    [(pays_until_one_cannot, "3.7"), (looks_at_the_first_purse_alone, "3.7")],
)
def test_a_defect_of_bills_is_caught(defect: Defect, law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @QUICK
    @given(STEPS)
    def exercise(steps: list[tuple[int, tuple[str, object]]]) -> None:
        tour(steps)

    defect(monkeypatch)
    with pytest.raises(AssertionError, match=law):
        exercise()


@pytest.mark.parametrize(
    "defect", [tells_a_moment_late, has_no_hysteresis, counts_holds, forgets_what_is_not_booked]
)
def test_a_defect_of_marks_is_caught(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    @QUICK
    @given(CHANGES, MARKED, st.integers(30, 60))
    def exercise(changes: list[Change], mark: tuple[int, int], opening: int) -> None:
        assert told(changes, mark, opening) == expected(changes, mark, opening)

    defect(monkeypatch)
    with pytest.raises(AssertionError):
        exercise()
