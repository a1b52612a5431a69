"""What a person sees of a run: steps as they happen, then tables and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from gardens.report.observe.mode import mode_text
from gardens.report.observe.view import View
from gardens.report.pictures import Pictures
from gardens.report.presentation import presentation_of
from gardens.report.result.result import RunResult
from gardens.report.result.verdicts import Verdict
from gardens.report.result.written_types import types_of
from gardens.report.terminal.blocks import print_beats
from gardens.report.terminal.columns import Column, print_table
from gardens.report.terminal.console import escape, terminal
from gardens.report.terminal.narration import instant, line_of
from gardens.report.words import ENDS, clock, fields, span, window
from nimdsl.base.diagnostics import Diagnostic
from nimdsl.base.units import MICRO, NANOSECONDS, SECOND_NS, format_lifeforce
from nimdsl.base.words import counted
from nimdsl.commands.output import print_json
from nimdsl.program import Program
from runtime.records import Record
from runtime.run.run import Incident

VALUES_LENGTH_MAX = 160
LONG_NS = 10 * NANOSECONDS["min"]
INCIDENTS_SHOWN_MAX = 5
NOTICES_SHOWN_MAX = 8
ECONOMIES_SHOWN_MAX = 20
CRITERIA_SHOWN_MAX = 5
"""How many criteria that do not hold are listed: after a failure, most of them are its consequence."""


class Narrator:
    """Tells as it happens what phases, cells and the attention do."""

    def __init__(self, stream: TextIO, program: Program | None = None) -> None:
        self._console, self._program = terminal(stream), program

    def tell(self, record: Record) -> None:
        """One line for a record that a person wants to see; nothing for the others."""
        line = line_of(record, self._program)
        if line:
            time = f"{instant(record.at_ns):>10} s"
            self._console.print(f"[dim]{time}[/]  {line}", soft_wrap=True, highlight=False)

    def notice(self, incident: Incident) -> None:
        """One line for something that the garden did."""
        time = f"{instant(incident.time_ns):>10} s"
        line = f"[dim]{time}[/]  [yellow]~[/] {escape(incident.actor)}: {escape(incident.what)}"
        self._console.print(line, soft_wrap=True)


def present(
    result: RunResult, warnings: Sequence[Diagnostic] | None, out: Path | None, pictures: Pictures
) -> None:
    """Prints what came of a run: for a program, with the ``warnings`` of its documents, or for a person."""
    if warnings is None:
        report(result, out, pictures)
    else:
        print_json({**result.summary, "diagnostics": [one.to_data() for one in warnings]})


def report(
    result: RunResult,
    out: Path | None = None,
    pictures: Pictures | None = None,
    stream: TextIO | None = None,
) -> None:
    """Prints the whole result; with ``pictures``, which were drawn, also the beats."""
    console = terminal(stream)
    scenario = result.scenario
    where = f"garden {result.garden} · " if result.garden else ""
    console.print(
        f"\n[bold]{scenario.name}[/] [dim]· {where}seed {result.seed} · {result.program.sha256[:12]}[/]"
    )
    if scenario.description:
        console.print(f"[dim]{escape(scenario.description)}[/]")
    console.print()
    if pictures is not None and pictures.view is not None:
        print_beats(console, pictures.view)
    if result.outcome["phases"]:
        _print_phases(console, result)
    elif result.outcome["cells"]:
        _print_cells(console, result)
    _print_economies(console, result)
    _print_resources(console, result)
    if pictures is not None and pictures.view is not None:
        _print_others(console, pictures.view)
    _print_notices(console, result)
    _print_refusals(console, result)
    _print_failures(console, result)
    _print_criteria(console, result)
    _print_expectations(console, result)
    _print_end(console, result, pictures.view if pictures is not None else None)
    if out is not None:
        console.print(f"[dim]journal and records in {escape(str(out))}[/]")
    for what, path in pictures.written if pictures is not None else ():
        console.print(f"[dim]{what} in {escape(str(path))}[/]", soft_wrap=True)


def _seconds(time_ns: int) -> str:
    """To the millisecond; of what lasts ten minutes or more, as the page says it."""
    return span(time_ns) if time_ns >= LONG_NS else f"{time_ns / SECOND_NS:.3f} s"


def _print_phases(console: Console, result: RunResult) -> None:
    columns = [
        Column("phase", name=True),
        Column("handshakes", 3),
        Column("accepted"),
        Column("retries", 4),
        Column("spent LF", 1),
        Column("earned LF", 2),
        Column("time"),
    ]
    phases = result.outcome["phases"]
    force = result.outcome["lifeforce"]
    total = [
        "[bold]total[/]",
        *(str(sum(phase[key] for phase in phases.values())) for key in ("handshakes", "accepted")),
        str(sum(int(phase["retries"]) for phase in phases.values())),
        format_lifeforce(force["spent"]),
        format_lifeforce(force["earned"]),
        _seconds(result.outcome["duration"]),
    ]
    print_table(console, columns, [_phase_cells(*one) for one in phases.items()], total)


def _phase_cells(name: str, phase: Mapping[str, Any]) -> list[str]:
    colour = "green" if phase["complete"] else ("red" if phase["tries"] else "dim")
    return [
        f"[{colour}]{name}[/]",
        str(phase["handshakes"]),
        str(phase["accepted"]),
        str(phase["retries"]),
        format_lifeforce(phase["spent"]),
        format_lifeforce(phase["earned"]),
        _seconds(phase["duration"]) if phase["tries"] else "–",
    ]


def _print_cells(console: Console, result: RunResult) -> None:
    columns = [
        Column("cell", name=True),
        Column("state", name=True),
        Column("transitions", 1),
        Column("spent LF", 2),
        Column("data", name=True),
    ]
    rows = []
    for name, cell in result.outcome["cells"].items():
        moves = result.tally.count(f"cell/{name}", "transition")
        purses = result.run.purses
        own = purses.ledgers.get(purses.purse_of(result.program.cells[name].economy))
        spent = format_lifeforce(own.spent(f"cell/{name}")) if own is not None else "–"
        data = fields(types_of(result.program.cells[name]), cell["data"])
        rows.append([name, cell["state"], str(moves), spent, escape(data)])
    print_table(console, columns, rows)


def _print_economies(console: Console, result: RunResult) -> None:
    """What every economy had, where there are others than the scenario's own."""
    economies = result.outcome["economies"]
    if set(economies) <= {result.scenario.economy}:
        return
    columns = [
        Column("economy", name=True),
        *(Column(f"{name} LF", 1) for name in ("initial", "earned", "spent", "least", "final")),
        Column("starved since", 2),
    ]
    rows = []
    for name, one in list(economies.items())[:ECONOMIES_SHOWN_MAX]:
        amounts = (format_lifeforce(one[key]) for key in ("initial", "earned", "spent", "least", "final"))
        since = f"[red]{clock(one['starved_at'], result.run.time_ns)}[/]" if one["starved"] else "–"
        rows.append([escape(name), *amounts, since])
    print_table(console, columns, rows)
    if len(economies) > ECONOMIES_SHOWN_MAX:
        console.print(f"[dim]and {len(economies) - ECONOMIES_SHOWN_MAX} more; --format json has them[/]")


