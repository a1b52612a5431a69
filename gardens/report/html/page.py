"""The report of a run as one HTML page: no network, no other file, light and dark.

All of it is readable without JavaScript, which only adds tips at once, zoom and a
switch of the theme.  The page is bounded like its view: at most 2,880 columns of
beats, 20,000 marks, 20,000 slices and 6,000 columns of stays, 10,000 of curves, 2,000
at most of gates, of nerves and of cards, and lists of a few dozen lines, each of which
says what it leaves out.  Every table and curve can be saved as CSV.

Not here: what is looked at (:mod:`gardens.report.observe.watch`), how beats, charts and
lists are drawn (:mod:`gardens.report.html.beats` and its neighbours).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from gardens.report import palette
from gardens.report.html import actors as page_actors
from gardens.report.html import beats as page_beats
from gardens.report.html import charts as page_charts
from gardens.report.html import curves as page_curves
from gardens.report.html import gates as page_gates
from gardens.report.html import lending as page_lending
from gardens.report.html import lists as page_lists
from gardens.report.html import mode as page_mode
from gardens.report.html import nerves as page_nerves
from gardens.report.html import racks as page_racks
from gardens.report.html import time as page_time
from gardens.report.html import usage as page_usage
from gardens.report.html.templating import asset, render
from gardens.report.observe.gathering import FIRST_COUNT, RECENT_COUNT
from gardens.report.observe.view import View
from gardens.report.presentation import Section, presentation_of


def page(view: View, summary: Mapping[str, Any], description: str = "", environment: str = "dev") -> str:
    """The whole page.  ``summary`` is a result's; ``environment`` tints the background."""
    levels = [level.name for level in view.beat.levels] if view.beat else []
    return render(
        "page",
        title=f"{summary['scenario']}: {page_lists.verdict(summary)[1]}",
        style=Markup(f"{palette.style(levels, environment)}\n{asset('page.css')}"),
        script=Markup(asset("page.js")),
        head=page_lists.head(view, summary, description),
        figures=page_lists.figures(view, summary),
        sections=[section for section in _sections(view, summary) if section.body],
    )


def _sections(view: View, summary: Mapping[str, Any]) -> list[Section]:
    """Each part, in their order."""
    return [
        Section("expected", "What was expected", page_lists.judged(summary)),
        Section("phases", "Phases", page_lists.phases(summary)),
        Section("time", "Where the time went", page_time.spending(view)),
        Section("overview", "Every beat", page_time.overview(view), _OVERVIEW_NOTE),
        Section("beats", "Beats up close", page_beats.rows(view), _beats_note(view)),
        Section("waits", "How long items waited", page_charts.waits(view), _WAITS_NOTE),
        Section("losses", "What was dropped", page_lists.losses(view)),
        Section("lifeforce", "Lifeforce", page_charts.economy(view)),
        Section("resources", "Resources", page_lending.resources(summary), _LENDING_NOTE),
        Section("mode", "Overall mode", page_mode.mode(view), _MODE_NOTE),
        Section("gates", "Gates", page_gates.gates(view), _GATES_NOTE),
        Section("weights", "What gates weigh", page_gates.weights(view), _WEIGHTS_NOTE),
        Section("nerves", "Nerves", page_nerves.nerves(view), _NERVES_NOTE),
        Section("organs", "Organs", page_racks.racks(view), _ORGANS_NOTE),
        Section("modes", "Modes", page_lists.modes(view)),
        Section("actors", "Who did what", page_actors.tracks(view)),
        Section("data", "Data over time", page_curves.curves(view), _DATA_NOTE),
        Section("waiting", "How long cells waited", page_usage.delays(view), _WAITING_NOTE),
        Section("usage", "What cells spent their time in", page_usage.usage(view)),
        *_of_kinds(view),
        Section("notices", "What else happened", page_lists.notices(summary)),
        Section("provenance", "Where this comes from", page_lists.provenance(view, summary)),
    ]


def _of_kinds(view: View) -> list[Section]:
    """What kinds of other packages show."""
    found: list[Section] = []
    for kind, observers in view.of_kinds().items():
        sections = presentation_of(kind).sections
        found += sections(observers) if sections else ()
    return found


_MODE_NOTE = (
    "The first that holds: overwhelmed (in the last beat something starved), reflex (a gate of tier 0 is "
    "open), dialogue, focused (any is open), alert (one has a value), idle."
)
_GATES_NOTE = (
    "The value of each over time, from -1 to 1: what agrees lifts it, what contradicts itself lowers it, "
    "silence takes from it. Of very many waves, between the least and the most that it was."
)
_WEIGHTS_NOTE = "What outcomes have taught each: above 80 % it is a reflex, from 30 % hybrid."
_NERVES_NOTE = "What each commanded, and what came of it; of very many, the darker the more there were."
_ORGANS_NOTE = "Which model had memory of which card, and what it did there."
_LENDING_NOTE = "Waited: in the mean, and at most, of those to whom units were lent."
_OVERVIEW_NOTE = (
    "A column a beat, levels from the highest at the bottom; pale what took the rest. Below, in red: "
    "what was dropped."
)
_WAITS_NOTE = (
    "From an item's arrival; on a logarithmic scale, the dashed line is the median. Of those that had the "
    "time, or were done: what never started has no time to show, and is counted."
)
_DATA_NOTE = "Each number that changed, as it was from one change to the next; no peak is left out."
_WAITING_NOTE = (
    "Work from its start until it came back; a request from when it was first sent until its answer; a "
    "cell's own answers from when the request came until the reply."
)


def _beats_note(view: View) -> str:
    if len(view.details) >= len(view.beats):
        return ""
    starved = view.lifeforce is not None and view.lifeforce.starved_ns is not None
    hungry = ", the one in which she starved" if starved else ""
    return (
        f"{len(view.details)} of {len(view.beats):,}: the first {FIRST_COUNT}, those in which most was "
        f"lost or interrupted{hungry}, and the last {RECENT_COUNT}. Every other figure covers all of them."
    )
