"""L1 replay: what a journal says was accepted, through the kernel again (SEMANTICS 8.4).

The law: an actor's accepted events, with their times and the economy's answers,
lead to the records that the run itself wrote down as its witness.  A journal may
end anywhere, and an actor may lack the witness of its last step, also of the last
one before its process was restarted.  Whatever else is not so is a
:class:`Difference`, and each actor's first one is told: a line that cannot be read
or stands in the wrong place, another program, time that goes back, an event that
the actor had accepted before or did not await, outcomes missing or too many.

Pure: nothing is drawn, sent or paid.  Not here: whether what was accepted had been
sent, and whether the ledger is what they asked for (:mod:`gardens.virtual.recorded`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from nimdsl.base import canonical
from nimdsl.base.values import Value
from nimdsl.base.words import counted
from runtime.kernel.effects import AnyEffect
from runtime.kernel.events import Begin, Boundary, Finished, Returned, TimerDue
from runtime.kernel.snapshot import initial
from runtime.kernel.step import Kernel, PriceQuery, Step, step
from runtime.ledger.accounts import AnyCommand, in_words
from runtime.record_bytes import noted_data
from runtime.records import Noted, Record
from runtime.run.elsewhere import lost, misbooked, strangers
from runtime.run.host import awaited, numbered
from runtime.run.inbox import AcceptedEvent, Difference, Inbox, ReplayMismatch, at_line
from runtime.run.recording import WRONG_INPUT, Recording
from runtime.run.trace import trace_of


@dataclass(frozen=True, slots=True)
class ActorReplay:
    """One actor's journal through the kernel, up to its first difference."""

    actor: str
    line_count: int
    step_count: int
    witnessed_count: int
    """How many records of the run's own these were compared with."""
    records: tuple[Record, ...]
    difference: Difference | None


@dataclass(frozen=True)
class Replay:
    """A whole journal through the kernel; actors sorted."""

    actors: tuple[ActorReplay, ...]
    other_differences: tuple[Difference, ...]
    """In lines that belong to no actor of the program."""

    def __repr__(self) -> str:
        told = "identical" if self.identical else counted(len(self.differences), "difference")
        return f"<Replay of {counted(len(self.actors), 'actor')}: {told}>"

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The first difference of each actor."""
        found = [one.difference for one in self.actors if one.difference is not None]
        return (*found, *self.other_differences)

    @property
    def identical(self) -> bool:
        """Whether the kernel gives what the run had."""
        return not self.differences

    @property
    def records(self) -> dict[str, tuple[Record, ...]]:
        """What the kernel gives, by actor."""
        return {one.actor: one.records for one in self.actors}

    @cached_property
    def trace_sha256(self) -> str:
        """Of the kernel's records."""
        return trace_of(self.records).trace_sha256

    @property
    def summary(self) -> dict[str, Value]:
        """Plain data for JSON."""
        return {
            "identical": self.identical,
            "actors": {
                one.actor: {
                    "lines": one.line_count,
                    "steps": one.step_count,
                    "records": len(one.records),
                    "witnessed": one.witnessed_count,
                    "identical": one.difference is None,
                }
                for one in self.actors
            },
            "lines": sum(one.line_count for one in self.actors),
            "records": sum(len(one.records) for one in self.actors),
            "trace_sha256": self.trace_sha256,
            "differences": [difference.to_data() for difference in self.differences],
        }


def replay(recording: Recording) -> Replay:
    """Every actor's inbox through the kernel.

    Raises NimdslError when a line that is no actor's cannot be read.
    """
    wanted = recording.lines or {}
    actors = tuple(
        _replayed(Stepper(recording.kernels[name], recording.restart_count), inbox, wanted.get(name))
        for name, inbox in recording.inboxes.items()
    )
    return Replay(actors, (*strangers(recording), *lost(recording), *misbooked(recording)))


def _replayed(stepper: Stepper, inbox: Inbox, wanted: int | None) -> ActorReplay:
    difference = None
    for line in inbox.lines:
        difference = stepper.take(line, last=line is inbox.lines[-1]).difference
        if difference is not None:
            break
    return ActorReplay(
        stepper.actor,
        inbox.line_count,
        stepper.step_count,
        stepper.witnessed_count,
        tuple(stepper.records),
        difference or inbox.damage or _cut(inbox, wanted),
    )


