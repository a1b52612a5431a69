"""The wire: what an effect looks like between two actors, and an event again at the other end.

A request or reply is a JSON object as its schema says, with ``request_id``
(uuid5 of the run and the request's identity) and ``timestamp`` (ISO 8601, of
the first sending).  Attempts of one request have the same bytes (SEMANTICS
4.2).  Who sends and what it has paid travels in headers, so that a program that
knows nothing of them can answer: it replies to the address that the request
gives, which names the request.  Inside, the integer pair is the identity (2.4).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from nimdsl import canonical
from nimdsl.canonical import Plain
from runtime.bus import Message
from runtime.effects import Deliver
from runtime.events import Event, EventKind

KIND, EVENT, HOLD, PROCESS, OPENED = (
    "Nimdsl-Kind",
    "Nimdsl-Event",
    "Nimdsl-Hold",
    "Nimdsl-Process",
    "Nimdsl-Opened",
)
"""Headers: what kind of event it is, its name, the hold that pays for it, the price of processing
in micro-LF, and when its sender opened the request (garden time, ns)."""
OUTSIDE = "subject/"
"""Addresses of programs outside the garden: a subject of the bus, as it is."""

_NAMESPACE = uuid.UUID("6f0f7a3e-5c1d-5d0c-9a53-2f3c9e6d1b10")
_WIRE_ONLY = ("request_id", "timestamp")


def request_id(run_id: str, identity: list[Any]) -> str:
    """The uuid by which a request is known outside."""
    return str(uuid.uuid5(_NAMESPACE, f"{run_id}/{identity[0]}/{identity[1]}"))


def timestamp(epoch: str, time_ns: int) -> str:
    """Garden time as ISO 8601 with microseconds."""
    moment = datetime.fromisoformat(epoch.replace("Z", "+00:00")) + timedelta(microseconds=time_ns // 1_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def encode(message: Mapping[str, Any], run_id: str, identity: list[Any], epoch: str, time_ns: int) -> bytes:
    """The bytes of a request or reply."""
    return canonical.encode(
        {**message, "request_id": request_id(run_id, identity), "timestamp": timestamp(epoch, time_ns)}
    )


def decode(data: bytes) -> Plain:
    """The body of a request or reply; whatever is no JSON object comes back as an empty one."""
    try:
        whole = canonical.decode(data)
    except ValueError:
        return {}
    if not isinstance(whole, dict):
        return {}
    return {key: value for key, value in whole.items() if key not in _WIRE_ONLY}


def to_message(effect: Deliver, sender: str, run_id: str, epoch: str, now_ns: int) -> Message:
    """What an actor sends."""
    payload, headers = effect.payload, {KIND: effect.kind.value}
    if effect.kind in (EventKind.MESSAGE, EventKind.STIMULUS):
        headers[EVENT] = effect.name
        return Message(effect.to, canonical.encode(payload), headers, sender, effect.number)
    asker, number = payload["request"]
    sent_ns = payload.get("opened_ns", now_ns)
    data = encode(payload["message"], run_id, payload["request"], epoch, sent_ns)
    if effect.kind is EventKind.REPLY:
        to = asker if asker.startswith(OUTSIDE) else f"{asker}/{number}"
        return Message(to, data, headers, sender, effect.number)
    headers |= {HOLD: payload["hold"], PROCESS: str(payload["process"]), OPENED: str(sent_ns)}
    return Message(effect.to, data, headers, sender, effect.number, f"{asker}/{number}")


def to_event(message: Message) -> Event:
    """What an actor hears.  A program outside sends no headers: it asks, or it answers a thread."""
    headers = message.headers
    kind = EventKind(headers[KIND]) if KIND in headers else _guessed(message)
    if kind in (EventKind.MESSAGE, EventKind.STIMULUS):
        payload = canonical.decode(message.data)
        return Event(kind, headers.get(EVENT, ""), payload, message.sender, message.number)
    if kind is EventKind.REPLY:
        payload = {"request": _identity(message.to), "message": decode(message.data)}
        return Event(kind, "", payload, message.sender, message.number)
    payload = {
        "request": _identity(message.reply_to),
        "message": decode(message.data),
        "hold": headers.get(HOLD, ""),
        "process": int(headers.get(PROCESS, "0")),
        "opened_ns": int(headers.get(OPENED, "0")),
    }
    return Event(EventKind.REQUEST, "", payload, message.sender, message.number)


def _guessed(message: Message) -> EventKind:
    return EventKind.REQUEST if message.reply_to else EventKind.REPLY


def _identity(address: str) -> list[Any]:
    """``protocol/spark/17`` is request 17 of ``protocol/spark``."""
    asker, _, number = address.rpartition("/")
    if address.startswith(OUTSIDE) or not number.isdigit():
        return [address, 0]
    return [asker, int(number)]
