"""A run stepped again from its journal, so that any step of it can be looked at.

The law: a step that is looked at is the step that the run took: the same snapshot before it, the same
event, time and answers.  An actor is stepped when it is first asked for; of its snapshots every
:data:`KEPT_EACH`-th is kept, and those between are made again, of one stretch at a time.

Pure.  Not here: which step caused which (:mod:`runtime.run.causes`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from nimdsl.base.errors import PermanentPortError
from runtime.kernel.effects import AnyEffect, Book, SetTimer
from runtime.kernel.kernel import Kernel, LookedAt, PriceDecision, Step
from runtime.kernel.snapshot import Snapshot
from runtime.kernel.step import step
from runtime.ledger.accounts import Acquire, Question
from runtime.records import Record
from runtime.run.inbox import AcceptedEvent, Inbox
from runtime.run.recording import Recording
from runtime.run.replay import Stepper

KEPT_EACH: Final = 64
"""Every how manieth snapshot of an actor is kept."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One step, looked at: what it was given, what it led to, which rows it tried, what it asked."""

    line: AcceptedEvent
    before: Snapshot
    after: Snapshot
    records: tuple[Record, ...]
    effects: tuple[AnyEffect, ...]
    rows: tuple[LookedAt, ...]
    asked: tuple[tuple[Question, PriceDecision], ...]


class History:
    """The steps of one actor, from 0, with what each of them sent, started and armed."""

    def __init__(self, kernel: Kernel, inbox: Inbox, restart_count: int, place: str) -> None:
        self.kernel = kernel
        self.actor = kernel.actor.id
        self.records: list[Record] = []
        self.lines: list[AcceptedEvent] = []
        """The events of the steps; one that still waits for the economy is none."""
        self.begun_by: dict[int, int] = {}
        """By effect number the step whose message, wave, work or request for units it is."""
        self.armed_by: dict[int, int] = {}
        """By the generation of a timer the step that armed it."""
        self._first: list[int] = []
        """By step the number of records before it."""
        self._kept: list[Snapshot] = []
        self._stretch: tuple[int, list[Snapshot]] = (-1, [])
        """The last one of those that was gone on from, and the snapshots that were made after it."""
        self._step(inbox, restart_count, place)

    def _step(self, inbox: Inbox, restart_count: int, place: str) -> None:
        stepper = Stepper(self.kernel, restart_count)
        for line in inbox.lines:
            before, first, count = stepper.snapshot, len(stepper.records), stepper.step_count
            taken = stepper.take(line, last=line is inbox.lines[-1])
            if taken.difference is not None:
                raise damaged(place, str(taken.difference))
            if stepper.step_count == count:
                break
            if count % KEPT_EACH == 0:
                self._kept.append(before)
            self.lines.append(line)
            self._first.append(first)
            self._index(count, taken.effects)
        if inbox.damage is not None:
            raise damaged(place, str(inbox.damage))
        self.records = stepper.records

    def _index(self, number: int, effects: tuple[AnyEffect, ...]) -> None:
        for effect in effects:
            match effect:
                case SetTimer(generation=generation):
                    self.armed_by[generation] = number
                case Book(Acquire(key=key)):
                    self.begun_by[int(key.rpartition("/")[2])] = number
                case _:
                    begun = getattr(effect, "number", None)
                    if isinstance(begun, int):
                        self.begun_by.setdefault(begun, number)

    def step_of(self, sequence: int) -> int:
        """The step that left the record of this sequence."""
        return bisect_right(self._first, sequence) - 1

    def records_of(self, number: int) -> list[Record]:
        """The records that a step left."""
        following = self._first[number + 1] if number + 1 < len(self._first) else len(self.records)
        return self.records[self._first[number] : following]

    def before(self, number: int) -> Snapshot:
        """The snapshot that a step was given."""
        kept, place = divmod(number, KEPT_EACH)
        if self._stretch[0] != kept:
            self._stretch = (kept, [self._kept[kept]])
        between = self._stretch[1]
        for line in self.lines[kept * KEPT_EACH + len(between) - 1 : number]:
            between.append(self._taken(self.kernel, between[-1], line).snapshot)
        return between[place]

    def look(self, number: int) -> Looked:
        """A step again, watched."""
        line, before, rows = self.lines[number], self.before(number), list[LookedAt]()
        taken = self._taken(replace(self.kernel, watch=rows.append), before, line)
        asked = zip(self._questions(before, line), line.answers, strict=True)
        return Looked(
            line,
            before,
            taken.snapshot,
            tuple(self.records_of(number)),
            taken.effects,
            tuple(rows),
            tuple(asked),
        )

    def _questions(self, before: Snapshot, line: AcceptedEvent) -> Iterator[Question]:
        for count in range(len(line.answers)):
            asked = step(self.kernel, before, line.event, line.time_ns, line.answers[:count])
            if not isinstance(asked, Step):
                yield asked.command

    @staticmethod
    def _taken(kernel: Kernel, before: Snapshot, line: AcceptedEvent) -> Step:
        taken = step(kernel, before, line.event, line.time_ns, line.answers)
        assert isinstance(taken, Step)
        return taken


class Past:
    """The histories of a run, each made when it is first asked for."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._histories: dict[str, History] = {}

    def of(self, actor: str) -> History | None:
        """The history of an actor; None where the journal has none.

        Raises PermanentPortError for one that does not replay.
        """
        recording = self.recording
        if actor not in self._histories:
            inbox = recording.inboxes.get(actor)
            if inbox is None:
                return None
            place, restarts = recording.journal.place, recording.restart_count
            self._histories[actor] = History(recording.kernels[actor], inbox, restarts, place)
        return self._histories[actor]


def damaged(place: str, what: str) -> PermanentPortError:
    """The error for a journal whose actor does not replay."""
    return PermanentPortError(f"{place}: {what} (`nimdsl replay JOURNAL` says more)")
