"""Operators that have no value somewhere, and functions whose values have bounds.

A division by what can be 0 and an item of what can be empty have no value in some
cases; ``size`` and ``abs`` are never negative.  What can fault in other ways (an index
that is computed, a field that may be missing) is taken to have a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nimdsl.expression.syntax import (
    Binary,
    Call,
    Conditional,
    ExpressionNode,
    Index,
    Literal,
    Macro,
    children,
)

ConstantOf = Callable[[ExpressionNode], Any]
"""The number that a constant is; None for what is no constant."""


@dataclass(frozen=True, slots=True)
class Partial:
    """An operator without a value while ``term`` is ``at`` (or less, with ``below``)."""

    term: ExpressionNode
    at: int
    below: bool = False

    def faults(self, value: Any) -> bool:
        """Whether there is no value when the term has this one."""
        return bool(value <= self.at if self.below else value == self.at)


def partials(node: ExpressionNode) -> Iterator[Partial]:
    """The operators in a term that are evaluated for certain and can have no value."""
    if isinstance(node, Macro):
        yield from partials(node.target)
        return
    if isinstance(node, Conditional):
        yield from partials(node.test)
        return
    if isinstance(node, Binary) and node.operator in ("&&", "||"):
        yield from partials(node.left)
        return
    if isinstance(node, Binary) and node.operator == "/":
        yield Partial(node.right, 0)
    if isinstance(node, Index) and isinstance(node.index, Literal) and isinstance(node.index.value, int):
        yield Partial(Call("size", (node.target,)), node.index.value, below=True)
    if isinstance(node, Call) and node.name == "first":
        yield Partial(Call("size", node.arguments), 0, below=True)
    for child in children(node):
        yield from partials(child)


def bounds(node: ExpressionNode, constant: ConstantOf) -> tuple[Any, Any]:
    """The least and the greatest value that a term can have; None where there is none."""
    if not isinstance(node, Call):
        return None, None
    if node.name in ("size", "abs"):
        return 0, None
    known = [constant(part) for part in node.arguments]
    if node.name == "clamp" and len(known) == 3:
        return known[1], known[2]
    sure = [value for value in known if value is not None]
    if node.name == "max" and len(known) == 2 and sure:
        return max(sure), None
    if node.name == "min" and len(known) == 2 and sure:
        return None, min(sure)
    return None, None
