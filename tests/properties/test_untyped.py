"""What comes in a record without declared fields: it keeps to the rules of types, or has no value."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base import canonical
from nimdsl.expression import conversion, types, untyped
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.evaluate import Fault, closure
from nimdsl.expression.syntax import ExpressionNode, parse
from nimdsl.expression.types import ANY, Type, list_of, record_of
from tests.properties.expressions import ANY_EXPRESSION, KINDS, SCOPE, environments
from tests.support.killing import hunting

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)
SCALARS = st.sampled_from(KINDS)
TYPES = st.recursive(
    SCALARS,
    lambda inner: inner.map(list_of) | st.dictionaries(st.sampled_from("xyz"), inner).map(record_of),
    max_leaves=4,
) | st.just(types.RECORD)
LOOSE_KINDS = (types.INT, types.REAL, types.STRING, types.BOOL)
_ROW = record_of({kind.name: ANY if kind in LOOSE_KINDS else kind for kind in KINDS})
LOOSE = Scope(
    {
        **SCOPE.names,
        **{f"a_{kind.name}": Binding(ANY, ("$data", kind.name)) for kind in LOOSE_KINDS},
        "row": Binding(_ROW, ("$row",)),
        "rows": Binding(list_of(_ROW), ("$rows",)),
        "numbers": Binding(ANY, ("$data", "numbers")),
    }
)
"""The scope of the random expressions, of which only quantities are declared."""
RECORD_SCOPE = Scope({"r": Binding(types.RECORD, ("$r",))})


def is_a(kind: Type, value: Any) -> bool:
    """Whether a plain value is of a type; a record may lack fields."""
    if kind.name == "list":
        return isinstance(value, list) and all(is_a(kind.element or ANY, item) for item in value)
    if kind.name == "record":
        fields = dict(kind.fields or ())
        known = kind.fields is None or (isinstance(value, dict) and value.keys() <= fields.keys())
        return isinstance(value, dict) and known and all(is_a(fields[k], value[k]) for k in value if fields)
    if kind == ANY:
        return True
    return type(value) is {"real": float, "bool": bool, "string": str}.get(kind.name, int)


def value_of(node: ExpressionNode, scope: Scope, environment: Any, wanted: Type = ANY) -> Any:
    try:
        return closure(node, scope, wanted)(environment)
    except Fault:
        return Fault


def a_typed_place_holds_its_type(wanted: Type, value: Any) -> None:
    found = value_of(parse("r.x"), RECORD_SCOPE, {"$r": {"x": value}}, wanted)
    assert found is Fault or is_a(wanted, found)
    if found is not Fault and wanted in types.QUANTITIES:
        raise AssertionError("a number without a type is no quantity")
    if is_a(wanted, value) and not untyped.has_unit(wanted):
        assert found == value, "what is of the type stays as it is"


def conditions_are_bools(value: Any, text: str) -> None:
    found = value_of(parse(text), RECORD_SCOPE, {"$r": {"x": value}})
    assert isinstance(value, bool) or found is Fault


def kinds_do_not_mix(one: Any, other: Any, sign: str) -> None:
    found = value_of(parse(f"r.x {sign} r.y"), RECORD_SCOPE, {"$r": {"x": one, "y": other}})
    kinds = [{float: int}.get(type(value), type(value)) for value in (one, other)]
    if kinds[0] is not kinds[1]:
        assert found is Fault
    if sign in "+-*/" and kinds[0] in (bool, dict):
        assert found is Fault


CONDITIONS = st.sampled_from(
    ["r.x && true", "true && r.x", "r.x || false", "false || r.x", "!r.x", "r.x ? 1 : 2"]
    + [f"[1].{macro}(y, r.x)" for macro in ("all", "exists", "filter")]
)
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"])
LAWS: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]]] = {
    "places": (a_typed_place_holds_its_type, (TYPES, PLAIN)),
    "conditions": (conditions_are_bools, (PLAIN, CONDITIONS)),
    "kinds": (kinds_do_not_mix, (PLAIN, PLAIN, SIGNS)),
}


@pytest.mark.parametrize("law", LAWS)
def test_the_law_holds(law: str) -> None:
    holds, values = LAWS[law]
    given(st.tuples(*values))(lambda parts: holds(*parts))()


@given(ANY_EXPRESSION, environments())
def test_values_without_types_are_computed_as_typed_ones(typed: Any, environment: dict[str, Any]) -> None:
    kind, node = typed
    known = value_of(node, SCOPE, environment)
    found = value_of(node, LOOSE, environment, kind)
    if found is not Fault:
        assert known is not Fault
        assert canonical.encode(found) == canonical.encode(known)
        assert type(found) is type(known)


@given(ANY_EXPRESSION, st.lists(PLAIN, min_size=4, max_size=4), environments())
def test_whatever_they_are_the_value_has_its_type(
    typed: Any, strangers: list[Any], environment: dict[str, Any]
) -> None:
    kind, node = typed
    changed = dict(zip((one.name for one in LOOSE_KINDS), strangers, strict=True))
    found = value_of(node, LOOSE, {**environment, "$data": {**environment["$data"], **changed}}, kind)
    assert found is Fault or is_a(kind, found)


QUANTITY_TEXTS = [
    *(f"r.x {sign} 2s" for sign in ("+", "-", "*", "/", "==", "<", "in [1s] || 1s ==")),
    *("2s * r.x", "2s / r.x", "r.x * 50%", "1LF + r.x", "r.x in [2s]", "2s in r.x", "min(r.x, 2s)"),
    *("clamp(2s, r.x, 3s)", "mod(r.x, 24h)", "contains([2s], r.x)", "[2s, r.x]", "false ? 1s : r.x"),
]


@pytest.mark.parametrize("text", QUANTITY_TEXTS)
def test_a_number_without_a_type_never_meets_a_unit(text: str) -> None:
    assert value_of(parse(text), RECORD_SCOPE, {"$r": {"x": 3}}) is Fault


def takes_any_condition(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(untyped, "truth", lambda value: value)


def compares_whatever(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(untyped.OPERATORS, "==", operator.eq)


def counts_with_bools(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(untyped.OPERATORS, "+", operator.add)


def believes_scalars(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conversion, "_scalar", lambda wanted: lambda value: value)
    conversion.converter.cache_clear()


MUTANTS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    takes_any_condition: "conditions",
    compares_whatever: "kinds",
    counts_with_bools: "kinds",
    believes_scalars: "places",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_law_kills(mutant: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    holds, values = LAWS[MUTANTS[mutant]]
    hunt = hunting(15_000)(given(st.tuples(*values))(lambda parts: holds(*parts)))
    try:
        with pytest.raises((AssertionError, ExceptionGroup)):
            hunt()
    finally:
        conversion.converter.cache_clear()
