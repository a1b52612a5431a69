"""Effects: what a step asks its driver to do, as data, in order.

``number`` is the actor's effect number: with the actor it identifies a message
or a piece of work for ever, and draws belong to it (SEMANTICS 2.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nimdsl.canonical import Plain
from runtime.accounts import Release, Settle, command_from_data, command_to_data, is_command
from runtime.accounts import Reward as Grant
from runtime.events import Event, EventKind

BOUNDARY = -1
"""The timer of a beat's end."""


class SetTimer(NamedTuple):
    """Deliver the timer's event at ``deadline_ns``."""

    timer: int
    generation: int
    deadline_ns: int

    @property
    def event(self) -> Event:
        """What is to be delivered."""
        kind = EventKind.BEAT if self.timer == BOUNDARY else EventKind.TIMER
        return Event(kind, payload={"timer": self.timer, "generation": self.generation})


class CancelTimer(NamedTuple):
    """That arming will not be wanted any more."""

    timer: int
    generation: int


class StartWork(NamedTuple):
    """Do the work; it comes back as a FINISHED event."""

    number: int
    work: str
    arguments: Plain


class CancelWork(NamedTuple):
    """What that work comes back with will not be wanted any more."""

    number: int


class RevokeWork(NamedTuple):
    """The time of that work is over: end it, and say by a FINISHED event when it has ended."""

    number: int


class Deliver(NamedTuple):
    """Send a message to an actor; ``kind`` is REQUEST, REPLY or MESSAGE."""

    number: int
    kind: EventKind
    to: str
    name: str
    payload: Plain


class Publish(NamedTuple):
    """Let a wave go to whoever listens; ``confidence`` is from 0 to 1."""

    number: int
    confidence: float
    content: Plain


class Book(NamedTuple):
    """A command for the economy that cannot be refused."""

    command: Settle | Release | Grant


Effect = SetTimer | CancelTimer | StartWork | CancelWork | RevokeWork | Deliver | Publish | Book

_EFFECTS = {
    kind.__name__: kind
    for kind in (SetTimer, CancelTimer, StartWork, CancelWork, RevokeWork, Deliver, Publish)
}


def effect_to_data(effect: Effect) -> dict[str, Plain]:
    """Plain form of an effect; a booking is its command."""
    if isinstance(effect, Book):
        return command_to_data(effect.command)
    return {"type": type(effect).__name__, **effect._asdict()}


def effect_from_data(data: Mapping[str, Any]) -> Effect:
    """The effect that ``effect_to_data`` wrote."""
    if is_command(data["type"]):
        command: Any = command_from_data(data)
        return Book(command)
    fields = {key: value for key, value in data.items() if key != "type"}
    if "kind" in fields:
        fields["kind"] = EventKind(fields["kind"])
    effect: Effect = _EFFECTS[data["type"]](**fields)
    return effect
