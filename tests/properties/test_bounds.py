"""What an expression can be is read off it: every value lies in its interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from nimdsl.expression import bounds, types
from nimdsl.expression.bounds import Interval, interval
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.syntax import ExpressionNode, parse
from nimdsl.expression.types import Type
from tests.properties.expressions import ANY_EXPRESSION, SCOPE, environments
from tests.support.killing import hunting

NAMES = Scope(
    {
        "x": Binding(types.DURATION, ("$data", "x")),
        "n": Binding(types.INT, ("$data", "n")),
        "r": Binding(types.REAL, ("$data", "r")),
        "jobs": Binding(types.list_of(types.INT), ("$data", "jobs")),
        "time_of_day": Binding(types.DURATION, ("$time_of_day",)),
    }
)
S = 1_000_000_000


@settings(max_examples=300)
@given(ANY_EXPRESSION, environments())
def test_every_value_lies_in_the_interval(
    typed: tuple[Type, ExpressionNode], environment: dict[str, Any]
) -> None:
    holds(typed[1], environment)


def holds(node: ExpressionNode, environment: dict[str, Any]) -> None:
    low, high = interval(node, SCOPE)
    try:
        value = closure(node, SCOPE)(environment)
    except Fault:
        return
    assert low is None or value >= low
    assert high is None or value <= high


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("min(x, 16s)", None, 16 * S),
        ("clamp(x, 1s, 2s)", S, 2 * S),
        ("mod(20h - time_of_day, 24h)", 0, 86_400 * S),
        ("n > 2 ? 1s : 3s", S, 3 * S),
        ("min(n, 5) * 2s", None, 10 * S),
        ("max(0s, x)", 0, None),
        ("size(jobs) * 2s", 0, None),
        ("[1s, 4s, 2s][n]", S, 4 * S),
        ("min(r, 2.0) * 0.001LF", None, 2_000),
        ("40% * min(x, 10s)", None, 4 * S),
        ("min(x, 4s) / 2", None, 2 * S),
        ("x + 1s", None, None),
        ("abs(clamp(n, -3, 2))", 0, 3),
        ("-clamp(n, 1, 2) * 1s", -2 * S, -S),
        ("1s - time_of_day", S - 86_400 * S + 1, S),
        ("round(min(r, 2.5))", None, 2),
        ("10s / n", None, None),
        ("real(n)", None, None),
    ],
)
def test_what_bounds_what(text: str, low: int | None, high: int | None) -> None:
    assert interval(parse(text), NAMES) == Interval(low, high)


Mutant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: list[Mutant] = []


def mutant(change: Mutant) -> Mutant:
    MUTANTS.append(change)
    return change


@mutant
def least_of_the_highs_is_most(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(bounds._CALLS, "max", bounds._least)


@mutant
def a_branch_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bounds, "_joined", lambda one, *_: one)


@mutant
def a_clamp_that_holds_nothing_up(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(bounds._CALLS, "clamp", lambda value, _, high: bounds._least(value, high))
    patch.setitem(bounds._CALLS, "max", lambda one, _: one)


@pytest.mark.parametrize("change", MUTANTS, ids=lambda change: change.__name__)
def test_the_law_kills(
    change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch)

    @hunting(20_000)
    @given(ANY_EXPRESSION, environments())
    def law(typed: tuple[Type, ExpressionNode], environment: dict[str, Any]) -> None:
        holds(typed[1], environment)

    with pytest.raises(AssertionError):
        law()
