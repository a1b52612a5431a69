"""Why a step of a run happened: the event that it took, from whom, and the step that brought that about.

The law: whatever is named as a cause happened before.  Of messages, waves, work and requests for units
the effect number tells which step it was, of timers the arming; a stimulus, the beginning of the run, what
its books said and whatever came from outside are roots.  A step of a nerve, of attention or of a rack
often goes on with something that began earlier: an opening, an item, a request.  That is its main cause,
and the event is one ``aside``.

Pure.  Not here: the steps themselves (:mod:`runtime.run.history`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from nimdsl.base.units import format_lifeforce
from nimdsl.base.values import Value
from runtime import records
from runtime.chance.models import Draws
from runtime.chance.stimuli import stimuli_of
from runtime.kernel.events import (
    WAVE,
    Answered,
    AnyEvent,
    Begin,
    Boundary,
    Finished,
    Loan,
    Marked,
    Received,
    Requested,
    Returned,
    Role,
    Stimulus,
    TimerDue,
)
from runtime.kernel.nerve import GRANTED
from runtime.kernel.offered import fields_of, request_event
from runtime.kernel.snapshot import Deferrable
from runtime.ledger.accounts import Entry
from runtime.records import AnyBody, Record
from runtime.run.history import History, Past
from runtime.run.lines import STIMULI, entries_in
from runtime.run.timer_names import timer_name

_ABOUT_AN_OPENING = (
    records.Moved,
    records.Sent,
    records.Asked,
    records.WorkStarted,
    records.WorkRepeated,
    records.Refused,
)


class CausingStep(NamedTuple):
    """Where a chain goes on: a step of an actor, and its record that is meant; None where it left none."""

    actor: str
    step: int
    record: int | None


@dataclass(frozen=True, slots=True)
class Cause:
    """What brought a step about, in words; without an origin it is a root.

    ``kind`` is the event's, or opening, item, request, deferred for what began earlier.
    """

    kind: str
    what: str
    origin: CausingStep | None = None
    aside: bool = False


def causes_of(past: Past, actor: str, step: int, record: int | None) -> tuple[Cause, ...]:
    """The causes of a record of a step, the main one first.

    Raises KeyError for an unknown actor, PermanentPortError for a damaged journal.
    """
    history = past.of(actor)
    if history is None:
        raise KeyError(actor)
    event = _event_cause(past, history, step)
    earlier = (*_earlier(history, step, record), *_recalled(history, step, record))
    main, *others = (*earlier, event)
    return (main, *(replace(one, aside=True) for one in others))


# The event


def _event_cause(past: Past, history: History, step: int) -> Cause:
    event = history.lines[step].event
    match event:
        case Begin():
            return Cause("begin", "the run began")
        case Returned():
            return Cause("returned", "its process had been down and was back")
        case TimerDue() | Boundary():
            name = timer_name(history.kernel.actor, history.before(step), event.timer)
            return _own("timer", name, history, history.armed_by.get(event.generation), event.timer)
        case Finished():
            started = history.before(step).works.get(event.work)
            name = started.work if started else str(event.work)
            what = f"work `{name}` {event.outcome}" + (f": {event.reason}" if event.reason else "")
            return _own("work", what, history, history.begun_by.get(event.work), event.work)
        case Loan():
            what = "its units are lent" if event.granted else "too many wait for units already"
            begun = history.begun_by.get(event.work)
            return _own("loan", f"{event.sender}: {what}", history, begun, event.work)
        case Marked():
            return Cause("mark", _told_by_the_books(past, event))
        case Stimulus():
            return Cause("stimulus", _stimulus(past, event))
        case _:
            return _message(past, event)


def _own(kind: str, what: str, history: History, step: int | None, number: int) -> Cause:
    if step is None:
        return Cause(kind, what)
    return Cause(kind, what, CausingStep(history.actor, step, _record_of(history, step, number)))


def _message(past: Past, event: Requested | Answered | Received) -> Cause:
    kind = WAVE if isinstance(event, Received) and event.name == WAVE else event.kind
    if not event.sender:
        return Cause(kind, f"{message_name(event)} from a program outside")
    what = f"{message_name(event)} {event.number} from {event.sender}"
    sender = past.of(event.sender)
    step = None if sender is None else sender.begun_by.get(event.number)
    if sender is None or step is None:
        return Cause(kind, f"{what}, of which its journal does not tell")
    return Cause(kind, what, CausingStep(event.sender, step, _record_of(sender, step, event.number)))


def message_name(event: AnyEvent) -> str:
    """What an event is, in a few words."""
    match event:
        case Requested():
            return f"request `{event.message.get('$schema', '')}`"
        case Answered():
            return "the reply"
        case Received(name=name) if name == WAVE:
            return "wave"
        case Received(role=Role.TELL) | Stimulus():
            return f"`{event.name}`"
        case Received():
            return f"{event.role} `{event.name}`"
        case Marked():
            return f"`{event.name}`"
    return event.kind


def _stimulus(past: Past, event: Stimulus) -> str:
    """The scenario's stimulus, with when it was due; or that somebody outside sent it."""
    recording = past.recording
    if event.sender != f"{STIMULI}{recording.scenario.name}":
        return f"`{event.name}` from {event.sender or 'a program outside'}"
    draws = Draws(recording.seed, recording.replication)
    for at_ns, number, _ in stimuli_of(recording.scenario, draws):
        if number == event.number:
            return f"stimulus {number} of the scenario, `{event.name}`, due at {_seconds(at_ns)}"
        if number > event.number:
            break
    return f"stimulus {event.number} of the scenario, `{event.name}`"


