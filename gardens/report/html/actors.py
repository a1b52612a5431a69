"""What actors did over time, on the page: rows of coloured time; of too many stays, how long was what.

A colour belongs to the name of a state or phase on the whole page, and the legend says to which;
handshakes have that of how they ended.  The first state, in which most cells wait, is blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from gardens.report.html.downloads import Cell, csv_link, in_seconds
from gardens.report.html.groups import ActorGroup, groups_of
from gardens.report.html.templating import render
from gardens.report.observe.density import Density, together
from gardens.report.observe.slices import Slice, Track
from gardens.report.observe.tracks import HANDSHAKES, PHASES, STATES
from gardens.report.observe.view import View
from gardens.report.palette import SLICES
from gardens.report.words import clock, number, quarters, share, span
from nimdsl.base.units import NANOSECONDS
from nimdsl.base.words import counted

COLUMN_COUNT_MAX = 6_000
"""So many bins of time are drawn, in all rows together."""
SLICE_COUNT_MAX = 20_000
"""So many slices are drawn one by one, in all rows together; of a row with more than its part the bins."""
_GOOD = frozenset(("accepted", "complete"))
_DONE, _FAILED = "done", "failed"
"""The CSS classes of what ended, by how it did."""
LEGEND_COUNT_MAX = 2 * len(SLICES)
"""So many states have a colour of their own, half of them deeper."""


def tracks(view: View) -> Markup:
    """What the other actors did."""
    end_ns = max(view.time_ns, 1)
    groups = [
        ActorGroup(group.name, members)
        for group in groups_of(view.doings)
        if (members := [one for one in group.members if any(map(_is_sight, one.tracks))])
    ]
    if not groups:
        return Markup()
    drawing = _Drawing(end_ns, [track for group in groups for one in group.members for track in one.tracks])
    shown = [_shown(drawing, group) for group in groups]
    idle = len(view.doings) - sum(len(group.members) for group in groups) + view.actors_left_out
    return render(
        "tracks",
        groups=shown,
        legend=drawing.legend[:LEGEND_COUNT_MAX],
        legend_more=max(0, len(drawing.legend) - LEGEND_COUNT_MAX),
        ended=drawing.ended,
        failed=drawing.failed,
        dense=bool(drawing.data),
        times=quarters(end_ns),
        idle=idle,
        data={"names": drawing.names, "rows": drawing.data},
    ) + csv_link("states", ("actor", "what", "from_s", "to_s", "state", "time_s", "begun"), drawing.rows())


def _coloured(track: Track) -> Sequence[str]:
    """The names in it that have a colour of their own."""
    if track.what == PHASES:
        return [piece.name for piece in track.slices]
    return [name for name in track.totals if name != track.rest] if track.what == STATES else []


def _is_sight(track: Track) -> bool:
    """A cell that never left its first state is no sight."""
    return track.what != STATES or any(name != track.rest for name in track.totals)


@dataclass(frozen=True)
class _Row:
    """One track: slices, or paths by CSS class on so many columns (``data``: which row of the tips)."""

    name: str
    what: str
    told: str
    pieces: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    paths: list[tuple[str, str]] = field(default_factory=list)
    column_count: str = ""
    data: int | None = None


@dataclass(frozen=True)
class _Group:
    """The rows of a group; ``whole`` is all of a family in one, when its members are folded."""

    title: str
    rows: list[_Row]
    whole: _Row | None


class _Drawing:
    """What all rows share: how wide they are, which name has which colour, and what their tips say."""

    def __init__(self, end_ns: int, tracks: Sequence[Track]) -> None:
        self.end_ns = end_ns
        self._tracks = tracks
        row_count = max(1, len(tracks))
        self._column_count = max(1, COLUMN_COUNT_MAX // row_count)
        self._slice_count = SLICE_COUNT_MAX // row_count
        coloured = [name for track in tracks for name in _coloured(track)]
        self._places = {name: place for place, name in enumerate(dict.fromkeys(coloured))}
        ends = {name for track in tracks if track.what != STATES for name in track.totals}
        self.failed = bool(ends - _GOOD)
        self.ended = bool(ends & _GOOD)
        self.legend = [(self.kind(name), name) for name in self._places]
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self.data: list[dict[str, object]] = []

    def kind(self, name: str) -> str:
        """The CSS class of a state."""
        place = self._places[name]
        return f"t{place % len(SLICES)}" + (" deep" if place // len(SLICES) % 2 else "")

    def row(self, track: Track, name: str, totals: Mapping[str, tuple[int, int]]) -> _Row:
        """One track; of many slices their density."""
        what = "" if track.what == STATES else track.what
        told = f"{name}, {track.what}: {_told(totals)}"
        if self._is_sparse(track):
            return _Row(name, what, told, self._pieces(track))
        return self.dense(track.density, track.rest, name, what, told)

    def _is_sparse(self, track: Track) -> bool:
        """Whether each slice is drawn."""
        return 0 < len(track.slices) <= self._slice_count

    def dense(self, density: Density, rest: str, name: str, what: str, told: str) -> _Row:
        """How long was what, column by column; the rest is blank."""
        density = self.fitting(density)
        paths = list(self._paths(density, rest, what))
        self.data.append(self._tips(density))
        count = number(self.end_ns / density.width_ns)
        return _Row(name, what, told, [], paths, count, len(self.data) - 1)

    def fitting(self, density: Density) -> Density:
        """With no more columns than a row may have."""
        return density.fitting(self.end_ns, self._column_count)

    def _pieces(self, track: Track) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                self._slice_kind(track, piece),
                number(100 * piece.from_ns / self.end_ns),
                number(100 * (piece.to_ns - piece.from_ns) / self.end_ns),
                _slice_title(piece),
                piece.name.replace("_", " "),
            )
            for piece in track.slices
            if piece.name != track.rest
        ]

    def _slice_kind(self, track: Track, piece: Slice) -> str:
        if piece.verdict and piece.verdict not in _GOOD:
            return _FAILED
        return _DONE if track.what == HANDSHAKES else self.kind(piece.name)

    def _paths(self, density: Density, rest: str, what: str) -> Iterator[tuple[str, str]]:
        """A path for each name, the longest at the bottom; columns that are alike are one."""
        whole: dict[str, int] = {}
        for stays in density.bins.values():
            for name, (time_ns, _) in stays.items():
                whole[name] = whole.get(name, 0) + time_ns
        floor: dict[int, int] = {}
        for name in sorted(whole, key=lambda one: -whole[one]):
            if name == rest or not whole[name]:
                continue
            boxes: list[list[float]] = []
            for place, stays in density.bins.items():
                time_ns = stays.get(name, (0, 0))[0]
                if not time_ns:
                    continue
                below = floor.get(place, 0)
                floor[place] = below + time_ns
                width_ns = min(density.width_ns, self.end_ns - place * density.width_ns)
                # Rounded at the edges, so that neighbours leave no gap.
                top, bottom = (
                    round(100 - 100 * part_ns / width_ns, 1) for part_ns in (below + time_ns, below)
                )
                box = [place, 1, top, bottom - top]
                if boxes and boxes[-1][0] + boxes[-1][1] == place and boxes[-1][2:] == box[2:]:
                    boxes[-1][1] += 1
                else:
                    boxes.append(box)
            drawn = "".join(
                f"M{x} {_short(y)}h{width}v{_short(high)}h-{width}z" for x, width, y, high in boxes
            )
            ended = _DONE if name in _GOOD else _FAILED
            yield ended if what else self.kind(name), drawn

    def _tips(self, density: Density) -> dict[str, object]:
        """The columns for the tip: number to name, milliseconds and count, one after the other."""
        return {
            "width": density.width_ns / NANOSECONDS["s"],
            "end": self.end_ns / NANOSECONDS["s"],
            "columns": {
                place: [
                    one
                    for name, (time_ns, count) in sorted(stays.items(), key=lambda item: -item[1][0])
                    for one in (self._number(name), round(time_ns / NANOSECONDS["ms"]), count)
                ]
                for place, stays in density.bins.items()
            },
        }

    def _number(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self._numbers))
        if number == len(self.names):
            self.names.append(name)
        return number

    def rows(self) -> Iterator[Sequence[Cell]]:
        """All of it as rows of a table."""
        for track in self._tracks:
            if self._is_sparse(track):
                for piece in track.slices:
                    times = in_seconds(piece.from_ns), in_seconds(piece.to_ns)
                    length_s = in_seconds(piece.to_ns - piece.from_ns)
                    yield track.actor, track.what, *times, piece.name, length_s, 1
                continue
            density = self.fitting(track.density)
            for place, stays in density.bins.items():
                from_ns = place * density.width_ns
                times = in_seconds(from_ns), in_seconds(min(self.end_ns, from_ns + density.width_ns))
                for name, (time_ns, count) in stays.items():
                    yield track.actor, track.what, *times, name, in_seconds(time_ns), count


def _shown(drawing: _Drawing, group: ActorGroup) -> _Group:
    rows = [
        drawing.row(track, one.name, track.totals)
        for one in group.members
        for track in one.tracks
        if _is_sight(track)
    ]
    if not group.is_folded:
        return _Group(group.name, rows, None)
    every = [track for one in group.members for track in one.tracks]
    density = together(track.density for track in every)
    totals = Track(group.name, STATES, "", (), density).totals
    rests = {track.rest for track in every}
    rest = rests.pop() if len(rests) == 1 else ""
    summed = Density(
        density.width_ns,
        {
            place: {name: (time_ns // len(every), count) for name, (time_ns, count) in stays.items()}
            for place, stays in density.bins.items()
        },
    )
    told = f"{group.name}, all {len(group.members)} together: {_told(totals)}"
    title = f"{group.name}: {counted(len(group.members), 'member')}"
    return _Group(title, rows, drawing.dense(summed, rest, group.name, "", told))


def _told(totals: Mapping[str, tuple[int, int]]) -> str:
    whole_ns = sum(time_ns for time_ns, _ in totals.values())
    longest = sorted(totals.items(), key=lambda item: -item[1][0])
    shares = [f"{name} {share(time_ns, whole_ns)}" for name, (time_ns, _) in longest[:4]]
    more = f" and {len(longest) - 4} more" if len(longest) > 4 else ""
    stays = counted(sum(count for _, count in totals.values()), "stay")
    return f"{', '.join(shares)}{more}; {stays}"


def _slice_title(piece: Slice) -> str:
    verdict = f": {piece.verdict}" if piece.verdict else ""
    return f"{piece.name}{verdict}\n{clock(piece.from_ns)}, {span(piece.to_ns - piece.from_ns)}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
