"""Data of cells in the units that people read: seconds, LF, shares from 0 to 1; sizes are bytes."""

from __future__ import annotations

from collections.abc import Mapping

from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.values import Fields, Value
from nimdsl.expression.types import ANY, Type

_UNITS = {"duration": SECOND_NS, "lifeforce": MICRO, "share": MICRO}


def in_units(types: Mapping[str, Type], data: Fields) -> dict[str, Value]:
    """Named values, of nanoseconds, micro-LF and millionths; what has no known type stays as it is."""
    return {name: _in_unit(types.get(name, ANY), value) for name, value in data.items()}


def _in_unit(kind: Type, value: Value) -> Value:
    if isinstance(value, list):
        return [_in_unit(kind.element or ANY, item) for item in value]
    if isinstance(value, dict):
        return in_units(dict(kind.fields or ()), value)
    if isinstance(value, int) and kind.name in _UNITS:
        return value / _UNITS[kind.name]
    return value
