"""Regressions of the guard analysis."""

from __future__ import annotations

from nimdsl.checks.guards import shadowed, uncovered
from nimdsl.expression import types
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.syntax import parse
from nimdsl.program.expression import Expression

TYPES = {
    "b": types.BOOL,
    "x": types.REAL,
    "n": types.INT,
    "k": types.INT,
    "q": types.list_of(types.INT),
}
SCOPE = Scope({name: Binding(kind, ("$data", name)) for name, kind in TYPES.items()})


def guards(*texts: str) -> list[Expression]:
    return [Expression(parse(text), types.BOOL, SCOPE) for text in texts]


def test_a_bool_may_stand_alone_and_be_compared() -> None:
    assert uncovered(guards("!b", "b == true")) is None
    assert uncovered(guards("!b", "b == false")) == "b is true"


def test_the_witness_is_a_case_in_which_no_guard_holds() -> None:
    assert uncovered(guards("x < 0.2")) == "x is 0.2"
    assert uncovered(guards("x < 0.2", "x > 0.2")) == "x is 0.2"
    assert uncovered(guards("x < 0.2", "x >= 0.2")) is None


def test_an_operator_without_a_value_is_a_case_of_its_own() -> None:
    assert uncovered(guards("n / k > 2", "!(n / k > 2)")) == "k is 0"
    assert uncovered(guards("10 / k > 1", "10 / k <= 1")) == "k is 0"
    assert uncovered(guards("n / size(q) > 2", "n / size(q) <= 2")) == "size(q) is 0"
    assert uncovered(guards("q[0] == 2", "q[0] != 2")) == "size(q) is 0"
    assert uncovered(guards("q[1] == 2", "q[1] != 2")) is not None
    assert uncovered(guards("first(q) == 2", "first(q) != 2")) == "size(q) is 0"
    assert uncovered(guards("b && n / k == 1", "!b || n / k != 1")) == "`b` is true, k is 0"
    assert uncovered(guards("n / 0 > 1", "n / 0 <= 1")) is not None


def test_a_guard_before_it_keeps_an_operator_from_having_no_value() -> None:
    assert uncovered(guards("k == 0", "n / k > 2", "n / k <= 2")) is None
    assert uncovered(guards("k == 0 || n / k > 2", "n / k <= 2")) is None
    assert uncovered(guards("k != 0 && n / k > 2", "!(k != 0 && n / k > 2)")) is None
    assert uncovered(guards("size(q) == 0", "q[0] == 2", "q[0] != 2")) is None
    assert uncovered(guards("n / 2 > 2", "n / 2 <= 2")) is None


def test_functions_have_bounds() -> None:
    assert uncovered(guards("size(q) > 0", "size(q) == 0")) is None
    assert uncovered(guards("size(q) > 0")) == "size(q) is 0"
    assert uncovered(guards("abs(n) >= 0")) is None
    assert uncovered(guards("max(n, 3) >= 3")) is None
    assert uncovered(guards("min(n, 3) <= 3")) is None
    assert uncovered(guards("clamp(x, 0.0, 1.0) >= 0.0")) is None
    assert shadowed(guards("clamp(x, 0.0, 1.0) > 0.5", "clamp(x, 0.0, 1.0) <= 0.5")) == []
    assert shadowed(guards("size(q) >= 0", "size(q) > 1")) == [1]


def test_a_constant_without_a_value_is_compared_with_nothing() -> None:
    assert uncovered(guards("x > [40%][3]", "x <= [40%][3]")) is not None
    assert uncovered(guards("n > [1][1]", "n <= [1][1]")) is not None
    assert shadowed(guards("x > [40%][3]", "x > 1.0")) == [0]
