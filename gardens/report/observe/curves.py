"""Numbers in the data of actors over time, each with its type; in bounded memory.

A number stays what it is until it is set again, so a curve is a line of steps.  One that never changed is
no curve.  Of one actor ``CURVE_COUNT_MAX`` fields are followed, the first ones to be set; the rest is
counted.  Of each curve the extremes are kept (:mod:`gardens.report.observe.points`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from gardens.report.observe.points import Points
from nimdsl.base.values import Value
from nimdsl.expression.types import ANY, NUMERIC, Type
from nimdsl.program import Actor
from runtime.records import Began, Moved, Record

CURVE_COUNT_MAX = 16
SPAN_COUNT_MAX = 320


@dataclass(frozen=True, slots=True)
class Curve:
    """A number of one actor over time: each point holds until the next one; ns and the value as kept."""

    actor: str
    field: str
    """Its path in the data."""
    type: Type
    points: tuple[tuple[int, float], ...]
    set_count: int
    """How often it got another value."""


class _Field:
    """A number that is followed."""

    def __init__(self, kind: Type) -> None:
        self.type = kind
        self.points = Points[float](SPAN_COUNT_MAX)
        self.set_count = 0

    def set(self, at_ns: int, value: float) -> None:
        """It has this value from then on; times do not decrease."""
        last = self.points.last
        if last is None or last[1] != value:
            self.points.add((at_ns, value))
            self.set_count += last is not None


class Curving:
    """Follows the numbers of one actor."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._began_ns = 0
        self._fields: dict[str, _Field] = {}
        self._left_out: dict[str, None] = {}

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""
        body = record.body
        if isinstance(body, Began):
            self._began_ns = record.at_ns
        if isinstance(body, Began | Moved):
            for path, value in body.changed.items():
                for name, number, kind in _numbers(path, value, self._type(path)):
                    self._set(name, record.at_ns, number, kind)

    def _set(self, name: str, at_ns: int, number: float, kind: Type) -> None:
        known = self._fields.get(name)
        if known is None:
            if len(self._fields) >= CURVE_COUNT_MAX:
                if len(self._left_out) < CURVE_COUNT_MAX:
                    self._left_out[name] = None
                return
            known = self._fields[name] = _Field(kind)
            before = _at(self._actor.data, name)
            if at_ns > self._began_ns and _is_number(before):
                known.set(self._began_ns, before)
        known.set(at_ns, number)

    def _type(self, path: str) -> Type:
        first, *rest = path.split(".")
        kind = self._actor.types.get(first, ANY)
        for name in rest:
            kind = kind.field(name) or ANY
        return kind

    @property
    def left_out(self) -> int:
        """How many more there were, counted up to as many."""
        return len(self._left_out)

    def curves(self) -> tuple[Curve, ...]:
        """What is known up to now, by the names of the fields."""
        return tuple(
            Curve(self._actor.id, name, one.type, tuple(one.points.points()), one.set_count)
            for name, one in sorted(self._fields.items())
            if one.set_count
        )


def _numbers(path: str, value: Value, kind: Type) -> Iterator[tuple[str, float, Type]]:
    """The numbers in a value that was set, each with its path and type."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _numbers(f"{path}.{name}", one, kind.field(name) or ANY)
    elif _is_number(value) and (kind == ANY or kind in NUMERIC):
        yield path, value, kind


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at(data: Mapping[str, Value], path: str) -> Value:
    """What the data have at a path; None where there is nothing."""
    value: Value = dict(data)
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
