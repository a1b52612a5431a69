"""Effects: what a step asks its driver to do, as data, in order; one class each.

Each is written under the tag that stands beside its class.  ``number`` is the actor's effect number:
with the actor it identifies a message or a piece of work for ever, and draws belong to it (SEMANTICS
2.4).  Drivers match all of them: one that they forget fails the type check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from nimdsl.base.values import Fields, MicroLF, Value
from runtime.kernel.events import Boundary, Role, TimerDue
from runtime.ledger.accounts import Booking
from runtime.records import Identity

EFFECT_FORMAT: Final = 2
BOUNDARY: Final = -1
"""The timer of a beat's end."""


class Effect(Struct, frozen=True, tag_field="type", omit_defaults=True, forbid_unknown_fields=True):
    """The root of every effect."""


class SetTimer(Effect, frozen=True, tag="set_timer"):
    """Deliver the timer's event at ``deadline_ns``, or earlier: by a share of ``jitter_ns``.

    The driver draws the share; it belongs to the actor and the generation, so it is the same each time.
    """

    timer: int
    generation: int
    deadline_ns: int
    jitter_ns: int = 0

    @property
    def event(self) -> TimerDue | Boundary:
        """What is to be delivered."""
        due = Boundary if self.timer == BOUNDARY else TimerDue
        return due(self.timer, self.generation)


class CancelTimer(Effect, frozen=True, tag="cancel_timer"):
    """That arming will not be wanted any more."""

    timer: int
    generation: int


class StartWork(Effect, frozen=True, tag="start_work"):
    """Do the work; it comes back as a :class:`runtime.kernel.events.Finished`."""

    number: int
    work: str
    arguments: Fields


class CancelWork(Effect, frozen=True, tag="cancel_work"):
    """What that work comes back with will not be wanted any more."""

    number: int


class RevokeWork(Effect, frozen=True, tag="revoke_work"):
    """The time of that work is over: end it, and say by its event when it has ended."""

    number: int


class SendMessage(Effect, frozen=True, tag="send"):
    """Send a named event to an actor.

    ``ask`` is the number of the ask that its ``role`` is about, ``attempt`` which attempt of it.
    """

    number: int
    to: str
    event: str
    payload: Value
    role: Role = Role.TELL
    ask: int = 0
    attempt: int = 1


class SendRequest(Effect, frozen=True, tag="ask"):
    """Send a request to a cell; ``hold`` pays for the answer, up to ``process`` micro-LF."""

    number: int
    to: str
    request: Identity
    message: Fields
    hold: str
    process: MicroLF
    opened_ns: int


class SendReply(Effect, frozen=True, tag="answer"):
    """Send the answer to a request."""

    number: int
    to: str
    request: Identity
    message: Fields


class PublishWave(Effect, frozen=True, tag="publish"):
    """Let a wave go to whoever listens; ``confidence`` is from 0 to 1."""

    number: int
    confidence: float
    content: Value


class Book(Effect, frozen=True, tag="book"):
    """A command for the economy that cannot be refused."""

    command: Booking


Deliver = SendMessage | SendRequest | SendReply
"""What goes to another actor."""
AnyEffect = SetTimer | CancelTimer | StartWork | CancelWork | RevokeWork | Deliver | PublishWave | Book


def effect_to_data(effect: AnyEffect) -> dict[str, Value]:
    """Value form of an effect."""
    data: dict[str, Value] = msgspec.to_builtins(effect)
    return data


def effect_from_data(data: Mapping[str, Value]) -> AnyEffect:
    """The effect that ``effect_to_data`` wrote.  Raises ValueError (msgspec's) for anything else."""
    effect: AnyEffect = msgspec.convert(data, AnyEffect)
    return effect
