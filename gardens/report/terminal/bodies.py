"""Any record in a few words, also those that a narrator passes over; plain text."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from gardens.report import words
from gardens.report.terminal.narration import line_of
from nimdsl.base.values import Fields, Value
from nimdsl.expression.types import DURATION, Type
from nimdsl.program import Program
from nimdsl.program.flatten import REQUESTED, TIMER
from runtime import records
from runtime.record_bytes import noted_data
from runtime.records import AnyBody, Noted, Record

_GATES: Mapping[str, Type] = {"since": DURATION}
"""What gates tell that has a unit."""


def in_words(record: Record, program: Program | None = None) -> str:
    """What a record says: as the narrator tells it, without the name of the actor; else its own words."""
    line = line_of(record, program)
    if not line:
        return _own_words(record.body, program)
    told = " ".join(Text.from_markup(line).plain.split())
    return told.removeprefix(record.actor.partition("/")[2] + " ")


def _own_words(body: AnyBody, program: Program | None) -> str:
    if isinstance(body, records.Sent | records.SentToEach):
        return _sent(body, program)
    found = _of_a_machine(body) or _of_messages(body) or _of_creatures(body)
    return found or _plain(body)


def _of_a_machine(body: AnyBody) -> str:
    match body:
        case records.Began():
            return f"began in {body.state}"
        case records.Moved():
            stays = body.source == body.target
            way = f"{body.source} stays" if stays else f"{body.source} → {body.target}"
            return f"{way} on {event_name(body.event)}"
        case records.Ignored():
            return f"ignored {event_name(body.event)} in {body.state}"
        case records.WorkStarted():
            again = f", attempt {body.attempt}" if body.attempt > 1 else ""
            return f"began work {body.work}{again}"
        case records.WorkRepeated():
            wait = f" in {words.span(body.wait_ns)}" if body.wait_ns else ""
            return f"attempt {body.attempt} of work {body.work} failed ({body.why}); tries again{wait}"
        case records.Abandoned():
            return f"abandoned work {body.work}"
        case records.GivenBack():
            return f"gave back what work {body.work} held"
        case records.Rewarded():
            return f"asked for the reward {body.reward}"
        case records.Deferred():
            what = f"request {body.request}" if body.request else body.event
            return f"put {what} aside"
        case records.Dropped():
            return f"dropped an event: {body.reason}"
    return ""


def _of_messages(body: AnyBody) -> str:
    match body:
        case records.Emitted():
            return f"emitted a wave{_with(_content(body))}, confidence {body.confidence:.4g}"
        case records.Asked():
            return f"asked {body.to}{_with(_payload(body.message))}"
        case records.Replied():
            status = str(body.message.get("status", ""))
            return f"answered {body.to} {status}{_with(_payload(body.message))}"
        case records.AnsweredAgain():
            return f"answered request {body.request} again, from memory"
        case records.Duplicate():
            return f"request {body.request} came again; it is being served"
        case records.Malformed():
            return f"request {body.request} is malformed: {body.reason}"
        case records.Stale():
            return f"nobody waits for the reply to {body.request} any more"
    return ""


def _sent(body: records.Sent | records.SentToEach, program: Program | None) -> str:
    """An event on its way, its fields with the units that the receiver knows."""
    actor = None if program is None else program.actors.get(body.to)
    types = _GATES if actor is None else actor.fields.get(body.event, _GATES)
    brings = _with({**body.payload, **body.times}, types)
    if isinstance(body, records.SentToEach):
        return f"sent {body.event} to {body.count} of {body.to}{brings}"
    return f"sent {f'{body.role} ' if body.role else ''}{body.event} to {body.to}{brings}"


def _of_creatures(body: AnyBody) -> str:
    match body:
        case records.Resonated():
            return f"heard wave {body.wave}: score {body.score:.4g}, value {body.value:.4g}"
        case records.OrganAsked():
            return f"took request {body.request}: {body.organ} {body.task}, priority {body.priority}"
        case records.Arrived():
            return f"{body.level}: {body.name} arrives, takes {words.seconds(body.takes_ns)}"
    return ""


def event_name(event: str) -> str:
    """The name of an event, as a person says it."""
    if event.startswith(TIMER):
        return "timer"
    return f"request {event.removeprefix(REQUESTED)}" if event.startswith(REQUESTED) else event


def _content(body: records.Emitted) -> Value:
    content = body.content
    return {**content, **body.times} if isinstance(content, dict) else content


def _payload(message: Fields) -> Value:
    return message.get("payload", {})


def _with(value: Value, types: Mapping[str, Type] | None = None) -> str:
    if not isinstance(value, dict):
        return f" {value}"
    return f" with {words.fields(types or {}, value)}" if value else ""


def _plain(body: AnyBody) -> str:
    """By its tag and its fields."""
    data = dict(noted_data(Noted(body)))
    tag = str(data.pop("type", type(body).__name__)).replace("_", " ")
    return f"{tag}: {words.fields({}, data)}" if data else tag
