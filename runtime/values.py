"""Values from outside: what a callable or a service returned, as the types that the work declares.

Quantities may come as base units (int64: ns, micro-LF, millionths) or as text with
their unit (``20ms``, ``40%``); an int may stand where a real is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nimdsl.canonical import Plain
from nimdsl.expression.types import Type
from nimdsl.units import INT64_MAX, parse_duration, parse_lifeforce, parse_share

_UNITS = {"duration": parse_duration, "share": parse_share, "lifeforce": parse_lifeforce}
_EXACT: Mapping[str, type] = {"bool": bool, "string": str}


class Mismatch(ValueError):  # noqa: N818
    """A value is not what was declared; the text says where and what."""


def conform(returns: Mapping[str, Type], given: Any) -> dict[str, Plain]:
    """The declared values, and no others.  Raises Mismatch."""
    if not isinstance(given, Mapping):
        if not returns and given is None:
            return {}
        wanted = ", ".join(returns) or "nothing"
        raise Mismatch(f"a mapping of {wanted} is wanted, this is {_shown(given)}")
    for key in returns:
        if key not in given:
            raise Mismatch(f"`{key}` is missing")
    for key in given:
        if key not in returns:
            raise Mismatch(f"`{key}` is not declared under `returns`")
    return {key: _value(kind, given[key], key) for key, kind in returns.items()}


def _value(kind: Type, value: Any, where: str) -> Plain:
    if kind.name in _UNITS and isinstance(value, str):
        found = _UNITS[kind.name](value)
        if found is not None:
            return found
    elif kind.name in ("int", *_UNITS):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INT64_MAX:
            return value
    elif kind.name == "real":
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value) + 0.0
    elif kind.name in _EXACT:
        if isinstance(value, _EXACT[kind.name]):
            return value
    elif kind.name == "list" and isinstance(value, list | tuple):
        assert kind.element is not None
        return [_value(kind.element, item, f"{where}[{index}]") for index, item in enumerate(value)]
    elif kind.name == "record" and isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    elif kind.name == "any":
        return _plain(value, where)
    raise Mismatch(f"`{where}`: {kind} is wanted, this is {_shown(value)}")


def _plain(value: Any, where: str) -> Plain:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= INT64_MAX:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value + 0.0
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    raise Mismatch(f"`{where}`: plain data is wanted, this is {_shown(value)}")


def _shown(value: Any) -> str:
    text = f"{type(value).__name__} {value!r}"
    return text if len(text) <= 60 else text[:57] + "..."
