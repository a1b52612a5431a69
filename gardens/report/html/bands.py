"""Slices and instants of a track as paths: bands and ticks, and of many of them columns in four shades."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from gardens.report.html.downloads import Cell, in_seconds
from gardens.report.observe.density import Stay
from gardens.report.observe.slices import Track
from gardens.report.words import number

COLUMN_COUNT_MAX = 240
"""So many columns one track has at most."""
SHADE_COUNT = 4
HEADS = ("from_s", "to_s", "what", "time_s", "begun")

Paths = list[tuple[str, str]]
"""CSS classes and what is drawn in them; from 0 to 100 to the right and down."""


def bands(
    track: Track, end_ns: int, kinds: Mapping[str, str], column_count: int = COLUMN_COUNT_MAX
) -> Paths:
    """The stays of these names, in these CSS classes, from top to bottom.

    Of many stays a column is the paler the less of its time was that.
    """
    if track.slices:
        return _gathered(
            (kinds[one.name], _box(100 * one.from_ns / end_ns, 100 * one.to_ns / end_ns))
            for one in track.slices
            if one.name in kinds
        )
    return _shades(track, end_ns, kinds, column_count, lambda stay, width_ns: stay[0] / width_ns)


def stacked(
    track: Track, end_ns: int, kinds: Mapping[str, str], column_count: int = COLUMN_COUNT_MAX
) -> Paths:
    """The stays of these names; of many, in each column as high as its part, the first at the bottom."""
    if track.slices:
        return bands(track, end_ns, kinds)
    density = track.density.fitting(end_ns, column_count)
    found: list[tuple[str, str]] = []
    for place, stays in density.bins.items():
        from_ns = place * density.width_ns
        to_ns = min(end_ns, from_ns + density.width_ns)
        times, floor = (100 * from_ns / end_ns, 100 * to_ns / end_ns), 100.0
        for name, kind in kinds.items():
            if high := round(100 * stays.get(name, (0, 0))[0] / max(1, to_ns - from_ns), 1):
                found.append((kind, _box(*times, (max(0.0, floor - high), floor))))
                floor -= high
    return _gathered(found)


def ticks(
    track: Track,
    end_ns: int,
    kinds: Mapping[str, str],
    lane: tuple[float, float] = (0, 100),
    column_count: int = COLUMN_COUNT_MAX,
) -> Paths:
    """The instants of these names as lines in a lane; of many a column is paler the fewer there are."""
    top, bottom = lane
    if track.slices:
        marked = (
            (kinds[one.name], 100 * one.from_ns / end_ns) for one in track.slices if one.name in kinds
        )
        line = f" {number(top)}V{number(bottom)}"
        return _gathered((f"{kind} tick", f"M{number(x)}{line}") for kind, x in marked)
    density = track.density.fitting(end_ns, column_count)
    most = {
        name: max((stays[name][1] for stays in density.bins.values() if name in stays), default=1)
        for name in kinds
    }
    found: Paths = []
    for name, kind in kinds.items():
        part = _part(most[name])
        found += _shades(track, end_ns, {name: kind}, column_count, part, lane)
    return found


def _part(most: int) -> Callable[[Stay, int], float]:
    return lambda stay, _: stay[1] / max(1, most)


def _shades(
    track: Track,
    end_ns: int,
    kinds: Mapping[str, str],
    column_count: int,
    part: Callable[[Stay, int], float],
    lane: tuple[float, float] = (0, 100),
) -> Paths:
    """Columns that are alike and stand beside each other are one box."""
    density = track.density.fitting(end_ns, column_count)
    boxes: dict[str, list[list[int]]] = {}
    for place, stays in density.bins.items():
        width_ns = max(1, min(density.width_ns, end_ns - place * density.width_ns))
        for name, stay in stays.items():
            share = part(stay, width_ns) if name in kinds else 0.0
            if share <= 0:
                continue
            shade = min(SHADE_COUNT, int(share * SHADE_COUNT) + 1)
            row = boxes.setdefault(f"{kinds[name]} s{shade}", [])
            if row and row[-1][1] == place:
                row[-1][1] = place + 1
            else:
                row.append([place, place + 1])
    width = 100 * density.width_ns / end_ns
    return [
        (kind, "".join(_box(width * first, min(100.0, width * last), lane) for first, last in row))
        for kind, row in sorted(boxes.items())
    ]


def _box(left: float, right: float, lane: tuple[float, float] = (0, 100)) -> str:
    top, bottom = lane
    return f"M{number(left)} {number(top)}H{number(right)}V{number(bottom)}H{number(left)}z"


def _gathered(pieces: Iterable[tuple[str, str]]) -> Paths:
    """One path a class."""
    found: dict[str, list[str]] = {}
    for kind, drawn in pieces:
        found.setdefault(kind, []).append(drawn)
    return [(kind, "".join(every)) for kind, every in found.items()]


def rows_of(track: Track, end_ns: int, column_count: int = COLUMN_COUNT_MAX) -> Iterator[tuple[Cell, ...]]:
    """The track as rows of a table: :data:`HEADS`; of many, in a quarter of the columns that are drawn."""
    if track.slices:
        for one in track.slices:
            times = in_seconds(one.from_ns), in_seconds(one.to_ns)
            yield *times, one.name, in_seconds(one.to_ns - one.from_ns), 1
        return
    density = track.density.fitting(end_ns, max(1, column_count // 4))
    for place, stays in density.bins.items():
        from_ns = place * density.width_ns
        times = in_seconds(from_ns), in_seconds(min(end_ns, from_ns + density.width_ns))
        for name, (time_ns, count) in stays.items():
            yield *times, name, in_seconds(time_ns), count
