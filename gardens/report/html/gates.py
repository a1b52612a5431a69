"""Gates on the page: what their values did as an oscilloscope shows it, and what they weighed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from gardens.report.html.bands import bands, ticks
from gardens.report.html.downloads import csv_link, in_seconds
from gardens.report.html.drawing import Chart, height_of, steps
from gardens.report.html.templating import render
from gardens.report.observe.gates import GateTrace, GateWatch
from gardens.report.observe.points import envelope, outlined
from gardens.report.observe.view import View
from gardens.report.words import share, span
from nimdsl.base.units import MICRO
from nimdsl.base.words import counted
from nimdsl.program.gate import TIER_OPENS, TIERS, Resonance

GATES_SHOWN_MAX = 32
COLUMN_COUNT_MAX = 2_000
"""So many columns of pixels are drawn, in the traces of all gates together."""
_TRACE_COLUMN_COUNT = range(60, 480)
_READINGS = {"open": "band opens", "closed": "band closes", "resting": "band rests", "pruned": "band gone"}
_STAGES = {"reflex": "band reflex", "hybrid": "band hybrid", "deliberate": "band deliberate"}
_TOP, _BOTTOM = 1.1, -1.1
"""The value is from -1 to 1; some room is left for ticks."""
_WAVES = (96.0, 100.0)
"""Where the ticks of waves are."""
_OPENING, _OPENINGS = (0.0, 100.0), (0.0, 4.0)
"""Where an opening is marked: few of them from top to bottom."""


def gates(view: View) -> Markup:
    """A trace for each gate, as many as are told apart."""
    watched = _watched(view)
    if not watched:
        return Markup()
    shown = list(watched.items())[:GATES_SHOWN_MAX]
    wanted = COLUMN_COUNT_MAX // len(shown)
    count = min(_TRACE_COLUMN_COUNT.stop, max(_TRACE_COLUMN_COUNT.start, wanted))
    end_ns = max(view.time_ns, 1)
    charts = [_trace(actor.partition("/")[2], one, count, end_ns) for actor, one in shown]
    return render("gates", charts=charts, more=len(watched) - len(shown))


def weights(view: View) -> Markup:
    """What each gate that learnt or forgot weighed, and of which stage that made it."""
    end_ns = max(view.time_ns, 1)
    traces = {actor.partition("/")[2]: (one, one.trace(end_ns)) for actor, one in _watched(view).items()}
    moved = [(name, *pair) for name, pair in traces.items() if _moves(pair[1])]
    if not moved:
        return Markup()
    shown = moved[:GATES_SHOWN_MAX]
    column_count = min(160, max(20, COLUMN_COUNT_MAX // len(shown) // 3))
    charts = [_weight(*one, column_count, end_ns) for one in shown]
    same = len(traces) - len(moved)
    return render("weights", charts=charts, more=len(moved) - len(shown), same=same)


def _watched(view: View) -> Mapping[str, GateWatch]:
    every = view.of_kinds().get("gate", {})
    return {actor: one for actor, one in every.items() if isinstance(one, GateWatch)}


def _moves(trace: GateTrace) -> bool:
    return len({weight for _, weight in trace.weights}) > 1


def _trace(name: str, gate: GateWatch, column_count: int, end_ns: int) -> Markup:
    trace, spec, y = gate.trace(end_ns), gate.resonance, height_of(_BOTTOM, _TOP)
    paths = bands(trace.readings, end_ns, _READINGS, column_count)
    paths += ticks(trace.waves, end_ns, {"wave": "waves"}, _WAVES, column_count)
    paths.append(("zero", f"M0 {y(0):.2f}H100"))
    drawn, rows = _values(trace.values, column_count, end_ns)
    paths.append(drawn)
    lane = _OPENING if trace.readings.slices else _OPENINGS
    paths += ticks(trace.readings, end_ns, {"open": "opening"}, lane, column_count)
    paths += [(f"limit {kind}", f"M0 {y(value):.2f}H100") for kind, value in _limits(spec)]
    labels = [(y(spec.open), f"opens {spec.open:g}"), (y(spec.close), f"reads closed {spec.close:g}")]
    labels.append((y(0), f"tier {gate.tier}, weighs {gate.weight / MICRO:.0%}".replace("%", " %")))
    scale = [(y(value), f"{value:g}") for value in (1, 0, -1)]
    open_ns = trace.readings.totals.get("open", (0, 0))[0]
    told = f"{name}: {counted(gate.wave_count, 'wave')} heard, {counted(gate.opening_count, 'opening')}, "
    told += f"open {share(open_ns, end_ns)} of the time"
    note = f"{counted(gate.opening_count, 'opening')}, open for {span(open_ns)}; reads {gate.reading}"
    csv = csv_link(f"gate-{name}", ("time_s", "least", "most"), rows)
    chart = Chart("gate d-cognitive", name, told, paths, scale, labels, note, csv)
    return chart.render(end_ns)


def _limits(spec: Resonance) -> list[tuple[str, float]]:
    """Where it opens and closes, and where it comes back."""
    slacks = [("slack", spec.open - spec.slack), ("slack", spec.close + spec.slack)]
    return [("open", spec.open), ("close", spec.close), *(slacks if spec.slack else ())]


def _values(
    points: Sequence[tuple[int, float]], column_count: int, end_ns: int
) -> tuple[tuple[str, str], list[tuple[float | None, float, float]]]:
    """The value as a line, or of many points between its least and its most; and as rows of a table."""
    y = height_of(_BOTTOM, _TOP)
    if len(points) <= 2 * column_count:
        line = steps([(100 * at_ns / end_ns, y(value)) for at_ns, value in points])
        return ("line", line), [(in_seconds(at_ns), value, value) for at_ns, value in points]
    columns = envelope(points, end_ns, column_count)
    most = [(100 * at_ns / end_ns, y(high)) for at_ns, _, high in columns]
    least = [(100 * at_ns / end_ns, y(low)) for at_ns, low, _ in columns]
    return ("envelope", steps(most) + _backwards(least)), [
        (in_seconds(at_ns), low, high) for at_ns, low, high in columns
    ]


def _backwards(points: Sequence[tuple[float, float]]) -> str:
    """The lower edge of an area, from the right edge to where it began."""
    return "".join(f"V{y:.2f}H{x:.3f}" for x, y in reversed(points)) + "z"


def _weight(name: str, gate: GateWatch, trace: GateTrace, column_count: int, end_ns: int) -> Markup:
    y = height_of(0, MICRO)
    points = outlined(trace.weights, end_ns, column_count)
    paths = bands(trace.stages, end_ns, _STAGES, column_count)
    bounds = [TIER_OPENS, *(least for least, _ in TIERS)]
    paths += [("limit", f"M0 {y(bound):.2f}H100") for bound in bounds]
    paths += [("line", steps([(100 * at_ns / end_ns, y(weight)) for at_ns, weight in points]))]
    scale = [(y(bound), f"{bound / MICRO:.0%}".replace("%", " %")) for bound in (0, *bounds, MICRO)]
    values = [weight for _, weight in points]
    told = f"{name}: weight from {values[0] / MICRO:.1%} to {values[-1] / MICRO:.1%}; "
    told += f"highest {max(values) / MICRO:.1%}; {counted(gate.outcome_count, 'outcome')}"
    rows = [(in_seconds(at_ns), weight * 100 / MICRO) for at_ns, weight in points]
    csv = csv_link(f"weight-{name}", ("time_s", "weight_%"), rows)
    note = f"{values[0] / MICRO:.0%} → {values[-1] / MICRO:.0%}, tier {gate.tier}".replace("%", " %")
    return Chart("small weight d-cognitive", name, told, paths, scale, [], note, csv).render(end_ns)
