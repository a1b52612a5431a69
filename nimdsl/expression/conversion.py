"""What stands between a value and a typed place: nothing, where its own type says enough.

``converter`` is asked once for two types.  What it returns makes a value of the one type a value of the
other (an int a real), or raises ValueError where the run finds that it is none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
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
    STRING,
    Type,
    element_of,
)
from nimdsl.expression.untyped import fields_of, listed, named, unitless

Converter = Callable[[Any], Any]
_PLAIN = {BOOL: bool, INT: int, STRING: str}


@lru_cache(maxsize=4_096)
def converter(wanted: Type, actual: Type = ANY) -> Converter | None:
    """What a value of type ``actual`` must go through to be one of ``wanted``; None for nothing."""
    if wanted == ANY or actual in (wanted, EMPTY):
        return None
    if wanted == REAL:
        return real_of if actual == INT else _real
    if wanted.name == "list":
        return _list(wanted, actual)
    if wanted.name == "record":
        return _record(wanted, actual)
    if actual != ANY:
        return _none(wanted, actual)
    return unitless if wanted in QUANTITIES else _scalar(wanted)


def _wrong(wanted: Type, value: Any) -> ValueError:
    return ValueError(f"{with_article(wanted.name)} is wanted, this is {named(value)}")


def _none(wanted: Type, actual: Type) -> Converter:
    """For types that never fit: what was not found before the run."""

    def refuse(_: Any) -> Any:
        raise ValueError(f"{with_article(str(wanted))} is wanted, this is {with_article(str(actual))}")

    return refuse


def _real(value: Any) -> float:
    if type(value) not in (int, float):
        raise _wrong(REAL, value)
    return real_of(value)


def _scalar(wanted: Type) -> Converter:
    python = _PLAIN[wanted]

    def check(value: Any) -> Any:
        if type(value) is not python:
            raise _wrong(wanted, value)
        return value

    return check


def _list(wanted: Type, actual: Type) -> Converter | None:
    if actual != ANY and actual.name != "list":
        return _none(wanted, actual)
    element = converter(element_of(wanted), actual.element or ANY)
    if element is None:
        return listed if actual == ANY else None
    return lambda value: [element(item) for item in listed(value)]


def _record(wanted: Type, actual: Type) -> Converter | None:
    if actual != ANY and actual.name != "record":
        return _none(wanted, actual)
    if wanted.fields is None:
        return fields_of if actual == ANY else None
    known = dict(actual.fields or ())
    loose = actual.fields is None or actual.open
    parts = {name: converter(kind, known.get(name, ANY)) for name, kind in wanted.fields}
    needed = {name: part for name, part in parts.items() if part is not None and (loose or name in known)}
    if not needed and not loose:
        return None

    def convert(value: Any) -> Any:
        given = fields_of(value)
        strangers = given.keys() - parts.keys()
        if strangers:
            raise ValueError(f"there is no field `{min(strangers)}` here")
        return {name: needed[name](item) if name in needed else item for name, item in given.items()}

    return convert
