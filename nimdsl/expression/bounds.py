"""Bounds: between which values an expression must lie, read off the expression alone.

The law: whatever an expression evaluates to, where it has a value at all, lies in its interval.  Constants
are known, and so is what :data:`RANGES` says of names; ``min``, ``max``, ``clamp``, ``mod``, ``abs``,
``size``, ``?:``, sums and products carry bounds on; everything else is unbounded.  Values are in base
units, as in :mod:`nimdsl.expression.evaluate`, whose arithmetic computes the ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from nimdsl.base.units import NANOSECONDS
from nimdsl.expression.check import Scope, infer
from nimdsl.expression.evaluate import Fault, arithmetic, closure
from nimdsl.expression.functions import FUNCTIONS
from nimdsl.expression.syntax import (
    Binary,
    Call,
    Conditional,
    ExpressionNode,
    Index,
    ListOf,
    Name,
    Unary,
    free_names,
)
from nimdsl.expression.types import ANY

Number = int | float


class Interval(NamedTuple):
    """From ``low`` to ``high``, both included; None where nothing bounds it."""

    low: Number | None
    high: Number | None


UNBOUNDED: Final = Interval(None, None)
RANGES: Final[Mapping[str, Interval]] = {
    "$now": Interval(0, None),
    "$elapsed": Interval(0, None),
    "$time_of_day": Interval(0, NANOSECONDS["d"] - 1),
}
"""What is known of names that no document declares, by where their values are found."""


def interval(node: ExpressionNode, scope: Scope) -> Interval:
    """The bounds of an expression without mistakes."""
    if free_names(node) <= {*scope.constants}:
        return _constant(node, scope)
    match node:
        case Name(name=name):
            return RANGES.get(scope.names[name].path[0], UNBOUNDED) if name in scope.names else UNBOUNDED
        case Unary(operator="-", operand=operand):
            low, high = interval(operand, scope)
            return Interval(_negated(high), _negated(low))
        case Binary():
            return _binary(node, scope)
        case Conditional():
            return _joined(interval(node.yes, scope), interval(node.no, scope))
        case Index(target=ListOf(items=items)) if items:
            found = [interval(item, scope) for item in items]
            return _joined(*found)
        case Call(name=name) if name in _CALLS:
            return _CALLS[name](*(interval(one, scope) for one in node.arguments))
    return UNBOUNDED


def _constant(node: ExpressionNode, scope: Scope) -> Interval:
    try:
        value: Any = closure(node, scope)({})
    except Fault:
        return UNBOUNDED
    if isinstance(value, bool) or not isinstance(value, int | float):
        return UNBOUNDED
    return Interval(value, value)


def _negated(value: Number | None) -> Number | None:
    return None if value is None else -value


def _joined(*parts: Interval) -> Interval:
    """What holds all of them."""
    lows, highs = [one.low for one in parts], [one.high for one in parts]
    return Interval(
        None if None in lows else min(one for one in lows if one is not None),
        None if None in highs else max(one for one in highs if one is not None),
    )


def _binary(node: Binary, scope: Scope) -> Interval:
    if node.operator not in ("+", "-", "*", "/"):
        return UNBOUNDED
    left, right = interval(node.left, scope), interval(node.right, scope)
    kinds = infer(node.left, scope)[0], infer(node.right, scope)[0]
    if ANY in kinds:
        return UNBOUNDED
    compute = arithmetic(node.operator, *kinds)
    if node.operator == "+":
        return Interval(_both(compute, left.low, right.low), _both(compute, left.high, right.high))
    if node.operator == "-":
        return Interval(_both(compute, left.low, right.high), _both(compute, left.high, right.low))
    return _scaled(node.operator, compute, left, right)


def _both(compute: Callable[[Any, Any], Any], one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return None
    try:
        return _finite(compute(one, other))
    except (ValueError, ArithmeticError):
        return None


def _scaled(operator: str, compute: Callable[[Any, Any], Any], left: Interval, right: Interval) -> Interval:
    """Of a product or quotient: where one part is known and not negative, the other's ends scale."""
    if operator == "/" and (right.low is None or right.low <= 0):
        return UNBOUNDED
    if None not in right and right.low is not None and right.low >= 0:
        whole, part, by = left, right, compute
    elif operator == "*" and None not in left and left.low is not None and left.low >= 0:
        whole, part, by = right, left, lambda one, other: compute(other, one)
    else:
        positive = all(one.low is not None and one.low >= 0 for one in (left, right))
        return Interval(0, None) if positive else UNBOUNDED
    return Interval(_end(min, by, whole.low, part), _end(max, by, whole.high, part))


def _end(
    choose: Callable[..., Number], by: Callable[[Any, Any], Any], end: Number | None, part: Interval
) -> Number | None:
    """An end scaled by the known ends of the other part."""
    if end is None:
        return None
    try:
        return _finite(choose(by(end, one) for one in part))
    except (ValueError, ArithmeticError):
        return None


def _finite(value: Number) -> Number | None:
    return value if math.isfinite(value) else None


# Functions


def _least(one: Interval, other: Interval | None = None) -> Interval:
    if other is None:
        return UNBOUNDED
    highs = [high for high in (one.high, other.high) if high is not None]
    lows = (one.low, other.low)
    low = None if None in lows else min(low for low in lows if low is not None)
    return Interval(low, min(highs) if highs else None)


def _most(one: Interval, other: Interval | None = None) -> Interval:
    if other is None:
        return UNBOUNDED
    lows = [low for low in (one.low, other.low) if low is not None]
    highs = (one.high, other.high)
    high = None if None in highs else max(high for high in highs if high is not None)
    return Interval(max(lows) if lows else None, high)


def _clamped(value: Interval, low: Interval, high: Interval) -> Interval:
    return _least(_most(value, low), high)


def _rest(_: Interval, divisor: Interval) -> Interval:
    if divisor.low is not None and divisor.low > 0:
        return Interval(0, divisor.high)
    return UNBOUNDED


def _absolute(value: Interval) -> Interval:
    if value.low is None or value.high is None:
        return Interval(0, None)
    high = max(abs(value.low), abs(value.high))
    inside = value.low <= 0 <= value.high
    return Interval(0 if inside else min(abs(value.low), abs(value.high)), high)


def _monotonic(name: str) -> Callable[[Interval], Interval]:
    compute = FUNCTIONS[name].compute

    def end_of(end: Number | None) -> Number | None:
        try:
            return None if end is None else compute(end)
        except ValueError:
            return None

    return lambda value: Interval(end_of(value.low), end_of(value.high))


_CALLS: Final[Mapping[str, Callable[..., Interval]]] = {
    "min": _least,
    "max": _most,
    "clamp": _clamped,
    "mod": _rest,
    "abs": _absolute,
    "size": lambda _: Interval(0, None),
    **{name: _monotonic(name) for name in ("floor", "ceil", "round", "real")},
}
