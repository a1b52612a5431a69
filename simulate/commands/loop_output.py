"""What a person, or a program, gets to see of a closed loop."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from gardens.report.html.loop import loop_page
from gardens.report.result.export import export
from gardens.report.terminal.columns import Column, print_table
from gardens.report.terminal.console import escape, terminal
from gardens.report.words import ENDS, percent, span
from nimdsl.base.atomic_file import whole
from nimdsl.base.canonical import Plain
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.words import counted
from nimdsl.commands.options import Format
from nimdsl.commands.output import print_json
from runtime.run.predictions import Fate, Prediction, mean_off
from simulate.loop import LoopResult
from simulate.pair import REAL, VIRTUAL

PREDICTIONS = "predictions.json"
WITH_THE_OTHER = "it ended with the other garden"
_COLUMNS = (
    Column("gate", name=True),
    Column("told"),
    Column("verified"),
    Column("confirmed", 1),
    Column("partial", 1),
    Column("failed", 1),
    Column("faded", 2),
    Column("off at\nfirst"),
    Column("off at\nlast"),
    Column("weight\nhere", 2),
    Column("weight\nreal", 2),
)


def told(predictions: Sequence[Prediction]) -> str:
    """How many there are, and what became of them."""
    fates: dict[Fate, int] = dict.fromkeys(("verified", "faded", "waiting"), 0)
    for one in predictions:
        fates[one.fate] += 1
    rest = ", ".join(f"{count} {fate}" for fate, count in fates.items() if count)
    return f"{counted(len(predictions), 'prediction')}{f', {rest}' if rest else ''}"


def summary(result: LoopResult) -> dict[str, Plain]:
    """Plain data for JSON: seconds, and shares as parts of 1."""
    return {
        "ok": result.ok,
        "virtual": result.virtual.summary,
        "real": result.real.summary,
        "beats": result.beats,
        "beat_s": result.beat_ns / SECOND_NS,
        "predictions": [_prediction(one) for one in result.predictions],
    }


def _prediction(one: Prediction) -> dict[str, Plain]:
    known: dict[str, Plain] = {
        "number": one.number,
        "gate": one.gate,
        "opening": one.opening,
        "beat": one.beat,
        "at_s": one.time_ns / SECOND_NS,
        "content": dict(one.content),
        "confidence": one.confidence,
        "left": one.left,
        "expected": one.expected / MICRO,
        "fate": one.fate,
    }
    if one.fate != "verified":
        return known
    return {
        **known,
        "real_opening": one.real_opening,
        "real_at_s": one.real_ns / SECOND_NS,
        "outcome": one.outcome,
        "lived": one.lived / MICRO,
        "off": one.off / MICRO,
    }


def keep(result: LoopResult, out: Path) -> None:
    """Both runs and the predictions, in a folder.  Raises PermanentPortError."""
    for name, run in ((VIRTUAL, result.virtual), (REAL, result.real)):
        export(run, out / name, run.journal)
    with whole(out / PREDICTIONS) as file:
        json.dump(summary(result)["predictions"], file, indent=2, ensure_ascii=False)
        file.write("\n")


def draw(result: LoopResult) -> str:
    """The page."""
    return loop_page(result.virtual, result.real, result.predictions, result.beats, result.beat_ns)


def present(result: LoopResult, format_: Format, out: Path | None, page: Path | None) -> None:
    """Prints it."""
    if format_ is Format.JSON:
        print_json(summary(result))
        return
    console = terminal()
    first, other = result.virtual, result.real
    beats = f"{counted(result.beats, 'beat')} of {span(result.beat_ns)}"
    console.print(f"\n[bold]{first.garden} → {other.garden}[/] [dim]· {beats}[/]")
    console.print(f"[dim]{first.scenario.name} explores, {other.scenario.name} finds out[/]\n")
    rows = [_row(result, gate) for gate in dict.fromkeys(one.gate for one in result.predictions)]
    if rows:
        print_table(console, _COLUMNS, rows)
        console.print("[dim]off: how far the two gardens were apart, of the first and the last half[/]\n")
    console.print(told(result.predictions))
    for run in (first, other):
        why = WITH_THE_OTHER if run.run.stopped == "ended" else ENDS[run.run.stopped]
        console.print(f"[dim]{run.garden}: {why}, after {span(run.run.time_ns)}[/]")
    if out is not None:
        console.print(f"[dim]journals, records and {PREDICTIONS} in {escape(str(out))}[/]")
    if page is not None:
        console.print(f"[dim]report in {escape(str(page))}[/]", soft_wrap=True)


def _row(result: LoopResult, gate: str) -> list[str]:
    mine = [one for one in result.predictions if one.gate == gate]
    verified = [one for one in mine if one.fate == "verified"]
    half = (len(verified) + 1) // 2
    return [
        gate,
        str(len(mine)),
        str(len(verified)),
        str(sum(one.outcome == "confirmed" for one in verified)),
        str(sum(one.outcome == "partial" for one in verified)),
        str(sum(one.outcome == "failed" for one in verified)),
        str(sum(one.fate == "faded" for one in mine)),
        _off(verified[:half]),
        _off(verified[half:]),
        _weight(result.virtual.outcome, gate),
        _weight(result.real.outcome, gate),
    ]


def _off(verified: Sequence[Prediction]) -> str:
    return percent(mean_off(verified)) if verified else "–"


def _weight(outcome: Mapping[str, object], gate: str) -> str:
    gates = outcome["gates"]
    assert isinstance(gates, Mapping)
    return percent(gates[gate]["weight"])
