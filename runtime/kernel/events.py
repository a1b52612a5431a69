"""Events: what reaches an actor from outside, one class a kind.

Every event is data, so that it can be journalled in full, under the tag that stands beside its class.
``sender`` and ``number`` (its effect number there) identify what another actor sent.  Priorities order
the events of one instant (SEMANTICS 2.2): control 0, beat boundaries and marks 1, finished work 2,
messages 3, stimuli 4, timers 5.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
from msgspec import Struct

from nimdsl.base.values import Fields, MicroLF, Value
from nimdsl.program.garden import Card
from runtime.records import Identity

EVENT_FORMAT: Final = 2
WAVE: Final = "wave"
"""The name of the event that a wave is to whoever hears it."""


class Event(
    Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True, forbid_unknown_fields=True
):
    """The root of every event."""

    priority: ClassVar[int]
    sender: str = ""
    number: int = 0

    def to_data(self) -> dict[str, Value]:
        """Value form, for the journal."""
        data: dict[str, Value] = msgspec.to_builtins(self)
        return data

    @property
    def kind(self) -> str:
        """What it is called."""
        return str(self.__struct_config__.tag)


class Begin(Event, frozen=True, tag="begin"):
    """The actor starts: its initial state is entered.  A rack has these ``cards``."""

    priority = 0
    cards: tuple[Card, ...] = ()
    explores: bool = False


class Returned(Event, frozen=True, tag="returned"):
    """The actor is back after it was down; only cells whose machine takes ``returned`` are told."""

    priority = 0


class Boundary(Event, frozen=True, tag="beat"):
    """The end of a beat and the start of the next: a timer that comes before all else of its instant."""

    priority = 1
    timer: int
    generation: int


class Marked(Event, frozen=True, tag="mark"):
    """An economy that the actor lives on tells that its pool fell below a mark, or is above it again.

    ``balance`` is what the pool had then, micro-LF.
    """

    priority = 1
    name: str
    balance: MicroLF


class Finished(Event, frozen=True, tag="finished"):
    """Work came back: ``work`` is its effect number, ``outcome`` one of the words of its interface."""

    priority = 2
    work: int
    outcome: str
    values: Fields = {}
    reason: str = ""


class Requested(Event, frozen=True, tag="request"):
    """Somebody asks; ``hold`` pays for the answer, up to ``process`` micro-LF."""

    priority = 3
    request: Identity
    message: Fields
    hold: str = ""
    process: MicroLF = 0
    opened_ns: int = 0


class Answered(Event, frozen=True, tag="reply"):
    """An answer to a request."""

    priority = 3
    request: Identity
    message: Fields


class Loan(Event, frozen=True, tag="loan"):
    """What asking for units of a resource came to: they are lent, or too many wait for them already."""

    priority = 2
    work: int
    granted: bool = True


class Role(enum.StrEnum):
    """What a named event is to the asks of two actors."""

    TELL = ""
    """Nothing: it was sent."""
    ASK = "ask"
    """It waits for a reply."""
    REPLY = "reply"
    """The reply to an ask."""
    IGNORED = "ignored"
    """The ask was not taken; its payload has the reason."""
    WITHDRAWAL = "withdrawal"
    """Who asked does not wait any more."""
    UNCLAIMED = "unclaimed"
    """A reply that nobody waited for, given back."""


class Received(Event, frozen=True, tag="message"):
    """A named event from another actor.

    ``ask`` is the number of the ask that its ``role`` is about, ``attempt`` which attempt of it.
    """

    priority = 3
    name: str
    payload: Value = {}
    role: Role = Role.TELL
    ask: int = 0
    attempt: int = 1


class Stimulus(Event, frozen=True, tag="stimulus"):
    """A named event from the scenario."""

    priority = 4
    name: str
    payload: Value = {}


class TimerDue(Event, frozen=True, tag="timer"):
    """An armed timer is due."""

    priority = 5
    timer: int
    generation: int


AnyEvent = (
    Begin
    | Returned
    | Boundary
    | Marked
    | Finished
    | Loan
    | Requested
    | Answered
    | Received
    | Stimulus
    | TimerDue
)

BEGIN: Final = Begin()


def event_from_data(data: Mapping[str, Value]) -> AnyEvent:
    """The event that ``to_data`` wrote.  Raises ValueError (msgspec's) for anything else."""
    event: AnyEvent = msgspec.convert(data, AnyEvent)
    return event
