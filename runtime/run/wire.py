"""The wire: what an effect looks like between two actors, and an event again at the other end.

A request or reply is a JSON object as its schema says, with ``request_id``
(uuid5 of the run and the request's identity) and ``timestamp`` (ISO 8601, of
the first sending).  Attempts of one request have the same bytes (SEMANTICS
4.2).  Who sends and what it has paid travels in headers, so that a program that
knows nothing of them can answer: it replies to the address that the request,
or the ask of another cell, gives, which names it.  Inside, the integer pair is the identity (2.4).

Whatever arrives, bytes and headers alike, becomes an event that can be journalled;
nothing here raises for it.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timedelta
from typing import assert_never

from nimdsl.base import canonical
from nimdsl.base.values import Fields, Value
from nimdsl.program import Actor
from runtime.kernel.effects import Deliver, PublishWave, SendMessage, SendReply, SendRequest
from runtime.kernel.events import (
    WAVE,
    Answered,
    AnyEvent,
    Loan,
    Marked,
    Received,
    Requested,
    Role,
    Stimulus,
)
from runtime.ports.bus import Message
from runtime.ports.topics import domain_of, topic_of
from runtime.records import Identity

KIND, EVENT, ROLE, ASK, ATTEMPT, HOLD, PROCESS, OPENED = (
    "Nimdsl-Kind",
    "Nimdsl-Event",
    "Nimdsl-Role",
    "Nimdsl-Ask",
    "Nimdsl-Attempt",
    "Nimdsl-Hold",
    "Nimdsl-Process",
    "Nimdsl-Opened",
)
"""Headers: what kind of event it is, its name, what it is to which ask and which attempt of it, the hold
that pays for it, the price of processing in micro-LF, and when its sender opened the request (garden time,
ns)."""
OUTSIDE = "subject/"
"""Addresses of programs outside the garden: a subject of the bus, as it is."""

DEPTH_MAX = 100
"""How deep lists and objects may lie in one another."""
_WHOLE = re.compile(r"[0-9]{1,18}")
_NAMESPACE = uuid.UUID("6f0f7a3e-5c1d-5d0c-9a53-2f3c9e6d1b10")
_REQUEST, _REPLY, _MESSAGE, _STIMULUS = "request", "reply", "message", "stimulus"
_MARK, _LOAN = "mark", "loan"
"""What stands in the header ``Nimdsl-Kind``."""
_WIRE_ONLY = ("request_id", "timestamp")


def request_id(run_id: str, identity: Identity) -> str:
    """The uuid by which a request is known outside."""
    return str(uuid.uuid5(_NAMESPACE, f"{run_id}/{identity}"))


def timestamp(epoch: str, time_ns: int) -> str:
    """Garden time as ISO 8601 with microseconds."""
    moment = datetime.fromisoformat(epoch.replace("Z", "+00:00")) + timedelta(microseconds=time_ns // 1_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def encode(message: Fields, run_id: str, identity: Identity, epoch: str, time_ns: int) -> bytes:
    """The bytes of a request or reply."""
    return canonical.encode(
        {**message, "request_id": request_id(run_id, identity), "timestamp": timestamp(epoch, time_ns)}
    )


def decode(data: bytes) -> dict[str, Value]:
    """The body of a request or reply; whatever is no JSON object comes back as an empty one."""
    try:
        body = _plain(data)
    except ValueError:
        return {}
    if not isinstance(body, dict) or not isinstance(body.get("$schema", ""), str):
        return {}
    return {key: value for key, value in body.items() if key not in _WIRE_ONLY}


def _plain(data: bytes) -> Value:
    """JSON from outside as plain data that can be written down again.  Raises ValueError."""
    text = data.decode()
    try:
        value: Value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > DEPTH_MAX:
        _check_depth(value, DEPTH_MAX)
    if "\\u" in text:
        canonical.encode(value)  # half a character has no bytes
    return value


def _check_depth(value: Value, left: int) -> None:
    if isinstance(value, dict | list):
        if not left:
            raise ValueError("nested too deeply")
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, left - 1)


def _real(text: str) -> float:
    value = float(text)
    if value - value:
        raise ValueError(f"{text} is no number here")
    return value + 0.0


_DECODER = json.JSONDecoder(parse_float=_real, parse_constant=_real)


def whole(text: str) -> int | None:
    """The whole number that a header or a thread is, None when it is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


