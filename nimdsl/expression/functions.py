"""The functions of the expression language: their types and what they compute.

A function's rule takes argument types and gives the result type, or None when
they do not fit.  Sums run from left to right, rounding is half to even
(SEMANTICS 2.3); any function called with the wrong value at run time raises,
which the evaluator turns into a fault.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nimdsl.base import canonical
from nimdsl.base.units import format_bytes, format_duration, format_lifeforce, format_share
from nimdsl.expression.types import (
    ANY,
    BOOL,
    INT,
    NUMERIC,
    REAL,
    STRING,
    Type,
    accepts,
    element_of,
    join,
    list_of,
)

REAL_EXACT_MAX = 2**53
Rule = Callable[..., Type | None]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how it is written, its typing rule, how many arguments, and its value."""

    usage: str
    arity: tuple[int, ...]
    rule: Rule
    compute: Callable[..., Any]
    typed: bool = False
    """Whether ``compute`` wants the argument types first."""


def _element(kind: Type) -> Type | None:
    if kind == ANY:
        return ANY
    return element_of(kind) if kind.name == "list" else None


def _numeric(kind: Type | None) -> Type | None:
    return kind if kind is not None and (kind == ANY or kind in NUMERIC) else None


def _extreme(*kinds: Type) -> Type | None:
    if len(kinds) == 1:
        return _numeric(_element(kinds[0]))
    return _numeric(join(kinds[0], kinds[1]))


def _size(kind: Type) -> Type | None:
    return INT if kind == ANY or kind.name in ("list", "string", "record") else None


def _sum(kind: Type) -> Type | None:
    return _numeric(_element(kind))


def _sum_value(kinds: tuple[Type, ...], items: list[Any]) -> Any:
    total: Any = 0.0 if kinds[0].element == REAL else 0
    for item in items:
        total = total + item
    return total


def _flatten(kind: Type) -> Type | None:
    inner = _element(kind)
    element = _element(inner) if inner else None
    return list_of(element) if element else None


def _distinct_value(items: list[Any]) -> list[Any]:
    return list({canonical.encode(item): item for item in reversed(items)}.values())[::-1]


def _contains(kind: Type, wanted: Type) -> Type | None:
    if STRING in (kind, wanted) and accepts(STRING, kind) and accepts(STRING, wanted):
        return BOOL
    element = _element(kind)
    return BOOL if element and join(element, wanted) else None


def _starts_with(kind: Type, wanted: Type) -> Type | None:
    return BOOL if accepts(STRING, kind) and accepts(STRING, wanted) else None


def _clamp(*kinds: Type) -> Type | None:
    low = join(kinds[0], kinds[1])
    return _numeric(join(low, kinds[2])) if low else None


def _to_whole(kind: Type) -> Type | None:
    return INT if kind in (REAL, INT, ANY) else None


def _to_real(kind: Type) -> Type | None:
    return REAL if kind in (REAL, INT, ANY) else None


def real_of(value: float) -> float:
    """An int as a real.  Raises ValueError beyond 2^53, where it would lose bits (SEMANTICS 2.3)."""
    if isinstance(value, int) and abs(value) > REAL_EXACT_MAX:
        raise ValueError("this integer is too large to be a real")
    return float(value)


def _scalar(kind: Type) -> Type | None:
    return STRING if kind.name not in ("list", "record") else None


def as_text(kinds: tuple[Type, ...], value: Any) -> str:
    """How a value reads inside text: quantities with their unit, floats as ``repr``."""
    formats: dict[str, Callable[[Any], str]] = {
        "duration": format_duration,
        "lifeforce": format_lifeforce,
        "share": format_share,
        "bytes": format_bytes,
    }
    if isinstance(value, bool):
        return "true" if value else "false"
    return formats.get(kinds[0].name, str)(value)


def _mod(value: Type, divisor: Type) -> Type | None:
    return _numeric(join(value, divisor))


def _mod_value(value: Any, divisor: Any) -> Any:
    if isinstance(value, float) or isinstance(divisor, float):
        value, divisor = real_of(value), real_of(divisor)
    return value % divisor


def _slice(kind: Type, begin: Type, end: Type) -> Type | None:
    whole = all(one in (INT, ANY) for one in (begin, end))
    return kind if whole and _element(kind) else None


def _slice_value(items: list[Any], begin: int, end: int) -> list[Any]:
    if begin < 0 or end < begin:
        raise ValueError(f"a slice goes from 0 upwards, this is from {begin} to {end}")
    return items[begin:end]


def _digest(kind: Type) -> Type | None:
    return STRING if accepts(STRING, kind) else None


def _digest_value(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


FUNCTIONS: dict[str, Function] = {
    "size": Function("size(list or string)", (1,), _size, len),
    "sum": Function("sum(list of numbers)", (1,), _sum, _sum_value, typed=True),
    "min": Function("min(a, b) or min(list)", (1, 2), _extreme, min),
    "max": Function("max(a, b) or max(list)", (1, 2), _extreme, max),
    "abs": Function("abs(number)", (1,), lambda kind: _numeric(kind), abs),
    "clamp": Function("clamp(x, low, high)", (3,), _clamp, lambda x, low, high: min(max(x, low), high)),
    "mod": Function("mod(a, b): what remains of a, with the sign of b", (2,), _mod, _mod_value),
    "floor": Function("floor(real)", (1,), _to_whole, math.floor),
    "ceil": Function("ceil(real)", (1,), _to_whole, math.ceil),
    "round": Function("round(real), half to even", (1,), _to_whole, round),
    "real": Function("real(int)", (1,), _to_real, real_of),
    "string": Function("string(value)", (1,), _scalar, as_text, typed=True),
    "contains": Function(
        "contains(text or list, part)", (2,), _contains, lambda whole, part: part in whole
    ),
    "startsWith": Function("startsWith(text, start)", (2,), _starts_with, str.startswith),
    "distinct": Function(
        "distinct(list)", (1,), lambda kind: kind if _element(kind) else None, _distinct_value
    ),
    "flatten": Function(
        "flatten(list of lists)", (1,), _flatten, lambda lists: [x for xs in lists for x in xs]
    ),
    "slice": Function("slice(list, from, to), `to` left out", (3,), _slice, _slice_value),
    "first": Function("first(list)", (1,), _element, lambda items: items[0]),
    "digest": Function("digest(text): 16 hexadecimal digits of its SHA-256", (1,), _digest, _digest_value),
}
