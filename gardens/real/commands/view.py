"""How a garden's status looks to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gardens.report.terminal.console import escape
from gardens.report.words import span
from nimdsl.base.units import SECOND_NS, format_lifeforce
from nimdsl.program import Scenario

ECONOMY = "economy"
SHOWN_ACTORS_MAX = 40
_COLOURS = {"running": "green", "waiting": "yellow", "stopped": "dim", "given up": "red"}


def screen(status: Mapping[str, Any], note: str = "") -> RenderableType:
    """One screen: the garden, its processes, its actors."""
    parts: list[RenderableType] = [_head(status), _processes(status), _actors(status)]
    if note:
        parts.append(Text.from_markup(note))
    return Group(*parts)


def line(status: Mapping[str, Any], scenario: Scenario) -> str:
    """The same in one line, for progress; a protocol ends when it ends, all else at the horizon."""
    states = [seen["state"] for name, seen in actors_of(status).items() if name.startswith("protocol/")]
    time = f"{status['time_ns'] / SECOND_NS:.1f} s"
    parts = [time if scenario.ends_with else f"{time} of {span(scenario.horizon_ns)}", *states]
    force = lifeforce_of(status)
    if force:
        parts.append(f"{format_lifeforce(force['balance'])} LF")
    return " · ".join(parts)


def actors_of(status: Mapping[str, Any]) -> dict[str, Any]:
    """Every actor that was heard of, by name."""
    nodes = [node for node in status["nodes"].values() if node]
    return dict(sorted(item for node in nodes for item in node["actors"].items()))


def lifeforce_of(status: Mapping[str, Any]) -> dict[str, int] | None:
    """What the economy says, in micro-LF; None when it says nothing."""
    node = status["nodes"].get(ECONOMY)
    return node["lifeforce"] if node else None


def _head(status: Mapping[str, Any]) -> Text:
    names = f"{escape(status['scenario'])} · run {status['run_id'][:8]}"
    head = Text.from_markup(f"[bold]{escape(status['garden'])}[/] [dim]· {names}[/]")
    rate = f" (x{status['rate']:g})" if status["rate"] != 1 else ""
    head.append(f"\ngarden time {status['time_ns'] / SECOND_NS:.1f} s{rate}")
    head.append(f" · {status['url']}")
    if status.get("paused"):
        head.append(" · paused", "yellow")
    force = lifeforce_of(status)
    if force:
        amounts = {key: format_lifeforce(value) for key, value in force.items()}
        held = f", {amounts['held']} held" if force["held"] else ""
        head.append(f" · lifeforce {amounts['balance']} LF{held}")
        head.append(f" · spent {amounts['spent']} · earned {amounts['earned']}")
    return head


def _processes(status: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, justify in (
        ("process", "left"),
        ("state", "left"),
        ("pid", "right"),
        ("starts", "right"),
        ("waiting", "right"),
        ("unsaved", "right"),
        ("lag", "right"),
        ("incidents", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for process in status["processes"]:
        node = status["nodes"].get(process["name"]) or {}
        state = str(process["state"])
        if state == "running" and process["name"] in status["nodes"] and not node:
            state = "silent"
        table.add_row(
            escape(process["name"]),
            f"[{_COLOURS.get(state, 'red')}]{state}[/]",
            str(process["pid"] or "–"),
            str(process["starts"]),
            *(str(node.get(key, "–")) for key in ("waiting", "backlog")),
            f"{node['lag_ms']} ms" if node else "–",
            str(node.get("incidents", "–")),
        )
    return table


def _actors(status: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("actor", no_wrap=True)
    table.add_column("state")
    seen = actors_of(status)
    for name, actor in list(seen.items())[:SHOWN_ACTORS_MAX]:
        state = escape(actor["state"] or "–")
        table.add_row(
            escape(name), f"[red]faulted: {escape(actor['fault'])}[/]" if actor["fault"] else state
        )
    if len(seen) > SHOWN_ACTORS_MAX:
        table.add_row(f"and {len(seen) - SHOWN_ACTORS_MAX} more", "")
    return table
