"""The expression language: total, typed, and the same after it was written down."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.units import INT64_MAX
from nimdsl.checks.guards import Cases, shadowed, uncovered
from nimdsl.expression import types
from nimdsl.expression.check import Binding, Scope, infer
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.syntax import ExpressionNode, SyntaxMistake, parse, unparse
from nimdsl.expression.types import Type
from nimdsl.program.expression import Expression
from tests.properties.expressions import ANY_EXPRESSION, SCOPE, environments


@given(ANY_EXPRESSION)
def test_what_is_well_typed_is_found_to_be(typed: tuple[Type, ExpressionNode]) -> None:
    kind, node = typed
    assert infer(node, SCOPE) == (kind, ())


@given(ANY_EXPRESSION)
def test_an_expression_written_down_reads_as_the_same(typed: tuple[Type, ExpressionNode]) -> None:
    assert parse(unparse(typed[1])) == typed[1]


@given(ANY_EXPRESSION, environments())
def test_2_3_a_value_has_its_type_and_range_or_is_a_fault(
    typed: tuple[Type, ExpressionNode], environment: dict[str, Any]
) -> None:
    kind, node = typed
    try:
        value = closure(node, SCOPE)(environment)
    except Fault:
        return
    if kind == types.REAL:
        assert isinstance(value, float)
        assert math.isfinite(value)
        assert math.copysign(1, value) == 1 or value < 0, "no negative zero"
    elif kind in (types.BOOL, types.STRING):
        assert isinstance(value, bool if kind == types.BOOL else str)
    else:
        assert isinstance(value, int)
        assert -INT64_MAX - 1 <= value <= INT64_MAX


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_a_mistake_in_it(text: str) -> None:
    offset = 0
    try:
        parse(text)
    except SyntaxMistake as mistake:
        offset = mistake.offset
    assert 0 <= offset <= max(len(text), 1)


# Guards: what the analysis claims is what evaluation does

GUARDED = Scope(
    {
        "x": Binding(types.INT, ("$data", "x")),
        "y": Binding(types.INT, ("$data", "y")),
        "r": Binding(types.REAL, ("$data", "r")),
        "s": Binding(types.STRING, ("$data", "s")),
        "b": Binding(types.BOOL, ("$data", "b")),
    }
)
ATOMS = st.sampled_from(
    [
        "x < 2",
        "x == 2",
        "x >= 2",
        "2 > x",
        "x != 3",
        "x in [1, 2]",
        "x < y",
        "y <= x",
        "x == y",
        "x + y > 3",
        "r < 0.5",
        "r >= 0.5",
        "r == 0.25",
        "s == 'a'",
        "s != 'b'",
        "b",
        "b == true",
        "true",
        "false",
    ]
)
GUARDS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("!({})".format, inner),
        st.builds("({}) && ({})".format, inner, inner),
        st.builds("({}) || ({})".format, inner, inner),
    ),
    max_leaves=4,
)
DATA = st.fixed_dictionaries(
    {
        "x": st.integers(-1, 5),
        "y": st.integers(-1, 5),
        "r": st.sampled_from([-1.0, 0.0, 0.25, 0.3, 0.5, 0.7, 2.0]),
        "s": st.sampled_from(["a", "b", "c", ""]),
        "b": st.booleans(),
    }
)


def guard(text: str) -> Expression:
    return Expression(parse(text), types.BOOL, GUARDED)


@given(st.lists(GUARDS, min_size=1, max_size=3), DATA)
def test_guards_that_are_said_to_cover_everything_do(texts: list[str], data: dict[str, Any]) -> None:
    guards = [guard(text) for text in texts]
    if Cases(guards).tractable and uncovered(guards) is None:
        assert any(one.evaluate({"$data": data}) for one in guards)


@given(st.lists(GUARDS, min_size=2, max_size=3), DATA)
def test_a_candidate_that_is_said_to_be_shadowed_is_never_first(
    texts: list[str], data: dict[str, Any]
) -> None:
    guards = [guard(text) for text in texts]
    first = next((n for n, one in enumerate(guards) if one.evaluate({"$data": data})), None)
    assert first not in shadowed(guards)
