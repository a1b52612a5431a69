"""Values from outside: what a callable or a service returned, what an event brings, as the types declare.

Quantities may come as base units (int64: ns, micro-LF, millionths, bytes) or as text
with their unit (``20ms``, ``40%``); an int may stand where a real is wanted.  What comes
out is plain data, so it can be journalled: whole text, finite numbers, keys that are
text, nothing nested without end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache

from nimdsl.base.units import INT64_MAX, PARSERS
from nimdsl.base.values import Fields, Value
from nimdsl.expression.functions import REAL_EXACT_MAX
from nimdsl.expression.types import Type, element_of

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


def accepted(declared: Mapping[str, Type], payload: Fields) -> Fields:
    """The payload of an event with the declared fields as their types say.  Raises Mismatch.

    It is plain data already; what nobody declared nobody can read, and stays.
    """
    changed: dict[str, Value] = {}
    for key, kind in declared.items():
        if key not in payload:
            raise Mismatch(f"`{key}` is missing")
        if not _fitting(kind)(payload[key]):
            changed[key] = _value(kind, payload[key], key)
    return {**payload, **changed} if changed else payload


@lru_cache(maxsize=4_096)
def _fitting(kind: Type) -> Callable[[Value], bool]:
    """Whether plain data is of a type as it stands: what is to be found cheaply, made once for a type."""
    match kind.name:
        case "any":
            return lambda _: True
        case "bool" | "string":
            python = bool if kind.name == "bool" else str
            return lambda value: type(value) is python
        case "real":
            return lambda value: type(value) is float and abs(value) <= REAL_MAX
        case "list":
            fits = _fitting(element_of(kind))
            return lambda value: isinstance(value, list) and all(map(fits, value))
        case "record":
            known = {name: _fitting(one) for name, one in kind.fields or ()}
            if kind.fields is None:
                return lambda value: isinstance(value, dict)
            return lambda value: (
                isinstance(value, dict)
                and all(name in known and known[name](item) for name, item in value.items())
            )
    return lambda value: type(value) is int and -INT64_MAX <= value <= INT64_MAX


def _value(kind: Type, value: object, where: str) -> Value:
    if kind.name in PARSERS and isinstance(value, str):
        found = PARSERS[kind.name](value)
        if found is not None:
            return found
    elif kind.name in ("int", *PARSERS):
        if isinstance(value, int) and not isinstance(value, bool):
            return _within(int(value), INT64_MAX, where)
    elif kind.name == "real":
        if isinstance(value, int) and not isinstance(value, bool):
            return float(_within(int(value), REAL_EXACT_MAX, where))
        if isinstance(value, float):
            return float(_within(value, REAL_MAX, where)) + 0.0
    elif kind.name == "bool":
        if isinstance(value, bool):
            return value
    elif kind.name == "string":
        if isinstance(value, str):
            return _text(value, where)
    elif kind.name == "list" and isinstance(value, list | tuple):
        element = element_of(kind)
        return [_value(element, item, f"{where}[{index}]") for index, item in enumerate(value)]
    elif kind.fields is not None and isinstance(value, Mapping):
        return _record(kind, value, where)
    elif (kind.name == "record" and isinstance(value, Mapping)) or kind.name == "any":
        return _plain(value, where, DEPTH_MAX)
    raise Mismatch(f"`{where}`: {kind} is wanted, this is {_shown(value)}")


def _within(value: int | float, most: int | float, where: str) -> int | float:
    """A number within its range; whole numbers that stand for a real are those that it holds exactly."""
    if not abs(value) <= most:
        raise Mismatch(f"`{where}`: from -{most} to {most} is wanted, this is {_shown(value)}")
    return value


def _record(kind: Type, value: Mapping[object, object], where: str) -> dict[str, Value]:
    """A record of declared fields, of which some may be left out."""
    found: dict[str, Value] = {}
    for key, item in value.items():
        name = _key(key, where)
        wanted = kind.field(name)
        if wanted is None:
            raise Mismatch(_whole(f"`{where}` has no field `{name}`"))
        found[name] = _value(wanted, item, f"{where}.{name}")
    return found


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
