"""A result in a notebook: how it ended, and a table of whatever took part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from gardens.report.html.templating import render
from gardens.report.result.result import RunResult
from gardens.report.result.written_types import types_of
from gardens.report.words import ENDS, fields, lifeforce, seconds, span
from nimdsl.base.words import counted

ROWS_SHOWN_MAX = 40
VALUE_LENGTH_MAX = 160


@dataclass(frozen=True)
class HtmlTable:
    """Cells as text; ``more`` rows are left out."""

    caption: str
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    more: int = 0


def notebook(result: RunResult) -> Markup:
    """A few lines of HTML."""
    force = [lifeforce(result.outcome["lifeforce"][key]) for key in ("initial", "final")]
    tables = (_phases(result), _levels(result), _cells(result), _others(result))
    return render(
        "notebook",
        scenario=result.scenario.name,
        seed=result.seed,
        garden=result.garden,
        good=result.ok,
        verdict="completed" if result.completed else "not completed",
        time=span(result.run.time_ns),
        why=ENDS[result.run.stopped],
        force=f"{' → '.join(force)} LF" if result.run.ledger else "",
        failed=[one.text for one in (*result.expectations, *result.criteria) if not one.held],
        tables=[_shortened(table) for table in tables if table.rows],
    )


def _shortened(table: HtmlTable) -> HtmlTable:
    more = max(0, len(table.rows) - ROWS_SHOWN_MAX)
    return replace(table, rows=table.rows[:ROWS_SHOWN_MAX], more=more)


def _phases(result: RunResult) -> HtmlTable:
    rows = [
        (
            name,
            f"{phase['accepted']} of {phase['handshakes']}",
            lifeforce(phase["spent"]),
            lifeforce(phase["earned"]),
            seconds(phase["duration"]),
        )
        for name, phase in result.outcome["phases"].items()
    ]
    return HtmlTable("Phases", ("phase", "accepted", "spent LF", "earned LF", "time"), rows)


def _levels(result: RunResult) -> HtmlTable:
    attention: Mapping[str, Any] = result.outcome.get("attention") or {}
    rows = [
        (name, seconds(one["spent"]), *(f"{one[key]:,}" for key in ("done", "preempted", "dropped")))
        for name, one in attention.get("levels", {}).items()
    ]
    caption = f"Levels in {counted(attention.get('beats', 0), 'beat')}"
    return HtmlTable(caption, ("level", "spent", "done", "preempted", "dropped"), rows)


def _cells(result: RunResult) -> HtmlTable:
    """Not those that only answer a protocol: its phases say what came of them."""
    if result.outcome["phases"]:
        return HtmlTable("Cells")
    actors = result.program.cells
    rows = [
        (name, str(cell["state"]), _clipped(fields(types_of(actors[name]), cell["data"])))
        for name, cell in result.outcome["cells"].items()
    ]
    return HtmlTable("Cells", ("cell", "state", "data"), rows)


def _others(result: RunResult) -> HtmlTable:
    others = result.summary.get("actors", {})
    rows = [(actor, _data(outcome)) for actor, outcome in others.items()]
    return HtmlTable("Other actors", ("actor", "outcome"), rows)


def _data(value: object) -> str:
    """Fields of an object, short."""
    return _clipped(fields({}, value) if isinstance(value, Mapping) else str(value))


def _clipped(told: str) -> str:
    return told if len(told) <= VALUE_LENGTH_MAX else told[: VALUE_LENGTH_MAX - 1] + "…"
