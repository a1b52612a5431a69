"""Regressions of the guard analysis."""

from __future__ import annotations

from nimdsl.checks.guards import uncovered
from nimdsl.expression import types
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.syntax import parse
from nimdsl.program.expression import Expression

SCOPE = Scope({"b": Binding(types.BOOL, ("$data", "b")), "x": Binding(types.REAL, ("$data", "x"))})


def guards(*texts: str) -> list[Expression]:
    return [Expression(parse(text), types.BOOL, SCOPE) for text in texts]


def test_a_bool_may_stand_alone_and_be_compared() -> None:
    assert uncovered(guards("!b", "b == true")) is None
    assert uncovered(guards("!b", "b == false")) == "b is true"


def test_the_witness_is_a_case_in_which_no_guard_holds() -> None:
    assert uncovered(guards("x < 0.2")) == "x is 0.2"
    assert uncovered(guards("x < 0.2", "x > 0.2")) == "x is 0.2"
    assert uncovered(guards("x < 0.2", "x >= 0.2")) is None
