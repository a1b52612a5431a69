"""``nimdsl compare``: a thin layer over :func:`simulate.comparison.compare`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from nimdsl.commands.asked import Format
from nimdsl.commands.output import counted, print_json
from nimdsl.units import format_lifeforce
from runtime.sqlite_journal import SqliteJournal
from simulate.comparison import FEW, REPLICATIONS, Comparison, Cost, Durations, Sample, compare
from simulate.replay_command import (
    DIFFERENCES_SHOWN_MAX,
    JournalPath,
    console_of,
    journal_at,
    show_difference,
    show_sides,
    title,
    told,
)

ROWS_SHOWN_MAX = 40
LOSSES_SHOWN_MAX = 5
NAME_WIDTH, FIGURE_WIDTH = 24, 9


def command(
    journal: JournalPath,
    replications: Annotated[
        int, typer.Option(min=0, max=10_000, help="How many virtual runs predict times and costs.")
    ] = REPLICATIONS,
    strict: Annotated[
        bool, typer.Option("--strict", help="Different decisions are an error, whatever the faults.")
    ] = False,
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.text,
) -> None:
    """Compare a run with the virtual garden: parity, decisions, times and costs.

    Example: nimdsl compare out/real --replications 50
    """
    with SqliteJournal(journal_at(journal), read_only=True) as file, _progress(replications) as progress:
        comparison = compare(file, replications, progress)
    if format_ is Format.json:
        print_json({**comparison.summary, "ok": comparison.ok(strict)})
    else:
        _report(comparison, strict)
    if not comparison.ok(strict):
        raise typer.Exit(1)


@contextmanager
def _progress(count: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere."""

    bar = Progress(console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())
    with bar:
        task = bar.add_task("virtual runs", total=count)
        yield lambda done: bar.update(task, completed=done)


def _report(comparison: Comparison, strict: bool) -> None:
    console = console_of()
    console.print(f"\n{title(comparison.recording)}\n")
    _show_replay(console, comparison)
    _show_parity(console, comparison)
    _show_decisions(console, comparison, strict)
    few = _show_durations(console, comparison)
    _show_costs(console, comparison)
    bracketed = f"(in brackets): the largest of fewer than {FEW}" if few else ""
    runs = f"predicted by {counted(comparison.replications, 'virtual run')} with the same seed"
    footer = "; ".join(part for part in (runs if comparison.replications else "", bracketed) if part)
    if footer:
        console.print(f"[dim]{footer}[/]", soft_wrap=True)


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
        table = _table(kind, ("p50", "p95"), counted=True)
        for one in rows[:ROWS_SHOWN_MAX]:
            few |= any(0 < sample.count < FEW for sample in (one.measured, one.predicted))
            count = f"{one.measured.count:,}"
            table.add_row(escape(name(one)), count, *_quantiles(one.measured), *_quantiles(one.predicted))
        if len(rows) > ROWS_SHOWN_MAX:
            table.add_row(f"[dim]and {len(rows) - ROWS_SHOWN_MAX} more[/]")
        console.print(table)
    return few


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
        return "[dim]–[/]", "[dim]–[/]"
    high = _duration(sample.quantile(0.95))
    return _duration(sample.quantile(0.5)), f"({high})" if sample.count < FEW else high


def _duration(ns: int | None) -> str:
    if ns is None:
        return "–"
    return f"{ns / 1e9:.3g} s" if abs(ns) >= 10**9 else f"{ns / 1e6:.3g} ms"


def _show_costs(console: Console, comparison: Comparison) -> None:
    if not comparison.costs:
        return
    table = _table("lifeforce", ("spent LF", "earned LF"))
    for cost in comparison.costs:
        table.add_row(escape(cost.scope) or "[dim]by time[/]", *_amounts(cost))
    console.print(table)


def _amounts(cost: Cost) -> tuple[str, ...]:
    measured = format_lifeforce(cost.spent), format_lifeforce(cost.earned)
    return *measured, _range(cost.predicted_spent), _range(cost.predicted_earned)


def _range(values: Sequence[int]) -> str:
    """The mean, and the range where there is one."""
    if not values:
        return "[dim]–[/]"
    mean = format_lifeforce(round(sum(values) / len(values)))
    low, high = min(values), max(values)
    return mean if low == high else f"{mean} [dim]({format_lifeforce(low)}–{format_lifeforce(high)})[/]"


def _table(what: str, columns: tuple[str, str], counted: bool = False) -> Table:
    """Figures are never cut; where the terminal is narrow, names take two lines."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(f"\n{what}", min_width=NAME_WIDTH)
    if counted:
        table.add_column("\nn", justify="right", no_wrap=True, min_width=3)
    for side in ("measured", "predicted"):
        for number, column in enumerate(columns):
            heading = f"{'' if number else side}\n{column}"
            table.add_column(heading, justify="right", no_wrap=True, min_width=FIGURE_WIDTH)
    return table