def _print_resources(console: Console, result: RunResult) -> None:
    """Who waited for resources, and how busy they were."""
    resources = result.outcome["resources"]
    if not resources:
        return
    columns = [
        Column("resource", name=True),
        *(Column(name, 1) for name in ("lent", "withdrawn", "refused", "busy")),
        *(Column(name, 2) for name in ("waited", "at most", "longest line")),
    ]
    rows = []
    for name, one in list(resources.items())[:ECONOMIES_SHOWN_MAX]:
        counts = (f"{one[key]:,}" for key in ("granted", "withdrawn", "refused"))
        busy = f"{one['utilisation'] / MICRO:.1%}".replace("%", " %")
        waits = (span(one[key]) for key in ("waited", "waited_max"))
        rows.append([escape(name), *counts, busy, *waits, f"{one['queue_max']:,}"])
    print_table(console, columns, rows)


def _print_others(console: Console, view: View) -> None:
    """What gates and attention amount to, and what kinds have to say themselves."""
    for line in mode_text(view.mode, view.time_ns):
        console.print(line + "\n", soft_wrap=True)
    for kind, observers in view.of_kinds().items():
        text = presentation_of(kind).text
        lines = list(text(observers)) if text else []
        for line in lines:
            console.print(line, soft_wrap=True)
        if lines:
            console.print()


def _mark(held: bool) -> str:
    return "[green]✓[/]" if held else "[red]✗[/]"


def _print_criteria(console: Console, result: RunResult) -> None:
    if not result.criteria:
        return
    held = sum(verdict.held for verdict in result.criteria)
    console.print(f"[bold]criteria[/] [dim]{held} of {len(result.criteria)} hold[/]")
    failed = [verdict for verdict in result.criteria if not verdict.held]
    hidden = set(failed[CRITERIA_SHOWN_MAX:])
    for verdict in result.criteria:
        if verdict not in hidden:
            console.print(f"  {_mark(verdict.held)} {escape(verdict.text)}", soft_wrap=True)
            _print_values(console, verdict)
    if hidden:
        console.print(f"  [dim]and {len(hidden)} more that do not hold[/]")
    console.print()


def _print_values(console: Console, verdict: Verdict) -> None:
    """What a condition that does not hold was judged on: on one line, or on one each."""
    if verdict.held:
        return
    told = [f"{name} = {value}" for name, value in verdict.values]
    lines = [", ".join(told)] if sum(map(len, told)) <= VALUES_LENGTH_MAX else told
    for line in lines:
        console.print(f"      [dim]{escape(line)}[/]", soft_wrap=True)


