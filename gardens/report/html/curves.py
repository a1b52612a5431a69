"""The numbers in the data of cells as curves, on the page: small charts, each with its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gardens.report.html.downloads import csv_link, in_seconds
from gardens.report.html.drawing import Chart, height_of, steps
from gardens.report.html.groups import groups_of
from gardens.report.html.templating import render
from gardens.report.observe.curves import Curve
from gardens.report.observe.points import outlined
from gardens.report.observe.view import View
from gardens.report.words import value_of
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.words import counted
from nimdsl.expression.types import QUANTITIES

COLUMN_COUNT_MAX = 10_000
"""So many columns of pixels are drawn, in all curves together."""
_CURVE_COLUMN_COUNT = range(30, 320)
CURVE_COUNT_MAX = 300
_UNITS = {
    "duration": ("s", SECOND_NS),
    "lifeforce": ("LF", MICRO),
    "share": ("%", MICRO // 100),
    "bytes": ("B", 1),
}


@dataclass(frozen=True)
class _Charts:
    """The charts of a group of actors."""

    title: str
    charts: list[Markup]
    folded: bool


def curves(view: View) -> Markup:
    """A chart for each number that changed."""
    end_ns = max(view.time_ns, 1)
    wanted = sum(len(one.curves) for one in view.doings)
    if not wanted:
        return Markup()
    count = min(_CURVE_COLUMN_COUNT.stop, max(_CURVE_COLUMN_COUNT.start, COLUMN_COUNT_MAX // wanted))
    left, groups = CURVE_COUNT_MAX, []
    for group in groups_of(view.doings):
        found = [(one.name, curve) for one in group.members for curve in one.curves][:left]
        left -= len(found)
        if found:
            title = f"{group.name}: {counted(len(found), 'curve')}" if group.name else ""
            charts = [_chart(name, curve, count, end_ns) for name, curve in found]
            groups.append(_Charts(title, charts, group.is_folded))
    more = wanted - (CURVE_COUNT_MAX - left) + sum(one.curves_left_out for one in view.doings)
    return render("curves", groups=groups, more=more)


def _chart(name: str, curve: Curve, column_count: int, end_ns: int) -> Markup:
    points = outlined(curve.points, end_ns, column_count)
    values = [value for _, value in points]
    low, high = min(values), max(values)
    y = height_of(low, high)
    unit, _ = _unit(curve)
    first, last, lowest, highest = (
        value_of(curve.type, value) for value in (values[0], values[-1], low, high)
    )
    told = f"{name}, {curve.field}: from {first} to {last}; lowest {lowest}, highest {highest}; "
    told += f"set anew {counted(curve.set_count, 'time')}"
    path = steps([(100 * at_ns / end_ns, y(value)) for at_ns, value in points])
    title = f"{name} · {curve.field}" + (f", {unit}" if unit else "")
    ticks = [(y(low), lowest), (y(high), highest)]
    chart = Chart(
        "small", title, told, [("line", path)], ticks, [], f"now {last}", _csv(name, curve, points)
    )
    return chart.render(end_ns)


def _csv(name: str, curve: Curve, points: Sequence[tuple[int, float]]) -> Markup:
    unit, size = _unit(curve)
    head = f"{curve.field} ({unit})" if unit else curve.field
    rows = [(in_seconds(at_ns), value / size if size != 1 else value) for at_ns, value in points]
    return csv_link(f"{name}-{curve.field}", ("time_s", head), rows)


def _unit(curve: Curve) -> tuple[str, int]:
    """The unit in which values are written, and how much of what is kept it is."""
    return _UNITS[curve.type.name] if curve.type in QUANTITIES else ("", 1)
