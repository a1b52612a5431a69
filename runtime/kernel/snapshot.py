"""Snapshots: an actor between two events, as plain data (SEMANTICS 1.1).

A snapshot round-trips through canonical bytes at any point.  It is never
changed in place: a step makes a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nimdsl.base.canonical import Plain
from nimdsl.program import Actor
from runtime.kernel.answer_cache import Remembered
from runtime.kernel.events import Event, EventKind

ACCEPTED_COUNT_MAX = 64
"""How many numbers of a sender are remembered; older ones than these are taken for known."""


class Snapshot(NamedTuple):
    """Everything that the next step of an actor reads besides the event and the time."""

    state: str
    """Path of the leaf; empty before the first step."""
    data: Mapping[str, Plain]
    timers: Mapping[str, Plain]
    """Armed timers by number: ``[generation, deadline_ns]``."""
    works: Mapping[str, Plain]
    """Work under way by effect number: ``{work, arguments, owner}``."""
    hold: str
    """Key of the hold that pays for what the actor does."""
    request: Plain
    """The open request: ``{number, opened_ns, message, event, schema}``."""
    serving: Plain
    """The request being served: ``{request, sender, message, hold, process, opened_ns}``."""
    answered: Remembered
    """What requests were answered with, oldest first; by request."""
    accepted: Mapping[str, Plain]
    """The last effect numbers accepted from each sender, ascending (:data:`ACCEPTED_COUNT_MAX`)."""
    deferred: tuple[Plain, ...]
    """Events put aside until a state takes them."""
    beat: Plain
    """An attention's beat so far: see :mod:`runtime.kernel.beat`."""
    effect_number: int
    generation: int
    fault: str
    """Why the actor is faulted; it takes no more events."""

    def to_data(self) -> dict[str, Plain]:
        """Plain form."""
        data = self._asdict()
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
    return Snapshot(
        state="",
        data=dict(actor.data),
        timers={},
        works={},
        hold="",
        request=None,
        serving=None,
        answered=Remembered(),
        accepted={},
        deferred=(),
        beat=None,
        effect_number=1,
        generation=1,
        fault="",
    )


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
