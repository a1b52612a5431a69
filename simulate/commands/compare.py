"""``nimdsl compare``: a thin layer over :func:`simulate.comparison.compare`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import typer
from rich.console import Console

from gardens.report.terminal.columns import Column, print_table
from gardens.report.terminal.console import escape, terminal
from gardens.report.terminal.progress import Progress
from gardens.report.words import seconds
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.units import MICRO, format_lifeforce
from nimdsl.base.words import counted
from nimdsl.commands.options import Format, Printed
from nimdsl.commands.output import print_json
from simulate.commands.replay import (
    DIFFERENCES_SHOWN_MAX,
    JournalPath,
    show_difference,
    show_sides,
    title,
    told,
)
from simulate.comparison import FEW, REPLICATIONS, Comparison, CostComparison, Durations, Sample, compare
from simulate.journals import journal_at

ROWS_SHOWN_MAX = 40
LOSSES_SHOWN_MAX = 5
RANGE = "range"
NONE = "[dim]–[/]"


def command(
    journal: JournalPath,
    replications: Annotated[
        int, typer.Option(min=0, max=10_000, help="How many virtual runs predict times and costs.")
    ] = REPLICATIONS,
    strict: Annotated[
        bool, typer.Option("--strict", help="Different decisions are an error, whatever the faults.")
    ] = False,
    format_: Printed = Format.TEXT,
) -> None:
    """Compare a run with the virtual garden: parity, decisions, times and costs.

    Example: nimdsl compare out/real --replications 50
    """
    with SqliteJournal(journal_at(journal), read_only=True) as file, Progress() as progress:
        progress.show(f"reading {journal}")

        def tell(done: int) -> None:
            progress.show(f"{done} of {counted(replications, 'virtual run')}", done / replications)

        comparison = compare(file, replications, tell)
    if format_ is Format.JSON:
        print_json({**comparison.summary, "ok": comparison.ok(strict)})
    else:
        _report(comparison, strict)
    if not comparison.ok(strict):
        raise typer.Exit(1)


def _report(comparison: Comparison, strict: bool) -> None:
    console = terminal()
    console.print(f"\n{title(comparison.recording)}\n")
    _show_replay(console, comparison)
    _show_parity(console, comparison)
    _show_decisions(console, comparison, strict)
    few = _show_durations(console, comparison)
    _show_levels(console, comparison)
    _show_costs(console, comparison)
    if comparison.replications:
        runs = counted(comparison.replications, "virtual run")
        told = f"of seed {comparison.recording.seed}, each a replication with draws of its own"
        console.print(f"[dim]predicted by {runs} {told}[/]")
    if few:
        console.print(f"[dim](in brackets): the largest of fewer than {FEW}[/]")


def _verdict(console: Console, good: bool | None, name: str, text: str) -> None:
    mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]~[/]"}[good]
    console.print(f"{mark} [bold]{name:<10}[/]{text}", soft_wrap=True)


def _show_replay(console: Console, comparison: Comparison) -> None:
    result = comparison.replay
    if result.identical:
        _verdict(console, True, "replay", f"identical: {told(result)}, trace {result.trace_sha256[:12]}")
        return
    actors = ", ".join(difference.actor for difference in result.differences)
    _verdict(console, False, "replay", f"not what the run had: {actors}")


def _show_parity(console: Console, comparison: Comparison) -> None:

    parity = comparison.parity
    parts = [counted(parity.event_count, "event"), counted(parity.message_count, "message")]
    parts.append(counted(parity.entry_count, "ledger entry", "ledger entries"))
    lost = sum(parity.explained.values())
    text = ", ".join(parts) + ": the virtual garden does the same"
    if not parity.holds:
        found = counted(len(parity.differences), "difference")
        text = f"{found}, {counted(len(parity.losses), 'unexplained loss', 'unexplained losses')}"
    _verdict(console, parity.holds, "parity", text)
    for why, count in parity.explained.items():
        console.print(f"    [dim]{counted(count, 'message')} of {lost} that did not arrive: {why}[/]")
    for note in parity.notes:
        console.print(f"    [yellow]{escape(note)}[/]", soft_wrap=True)
    for loss in parity.losses[:LOSSES_SHOWN_MAX]:
        console.print(f"[red]✗[/] lost, and nothing explains it: {escape(str(loss))}", soft_wrap=True)
    for difference in parity.differences[:DIFFERENCES_SHOWN_MAX]:
        show_difference(console, difference, "virtual")
    for shown, items in ((LOSSES_SHOWN_MAX, parity.losses), (DIFFERENCES_SHOWN_MAX, parity.differences)):
        if len(items) > shown:
            console.print(f"[dim]and {len(items) - shown} more; most follow from the first[/]")


def _show_decisions(console: Console, comparison: Comparison, strict: bool) -> None:
    decisions = comparison.decisions
    if decisions is None:
        _verdict(console, None, "decisions", "not judged: the journal does not replay")
        return
    if decisions.same:
        text = f"the same as in a fresh virtual run, {decisions.journal_sha256[:12]}"
        _verdict(console, True, "decisions", text)
        return
    excused = decisions.excuses and not strict
    hashes = f"{decisions.journal_sha256[:12]}, a fresh virtual run has {decisions.virtual_sha256[:12]}"
    what = "the journal ends earlier" if decisions.cut_short else "different"
    _verdict(console, None if excused else False, "decisions", f"{what}: {hashes}")
    for excuse in decisions.excuses:
        console.print(f"    [dim]they may differ: {excuse}[/]")
    for one in decisions.differences[: 1 if excused else DIFFERENCES_SHOWN_MAX]:
        console.print(f"    {one.actor}, record {one.number}, is the first that differs")
        if not decisions.cut_short:
            show_sides(console, one.journal, one.virtual, "virtual")
    others = [one.actor for one in decisions.differences[1 if excused else DIFFERENCES_SHOWN_MAX :]]
    if others:
        console.print(f"    [dim]also in {', '.join(others)}[/]", soft_wrap=True)


# Times and costs


def _show_durations(console: Console, comparison: Comparison) -> bool:
    """A table for each kind; whether a sample was too small for its 95th percentile."""
    few = False
    kinds = (
        ("work", comparison.works, _work),
        ("handshakes of", comparison.handshakes, _phase),
        ("messages", comparison.messages, _message),
    )
    for kind, rows, name in kinds:
        if not rows:
            continue
        shown = rows[:ROWS_SHOWN_MAX]
        few |= any(0 < sample.count < FEW for one in shown for sample in (one.measured, one.predicted))
        cells = [[escape(name(one)), *_figures(one)] for one in shown]
        _print(console, kind, ("n", *_SIDES), cells)
        if len(rows) > len(shown):
            console.print(f"[dim]and {len(rows) - len(shown)} more[/]")
    return few


_SIDES = ("measured\np50", "measured\np95", "predicted\np50", "predicted\np95")


def _print(console: Console, what: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Names and figures; ranges may be left out, and are when there is none."""
    columns = [Column(what, name=True), *(Column(head, int(head.endswith(RANGE))) for head in heads)]
    shown = [n for n, one in enumerate(columns) if not one.rank or any(row[n] != NONE for row in rows)]
    print_table(console, [columns[n] for n in shown], [[row[n] for n in shown] for row in rows])


