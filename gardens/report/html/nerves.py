"""Nerves on the page: what each commanded and what came of it, as marks in lanes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from gardens.report.html.bands import HEADS, Paths, rows_of, ticks
from gardens.report.html.downloads import Cell, csv_link
from gardens.report.html.templating import render
from gardens.report.observe.nerves import COMMAND, LATE, REFUSED, NerveWatch, nerve_told
from gardens.report.observe.view import View
from gardens.report.words import quarters

NERVES_SHOWN_MAX = 40
COLUMN_COUNT_MAX = 1_200
"""So many columns are drawn, in all rows together."""
LANES = (
    ({COMMAND: "commands"}, (4.0, 27.0)),
    ({"confirmed": "confirmed"}, (29.0, 50.0)),
    ({"partial": "partial", "expired": "expired"}, (52.0, 73.0)),
    ({"failed": "lost", LATE: "late", REFUSED: "lost"}, (75.0, 96.0)),
)
"""What is marked in each lane of a row, by its CSS class, from the top."""


@dataclass(frozen=True)
class _Row:
    name: str
    told: str
    paths: Paths


def nerves(view: View) -> Markup:
    """A row for each nerve."""
    every = view.of_kinds().get("nerve", {})
    watched = {actor: one for actor, one in every.items() if isinstance(one, NerveWatch)}
    if not watched:
        return Markup()
    shown, end_ns = list(watched.items())[:NERVES_SHOWN_MAX], max(view.time_ns, 1)
    column_count = min(240, COLUMN_COUNT_MAX // len(shown))
    rows = [_row(actor.partition("/")[2], one, end_ns, column_count) for actor, one in shown]

    def fields() -> Iterator[tuple[Cell, ...]]:
        for actor, one in shown:
            for row in rows_of(one.marks, end_ns, column_count):
                yield actor, *row

    csv = csv_link("nerves", ("nerve", *HEADS), fields())
    more = len(watched) - len(shown)
    return render("nerves", rows=rows, times=quarters(end_ns), more=more) + csv


def _row(name: str, nerve: NerveWatch, end_ns: int, column_count: int) -> _Row:
    marks = nerve.marks
    paths = [path for kinds, lane in LANES for path in ticks(marks, end_ns, kinds, lane, column_count)]
    return _Row(name, ", ".join(nerve_told(nerve)), paths)
