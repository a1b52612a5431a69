"""What an actor accepted, read from its journal: checked for its shape and its order.

A journal may end anywhere.  The first line that cannot be read, or stands where none like it may, is a
:class:`Difference`; nothing is stepped here (:mod:`runtime.run.replay`).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from nimdsl.base.units import SECOND_NS
from nimdsl.base.values import Fields, Value
from runtime.kernel.events import (
    AnyEvent,
    Begin,
    Boundary,
    Finished,
    Marked,
    Received,
    Returned,
    Stimulus,
    TimerDue,
)
from runtime.kernel.step import PriceDecision
from runtime.ports.journal import Journal, JournalEntry
from runtime.run.lines import (
    Accepted,
    DamagedLine,
    Outcome,
    Witness,
    in_plain_words,
    line_of,
)


class ReplayMismatch(enum.StrEnum):
    """Every way in which an actor's journal can be wrong."""

    DAMAGED = "a damaged line"
    PLACE = "a line out of place"
    STRANGER = "an unknown actor"
    PROGRAM = "another program"
    TIME = "time goes back"
    AGAIN = "accepted twice"
    UNAWAITED = "not awaited"
    UNANSWERED = "an outcome is missing"
    OVERANSWERED = "an outcome too many"
    UNWITNESSED = "records are missing"
    RECORDS = "the records differ"
    IMPOSSIBLE = "an impossible event"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a journal has and what it should have.  ``position`` is that of the line in question."""

    what: str
    actor: str
    position: int
    text: str
    time_ns: int | None = None
    event: str = ""
    journal: Value = None
    expected: Value = None

    def __str__(self) -> str:
        time = "" if self.time_ns is None else f", {self.time_ns / SECOND_NS:.6f} s"
        event = f", {self.event}" if self.event else ""
        return f"{self.actor}, line {self.position}{time}{event}: {self.what}: {self.text}"

    def to_data(self) -> dict[str, Value]:
        """Plain data for JSON."""
        return {
            "what": str(self.what),
            "actor": self.actor,
            "position": self.position,
            "time_s": None if self.time_ns is None else self.time_ns / SECOND_NS,
            "event": self.event,
            "text": self.text,
            "journal": self.journal,
            "expected": self.expected,
        }


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """An accepted event, and what the journal says came of it.

    ``witness`` is what the run itself had as its records; None when it wrote none.
    """

    position: int
    time_ns: int
    event: AnyEvent
    program: str
    answers: tuple[PriceDecision, ...] = ()
    witness: tuple[Fields, ...] | None = None


@dataclass(frozen=True, slots=True)
class Inbox:
    """What one actor accepted, up to ``damage``, if there is any."""

    actor: str
    lines: tuple[AcceptedEvent, ...]
    line_count: int
    damage: Difference | None = None


class _Damage(Exception):  # noqa: N818
    def __init__(self, what: ReplayMismatch, text: str) -> None:
        self.what, self.text = what, text


def read_inbox(journal: Journal, actor: str) -> Inbox:
    """The lines of an actor, checked for their shape and their order."""
    lines: list[AcceptedEvent] = []
    count, damage = 0, None
    try:
        for entry in journal.read(actor):
            if entry.position != count:
                raise _Damage(
                    ReplayMismatch.PLACE, f"line {entry.position} stands where line {count} should"
                )
            _take(entry, lines)
            count += 1
    except _Damage as found:
        damage = Difference(found.what, actor, count, found.text)
    except DamagedLine as found:
        damage = Difference(ReplayMismatch.DAMAGED, actor, count, str(found))
    except (ValueError, RecursionError) as problem:
        damage = Difference(ReplayMismatch.DAMAGED, actor, count, in_plain_words(problem))
    return Inbox(actor, tuple(lines), count, damage)


def _take(entry: JournalEntry, lines: list[AcceptedEvent]) -> None:
    """Adds a line to what is known.  Raises _Damage and DamagedLine."""
    match line_of(entry):
        case Accepted(event, time_ns, program):
            lines.append(AcceptedEvent(entry.position, time_ns, event, program))
        case Outcome(granted, balance, purse):
            if not lines or lines[-1].witness is not None:
                raise _Damage(ReplayMismatch.PLACE, "an outcome that belongs to no event")
            decision = PriceDecision(granted, balance, purse)
            lines[-1] = replace(lines[-1], answers=(*lines[-1].answers, decision))
        case Witness(records):
            if not lines or lines[-1].witness is not None:
                raise _Damage(
                    ReplayMismatch.PLACE,
                    "records that belong to no event: stepped twice, or never accepted",
                )
            lines[-1] = replace(lines[-1], witness=tuple(records))
        case _:
            raise _Damage(ReplayMismatch.DAMAGED, f"no line of an actor is called {entry.kind!r}")


def in_words(event: AnyEvent) -> str:
    """An event in a few words."""
    match event:
        case Begin():
            return "begin"
        case Returned():
            return "returned"
        case TimerDue() | Boundary():
            return f"timer {event.timer} (arming {event.generation})"
        case Finished():
            return f"work {event.work} {event.outcome}"
        case Received() | Stimulus() | Marked():
            name = f" `{event.name}`" if event.name else ""
        case _:
            name = ""
    return f"{event.kind}{name} {event.number} of {event.sender or 'a program outside'}"


def at_line(what: str, actor: str, line: AcceptedEvent, text: str, *sides: Value) -> Difference:
    """A difference at a line that could be read; ``sides`` are the journal's and what is expected."""
    return Difference(what, actor, line.position, text, line.time_ns, in_words(line.event), *sides)
