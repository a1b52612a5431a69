"""A quantity over time, in bounded memory: of each span of time the points that give its outline.

Time is divided evenly into spans, which get longer as time goes on; of each the first, the lowest, the
highest and the last point are kept, so that no extreme is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

Number = TypeVar("Number", int, float)


class Points(Generic[Number]):
    """Points in the order of time (ns), of at most ``span_count_max`` spans."""

    def __init__(self, span_count_max: int) -> None:
        self.last: tuple[int, Number] | None = None
        self._span_count_max = span_count_max
        self._span_ns = 1
        self._spans: dict[int, list[tuple[int, Number]]] = {}

    def add(self, point: tuple[int, Number]) -> None:
        """One more, not before the last one."""
        self.last = point
        kept = self._spans.setdefault(point[0] // self._span_ns, [])
        kept.append(point)
        if len(kept) > 4:
            kept[:] = outline(kept)
        if len(self._spans) > self._span_count_max:
            self._widen()

    def _widen(self) -> None:
        """Spans long enough that there are not too many."""
        points = self.points()
        while len({at_ns // self._span_ns for at_ns, _ in points}) > self._span_count_max:
            self._span_ns *= 2
        self._spans = _outlined(points, self._span_ns)

    def points(self) -> list[tuple[int, Number]]:
        """Those that are kept."""
        return [point for kept in self._spans.values() for point in kept]


def outlined(
    points: Sequence[tuple[int, Number]], end_ns: int, column_count: int
) -> list[tuple[int, Number]]:
    """The outline of each of so many columns up to ``end_ns``."""
    spans = _outlined(points, max(1, -(-end_ns // column_count)))
    return [point for kept in spans.values() for point in kept]


def _outlined(points: Iterable[tuple[int, Number]], span_ns: int) -> dict[int, list[tuple[int, Number]]]:
    spans: dict[int, list[tuple[int, Number]]] = {}
    for point in points:
        spans.setdefault(point[0] // span_ns, []).append(point)
    return {number: outline(kept) for number, kept in spans.items()}


def outline(points: Sequence[tuple[int, Number]]) -> list[tuple[int, Number]]:
    """The first, the lowest, the highest and the last, in their order."""
    if len(points) <= 2:
        return list(points)
    places = {0, len(points) - 1}
    places |= {min(range(len(points)), key=lambda place: points[place][1])}
    places |= {max(range(len(points)), key=lambda place: points[place][1])}
    return [points[place] for place in sorted(places)]


def envelope(
    points: Sequence[tuple[int, float]], end_ns: int, column_count: int
) -> list[tuple[int, float, float]]:
    """When each of so many columns up to ``end_ns`` begins, with the least and the most that it was in it.

    A point holds until the next one; columns before the first are left out.
    """
    span_ns = max(1, -(-end_ns // column_count))
    spans: dict[int, list[float]] = {}
    for at_ns, value in points:
        spans.setdefault(at_ns // span_ns, []).append(value)
    found: list[tuple[int, float, float]] = []
    held: list[float] = []
    for number in range(min(spans, default=0), -(-end_ns // span_ns)):
        values = held + spans.get(number, [])
        if values:
            found.append((number * span_ns, min(values), max(values)))
            held = values[-1:]
    return found