def _cut(inbox: Inbox, wanted: int | None) -> Difference | None:
    if wanted is None or inbox.line_count == wanted:
        return None
    text = f"there are {inbox.line_count} lines, and there were {wanted} when the run ended"
    return Difference(ReplayMismatch.PLACE, inbox.actor, inbox.line_count, text)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a line: what is wrong with it, what its step asked of the economy and wants done."""

    difference: Difference | None = None
    commands: tuple[AnyCommand, ...] = ()
    effects: tuple[AnyEffect, ...] = ()


class Stepper:
    """One actor, stepped through the lines of its journal; ``records`` are the kernel's."""

    def __init__(self, kernel: Kernel, restart_count: int) -> None:
        self.kernel = kernel
        self.actor = kernel.actor.id
        self.snapshot = initial(kernel.actor)
        self.records: list[Record] = []
        self.step_count = self.witnessed_count = 0
        self._now_ns = 0
        self._unwitnessed_max = restart_count

    def take(self, line: AcceptedEvent, last: bool) -> Taken:
        """Steps a line.  The ``last`` one may lack outcomes and witness.

        After a difference the actor goes on as well as it can: what cannot be stepped is left out.
        """
        try:
            wrong = self._unfit(line)
            if wrong is not None:
                return Taken(wrong)
            taken, commands = self._stepped(line)
        except WRONG_INPUT as problem:
            text = f"the kernel cannot take it: {type(problem).__name__}: {problem}"
            return Taken(self._at(ReplayMismatch.IMPOSSIBLE, line, text))
        if isinstance(taken, PriceQuery):
            text = f"the step asks to {in_words(taken.command)}, and nothing was said"
            fine = last and line.witness is None
            return Taken(None if fine else self._at(ReplayMismatch.UNANSWERED, line, text), commands)
        self.snapshot, self._now_ns = taken.snapshot, line.time_ns
        self.step_count += 1
        self.records += numbered(taken.records, self.actor, len(self.records), line.time_ns)
        return Taken(self._judged(line, taken, len(commands), last), commands, taken.effects)

    def _at(self, what: ReplayMismatch, line: AcceptedEvent, text: str, *sides: Value) -> Difference:
        return at_line(what, self.actor, line, text, *sides)

    def _unfit(self, line: AcceptedEvent) -> Difference | None:
        """What is wrong before anything is stepped."""
        event = line.event
        if line.program != self.kernel.program:
            sides: list[Value] = [{"program": name} for name in (line.program, self.kernel.program)]
            return self._at(ReplayMismatch.PROGRAM, line, "the line names another one", *sides)
        if line.time_ns < self._now_ns:
            back_ns = self._now_ns - line.time_ns
            return self._at(ReplayMismatch.TIME, line, f"it is {back_ns:,} ns before the line before")
        if not awaited(self.snapshot, event):
            why = _UNAWAITED.get(type(event))
            if why is not None:
                return self._at(ReplayMismatch.UNAWAITED, line, why)
            return self._at(ReplayMismatch.AGAIN, line, "this number of its sender was accepted before")
        if not self.snapshot.state and not isinstance(event, Begin):
            return self._at(ReplayMismatch.UNAWAITED, line, "the actor had not begun")
        return None

    def _stepped(self, line: AcceptedEvent) -> tuple[Step | PriceQuery, tuple[AnyCommand, ...]]:
        """The step, and what it asked the economy on its way."""
        commands: list[AnyCommand] = []
        for count in range(len(line.answers) + 1):
            taken = step(self.kernel, self.snapshot, line.event, line.time_ns, line.answers[:count])
            if isinstance(taken, Step):
                break
            commands.append(taken.command)
        return taken, tuple(commands)

    def _judged(self, line: AcceptedEvent, taken: Step, asked_count: int, last: bool) -> Difference | None:
        if asked_count < len(line.answers):
            text = f"the step asks {asked_count} times, and was answered {len(line.answers)} times"
            return self._at(ReplayMismatch.OVERANSWERED, line, text)
        if line.witness is None:
            self._unwitnessed_max -= not last
            if self._unwitnessed_max >= 0:
                return None
            return self._at(ReplayMismatch.UNWITNESSED, line, "the run wrote down none for this step")
        self.witnessed_count += len(line.witness)
        for index in range(max(len(line.witness), len(taken.records))):
            was = dict(line.witness[index]) if index < len(line.witness) else None
            should = _plain(taken.records[index]) if index < len(taken.records) else None
            if was is None or should is None or canonical.encode(was) != canonical.encode(should):
                text = f"record {index + 1} of this step"
                if was is None or should is None:
                    text += ": the run had none" if was is None else ": the kernel has none"
                return self._at(ReplayMismatch.RECORDS, line, text, was, should)
        return None


_UNAWAITED: Mapping[type, str] = {
    Boundary: "no such timer is armed",
    TimerDue: "no such timer is armed",
    Finished: "no such work is under way",
    Begin: "the actor has begun before",
    Returned: "the actor had not begun",
}


def _plain(noted: Noted) -> dict[str, Value]:
    data: dict[str, Value] = canonical.decode(canonical.encode(noted_data(noted)))
    return data
