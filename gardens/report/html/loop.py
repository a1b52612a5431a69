"""The page of a closed loop: what one garden expected, what became of it in the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from gardens.report import palette
from gardens.report.html import gates as page_gates
from gardens.report.html import nerves as page_nerves
from gardens.report.html.downloads import csv_link, in_seconds
from gardens.report.html.drawing import Chart, height_of, steps
from gardens.report.html.lists import Tile
from gardens.report.html.templating import asset, render
from gardens.report.observe.watch import view_of
from gardens.report.presentation import Section
from gardens.report.result.result import RunResult
from gardens.report.words import percent, span
from nimdsl.base.units import MICRO
from nimdsl.program.economy import DAY_NS
from runtime.run.predictions import Prediction, mean_off

PERIOD_COUNT = 12
"""In so many parts the discrepancy is shown where the loop was shorter than two days."""
LISTED_MAX = 100
POINTS_MAX = 1_000
"""How many predictions of a gate are drawn, the latest."""
_HEADS = ("number", "gate", "at_s", "confidence", "expected", "fate", "outcome", "lived", "off")
_AGAINST_NOTE = (
    "The discrepancy of each prediction that was verified, from 0 (confirmed) to 100 % (failed): dashed "
    "what the virtual garden found itself, drawn out what came of it in the real one."
)
_OFF_NOTE = "How far the two gardens were apart in the mean, of the predictions of a time."
_LIST_NOTE = "A prediction that gets no outcome loses confidence until it has faded."


def loop_page(
    virtual: RunResult, real: RunResult, predictions: Sequence[Prediction], beats: int, beat_ns: int
) -> str:
    """The whole page."""
    end_ns = max(beats * beat_ns, 1)
    views = [(one, view_of(one.program, one.scenario, one.run)) for one in (virtual, real)]
    verified = [one for one in predictions if one.fate == "verified"]
    sections = [
        Section("against", "Predicted against real", _against(verified, end_ns), _AGAINST_NOTE),
        Section("off", "How far they were apart", _apart(verified, end_ns), _OFF_NOTE),
        Section("predictions", "Predictions", _listed(predictions), _LIST_NOTE),
    ]
    for run, view in views:
        name = run.garden
        sections += [
            Section(f"weights-{name}", f"What gates weigh: {name}", page_gates.weights(view)),
            Section(f"gates-{name}", f"Gates: {name}", page_gates.gates(view)),
            Section(f"nerves-{name}", f"Nerves: {name}", page_nerves.nerves(view)),
        ]
    title = f"{virtual.garden} → {real.garden}"
    return render(
        "page",
        title=title,
        style=Markup(f"{palette.style([], 'dev')}\n{asset('page.css')}"),
        script=Markup(asset("page.js")),
        head=render("loop_head", title=title, virtual=virtual, real=real, beats=beats, beat_ns=beat_ns),
        figures=render("figures", tiles=_tiles(predictions, verified)),
        sections=[one for one in sections if one.body],
    )


def _tiles(predictions: Sequence[Prediction], verified: Sequence[Prediction]) -> list[Tile]:
    faded, waiting = (sum(one.fate == fate for one in predictions) for fate in ("faded", "waiting"))
    confirmed = sum(one.outcome == "confirmed" for one in verified)
    tiles = [
        Tile("predictions", f"{len(predictions):,}", "", f"{faded:,} faded, {waiting:,} wait"),
        Tile("verified", f"{len(verified):,}", "", f"{confirmed:,} confirmed"),
    ]
    if verified:
        half = (len(verified) + 1) // 2
        first, last = verified[:half], verified[half:] or verified
        tiles.append(Tile("apart at first", percent(mean_off(first)), "", "in the mean of the first half"))
        tiles.append(Tile("apart at last", percent(mean_off(last)), "", "of the second"))
    return tiles


def _against(verified: Sequence[Prediction], end_ns: int) -> Markup:
    """A chart for each gate."""
    gates = list(dict.fromkeys(one.gate for one in verified))
    charts = [_gate(gate, [one for one in verified if one.gate == gate], end_ns) for gate in gates]
    return render("charts", charts=charts)


def _gate(gate: str, mine: Sequence[Prediction], end_ns: int) -> Markup:
    shown, y = mine[-POINTS_MAX:], height_of(0, MICRO)
    confirmed = sum(one.outcome == "confirmed" for one in mine)
    note = f"{confirmed:,} of {len(mine):,} confirmed, {percent(mean_off(mine))} apart in the mean"
    paths = [
        ("held", steps([(100 * one.time_ns / end_ns, y(one.expected)) for one in shown])),
        ("line", steps([(100 * one.time_ns / end_ns, y(one.lived)) for one in shown])),
    ]
    scale = [(y(part), percent(part)) for part in (MICRO, MICRO // 2, 0)]
    labels = [(y(MICRO), "failed"), (y(0), "confirmed")]
    return Chart("small", gate, f"{gate}: {note}", paths, scale, labels, note).render(end_ns)


def _apart(verified: Sequence[Prediction], end_ns: int) -> Markup:
    """The mean of each day, or of each twelfth of a shorter time."""
    period_ns = DAY_NS if end_ns >= 2 * DAY_NS else max(1, end_ns // PERIOD_COUNT)
    parts: dict[int, list[Prediction]] = {}
    for one in verified:
        parts.setdefault(one.time_ns // period_ns, []).append(one)
    means = [(number * period_ns, mean_off(part)) for number, part in sorted(parts.items())]
    if not means:
        return Markup()
    y = height_of(0, MICRO)
    path = steps([(100 * at_ns / end_ns, y(value)) for at_ns, value in means])
    scale = [(y(part), percent(part)) for part in (MICRO, MICRO // 2, 0)]
    told = f"from {percent(means[0][1])} to {percent(means[-1][1])}, by {span(period_ns)}"
    rows = [(in_seconds(at_ns), value / MICRO) for at_ns, value in means]
    csv = csv_link("apart", ("from_s", "off"), rows)
    return Chart("", "Discrepancy", told, [("line", path)], scale, [], told, csv).render(end_ns)


def _listed(predictions: Sequence[Prediction]) -> Markup:
    if not predictions:
        return Markup()
    shown = predictions[-LISTED_MAX:]
    return render(
        "predictions", rows=list(map(_words, shown)), more=len(predictions) - len(shown)
    ) + csv_link("predictions", _HEADS, _rows(predictions))


def _words(one: Prediction) -> dict[str, object]:
    verified = one.fate == "verified"
    return {
        "number": one.number,
        "gate": one.gate,
        "time_ns": one.time_ns,
        "confidence": percent(one.confidence * MICRO),
        "expected": percent(one.expected),
        "fate": one.outcome if verified else one.fate,
        "lived": percent(one.lived) if verified else "–",
        "off": percent(one.off) if verified else "–",
        "bad": verified and one.off > MICRO // 2,
    }


def _rows(predictions: Iterable[Prediction]) -> Iterable[tuple[str | int | float | None, ...]]:
    for one in predictions:
        verified = one.fate == "verified"
        known = (
            one.number,
            one.gate,
            in_seconds(one.time_ns),
            one.confidence,
            one.expected / MICRO,
            one.fate,
        )
        lived = (one.outcome, one.lived / MICRO, one.off / MICRO) if verified else ("", None, None)
        yield (*known, *lived)
