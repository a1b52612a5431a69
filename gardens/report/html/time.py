"""Where the time went, on the page: all beats together, and every beat as a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gardens.report.html.downloads import csv_link, in_seconds
from gardens.report.html.templating import render
from gardens.report.observe.moments import BeatSummary
from gardens.report.observe.view import View
from gardens.report.words import number, seconds, share
from nimdsl.base.units import NANOSECONDS
from nimdsl.program import Beat

COLUMN_COUNT_MAX = 2880
"""Beyond so many beats a column stands for several."""
BEAT_ROW_COUNT_MAX = 10_000
"""So many beats are in the CSV, the first ones."""
ROW_COLUMN_COUNT = 120
_HOUR_NS = NANOSECONDS["h"]
OVERHEAD, CHARGED, REFLEX, IDLE, SETTLE = "overhead", "charged", "reflexes", "idle", "settle"


def parts_of(view: View) -> list[tuple[str, str, int]]:
    """The parts of all beats together: name, CSS class, time; from the start of a beat to its end."""
    beat, beats = view.beat, view.beats
    assert beat is not None
    levels = [
        (level.name, f"l{place}", sum(one.shares[place].spent_ns for one in beats))
        for place, level in enumerate(beat.levels)
        if not level.reflex
    ]
    return [
        (OVERHEAD, "hatch", sum(one.overhead_ns for one in beats)),
        (CHARGED, "charged", sum(one.charged_ns for one in beats)),
        (REFLEX, _reflex_class(beat), sum(one.reflex_ns for one in beats)),
        *levels,
        (IDLE, "empty", sum(one.idle_ns for one in beats)),
        (SETTLE, "hatch", sum(one.settle_ns for one in beats)),
    ]


def _reflex_class(beat: Beat) -> str:
    return next((f"l{place}" for place, level in enumerate(beat.levels) if level.reflex), "l0")


def spending(view: View) -> Markup:
    """One bar of everything, and a table of the levels."""
    if not view.beats:
        return Markup()
    parts = [part for part in parts_of(view) if part[2]]
    whole = sum(time_ns for _, _, time_ns in parts)
    heads = ["level", ">spent", ">share", ">granted", ">in beats", ">done", ">preempted", ">dropped"]
    return render(
        "spending",
        parts=[
            (name, kind, number(100 * time_ns / whole), seconds(time_ns), share(time_ns, whole))
            for name, kind, time_ns in parts
        ],
        told=", ".join(f"{name} {share(time_ns, whole)}" for name, _, time_ns in parts),
        heads=heads + ([">refused", ">overruns"] if view.troubles else []),
        levels=list(_levels(view, whole)),
        others=[
            (name, kind, seconds(time_ns), share(time_ns, whole))
            for name, kind, time_ns in parts
            if kind in ("hatch", "empty", "charged")
        ],
    ) + csv_link("time", ("part", "time_s"), [(name, in_seconds(time_ns)) for name, _, time_ns in parts])


@dataclass(frozen=True)
class _Level:
    """A row of the table; ``counts`` with a CSS class each."""

    name: str
    kind: str
    times: tuple[str, ...]
    counts: tuple[tuple[int, str], ...]


def _levels(view: View, whole_ns: int) -> Iterator[_Level]:
    assert view.beat is not None
    troubles = {trouble.level: trouble for trouble in view.troubles}
    for place, level in enumerate(view.beat.levels):
        shares = [one.shares[place] for one in view.beats]
        spent, granted = sum(one.spent_ns for one in shares), sum(one.granted_ns for one in shares)
        trouble = troubles.get(level.name)
        yield _Level(
            level.name,
            f"l{place}",
            (seconds(spent), share(spent, whole_ns), seconds(granted)),
            (
                (sum(one.started_ns is not None for one in shares), ""),
                (sum(one.done for one in shares), ""),
                (sum(one.preempted for one in shares), ""),
                (sum(one.dropped for one in shares), "bad"),
                (trouble.refused if trouble else 0, "bad"),
                (trouble.overruns if trouble else 0, "bad"),
            ),
        )


# Every beat


def overview(view: View) -> Markup:
    """Every beat as a column, in rows of an hour or so; several beats a column if there are too many."""
    beat, beats = view.beat, view.beats
    if beat is None or len(beats) <= 1:
        return Markup()
    merged = -(-len(beats) // COLUMN_COUNT_MAX)
    stack = _Stack(beat)
    columns = [_Column(stack, beats[start : start + merged]) for start in range(0, len(beats), merged)]
    in_row = _in_row(beat, len(columns), merged)
    most = max(column.dropped for column in columns)
    return render(
        "overview",
        merged=merged,
        in_row=in_row,
        rows=[
            _overview_row(beat, stack, columns[start : start + in_row], start, most)
            for start in range(0, len(columns), in_row)
        ],
        data={
            "levels": stack.names,
            "columns": [column.data() for column in columns],
        },
    ) + _beats_csv(beat, beats)


def _beats_csv(beat: Beat, beats: Sequence[BeatSummary]) -> Markup:
    parts = ("overhead", "charged", "reflexes", "idle", "settle")
    levels = [f"{level.name}_s" for level in beat.levels]
    heads = ("beat", "start_s", "dropped", "preempted", *(f"{part}_s" for part in parts), *levels)
    rows = [
        (
            one.index,
            in_seconds(one.start_ns),
            one.dropped,
            one.preempted,
            *map(in_seconds, (one.overhead_ns, one.charged_ns, one.reflex_ns, one.idle_ns, one.settle_ns)),
            *(in_seconds(share.spent_ns) for share in one.shares),
        )
        for one in beats[:BEAT_ROW_COUNT_MAX]
    ]
    return csv_link("beats", heads, rows)


def _in_row(beat: Beat, count: int, merged: int) -> int:
    if count <= ROW_COLUMN_COUNT * 3 // 2:
        return count
    hour = _HOUR_NS // (beat.length_ns * merged)
    return hour if ROW_COLUMN_COUNT // 2 <= hour <= ROW_COLUMN_COUNT * 2 else ROW_COLUMN_COUNT


class _Stack:
    """The parts of a column from the bottom: their names and classes, and their times in a beat."""

    def __init__(self, beat: Beat) -> None:
        levels = [(place, level) for place, level in enumerate(beat.levels) if not level.reflex]
        rest = {place: " rest" if level.policy == "rest" else "" for place, level in levels}
        self.names = ["overhead and settle", CHARGED, REFLEX, *(level.name for _, level in levels)]
        self.kinds = [
            "fixed",
            "charged",
            _reflex_class(beat),
            *(f"l{place}{rest[place]}" for place in rest),
        ]
        self._places = list(rest)

    def times(self, summary: BeatSummary) -> list[int]:
        """Of one beat, ns."""
        shares = summary.shares
        fixed_ns = summary.overhead_ns + summary.settle_ns
        own = [shares[place].spent_ns for place in self._places]
        return [fixed_ns, summary.charged_ns, summary.reflex_ns, *own]


class _Column:
    """Some beats that stand next to each other, as one column."""

    def __init__(self, stack: _Stack, beats: Sequence[BeatSummary]) -> None:
        self.first, self.last = beats[0].index, beats[-1].index
        self.start_ns = beats[0].start_ns
        self.dropped = sum(one.dropped for one in beats)
        self.preempted = sum(one.preempted for one in beats)
        times = [stack.times(one) for one in beats]
        self.times_ns = [sum(parts) / len(beats) for parts in zip(*times, strict=True)]

    def data(self) -> list[int]:
        """For the tooltip: beats, what was lost, and milliseconds of each part."""
        times_ms = [round(time_ns / NANOSECONDS["ms"]) for time_ns in self.times_ns]
        return [self.first, self.last, self.preempted, self.dropped, *times_ms]


@dataclass(frozen=True)
class _Row:
    """Columns beside each other; ``paths`` are what is drawn of them, by CSS class."""

    label: str
    told: str
    start: int
    count: int
    paths: list[tuple[str, str]]
    drops: str


def _overview_row(beat: Beat, stack: _Stack, columns: Sequence[_Column], start: int, most: int) -> _Row:
    paths: list[list[str]] = [[] for _ in stack.kinds]
    for x, column in enumerate(columns):
        y = 100.0
        for pieces, time_ns in zip(paths, column.times_ns, strict=True):
            if time_ns:
                height = 100 * time_ns / beat.length_ns
                y -= height
                pieces.append(f"M{x} {y:.1f}h.94v{height:.1f}h-.94z")
    minutes = columns[0].start_ns // NANOSECONDS["min"]
    lost = sum(column.dropped for column in columns), sum(column.preempted for column in columns)
    return _Row(
        label=f"{minutes // 60}:{minutes % 60:02d}",
        told=f"beats {columns[0].first} to {columns[-1].last}: {lost[0]} dropped, {lost[1]} preempted",
        start=start,
        count=len(columns),
        paths=[(kind, "".join(pieces)) for kind, pieces in zip(stack.kinds, paths, strict=True) if pieces],
        drops=_overview_marks(columns, most),
    )


def _overview_marks(columns: Sequence[_Column], most: int) -> str:
    """What was dropped, hanging below its column."""
    return "".join(
        f"M{x} 0h.94v{max(3.0, 10 * one.dropped / most):.1f}h-.94z"
        for x, one in enumerate(columns)
        if one.dropped
    )