def to_message(effect: Deliver, sender: str, run_id: str, epoch: str, now_ns: int) -> Message:
    """What an actor sends."""
    number = effect.number
    match effect:
        case SendMessage():
            headers = {KIND: _MESSAGE, EVENT: effect.event}
            if effect.role:
                headers |= {ROLE: effect.role, ASK: str(effect.ask)}
            if effect.attempt > 1:
                headers[ATTEMPT] = str(effect.attempt)
            back = _address(Identity(sender, effect.ask)) if effect.role is Role.ASK else ""
            return Message(effect.to, canonical.encode(effect.payload), headers, sender, number, back)
        case SendRequest():
            data = encode(effect.message, run_id, effect.request, epoch, effect.opened_ns)
            headers = {KIND: _REQUEST, HOLD: effect.hold, PROCESS: str(effect.process)}
            headers[OPENED] = str(effect.opened_ns)
            return Message(effect.to, data, headers, sender, number, _address(effect.request))
        case SendReply():
            data = encode(effect.message, run_id, effect.request, epoch, now_ns)
            return Message(_address(effect.request), data, {KIND: _REPLY}, sender, number)
        case _:
            assert_never(effect)


def stimulus(to: str, event: str, payload: Value, sender: str, number: int) -> Message:
    """What the scenario sends."""
    return Message(to, canonical.encode(payload), {KIND: _STIMULUS, EVENT: event}, sender, number)


def told(to: str, event: Marked | Loan) -> Message:
    """What an economy or a resource tells."""
    if isinstance(event, Loan):
        loan = canonical.encode({"work": event.work, "granted": event.granted})
        return Message(to, loan, {KIND: _LOAN}, event.sender, event.number)
    data = canonical.encode({"balance": event.balance})
    return Message(to, data, {KIND: _MARK, EVENT: event.name}, event.sender, event.number)


def to_wave(effect: PublishWave, emitter: Actor) -> Message:
    """What an actor publishes: ``domain``, ``confidence``, ``content``."""
    topic = topic_of(emitter.domain)
    wave = {"domain": domain_of(topic), "confidence": effect.confidence, "content": effect.content}
    return Message(topic, canonical.encode(wave), {KIND: _MESSAGE, EVENT: WAVE}, emitter.id, effect.number)


def to_event(message: Message) -> AnyEvent:
    """What an actor hears.

    A program outside sends no headers: it asks, or it answers a thread.  Or it repeats those of the
    request that it answers, as NATS clients do.  So what comes to a thread, or wants no answer, is
    an answer, and only one that says so has a sender to be known by.  What cannot be read
    becomes a request or reply with an empty message, which the kernel finds malformed.
    """
    kind = message.headers.get(KIND, "")
    if kind in (_MESSAGE, _STIMULUS):
        return _named(kind, message)
    if kind in (_MARK, _LOAN):
        return _told(kind, message)
    identity = _identity(message.to)
    if kind == _REPLY or identity.number or not message.reply_to:
        sender, number = (message.sender, message.number) if kind == _REPLY else ("", 0)
        return Answered(identity, decode(message.data), sender=sender, number=number)
    return _request(_identity(message.reply_to), decode(message.data), message)


def _told(kind: str, message: Message) -> AnyEvent:
    body, sender, number = decode(message.data), message.sender, message.number
    if kind == _LOAN:
        return Loan(_integer(body.get("work")), body.get("granted") is True, sender=sender, number=number)
    name = message.headers.get(EVENT, "")
    return Marked(name, _integer(body.get("balance")), sender=sender, number=number)


def _integer(value: Value) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _named(kind: str, message: Message) -> AnyEvent:
    try:
        payload = _plain(message.data)
    except ValueError:
        return _request(Identity(message.sender, message.number), {}, message)
    name = message.headers.get(EVENT, "")
    if kind == _STIMULUS:
        return Stimulus(name, payload, sender=message.sender, number=message.number)
    said, ask = message.headers.get(ROLE, ""), whole(message.headers.get(ASK, "")) or 0
    role = Role(said) if said in list(Role) else Role.TELL
    attempt = whole(message.headers.get(ATTEMPT, "")) or 1
    return Received(name, payload, role, ask, attempt, sender=message.sender, number=message.number)


def _request(identity: Identity, body: Fields, message: Message) -> Requested:
    headers = message.headers
    return Requested(
        identity,
        body,
        headers.get(HOLD, ""),
        whole(headers.get(PROCESS, "")) or 0,
        whole(headers.get(OPENED, "")) or 0,
        sender=message.sender,
        number=message.number,
    )


def _address(request: Identity) -> str:
    """Where the answer to a request goes: its thread, or the address of a program outside."""
    return str(request) if request.number else request.asker


def _identity(address: str) -> Identity:
    """``protocol/spark/17`` is request 17 of ``protocol/spark``; without a thread it is request 0."""
    asker, _, thread = address.rpartition("/")
    number = whole(thread) if "/" in asker and not address.startswith(OUTSIDE) else None
    return Identity(asker, number) if number else Identity(address, 0)
