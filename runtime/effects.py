"""Effects: what a step asks its driver to do, as data, in order.

``number`` is the actor's effect number: with the actor it identifies a message
or a piece of work for ever, and draws belong to it (SEMANTICS 2.4).
"""

from __future__ import annotations

from dataclasses import dataclass

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