def _told_by_the_books(past: Past, event: Marked) -> str:
    """What an economy told, and the last transfer before that."""
    recording = past.recording
    economy = event.sender.partition("/")[2]
    before: Entry | None = None
    told = f"{event.sender} told `{event.name}`, with {format_lifeforce(event.balance)} LF in its pool"
    for entry in entries_in(recording.journal):
        if not isinstance(entry, Entry) or (entry.purse or recording.scenario.economy) != economy:
            continue
        if entry.number == event.number:
            break
        before = entry if entry.kind == "transfer" else before
    if before is None:
        return told
    moved = f"{before.cause} of {format_lifeforce(before.amount)} LF, {before.source} to {before.target}"
    return f"{told} (entry {event.number} of its books, after {before.number}: {moved})"


def _seconds(time_ns: int) -> str:
    return f"{time_ns / 1e9:.9f}".rstrip("0").rstrip(".") + " s"


# Which record is meant


def _record_of(history: History, step: int, number: int) -> int | None:
    """The record of a step that tells of an effect number; else its last transition; else its last one.

    Of work it is the transition that began it: its record follows that of the work.
    """
    found = history.records_of(step)
    telling = [one for one in found if _tells_of(one.body, number)]
    moved = [one for one in found if isinstance(one.body, records.Moved)]
    if telling and isinstance(telling[-1].body, records.WorkStarted):
        by = (one for one in moved if one.sequence > telling[-1].sequence)
        return next(by, telling[-1]).sequence
    began = [one for one in found if isinstance(one.body, records.Began)]
    best = telling or moved or began or found
    return best[-1].sequence if best else None


def _tells_of(body: AnyBody, number: int) -> bool:
    if isinstance(body, records.SentToEach):
        return body.number <= number < body.number + body.count
    return getattr(body, "number", None) == number


# What began earlier


def _earlier(history: History, step: int, sequence: int | None) -> Iterator[Cause]:
    """What the record goes on with, if it began in an earlier step."""
    if sequence is None:
        return
    record = history.records[sequence]
    find = _EARLIER.get(history.kernel.actor.kind)
    found = find(history, step, record) if find is not None else None
    if found is not None and found.origin is not None and found.origin.step < step:
        yield found


