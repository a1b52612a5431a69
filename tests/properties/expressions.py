"""Random well-typed expressions, with the environments that they can be evaluated in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from nimdsl.base.units import INT64_MAX
from nimdsl.expression import types
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.syntax import (
    Binary,
    Call,
    Conditional,
    ExpressionNode,
    Field,
    Index,
    ListOf,
    Literal,
    Macro,
    Name,
    Unary,
)
from nimdsl.expression.types import Type, list_of, record_of

KINDS = (
    types.INT,
    types.REAL,
    types.DURATION,
    types.LIFEFORCE,
    types.SHARE,
    types.BYTES,
    types.STRING,
    types.BOOL,
)
NUMBERS = KINDS[:6]
ROW = record_of({kind.name: kind for kind in KINDS})
SCOPE = Scope(
    {
        **{f"a_{kind.name}": Binding(kind, ("$data", kind.name)) for kind in KINDS},
        "row": Binding(ROW, ("$row",)),
        "rows": Binding(list_of(ROW), ("$rows",)),
        "numbers": Binding(list_of(types.INT), ("$data", "numbers")),
    }
)

_PAIRED = st.sampled_from(["min", "max", "mod"])
_PLACES = st.integers(0, 1).map(lambda number: Literal(number, types.INT))
_INTEGERS = st.integers(0, 9) | st.integers(0, INT64_MAX)
_REALS = st.floats(0, 1e6) | st.floats(0, allow_nan=False, allow_infinity=False)
_TEXTS = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=5)


def values(kind: Type) -> st.SearchStrategy[Any]:
    """Plain values of a type, as literals write them."""
    if kind == types.BOOL:
        return st.booleans()
    return {"real": _REALS, "string": _TEXTS}.get(kind.name, _INTEGERS)


@st.composite
def environments(draw: Any) -> dict[str, Any]:
    def row() -> dict[str, Any]:
        fields = {kind.name: draw(values(kind)) for kind in KINDS}
        if draw(st.integers(0, 4)) == 0:
            del fields[draw(st.sampled_from(sorted(fields)))]
        return fields

    data = {
        **{kind.name: draw(values(kind)) for kind in KINDS},
        "numbers": draw(st.lists(_INTEGERS, max_size=3)),
    }
    return {"$data": data, "$row": row(), "$rows": [row() for _ in range(draw(st.integers(0, 3)))]}


@cache
def expressions(kind: Type, depth: int = 2) -> st.SearchStrategy[ExpressionNode]:
    """Trees of that type, at most ``depth`` deep."""
    leaves = [
        values(kind).map(lambda value: Literal(value, kind)),
        st.just(Name(f"a_{kind.name}")),
        st.just(Field(Name("row"), kind.name)),
    ]
    if depth == 0:
        return st.one_of(leaves)
    return st.one_of(*leaves, *_composites(kind, depth - 1))


def _composites(kind: Type, depth: int) -> list[st.SearchStrategy[ExpressionNode]]:
    def inner(other: Type) -> st.SearchStrategy[ExpressionNode]:
        return expressions(other, depth)

    found: list[st.SearchStrategy[ExpressionNode]] = [
        st.builds(Conditional, inner(types.BOOL), inner(kind), inner(kind)),
        st.builds(lambda index: Field(Index(Name("rows"), index), kind.name), inner(types.INT)),
    ]
    if kind in NUMBERS:
        found += [
            st.builds(Binary, st.sampled_from("+-"), inner(kind), inner(kind)),
            st.builds(lambda x: Unary("-", x), inner(kind)),
            st.builds(lambda *xs: Call("clamp", xs), inner(kind), inner(kind), inner(kind)),
            st.builds(lambda name, *xs: Call(name, xs), _PAIRED, inner(kind), inner(kind)),
            st.builds(lambda x: Call("abs", (x,)), inner(kind)),
            st.builds(lambda index, *xs: Index(ListOf(xs), index), _PLACES, inner(kind), inner(kind)),
            st.just(Call("sum", (Macro("map", Name("rows"), "r", Field(Name("r"), kind.name)),))),
        ]
    if kind in (types.INT, types.REAL):
        found.append(st.builds(Binary, st.sampled_from("*/"), inner(kind), inner(kind)))
    if kind in types.QUANTITIES:
        factor = st.one_of(inner(types.INT), inner(types.REAL))
        found.append(st.builds(Binary, st.sampled_from("*/"), inner(kind), factor))
        found.append(st.builds(lambda share, x: Binary("*", share, x), inner(types.SHARE), inner(kind)))
    if kind == types.INT:
        found += [
            st.just(Call("size", (Name("rows"),))),
            st.builds(lambda x: Call("round", (x,)), inner(types.REAL)),
        ]
    if kind == types.REAL:
        found.append(
            st.builds(lambda a, b: Binary("/", a, b), inner(types.DURATION), inner(types.DURATION))
        )
    if kind == types.STRING:
        found += [
            st.builds(lambda a, b: Binary("+", a, b), inner(kind), inner(kind)),
            st.sampled_from(KINDS).flatmap(inner).map(lambda x: Call("string", (x,))),
        ]
    if kind == types.BOOL:
        found += _truths(depth)
    return found


def _truths(depth: int) -> Iterator[st.SearchStrategy[ExpressionNode]]:
    def inner(other: Type) -> st.SearchStrategy[ExpressionNode]:
        return expressions(other, depth)

    both = inner(types.BOOL)
    comparing = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    yield st.builds(Binary, st.sampled_from(["&&", "||"]), both, both)
    yield st.builds(lambda x: Unary("!", x), both)
    for other in KINDS[:7]:
        yield st.builds(Binary, comparing, inner(other), inner(other))
    yield st.builds(lambda a, *xs: Binary("in", a, ListOf(xs)), inner(types.INT), inner(types.INT))
    yield st.builds(lambda body: Macro("exists", Name("rows"), "r", body), both)
    yield st.builds(lambda body: Macro("all", Name("rows"), "r", body), both)


ANY_EXPRESSION = st.sampled_from(KINDS).flatmap(
    lambda kind: expressions(kind).map(lambda node: (kind, node))
)
