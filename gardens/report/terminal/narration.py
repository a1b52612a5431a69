"""A record as one line for a person, as it happens; most records are none."""

from __future__ import annotations

from gardens.report.presentation import presentation_of
from gardens.report.terminal.console import escape
from gardens.report.words import REASONS, seconds
from nimdsl.base.units import MICRO, SECOND_NS, format_lifeforce
from nimdsl.program import Program
from nimdsl.program.flatten import TIMER
from runtime import records
from runtime.kernel.rack import SERVED
from runtime.records import AnyBody, Record

_ENDED = {
    "done": "[green]done[/]",
    "failed": "[red]failed[/]",
    "preempted": "[yellow]preempted[/]",
    "suspended": "suspended by a reflex",
    "cut": "[yellow]cut[/], its time is over",
}


def line_of(record: Record, program: Program | None = None) -> str:
    """The line, as markup; empty for a record that nobody wants to see.

    In a ``program`` that is known, a cell that stays in its state is told from one that enters it again.
    """
    if program is not None and isinstance(record.body, records.Moved) and _stays(program, record):
        return _stayed(record.actor, record.body)
    line = presentation_of(record.actor.partition("/")[0]).line
    return line(record) if line else ""


def of_an_actor(record: Record) -> str:
    """What a cell or a protocol does."""
    return _line(record.actor, record.body)


def _line(actor: str, body: AnyBody) -> str:
    match body:
        case records.HandshakeEnded():
            return _handshake(body)
        case records.PhaseMarked():
            return _phase(body)
        case records.Moved():
            return _transition(actor, body)
        case records.Refused():
            return f"[red]✗[/] {actor} was {_price(body)}"
        case records.Faulted() | records.Broken():
            return _fault(actor, body.reason)
    return ""


def of_an_attention(record: Record) -> str:
    """What an attention does."""
    match body := record.body:
        case records.Arrived():
            return _arrival(body)
        case records.Ran():
            return _grant(body)
        case records.GivenUp():
            return _drop(body)
        case records.Refused():
            return _told(body.level, f"is {_price(body)}", "[red]✗[/]")
        case records.Overran():
            overrun = f"goes on for {seconds(body.overrun_ns)} after its time"
            return _told(body.level, overrun, "[red]![/]")
        case records.Moved():
            return _mode(body)
        case records.Slumbering():
            return _slumber(record.actor, body)
        case records.BeatEnded():
            return _beat(body, record.moment.beat if record.moment else 0)
        case records.Faulted() | records.Broken():
            return _fault(record.actor, body.reason)
    return ""


def of_a_gate(record: Record) -> str:
    """What a gate reads, and what became of its openings."""
    name = record.actor.partition("/")[2]
    match body := record.body:
        case records.ReadingChanged():
            price = f", {format_lifeforce(body.cost)} LF" if body.cost else ""
            about = f"at {body.value:.2f}, tier {body.tier}{price}"
            why = "" if body.cause == "waves" else f"{body.cause}: "
            return f"{name:<20} {body.source} [dim]→[/] {body.target}  [dim]{why}{about}[/]"
        case records.Weighed():
            weight = f"weighs {body.weight / MICRO:.0%}"
            return f"{name:<20} opening {body.opening} {escape(body.outcome)}  [dim]{weight}[/]"
        case records.Slumbering():
            return _slumber(record.actor, body)
        case records.Refused():
            return f"[red]✗[/] {record.actor} was {_price(body)}"
        case records.Faulted() | records.Broken():
            return _fault(record.actor, body.reason)
    return ""


def of_a_nerve(record: Record) -> str:
    """What a nerve does, and what came of it."""
    name = record.actor.partition("/")[2]
    match body := record.body:
        case records.OutcomeJudged():
            good = body.outcome == "confirmed"
            mark = "[green]✓[/]" if good else "[red]✗[/]" if body.outcome == "failed" else "·"
            off = f"  [dim]off by {body.discrepancy / MICRO:.0%}[/]" if body.outcome == "partial" else ""
            return f"{name:<20} {mark} opening {body.opening} {body.outcome}{off}"
        case records.CameLate():
            took = f"{seconds(body.took_ns)}, tier {body.tier} has {seconds(body.bound_ns)}"
            return f"{name:<20} [red]late[/]: answered after {took}"
        case records.HealthChanged():
            missed = ", ".join(one.removeprefix("cell/") for one in body.absent)
            able = "cannot act" if body.disabled else "degraded" if body.degraded else "can act"
            return f"{name:<20} {f'misses {missed}: ' if missed else 'misses nothing: '}{able}"
        case records.Asked():
            to = body.to.removeprefix("cell/")
            payload = body.message.get("payload")
            said = payload.items() if isinstance(payload, dict) else ()
            what = ", ".join(f"{key}={value}" for key, value in said)
            return f"{name:<20} commands {to}  [dim]{escape(what)}[/]"
    return _line(record.actor, body)


