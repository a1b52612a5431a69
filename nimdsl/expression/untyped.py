"""Values whose types only the run knows: what stands in a record without declared fields.

The rules of types hold for them all the same, and a value that breaks one has none (ValueError, which the
evaluator turns into a fault): nothing is compared across types, a bool is no number, and a number without a
type never meets a unit, because it has lost its own.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from functools import reduce
from typing import Any

from nimdsl.base.words import with_article
from nimdsl.expression.functions import real_of
from nimdsl.expression.types import (
    ANY,
    BOOL,
    EMPTY,
    INT,
    QUANTITIES,
    REAL,
    RECORD,
    STRING,
    Type,
    join,
    list_of,
)

MIXED = Type("mixed")
"""Of the items of a list that have no type in common."""
NULL = Type("null")
_PLAIN = {bool: BOOL, int: INT, float: REAL, str: STRING, dict: RECORD}


def is_typed(kind: Type) -> bool:
    """Whether nothing of a type is left to the run."""
    if kind == ANY or kind.open or (kind.name == "record" and kind.fields is None):
        return False
    return all(map(is_typed, _parts(kind)))


def has_unit(kind: Type) -> bool:
    """Whether a value of the type is or contains a quantity."""
    return kind in QUANTITIES or any(map(has_unit, _parts(kind)))


def _parts(kind: Type) -> tuple[Type, ...]:
    return (kind.element,) if kind.element else tuple(one for _, one in kind.fields or ())


def kind_of(value: Any) -> Type:
    """The type that a plain value shows; of a quantity nothing but its number is left."""
    if isinstance(value, list):
        return list_of(reduce(_common, map(kind_of, value), EMPTY))
    return _PLAIN.get(type(value), NULL)


def named(value: Any) -> str:
    """The kind of a value, in words."""
    return "nothing" if value is None else with_article(str(kind_of(value)))


def _common(one: Type, other: Type) -> Type:
    return join(one, other) or MIXED


def unitless(*_: Any) -> Any:
    """A number without a type where a quantity is wanted, or beside one."""
    raise ValueError("a value without a declared type never meets a quantity")


def truth(value: Any) -> bool:
    """``value`` as a condition."""
    if not isinstance(value, bool):
        raise ValueError(f"true or false is wanted, this is {named(value)}")
    return value


def listed(value: Any) -> list[Any]:
    """``value`` as a list."""
    if not isinstance(value, list):
        raise ValueError(f"a list is wanted, this is {named(value)}")
    return value


def picked(value: Any, index: Any) -> Any:
    """``value[index]`` of a list or a record."""
    kinds = type(value), type(index)
    if kinds not in ((list, int), (dict, str)):
        raise ValueError(f"{named(value)} is not indexed by {named(index)}")
    return value[index]


def fields_of(value: Any) -> dict[str, Any]:
    """``value`` as a record."""
    if not isinstance(value, dict):
        raise ValueError(f"{named(value)} has no fields")
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two values of one type are equal."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    _comparable("==", one, other)
    return bool(one == other)


def _comparable(operator: str, one: Any, other: Any) -> None:
    kinds = kind_of(one), kind_of(other)
    if join(*kinds) is None:
        raise ValueError(f"`{operator}` does not join {kinds[0]} and {kinds[1]}")


def _ordered(operator: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(one: Any, other: Any) -> bool:
        kinds = kind_of(one), kind_of(other)
        if join(*kinds) not in (INT, REAL, STRING):
            raise ValueError(f"`{operator}` does not join {kinds[0]} and {kinds[1]}")
        return compare(*_alike(one, other))

    return apply


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """An int beside a real is one."""
    return (real_of(one), real_of(other)) if {type(one), type(other)} == {int, float} else (one, other)


def _joined(
    operator: str, compute: Callable[[Any, Any], Any], texts: bool = False
) -> Callable[[Any, Any], Any]:
    def apply(one: Any, other: Any) -> Any:
        kinds = kind_of(one), kind_of(other)
        joined = join(*kinds)
        added = texts and joined is not None and (joined == STRING or joined.name == "list")
        if joined not in (INT, REAL) and not added:
            raise ValueError(f"`{operator}` does not join {kinds[0]} and {kinds[1]}")
        return compute(*_alike(one, other))

    return apply


def truncated(one: int, other: int) -> int:
    """The quotient of two ints, towards zero."""
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def _divided(one: Any, other: Any) -> Any:
    return one / other if isinstance(one, float) else truncated(one, other)


def negated(value: Any) -> Any:
    """``-value`` of a number."""
    if type(value) not in (int, float):
        raise ValueError(f"`-` wants a number, this is {named(value)}")
    return -value


def _contained(item: Any, items: Any) -> bool:
    """Whether a list has the item; all of its items are compared, so that their order decides nothing."""
    found = [same(item, one) for one in listed(items)]
    return any(found)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": same,
    "!=": lambda one, other: not same(one, other),
    "<": _ordered("<", python.lt),
    "<=": _ordered("<=", python.le),
    ">": _ordered(">", python.gt),
    ">=": _ordered(">=", python.ge),
    "in": _contained,
    "+": _joined("+", python.add, texts=True),
    "-": _joined("-", python.sub),
    "*": _joined("*", python.mul),
    "/": _joined("/", _divided),
}
"""Two values, as each operator takes them."""
