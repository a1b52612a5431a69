"""``nimdsl replay``: a thin layer over :func:`runtime.run.replay.replay`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from gardens.report.terminal.console import escape, terminal
from gardens.report.terminal.progress import Progress
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base import canonical
from nimdsl.base.words import counted
from nimdsl.commands.options import Format, Printed
from nimdsl.commands.output import print_json
from runtime.run.inbox import Difference
from runtime.run.recording import Recording, opened
from runtime.run.replay import Replay, replay
from simulate.journals import journal_at

VALUE_LENGTH_MAX = 60
SAME_SHOWN_MAX = 12
"""How many fields that are the same are shown around those that differ."""
DIFFERENCES_SHOWN_MAX = 5

JournalPath = Annotated[
    Path, typer.Argument(metavar="JOURNAL", help="A journal (SQLite), or the folder that holds one.")
]


def command(
    journal: JournalPath,
    format_: Printed = Format.TEXT,
) -> None:
    """Run a journal through the kernel again and compare the records, to the byte.

    Example: nimdsl replay out/journal.sqlite
    """
    with SqliteJournal(journal_at(journal), read_only=True) as file, Progress() as progress:
        progress.show(f"replaying {journal}")
        recording = opened(file)
        result = replay(recording)
    if format_ is Format.JSON:
        print_json(result.summary)
    else:
        _report(recording, result)
    if not result.identical:
        raise typer.Exit(1)


def _report(recording: Recording, result: Replay) -> None:
    console = terminal()
    differences = result.differences
    if not differences:
        console.print(f"[green]identical[/]: {told(result)}, trace {result.trace_sha256}", soft_wrap=True)
        return
    console.print(f"\n{title(recording)}\n")
    show_difference(console, differences[0], "kernel")
    others = len(differences) - 1
    if others:
        where = ", ".join(difference.actor for difference in differences[1:])
        console.print(f"[dim]and {others} more, in {where}[/]", soft_wrap=True)


def told(result: Replay) -> str:
    """What was replayed, in a few words."""
    lines = sum(one.line_count for one in result.actors)
    records = sum(len(one.records) for one in result.actors)
    parts = (len(result.actors), "actor"), (lines, "line"), (records, "record")
    return ", ".join(counted(count, what) for count, what in parts)


def title(recording: Recording) -> str:
    """Scenario, garden, seed and program."""
    garden = f"garden {recording.garden}" if recording.garden else "virtual garden"
    program = recording.program.sha256[:12]
    return (
        f"[bold]{recording.scenario.name}[/] [dim]· {garden} · seed {recording.seed} · program {program}[/]"
    )


def show_difference(console: Console, difference: Difference, other: str) -> None:
    """Where it is, what it is, and both sides with the differing fields marked."""
    console.print(f"[red]✗[/] {escape(str(difference))}", soft_wrap=True)
    show_sides(console, difference.journal, difference.expected, other)


def show_sides(console: Console, journal: Any, expected: Any, other: str) -> None:
    """The journal's side and the ``other`` one, field by field; nothing when there are no sides."""
    sides = dict(_flat(journal)), dict(_flat(expected))
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    if not names:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "field", "journal", other):
        table.add_column(column, overflow="fold")
    both = all(sides)
    hidden = shown = 0
    for name in names:
        left, right = (side.get(name, "") for side in sides)
        shown += left == right
        if left != right:
            cells = (escape(text) if text else "[dim]–[/]" for text in _clipped(left, right))
            table.add_row("[red]≠[/]" if both else "", f"[bold]{escape(name)}[/]", *cells)
        elif shown > SAME_SHOWN_MAX:
            hidden += 1
        else:
            same = _clipped(left, right)
            table.add_row("", *(f"[dim]{escape(text)}[/]" for text in (name, *same)))
    console.print(table)
    if hidden:
        console.print(f"[dim]and {hidden:,} more that are the same on both sides[/]")


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf by its path, as canonical text."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{index}]")
    elif path:
        yield path, canonical.encode(value).decode()


def _clipped(left: str, right: str) -> tuple[str, str]:
    """Both cut to where they begin to differ, when they are long."""
    if max(len(left), len(right)) <= VALUE_LENGTH_MAX:
        return left, right
    shorter = 0 if left == right else min(len(left), len(right))
    common = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), shorter)
    start = max(0, common - VALUE_LENGTH_MAX // 3)
    return _cut(left, start), _cut(right, start)


def _cut(text: str, start: int) -> str:
    end = start + VALUE_LENGTH_MAX - 2
    return ("…" if start else "") + text[start:end] + ("…" if len(text) > end else "")
