"""The report of a run as one HTML page: no network, no other file, light and dark.

All of it is readable without JavaScript, which only adds tips at once, zoom and a
switch of the theme.  The page is bounded like its view: at most 2,880 columns of
beats, 20,000 marks, and lists of a few dozen lines, each of which says what it
leaves out.

Not here: what is looked at (:mod:`gardens.report.observe.watch`), how beats, charts and
lists are drawn (:mod:`gardens.report.html.beats` and its neighbours).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from string import Template
from typing import Any

from gardens.report import palette
from gardens.report.html import beats as page_beats
from gardens.report.html import charts as page_charts
from gardens.report.html import lists as page_lists
from gardens.report.html import time as page_time
from gardens.report.html.markup import section, text
from gardens.report.observe.gathering import FIRST_COUNT, RECENT_COUNT
from gardens.report.observe.view import View
from gardens.report.presentation import Section, presentation_of


def page(view: View, summary: Mapping[str, Any], description: str = "", environment: str = "dev") -> str:
    """The whole page.  ``summary`` is a result's; ``environment`` tints the background."""
    sections = _sections(view, summary)
    links = "".join(f'<a href="#{name}">{text(title)}</a>' for name, title, body, _ in sections if body)
    levels = [level.name for level in view.beat.levels] if view.beat else []
    body = (
        page_lists.head(view, summary, description)
        + page_lists.figures(view, summary)
        + f'<nav aria-label="Parts of this page">{links}</nav>\n'
        + "".join(section(name, title, body, note) for name, title, body, note in sections)
        + "<footer>Made by nimdsl. Times are the garden's own, amounts are LF.</footer>\n"
    )
    return Template(_asset("page.html")).substitute(
        title=text(f"{summary['scenario']}: {page_lists.verdict(summary)[1]}"),
        colours=palette.style(levels, environment),
        style=_asset("page.css"),
        script=_asset("page.js"),
        body=body,
    )


def _sections(view: View, summary: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name, title, content and a note of each part, in their order."""
    return [
        ("expected", "What was expected", page_lists.judged(summary), ""),
        ("phases", "Phases", page_lists.phases(summary), ""),
        ("time", "Where the time went", page_time.spending(view), ""),
        ("overview", "Every beat", page_time.overview(view), _OVERVIEW_NOTE),
        ("beats", "Beats up close", page_beats.rows(view), _beats_note(view)),
        ("waits", "How long items waited", page_charts.waits(view), _WAITS_NOTE),
        ("losses", "What was dropped", page_lists.losses(view), ""),
        ("lifeforce", "Lifeforce", page_charts.economy(view), ""),
        ("modes", "Modes", page_lists.modes(view), ""),
        ("actors", "Who did what", page_lists.tracks(view), ""),
        *(section for section in _of_kinds(view)),
        ("notices", "What else happened", page_lists.notices(summary), ""),
        ("provenance", "Where this comes from", page_lists.provenance(view, summary), ""),
    ]


def _of_kinds(view: View) -> list[Section]:
    """What kinds of other packages show."""
    found: list[Section] = []
    for kind, observers in view.of_kinds().items():
        sections = presentation_of(kind).sections
        found += sections(observers) if sections else ()
    return found


_OVERVIEW_NOTE = (
    "A column a beat, levels from the highest at the bottom; pale what took the rest. Below, in red: "
    "what was dropped."
)
_WAITS_NOTE = (
    "From an item's arrival; on a logarithmic scale, the dashed line is the median. Of those that had the "
    "time, or were done: what never started has no time to show, and is counted."
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


def _asset(name: str) -> str:
    return resources.files("gardens.report.html").joinpath(name).read_text(encoding="utf-8")
