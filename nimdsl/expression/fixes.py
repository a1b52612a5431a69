"""What to write where types do not meet: each remedy is a part of the tree and what to put in its place.

The law: a remedy is told only where the tree has fewer mistakes with it, and the type that is wanted
(:func:`nimdsl.expression.check.infer` tries them, in their order).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nimdsl.base.units import INT64_MAX, MICRO, SECOND_NS
from nimdsl.base.words import with_article
from nimdsl.expression.syntax import (
    Binary,
    Call,
    ExpressionNode,
    Field,
    ListOf,
    Literal,
    Macro,
    Name,
    SyntaxMistake,
    Unary,
    children,
    free_names,
    parse,
    unparse,
    with_children,
)
from nimdsl.expression.types import (
    BOOL,
    BYTES,
    DURATION,
    INT,
    LIFEFORCE,
    NUMERIC,
    QUANTITIES,
    REAL,
    SHARE,
    STRING,
    Type,
    join,
)

_ONE: Mapping[Type, int] = {DURATION: SECOND_NS, LIFEFORCE: MICRO, SHARE: MICRO, BYTES: 1}
"""One of each quantity: ``1s``, ``1LF``, ``100%``, ``1B``."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
SIZES = ("size", "length", "len", "count")
"""Fields that lists have elsewhere."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to write instead of a part, and how that is told."""

    part: ExpressionNode
    new: ExpressionNode
    fix: str


def replaced(tree: ExpressionNode, remedy: Remedy) -> ExpressionNode:
    """The tree with a remedy in it."""
    if tree is remedy.part:
        return remedy.new
    return with_children(tree, lambda part: replaced(part, remedy))


def of_sides(node: ExpressionNode, *sides: tuple[ExpressionNode, Type]) -> tuple[Remedy, ...]:
    """For values that do not meet: the operands of ``node``, its arguments or its branches."""
    found: list[Remedy] = []
    for one, kind in sides:
        for other, wanted in sides:
            if one is not other:
                found += [*_of_text(one, kind, wanted), *_of_units(one, kind, other, wanted)]
                if kind.name == "list" and wanted in (INT, REAL) and not _is_in(node):
                    size = Call("size", (one,))
                    found.append(Remedy(one, size, f"how many there are: `{unparse(size)}`"))
    return tuple(found)


def _is_in(node: ExpressionNode) -> bool:
    return isinstance(node, Binary) and node.operator == "in"


def _of_text(node: ExpressionNode, kind: Type, wanted: Type) -> Iterator[Remedy]:
    """A value in quotes that is meant without them, or the other way round."""
    if not isinstance(node, Literal):
        return
    if kind == STRING and wanted in (*NUMERIC, BOOL):
        new = _value(str(node.value))
        if new is not None and wanted in QUANTITIES:
            new = with_unit(new, wanted) or new
        if new is not None and join(getattr(new, "type", wanted), wanted) is not None:
            yield Remedy(node, new, f"write `{unparse(new)}`: quotes make text of it")
    elif kind in (INT, REAL, BOOL) and wanted == STRING:
        text = Literal(unparse(node), STRING)
        yield Remedy(node, text, f"write `{unparse(text)}`, to compare it with text")


def _value(text: str) -> ExpressionNode | None:
    """The value that a text is without its quotes; None for one that is none."""
    try:
        found = parse(text)
    except SyntaxMistake:
        return None
    bare = found.operand if isinstance(found, Unary) and found.operator == "-" else found
    return found if isinstance(bare, Literal) and bare.type != STRING else None


def _of_units(node: ExpressionNode, kind: Type, other: ExpressionNode, quantity: Type) -> Iterator[Remedy]:
    """A number that meets a quantity."""
    if kind in QUANTITIES and quantity in QUANTITIES:
        yield from _of_quantities(node, kind, other)
    if kind not in (INT, REAL) or quantity not in QUANTITIES:
        return
    if (new := with_unit(node, quantity)) is not None:
        yield Remedy(node, new, f"give the number its unit, for example `{unparse(new)}`")
        return
    if (bare := _without_unit(other)) is not None:
        has_none = f"{with_article(str(kind))} has none"
        yield Remedy(other, bare, f"remove the unit: `{unparse(bare)}` ({has_none})")
    times = Binary("*", node, one_of(quantity))
    yield Remedy(node, times, f"give the number a unit: `{unparse(times)}`")
    divided = Binary("/", other, one_of(quantity))
    yield Remedy(other, divided, f"make a number of it: `{unparse(divided)}`")
    whole_number = Call("round", (divided,))
    yield Remedy(other, whole_number, f"make a number of it: `{unparse(whole_number)}`")


