"""Values from outside: what a callable or a service returned, as the types that the work declares.

Quantities may come as base units (int64: ns, micro-LF, millionths) or as text with
their unit (``20ms``, ``40%``); an int may stand where a real is wanted.  What comes
out is plain data, so it can be journalled: whole text, finite numbers, keys that are
text, nothing nested without end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from nimdsl.base.units import INT64_MAX, parse_duration, parse_lifeforce, parse_share
from nimdsl.base.values import Value
from nimdsl.expression.types import ANY, Type

_UNITS = {"duration": parse_duration, "share": parse_share, "lifeforce": parse_lifeforce}
REAL_MAX = sys.float_info.max
DEPTH_MAX = 100
"""How deep lists and mappings may lie in one another."""


class Mismatch(ValueError):  # noqa: N818
    """A value is not what was declared; the text says where and what."""


def conform(returns: Mapping[str, Type], given: object) -> dict[str, Value]:
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
            name = key if isinstance(key, str) else _shown(key)
            raise Mismatch(_whole(f"`{name}` is not declared under `returns`"))
    return {key: _value(kind, given[key], key) for key, kind in returns.items()}


def _value(kind: Type, value: object, where: str) -> Value:
    if kind.name in _UNITS and isinstance(value, str):
        found = _UNITS[kind.name](value)
        if found is not None:
            return found
    elif kind.name in ("int", *_UNITS):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INT64_MAX:
            return int(value)
    elif kind.name == "real":
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= REAL_MAX:
            return float(value) + 0.0
    elif kind.name == "bool":
        if isinstance(value, bool):
            return value
    elif kind.name == "string":
        if isinstance(value, str):
            return _text(value, where)
    elif kind.name == "list" and isinstance(value, list | tuple):
        element = kind.element or ANY
        return [_value(element, item, f"{where}[{index}]") for index, item in enumerate(value)]
    elif (kind.name == "record" and isinstance(value, Mapping)) or kind.name == "any":
        return _plain(value, where, DEPTH_MAX)
    raise Mismatch(f"`{where}`: {kind} is wanted, this is {_shown(value)}")


def _plain(value: object, where: str, depth_left: int) -> Value:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int) and abs(value) <= INT64_MAX:
        return int(value)
    if isinstance(value, float) and abs(value) <= REAL_MAX:
        return float(value) + 0.0
    if isinstance(value, list | tuple | Mapping) and not depth_left:
        raise Mismatch(f"`{where}`: nested more than {DEPTH_MAX} deep")
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]", depth_left - 1) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _key(key, where): _plain(item, f"{where}.{key}", depth_left - 1) for key, item in value.items()
        }
    raise Mismatch(f"`{where}`: plain data is wanted, this is {_shown(value)}")


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise Mismatch(f"`{where}`: keys are text, this is {_shown(key)}")
    return _text(key, where)


def _text(value: str, where: str) -> str:
    try:
        return value.encode().decode()
    except UnicodeEncodeError:
        raise Mismatch(f"`{where}`: text is wanted, this is {_shown(value)}") from None


def _shown(value: object) -> str:
    try:
        text = f"{type(value).__name__} {value!r}"
    except Exception:  # whatever a stranger's __repr__ raises, and a number too long to print
        text = type(value).__name__
    return _whole(text if len(text) <= 60 else text[:57] + "...")


def _whole(text: str) -> str:
    """Without halves of characters (lone surrogates), which cannot be written down."""
    return text.encode(errors="backslashreplace").decode()
