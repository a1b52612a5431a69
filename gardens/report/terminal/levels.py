"""The levels of an attention in a terminal: a table, and what all of them come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console

from gardens.report.observe.gathering import Waits
from gardens.report.observe.lifeforce import Lifeforce
from gardens.report.observe.moments import Share
from gardens.report.observe.view import View
from gardens.report.terminal.columns import Column, print_table
from gardens.report.terminal.console import escape
from gardens.report.words import REASONS, clock, lifeforce, seconds, share
from nimdsl.base.words import counted
from nimdsl.program import Level

NONE = "–"
DROPS_SHOWN_MAX = 5


def print_levels(console: Console, view: View) -> None:
    """The table, then the sums.  Baselines are no stimuli: nobody waits for them."""
    assert view.beat is not None
    columns = [column for column in _columns(view) if column.head not in _empty(view)]
    cells = [_cells(view, place, level) for place, level in enumerate(view.beat.levels)]
    print_table(console, columns, [[row[column.head] for column in columns] for row in cells])
    for line in _sums(view):
        console.print(line)
    console.print()


def _columns(view: View) -> list[Column]:
    """All there may be; what matters least has the highest rank."""
    alone = len(view.beats) == 1
    return [
        Column("level", name=True),
        Column("spent"),
        Column("share", 9),
        Column("granted", 12),
        Column("started" if alone else "in\nbeats", 11),
        Column("stimuli", 7),
        Column("of them\ndone", 6),
        Column("never\nstarted", 3),
        Column("preempted", 5),
        Column("dropped", 2),
        Column("refused", 1),
        Column("cost\nLF", 4),
        Column("waited\np50", 10),
        Column("waited\np95", 8),
    ]


def _empty(view: View) -> set[str]:
    """The columns that have nothing to say in this run."""
    levels = view.beat.levels if view.beat else ()
    costs = view.lifeforce is not None and any(_prices(level) for level in levels)
    return {
        *(() if costs else ("cost\nLF",)),
        *(() if any(trouble.refused for trouble in view.troubles) else ("refused",)),
    }


def _prices(level: Level) -> int:
    return level.cost_fixed + level.cost_per_item + level.cost_per_second


def _cells(view: View, place: int, level: Level) -> dict[str, str]:
    """A level's cells by the heads of their columns."""
    shares = [one.shares[place] for one in view.beats]
    whole_ns = sum(one.end_ns - one.start_ns for one in view.beats)
    spent_ns = sum(one.spent_ns for one in shares)
    refused = sum(trouble.refused for trouble in view.troubles if trouble.level == level.name)
    waits = next((one for one in view.waits if one.level == level.name and not one.baseline), None)
    paid = view.lifeforce.accounts.get(f"cost:{level.name}", 0) if view.lifeforce else 0
    return {
        "level": escape(level.name),
        "spent": seconds(spent_ns),
        "share": share(spent_ns, whole_ns),
        "granted": seconds(sum(one.granted_ns for one in shares)),
        "cost\nLF": lifeforce(paid) if _prices(level) else NONE,
        "preempted": f"{sum(one.preempted for one in shares):,}",
        "dropped": _bad(sum(one.dropped for one in shares)),
        "refused": _bad(refused),
        **_started(shares),
        **_served(waits),
    }


def _bad(count: int) -> str:
    return f"[red]{count:,}[/]" if count else "0"


def _started(shares: list[Share]) -> dict[str, str]:
    """When, in the one beat there is, and in how many."""
    times_ns = [one.started_ns for one in shares if one.started_ns is not None]
    return {
        "started": seconds(times_ns[0]) if times_ns else NONE,
        "in\nbeats": f"{len(times_ns):,}" if times_ns else NONE,
    }


def _served(waits: Waits | None) -> dict[str, str]:
    """What became of the stimuli."""
    heads = ("stimuli", "of them\ndone", "never\nstarted", "waited\np50", "waited\np95")
    if waits is None:
        return dict.fromkeys(heads, NONE)
    times_ns = (waits.started.quantile_ns(0.5), waits.started.quantile_ns(0.95))
    counts = f"{waits.arrived:,}", f"{waits.done.total:,}", _bad(waits.never_started)
    waited = (NONE if time_ns is None else seconds(time_ns) for time_ns in times_ns)
    return dict(zip(heads, (*counts, *waited), strict=True))


def _sums(view: View) -> Iterator[str]:
    """A line each, as far as there is something to say."""
    yield "[dim]never started: of the stimuli; waited: of those that started[/]"
    fixed_ns = sum(one.overhead_ns + one.settle_ns for one in view.beats)
    charged_ns = sum(one.charged_ns for one in view.beats)
    parts = [
        f"idle {seconds(sum(one.idle_ns for one in view.beats))}",
        f"overhead and settle {seconds(fixed_ns)}",
        *([f"charged for overruns {seconds(charged_ns)}"] if charged_ns else []),
    ]
    yield f"[dim]{counted(len(view.beats), 'beat')}: {', '.join(parts)}[/]"
    yield from _drops(view)
    if view.lifeforce is not None:
        yield from _upkeep(view.lifeforce)
        yield from _hunger(view.lifeforce, view.time_ns)


def _drops(view: View) -> Iterator[str]:
    """What was given up, and why; the most frequent first."""
    ordered = sorted(view.drops, key=lambda one: -one.count)
    for one in ordered[:DROPS_SHOWN_MAX]:
        what = f"{one.count:,} {escape(one.name)} of {escape(one.level)}"
        yield f"[red]dropped[/] {what}: {REASONS.get(one.reason, escape(one.reason))}"
    if len(ordered) > DROPS_SHOWN_MAX:
        yield f"[dim]and {len(ordered) - DROPS_SHOWN_MAX} more kinds of drops[/]"


def _upkeep(force: Lifeforce) -> Iterator[str]:
    """What upkeep took, and what it did not find."""
    paid, unpaid = _upkeep_of(force.accounts), _upkeep_of(force.unpaid)
    if paid or unpaid:
        parts = ", ".join(
            f"{escape(name)} {lifeforce(paid.get(name, 0))} LF" for name in {**paid, **unpaid}
        )
        short = f"[/], [red]unpaid {lifeforce(sum(unpaid.values()))} LF[/][dim]" if unpaid else ""
        yield f"[dim]upkeep: {parts}{short}[/]"


def _upkeep_of(accounts: Mapping[str, int]) -> dict[str, int]:
    return {
        name.removeprefix("upkeep:"): amount
        for name, amount in accounts.items()
        if name.startswith("upkeep:")
    }


def _hunger(force: Lifeforce, end_ns: int) -> Iterator[str]:
    """What was refused, and since when everything is."""
    parts = []
    if force.first_refused_ns is not None:
        first = f"the first at {clock(force.first_refused_ns, end_ns)}"
        parts.append(f"{counted(force.refused, 'price')} refused, {first}")
    if force.starved_ns is not None:
        parts.append(f"starved since {clock(force.starved_ns, end_ns)}: no price was paid any more")
    if parts:
        yield f"[red]{'; '.join(parts)}[/]"
