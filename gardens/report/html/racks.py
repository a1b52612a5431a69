"""Organs on the page: which model was on which card, how many waited, what was refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from gardens.report.html.bands import HEADS, Paths, rows_of, stacked
from gardens.report.html.downloads import Cell, csv_link, in_seconds
from gardens.report.html.drawing import Chart, height_of, rounded_up, steps
from gardens.report.html.templating import render
from gardens.report.observe.points import outlined
from gardens.report.observe.racks import RackWatch, rack_told
from gardens.report.observe.slices import Track
from gardens.report.observe.view import View
from gardens.report.words import quarters, share

ROWS_SHOWN_MAX = 48
COLUMN_COUNT_MAX = 1_600
"""So many columns are drawn, in all rows together."""
_STATES = {
    "loading": "loads",
    "ready": "waits",
    "serving": "serves",
    "training": "trains",
    "unloading": "leaves",
}


class _Model(NamedTuple):
    host: str
    card: str
    organ: str
    track: Track


@dataclass(frozen=True)
class _Row:
    name: str
    card: str
    told: str
    paths: Paths


@dataclass(frozen=True)
class _Rack:
    name: str
    rows: list[_Row]
    line: Markup
    told: str


def racks(view: View) -> Markup:
    """For each host its cards, a row for each model on them, and the line of those who wait below."""
    every = view.of_kinds().get("rack", {})
    watched = {actor: one for actor, one in every.items() if isinstance(one, RackWatch)}
    end_ns = max(view.time_ns, 1)
    models = [
        _Model(actor.partition("/")[2], card, organ, staying.track(end_ns))
        for actor, one in watched.items()
        for card, known in sorted(one.cards.items())
        for organ, staying in sorted(known.models.items())
    ]
    if not models and not any(one.refused for one in watched.values()):
        return Markup()
    shown = models[:ROWS_SHOWN_MAX]
    column_count = min(240, COLUMN_COUNT_MAX // max(1, len(shown)))
    found = [
        _Rack(
            host := actor.partition("/")[2],
            [_row(model, end_ns, column_count) for model in shown if model.host == host],
            _line(host, one, end_ns),
            ", ".join(rack_told(one)),
        )
        for actor, one in watched.items()
    ]

    def fields() -> Iterator[tuple[Cell, ...]]:
        for model in shown:
            for row in rows_of(model.track, end_ns, column_count):
                yield model.host, model.card, model.organ, *row

    csv = csv_link("cards", ("host", "card", "organ", *HEADS), fields())
    more = len(models) - len(shown)
    return render("racks", racks=found, times=quarters(end_ns), more=more) + csv


def _row(model: _Model, end_ns: int, column_count: int) -> _Row:
    track = model.track
    parts = [
        f"{name} {share(time_ns, end_ns)}"
        for name in _STATES
        if (time_ns := track.totals.get(name, (0, 0))[0])
    ]
    return _Row(model.organ, model.card, ", ".join(parts), stacked(track, end_ns, _STATES, column_count))


def _line(host: str, rack: RackWatch, end_ns: int) -> Markup:
    points = outlined(rack.line(), end_ns, 240)
    most = max((count for _, count in points), default=0)
    if not most:
        return Markup()
    top = max(1.0, rounded_up(most))
    y = height_of(0, top)
    path = steps([(100 * at_ns / end_ns, y(count)) for at_ns, count in points])
    told = f"{host}: up to {most} requests waited"
    paths = [("area", f"{path}V100H0z"), ("line", path)]
    csv = csv_link(f"waiting-{host}", ("time_s", "requests"), [(in_seconds(at), one) for at, one in points])
    scale = [(100.0, "0"), (0.0, f"{top:g}")]
    note = f"{most} at most"
    return Chart("queue d-organs", "Requests that wait", told, paths, scale, [], note, csv).render(end_ns)
