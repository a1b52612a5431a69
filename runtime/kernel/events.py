"""Events: what reaches an actor from outside.

Every event is plain data, so that it can be journalled in full.  Priorities
order events of one instant (SEMANTICS 2.2).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, NamedTuple

from nimdsl.base.canonical import Plain


class EventKind(enum.StrEnum):
    """What kind of event it is; see :data:`PRIORITY` for who goes first."""

    BEGIN = "begin"
    """The actor starts: its initial state is entered."""
    FINISHED = "finished"
    """Work came back: ``{work, outcome, values, reason}``; ``work`` is its effect number."""
    REQUEST = "request"
    """``{request: [emitter, number], message, hold, process, opened_ns}``."""
    REPLY = "reply"
    """``{request: [emitter, number], message}``."""
    MESSAGE = "message"
    """A named event from another actor, with its payload."""
    STIMULUS = "stimulus"
    """A named event from the scenario, with its payload."""
    BEAT = "beat"
    """The end of a beat and the start of the next; as ``TIMER``, before everything else of its instant."""
    TIMER = "timer"
    """``{timer, generation}``."""


PRIORITY: Mapping[EventKind, int] = {
    EventKind.BEGIN: 0,
    EventKind.BEAT: 1,
    EventKind.FINISHED: 2,
    EventKind.REQUEST: 3,
    EventKind.REPLY: 3,
    EventKind.MESSAGE: 3,
    EventKind.STIMULUS: 4,
    EventKind.TIMER: 5,
}
"""Control 0, beat boundaries 1, finished work 2, messages 3, stimuli 4, timers 5."""


_NOTHING: Plain = {}


class Event(NamedTuple):
    """An event.  ``sender`` and ``number`` (its effect number there) identify a message."""

    kind: EventKind
    name: str = ""
    payload: Plain = _NOTHING
    sender: str = ""
    number: int = 0

    def to_data(self) -> dict[str, Any]:
        """Plain form, for the journal."""
        return {
            "kind": self.kind.value,
            "name": self.name,
            "payload": self.payload,
            "sender": self.sender,
            "number": self.number,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Event:
        """The event that ``to_data`` wrote."""
        return cls(EventKind(data["kind"]), data["name"], data["payload"], data["sender"], data["number"])


BEGIN = Event(EventKind.BEGIN)