def of_a_rack(record: Record) -> str:
    """What is on the cards, and what became of requests."""
    host = record.actor.partition("/")[2]
    match body := record.body:
        case records.ModelMoved():
            price = f", {format_lifeforce(body.cost)} LF" if body.cost else ""
            card = f"{host}/{body.card}"
            version = f", version {body.version}" if body.version else ""
            why = f"[dim]{body.cause}{price}{version}[/]"
            return f"{card:<20} {escape(body.organ)} {body.source} [dim]→[/] {body.target}  {why}"
        case records.OrganAnswered():
            mark = " " if body.outcome == SERVED else "[red]✗[/]"
            about = f"after {seconds(body.waited_ns + body.served_ns)}"
            return f"{mark} {escape(body.organ):<18} {escape(body.task)}: {body.outcome}  [dim]{about}[/]"
        case records.Refused():
            return f"[red]✗[/] {record.actor} was {_price(body)}"
        case records.Faulted() | records.Broken():
            return _fault(record.actor, body.reason)
    return ""


def _slumber(actor: str, body: records.Slumbering) -> str:
    sleeps = "sleeps" if body.asleep else "is awake"
    return f"{actor.partition('/')[2]:<20} {body.economy.partition('/')[2]} {sleeps}"


def instant(time_ns: int) -> str:
    """Garden time, as the narrator writes it."""
    return f"{time_ns / SECOND_NS:.3f}"


def _handshake(body: records.HandshakeEnded) -> str:
    good = body.verdict == "accepted"
    mark, colour = ("✓", "green") if good else ("✗", "red")
    attempts = "" if body.attempts <= 1 or body.reason else f", {body.attempts} attempts"
    reason = f": {escape(body.reason)}" if body.reason else ""
    name = body.name.replace("_", " ")
    return f"[{colour}]{mark}[/] {body.phase:<12} {name:<24} {body.verdict}{attempts}{reason}"


def _phase(body: records.PhaseMarked) -> str:
    if body.verdict == "started":
        again = f" (try {body.tries})" if body.tries > 1 else ""
        return f"[bold]{body.phase}[/]{again}"
    colour = "green" if body.verdict == "complete" else "red"
    return f"[{colour}]{body.phase} {body.verdict}[/]"


def _transition(actor: str, body: records.Moved) -> str:
    kind, _, name = actor.partition("/")
    if kind not in ("cell", "nerve") or "listening" in (body.source, body.target):
        return ""
    event = "timer" if body.event.startswith(TIMER) else body.event
    return f"{name:<20} {body.source} [dim]→[/] {body.target}  [dim]on {escape(event)}[/]"


def _stays(program: Program, record: Record) -> bool:
    """Whether all its transitions from the state on the event are internal: they leave nothing."""
    body, cell = record.body, program.cells.get(record.actor.removeprefix("cell/"))
    if not isinstance(body, records.Moved) or cell is None or body.source != body.target:
        return False
    table, state = cell.table, cell.table.state_numbers[body.source]
    numbers = table.candidates.get((state, table.event_numbers[body.event]), ())
    rows = [table.rows[number] for number in numbers]
    return not any(row.left for row in rows if row.target == state)


def _stayed(actor: str, body: records.Moved) -> str:
    event = "timer" if body.event.startswith(TIMER) else body.event
    return f"{actor.removeprefix('cell/'):<20} {body.source}  [dim]stays, on {escape(event)}[/]"


def _price(body: records.Refused) -> str:
    price, balance = format_lifeforce(body.price), format_lifeforce(body.balance)
    return f"refused {price} LF: the pool has {balance} LF, its floor included"


def _fault(actor: str, reason: str) -> str:
    return f"[red]![/] {actor}: {escape(reason)}"


# An attention


def _told(level: str, what: str, mark: str = " ") -> str:
    """Whose it is, and what happens."""
    return f"{mark} {escape(level or 'a mode'):<12} {what}"


def _arrival(body: records.Arrived) -> str:
    """A baseline comes with every beat, and is no news."""
    if body.baseline:
        return ""
    return _told(body.level, f"{escape(body.name)} arrives, takes {seconds(body.takes_ns)}")


def _grant(body: records.Ran) -> str:
    ran = f"from {instant(body.from_ns)} to {instant(body.to_ns)}"
    ended = _ENDED.get(body.ended, body.ended)
    return _told(body.level, f"{escape(body.name)} has the time {ran}: {ended}")


def _drop(body: records.GivenUp) -> str:
    why = REASONS.get(body.reason, body.reason)
    left = f" ({seconds(body.left_ns)} left)" if body.left_ns else ""
    return _told(body.level, f"{escape(body.name)} is dropped: {why}{left}", "[red]✗[/]")


def _mode(body: records.Moved) -> str:
    """What stays as it is, is no news."""
    if body.source == body.target:
        return ""
    on = "" if body.event == body.target else f"  [dim]on {escape(body.event)}[/]"
    return f"  [dim]mode[/]         {escape(body.source)} [dim]→[/] {escape(body.target)}{on}"


def _beat(body: records.BeatEnded, beat: int) -> str:
    counts = body.counts.values()
    totals = (
        (sum(one.done for one in counts), "done"),
        (sum(one.preempted for one in counts), "preempted"),
        (sum(one.dropped for one in counts), "dropped"),
    )
    told = [f"{total} {what}" for total, what in totals if total]
    idle = f"idle {seconds(body.times.idle_ns)}"
    return f"[bold]beat {beat} ends[/]  [dim]{', '.join([*told, idle])}[/]"
