"""Snapshots: an actor between two events, as plain data (SEMANTICS 1.1).

A snapshot round-trips through canonical bytes at any point.  It is never
changed in place: a step makes a new one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nimdsl.canonical import Plain
from nimdsl.program import Actor
from runtime.events import Event, EventKind
from runtime.remembered import Remembered

ACCEPTED_COUNT_MAX = 64
"""How many numbers of a sender are remembered; older ones than these are taken for known."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the next step of an actor reads besides the event and the time."""

    state: str = ""
    """Path of the leaf; empty before the first step."""
    data: Mapping[str, Plain] = field(default_factory=dict)
    timers: Mapping[str, Plain] = field(default_factory=dict)
    """Armed timers by number: ``[generation, deadline_ns]``."""
    works: Mapping[str, Plain] = field(default_factory=dict)
    """Work under way by effect number: ``{work, arguments, owner}``."""
    hold: str = ""
    """Key of the hold that pays for what the actor does."""
    request: Plain = None
    """The open request: ``{number, opened_ns, message, event, schema}``."""
    serving: Plain = None
    """The request being served: ``{request, sender, message, hold, process, opened_ns}``."""
    answered: Remembered = field(default_factory=Remembered)
    """What requests were answered with, oldest first; by request."""
    accepted: Mapping[str, Plain] = field(default_factory=dict)
    """The last effect numbers accepted from each sender, ascending (:data:`ACCEPTED_COUNT_MAX`)."""
    deferred: tuple[Plain, ...] = ()
    """Events put aside until a state takes them."""
    beat: Plain = None
    """An attention's beat so far: see :mod:`runtime.beat`."""
    effect_number: int = 1
    generation: int = 1
    fault: str = ""
    """Why the actor is faulted; it takes no more events."""

    def to_data(self) -> dict[str, Plain]:
        """Plain form."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        answered = [[request, reply] for request, reply in self.answered.items()]
        return {**data, "answered": answered, "deferred": list(self.deferred)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Snapshot:
        """The snapshot that ``to_data`` wrote."""
        return cls(
            **{**data, "answered": Remembered(dict(data["answered"])), "deferred": tuple(data["deferred"])}
        )


def initial(actor: Actor) -> Snapshot:
    """The snapshot of an actor that has not begun."""
    return Snapshot(data=dict(actor.data))


def is_new(accepted: Mapping[str, Plain], sender: str, number: int) -> bool:
    """Whether this number of the sender has not been accepted before."""
    known = accepted.get(sender, ())
    return number not in known and (len(known) < ACCEPTED_COUNT_MAX or number > known[0])


def with_number(accepted: Mapping[str, Plain], sender: str, number: int) -> Mapping[str, Plain]:
    """The numbers accepted, with one more."""
    known = sorted([*accepted.get(sender, ()), number])
    return {**accepted, sender: known[-ACCEPTED_COUNT_MAX:]}


def is_known(timers: Mapping[str, Plain], works: Mapping[str, Plain], event: Event) -> bool:
    """Whether a timer is armed as it was, and work still under way; True for every other event."""
    match event.kind:
        case EventKind.TIMER | EventKind.BEAT:
            armed = timers.get(str(event.payload["timer"]))
            return armed is not None and bool(armed[0] == event.payload["generation"])
        case EventKind.FINISHED:
            return str(event.payload["work"]) in works
    return True