def _figures(one: Durations) -> tuple[str, ...]:
    return f"{one.measured.count:,}", *_quantiles(one.measured), *_quantiles(one.predicted)


def _work(one: Durations) -> str:
    actor, work = one.name
    return f"{_short(actor)}: {work}"


def _phase(one: Durations) -> str:
    return one.name[0]


def _message(one: Durations) -> str:
    kind, sender, receiver = one.name
    return f"{kind} {_short(sender)} → {_short(receiver)}"


def _short(actor: str) -> str:
    return actor.partition("/")[2] or "outside"


def _quantiles(sample: Sample) -> tuple[str, str]:
    if not sample.count:
        return NONE, NONE
    high = _duration(sample.quantile(0.95))
    return _duration(sample.quantile(0.5)), f"({high})" if sample.count < FEW else high


def _duration(ns: int | None) -> str:
    if ns is None:
        return "–"
    return f"{ns / 1e9:.3g} s" if abs(ns) >= 10**9 else f"{ns / 1e6:.3g} ms"


def _show_levels(console: Console, comparison: Comparison) -> None:
    if not comparison.levels:
        return
    heads = ("measured", "predicted", f"predicted\n{RANGE}")
    rows = [
        [escape(one.level), seconds(one.spent), *_mean_and_range(one.predicted, seconds)]
        for one in comparison.levels
    ]
    _print(console, "time in beats\nthat ended", heads, rows)


def _show_costs(console: Console, comparison: Comparison) -> None:
    if not comparison.costs:
        return
    heads = [
        f"{what} LF\n{side}" for what in ("spent", "earned") for side in ("measured", "predicted", RANGE)
    ]
    several = len({cost.economy for cost in comparison.costs}) > 1
    rows = []
    for cost in comparison.costs:
        whose = escape(cost.scope) or "[dim]by time[/]"
        of = f"[dim] of {escape(cost.economy)}[/]" if several else ""
        rows.append([whose + of, *_amounts(cost)])
    _print(console, "lifeforce", heads, rows)


def _amounts(cost: CostComparison) -> Iterator[str]:
    for measured, predicted in (
        (cost.spent, cost.predicted_spent),
        (cost.earned, cost.predicted_earned),
    ):
        yield _lifeforce(measured)
        yield from _mean_and_range(predicted, _lifeforce)


def _mean_and_range(values: Sequence[int], told: Callable[[int], str]) -> tuple[str, str]:
    """The mean, and the range where there is one."""
    if not values:
        return NONE, NONE
    low, high = min(values), max(values)
    between = NONE if low == high else f"{told(low)}–{told(high)}"
    return told(round(sum(values) / len(values))), between


def _lifeforce(amount: int) -> str:
    """To two digits behind the point, unless there is nothing before it; JSON has all of them."""
    return format_lifeforce(amount if abs(amount) < MICRO else round(amount, -4))