def _of_quantities(node: ExpressionNode, kind: Type, other: ExpressionNode) -> Iterator[Remedy]:
    """A quantity that meets another one."""
    one = one_of(kind)
    if isinstance(other, Literal):
        what = with_article(str(kind))
        yield Remedy(other, one, f"{what} is wanted there, for example `{unparse(one)}`")
    divided = Binary("/", node, one)
    yield Remedy(node, divided, f"make a number of it: `{unparse(divided)}`")


def one_of(quantity: Type) -> Literal:
    """One of a quantity, written out."""
    return Literal(_ONE[quantity], quantity)


def with_unit(node: ExpressionNode, quantity: Type) -> ExpressionNode | None:
    """A number that is written out as so much of a quantity; None for any other node.

    A share is a part of one, seconds and LF are as many, and bytes are whole.
    """
    if isinstance(node, Unary) and node.operator == "-":
        inner = with_unit(node.operand, quantity)
        return None if inner is None else Unary("-", inner)
    if not isinstance(node, Literal) or node.type not in (INT, REAL):
        return None
    times = 10_000 if quantity == SHARE and abs(node.value) > 1 else _ONE[quantity]
    value: Any = node.value * times
    sound = abs(value) <= INT64_MAX and (round(value) or not value)
    return Literal(round(value), quantity) if sound else None


def _without_unit(node: ExpressionNode) -> ExpressionNode | None:
    """The number of a quantity that is written out; None for any other node."""
    if isinstance(node, Unary) and (inner := _without_unit(node.operand)) is not None:
        return Unary(node.operator, inner)
    number = _NUMBER.match(unparse(node)) if isinstance(node, Literal) else None
    if number is None:
        return None
    return Literal(float(number[0]), REAL) if "." in number[0] else Literal(int(number[0]), INT)


def to_quantity(tree: ExpressionNode, quantity: Type) -> Iterator[Remedy]:
    """Where a tree that comes to a number may get a unit: a number in it, reals before ints; or it all."""
    numbers = sorted(_numbers(tree), key=lambda one: one.type != REAL)
    for one in numbers:
        if (new := with_unit(one, quantity)) is not None:
            yield Remedy(one, new, f"give the number its unit: `{unparse(new)}`")
    times = Binary("*", tree, one_of(quantity))
    yield Remedy(tree, times, f'write `"${{{unparse(times)}}}"`')


def to_number(tree: ExpressionNode, quantity: Type) -> Iterator[Remedy]:
    """How a tree that comes to a quantity becomes a number, whole or not."""
    divided = Binary("/", tree, one_of(quantity))
    for new in (divided, Call("round", (divided,))):
        yield Remedy(tree, new, f'write `"${{{unparse(new)}}}"`')


def _numbers(tree: ExpressionNode) -> Iterator[Literal]:
    if isinstance(tree, Literal) and tree.type in (INT, REAL):
        yield tree
    for child in children(tree):
        yield from _numbers(child)


def bare_text(node: ExpressionNode) -> str:
    """Words without their quotes (``dark``, ``duty/home``, ``room-1``) as text; empty for another node."""
    match node:
        case Name():
            return node.name
        case Literal() if node.type == INT:
            return str(node.value)
        case Binary() if node.operator in "/-":
            left, right = bare_text(node.left), bare_text(node.right)
            return f"{left}{node.operator}{right}" if left and right else ""
    return ""


def parts_of(node: ExpressionNode) -> tuple[ExpressionNode, ...]:
    """The items of a list that is written out; any other node itself."""
    return node.items if isinstance(node, ListOf) else (node,)


def of_each(field: Field, outer: ExpressionNode) -> tuple[ExpressionNode, str]:
    """For a field of a list: the part that has to be written differently, and how.

    ``outer`` is the field of a field that begins with it, or the comparison that it is a side of.
    """
    listed = field.target
    if field.name in SIZES:
        return field, f"how many there are: `size({unparse(listed)})`"
    name = next(one for one in ("x", "y", "z", "item") if one not in free_names(outer))
    body = replaced(outer, Remedy(listed, Name(name), ""))
    kind = "all" if isinstance(outer, Binary) else "map"
    return outer, f"of each: `{unparse(Macro(kind, listed, name, body))}`"
