"""A record as one line for a person, as it happens; most records are none."""

from __future__ import annotations

from rich.markup import escape

from gardens.report.words import REASONS, seconds
from nimdsl.base.units import SECOND_NS, format_lifeforce
from runtime.kernel.turn import Record

_ATTENTION = "attention/"
_ENDED = {
    "done": "[green]done[/]",
    "failed": "[red]failed[/]",
    "preempted": "[yellow]preempted[/]",
    "suspended": "suspended by a reflex",
    "cut": "[yellow]cut[/], its time is over",
}


def line_of(record: Record) -> str:
    """The line, as markup; empty for a record that nobody wants to see."""
    lines = _MIND if record["actor"].startswith(_ATTENTION) else _LINES
    return lines.get(record["type"], lambda _: "")(record)


def instant(time_ns: int) -> str:
    """Garden time, as the narrator writes it."""
    return f"{time_ns / SECOND_NS:.3f}"


def _handshake(record: Record) -> str:
    good = record["verdict"] == "accepted"
    mark, colour = ("✓", "green") if good else ("✗", "red")
    attempts = "" if record["attempts"] <= 1 or record["reason"] else f", {record['attempts']} attempts"
    reason = f": {escape(record['reason'])}" if record["reason"] else ""
    name = record["name"].replace("_", " ")
    return f"[{colour}]{mark}[/] {record['phase']:<12} {name:<24} {record['verdict']}{attempts}{reason}"


def _phase(record: Record) -> str:
    if record["verdict"] == "started":
        again = f" (try {record['tries']})" if record["tries"] > 1 else ""
        return f"[bold]{record['phase']}[/]{again}"
    colour = "green" if record["verdict"] == "complete" else "red"
    return f"[{colour}]{record['phase']} {record['verdict']}[/]"


def _transition(record: Record) -> str:
    if not record["actor"].startswith("cell/") or "listening" in (record["from"], record["to"]):
        return ""
    actor = record["actor"].removeprefix("cell/")
    event = "timer" if record["event"].startswith("after:") else record["event"]
    return f"{actor:<20} {record['from']} [dim]→[/] {record['to']}  [dim]on {escape(event)}[/]"


def _refused(record: Record) -> str:
    return f"[red]✗[/] {record['actor']} was {_price(record)}"


def _price(record: Record) -> str:
    price, balance = format_lifeforce(record["price"]), format_lifeforce(record["balance"])
    return f"refused {price} LF: the pool has {balance} LF, its floor included"


def _fault(record: Record) -> str:
    return f"[red]![/] {record['actor']}: {escape(record['reason'])}"


_LINES = {
    "handshake": _handshake,
    "phase": _phase,
    "transition": _transition,
    "refused": _refused,
    "fault": _fault,
    "faulted": _fault,
}


# An attention


def _told(record: Record, what: str, mark: str = " ") -> str:
    """Whose it is, and what happens."""
    return f"{mark} {escape(record.get('level') or 'a mode'):<12} {what}"


def _arrival(record: Record) -> str:
    """A baseline comes with every beat, and is no news."""
    if record["baseline"]:
        return ""
    return _told(record, f"{escape(record['name'])} arrives, takes {seconds(record['takes_ns'])}")


def _grant(record: Record) -> str:
    ran = f"from {instant(record['from_ns'])} to {instant(record['to_ns'])}"
    ended = _ENDED.get(record["ended"], record["ended"])
    return _told(record, f"{escape(record['name'])} has the time {ran}: {ended}")


def _drop(record: Record) -> str:
    why = REASONS.get(record["reason"], record["reason"])
    left = f" ({seconds(record['left_ns'])} left)" if record["left_ns"] else ""
    return _told(record, f"{escape(record['name'])} is dropped: {why}{left}", "[red]✗[/]")


def _level_refused(record: Record) -> str:
    return _told(record, f"is {_price(record)}", "[red]✗[/]")


def _overrun(record: Record) -> str:
    return _told(record, f"goes on for {seconds(record['overrun_ns'])} after its time", "[red]![/]")


def _mode(record: Record) -> str:
    """What stays as it is, is no news."""
    source, target, event = record["from"], record["to"], record["event"]
    if source == target:
        return ""
    on = "" if event == target else f"  [dim]on {escape(event)}[/]"
    return f"  [dim]mode[/]         {escape(source)} [dim]→[/] {escape(target)}{on}"


def _beat(record: Record) -> str:
    counts = [
        f"{total} {what}"
        for what in ("done", "preempted", "dropped")
        if (total := sum(one[what] for one in record["counts"].values()))
    ]
    idle = f"idle {seconds(record['times']['idle_ns'])}"
    return f"[bold]beat {record['beat']} ends[/]  [dim]{', '.join([*counts, idle])}[/]"


_MIND = {
    "arrival": _arrival,
    "grant": _grant,
    "drop": _drop,
    "refused": _level_refused,
    "overrun": _overrun,
    "transition": _mode,
    "beat": _beat,
    "fault": _fault,
    "faulted": _fault,
}