def _print_notices(console: Console, result: RunResult) -> None:
    found = result.notices
    for notice in found[:NOTICES_SHOWN_MAX]:
        actor = notice["actor"].partition("/")[2]
        times = "" if notice["count"] == 1 else f" {notice['count']} times"
        line = f"[yellow]{notice['type']}[/] {escape(actor)}: {escape(notice['what'])}{times}"
        console.print(line, soft_wrap=True)
    if len(found) > NOTICES_SHOWN_MAX:
        console.print(f"[dim]and {len(found) - NOTICES_SHOWN_MAX} more[/]")
    if found:
        console.print()


def _print_refusals(console: Console, result: RunResult) -> None:
    """Who could not pay what, and how much there was at most; an attention's are told with its levels."""
    found: dict[tuple[str, str, int], list[int]] = {}
    for one in result.outcome["refusals"]:
        if not one["actor"].startswith("attention/"):
            found.setdefault((one["actor"], one["economy"], one["price"]), []).append(one["balance"])
    for (actor, economy, price), balances in list(found.items())[:NOTICES_SHOWN_MAX]:
        name, many = escape(actor.partition("/")[2]), len(balances) > 1
        most = format_lifeforce(max(balances)) + (" LF at most" if many else " LF")
        times = f", {len(balances):,} times" if many else ""
        line = f"[yellow]refused[/] {name}: {format_lifeforce(price)} LF{times}"
        console.print(f"{line}; {escape(economy)} had {most}, its floor included", soft_wrap=True)
    if len(found) > NOTICES_SHOWN_MAX:
        console.print(f"[dim]and {len(found) - NOTICES_SHOWN_MAX} more[/]")
    if found:
        console.print()


def _print_failures(console: Console, result: RunResult) -> None:
    if not result.failures:
        return
    console.print("[bold]what failed[/]")
    for ended in result.failures[:20]:
        name = ended.name.replace("_", " ")
        line = f"  [red]✗[/] {ended.phase}: {name}: {ended.verdict}"
        console.print(line + (f": {escape(ended.reason)}" if ended.reason else ""), soft_wrap=True)
    if result.tally.failure_count > 20:
        console.print(f"  [dim]and {result.tally.failure_count - 20} more[/]")
    console.print()


def _print_expectations(console: Console, result: RunResult) -> None:
    if not result.expectations:
        return
    held = sum(verdict.held for verdict in result.expectations)
    console.print(f"[bold]expectations[/] [dim]{held} of {len(result.expectations)} hold[/]")
    for verdict in result.expectations:
        console.print(f"  {_mark(verdict.held)} {escape(verdict.text)}", soft_wrap=True)
        _print_values(console, verdict)
    console.print()


def _busiest(result: RunResult) -> str:
    """The actors that were most busy in the last instant."""
    return " and ".join(actor.partition("/")[2] for actor in result.tally.busiest(2))


def _print_end(console: Console, result: RunResult, view: View | None) -> None:
    force = {key: format_lifeforce(value) for key, value in result.outcome["lifeforce"].items()}
    state = "[green]completed[/]" if result.completed else "[red]not completed[/]"
    economy = f" · lifeforce {force['initial']} → {force['final']} LF" if result.run.ledger else ""
    if result.lambda_ is not None:
        window_ns = result.program.economies[result.scenario.economy].window_ns
        part = window(window_ns, result.outcome["duration"])
        economy += f" · λ {result.lambda_:.2f}" + (f" ({part})" if part else "")
    if result.reserve_ns:
        economy += f" · reserve {span(result.reserve_ns)}"
    economy += _slept(view) + _starved(view) if view is not None else ""
    after = f" after {_seconds(result.outcome['duration'])}: {ENDS[result.run.stopped]}"
    if result.run.stopped == "stuck":
        after += f": {_busiest(result)}"
    if result.run.stopped == "starved":
        after += f": {escape(result.run.purses.starved)}"
    console.print(f"[bold]{state}[/]{after}{economy}", soft_wrap=not console.is_terminal)
    _print_incidents(console, result)


def _slept(view: View) -> str:
    """How long the economy slept."""
    time_ns, times = view.lifeforce.slept if view.lifeforce else (0, 0)
    return f" · asleep {span(time_ns)} ({counted(times, 'time')})" if times else ""


def _starved(view: View) -> str:
    """Since when nothing was paid any more."""
    at_ns = view.lifeforce.starved_ns if view.lifeforce else None
    return "" if at_ns is None else f" · [red]starved since {clock(at_ns, view.time_ns)}[/]"


def _print_incidents(console: Console, result: RunResult) -> None:
    """What the garden did to messages and actors, the most frequent first."""
    counted = Counter((incident.actor, incident.what) for incident in result.incidents)
    for (actor, what), count in counted.most_common(INCIDENTS_SHOWN_MAX):
        times = "" if count == 1 else f" ({count} times)"
        console.print(f"[yellow]~[/] [dim]{escape(actor)}: {escape(what)}{times}[/]", soft_wrap=True)
    rest = len(result.incidents) - sum(count for _, count in counted.most_common(INCIDENTS_SHOWN_MAX))
    rest += result.run.incidents_left_out
    if rest:
        what = "incident" if rest == 1 else "incidents"
        console.print(f"[dim]and {rest} more {what}; --verbose shows them[/]")