def _opening_of_a_nerve(history: History, step: int, record: Record) -> Cause | None:
    body = record.body
    if isinstance(body, records.OutcomeJudged | records.CameLate):
        number = body.opening
    elif isinstance(body, _ABOUT_AN_OPENING):
        nerve = history.before(step).nerve
        if nerve is None or nerve.opening is None:
            return None
        number = nerve.opening.number
    else:
        return None
    found = _accepted(history, step, GRANTED, lambda payload: payload.get("opening") == number)
    return found and Cause("opening", f"it acts on opening {number}", found)


def _item_of_attention(history: History, step: int, record: Record) -> Cause | None:
    body = record.body
    if isinstance(body, records.Ran | records.GivenUp | records.Overran):
        return _told_of(history, record, "item", f"item {body.item}", _arrival_of(body.item))
    if isinstance(body, records.Moved):
        item = _running(history, step, record)
        if item is not None:
            return _told_of(history, record, "item", f"item {item}", _arrival_of(item))
    if not isinstance(body, records.Sent) or "gate" not in body.payload:
        return None
    opening = (body.payload["gate"], body.payload.get("opening"))
    found = _accepted(
        history, step, "opened", lambda payload: (payload.get("gate"), payload.get("opening")) == opening
    )
    return found and Cause("opening", f"opening {opening[1]} of gate/{opening[0]}", found)


def _running(history: History, step: int, record: Record) -> int | None:
    """The item that has the time since a step, where the record is that of its last mode."""
    modes = [one for one in history.records_of(step) if isinstance(one.body, records.Moved)]
    state = history.look(step).after.beat
    if state is None or state.running is None or modes[-1] != record:
        return None
    return state.levels[state.running].queue[0].number


def _arrival_of(item: int) -> Callable[[AnyBody], bool]:
    return lambda body: isinstance(body, records.Arrived) and body.item == item


def _request_of_a_rack(history: History, _: int, record: Record) -> Cause | None:
    body = record.body
    if not isinstance(body, records.OrganAnswered):
        return None
    asked = body.request
    return _told_of(
        history,
        record,
        "request",
        f"request {asked}",
        lambda one: isinstance(one, records.OrganAsked) and one.request == asked,
    )


_EARLIER: dict[str, Callable[[History, int, Record], Cause | None]] = {
    "nerve": _opening_of_a_nerve,
    "attention": _item_of_attention,
    "rack": _request_of_a_rack,
}


def _told_of(
    history: History, record: Record, kind: str, what: str, is_it: Callable[[AnyBody], bool]
) -> Cause | None:
    """The last record before this one that is it."""
    for sequence in range(record.sequence - 1, -1, -1):
        if is_it(history.records[sequence].body):
            return Cause(kind, what, CausingStep(history.actor, history.step_of(sequence), sequence))
    return None


def _accepted(
    history: History, step: int, name: str, is_it: Callable[[dict[str, Value]], bool]
) -> CausingStep | None:
    """The last step before this one that took such an event."""
    for earlier in range(step - 1, -1, -1):
        event = history.lines[earlier].event
        if isinstance(event, Received | Stimulus) and event.name == name and is_it(dict(fields_of(event))):
            return CausingStep(history.actor, earlier, _record_of(history, earlier, -1))
    return None


def _recalled(history: History, step: int, sequence: int | None) -> Iterator[Cause]:
    """The events that had been put aside, and that this step had taken when it left the record."""
    waiting = history.before(step).deferred
    if not waiting or sequence is None:
        return
    looked, table = history.look(step), history.kernel.actor.table
    count = sequence - looked.records[0].sequence
    taken = {table.events[table.rows[one.row].event] for one in looked.rows if one.record_count <= count}
    for event in waiting:
        name = request_event(event) if isinstance(event, Requested) else event.name
        earlier = _step_that_took(history, step, event) if name in taken else None
        if earlier is not None and event not in looked.after.deferred:
            origin = CausingStep(history.actor, earlier, _record_of(history, earlier, -1))
            yield Cause("deferred", f"{message_name(event)}, which had been put aside", origin)


def _step_that_took(history: History, step: int, event: Deferrable) -> int | None:
    return next((one for one in range(step - 1, -1, -1) if history.lines[one].event == event), None)
