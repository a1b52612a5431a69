"""Effects: what a step asks its driver to do, as data, in order.

``number`` is the actor's effect number: with the actor it identifies a message
or a piece of work for ever, and draws belong to it (SEMANTICS 2.4).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nimdsl.canonical import Plain
from runtime.economy import Release, Settle
from runtime.economy import Reward as Grant
from runtime.events import EventKind


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Deliver the timer's event at ``deadline_ns``."""

    timer: int
    generation: int
    deadline_ns: int


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """That arming will not be wanted any more."""

    timer: int
    generation: int


@dataclass(frozen=True, slots=True)
class StartWork:
    """Do the work; it comes back as a FINISHED event."""

    number: int
    work: str
    arguments: Plain


@dataclass(frozen=True, slots=True)
class CancelWork:
    """What that work comes back with will not be wanted any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send a message to an actor; ``kind`` is REQUEST, REPLY or MESSAGE."""

    number: int
    kind: EventKind
    to: str
    name: str
    payload: Plain


@dataclass(frozen=True, slots=True)
class Publish:
    """Let a wave go to whoever listens."""

    number: int
    content: Plain


@dataclass(frozen=True, slots=True)
class Book:
    """A command for the economy that cannot be refused."""

    command: Settle | Release | Grant


Effect = SetTimer | CancelTimer | StartWork | CancelWork | Deliver | Publish | Book

_EFFECTS = {
    kind.__name__: kind for kind in (SetTimer, CancelTimer, StartWork, CancelWork, Deliver, Publish)
}
_COMMANDS = {kind.__name__: kind for kind in (Settle, Release, Grant)}


def effect_to_data(effect: Effect) -> dict[str, Plain]:
    """Plain form of an effect."""
    named: Any = effect.command if isinstance(effect, Book) else effect
    fields = {f.name: getattr(named, f.name) for f in dataclasses.fields(named)}
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}
    return {"type": type(named).__name__, **plain}


def effect_from_data(data: Mapping[str, Any]) -> Effect:
    """The effect that ``effect_to_data`` wrote."""
    fields = {key: value for key, value in data.items() if key != "type"}
    if data["type"] in _COMMANDS:
        keys = {"keys": tuple(fields["keys"])} if "keys" in fields else {}
        return Book(_COMMANDS[data["type"]](**{**fields, **keys}))
    if "kind" in fields:
        fields["kind"] = EventKind(fields["kind"])
    effect: Effect = _EFFECTS[data["type"]](**fields)
    return effect
