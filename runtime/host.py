"""The host: one actor at home, around the pure step.

Journals what is accepted before it is stepped, asks the economy when the step
needs it, journals the answer before any effect is carried out, and keeps the
records (SEMANTICS 8.1).  A host is deterministic and owned by one driver; it
knows no clock and no transport.  Duplicates, stale timers and work that is no
longer awaited are dropped here, before journal and record (1.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nimdsl import canonical
from nimdsl.canonical import Plain
from nimdsl.errors import InternalError
from runtime.economy import Charge, Reserve, Settle
from runtime.effects import Effect, SetTimer, StartWork
from runtime.events import Event, EventKind
from runtime.journal import Journal
from runtime.snapshot import Snapshot, initial, is_new
from runtime.step import Kernel, Need, Paid, Step, step
from runtime.turn import Record

Ask = Callable[[Reserve | Charge | Settle], Paid]
"""How the economy's answer is had: the driver's business (SEMANTICS 3.2)."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What a host does to itself while it runs, to prove that it could (SEMANTICS 8.3).

    ``round_trip`` passes every snapshot, event, effect and record through canonical bytes;
    ``restore`` forgets the snapshot after every step and folds it from the journal.
    """

    round_trip: bool = False
    restore: bool = False


class Host:
    """One actor with its journal and its records."""

    def __init__(self, kernel: Kernel, journal: Journal, ask: Ask, checks: Checks | None = None) -> None:
        self.kernel = kernel
        self.journal = journal
        self.checks = checks or Checks()
        self.snapshot: Snapshot = initial(kernel.actor)
        self.records: list[Record] = []
        self._ask = ask

    @property
    def id(self) -> str:
        """The actor's id."""
        return self.kernel.actor.id

    def accept(self, event: Event, now_ns: int) -> tuple[Effect, ...] | None:
        """Takes an event at garden time ``now_ns`` and returns the effects to carry out, in order.

        None when the event was dropped: a duplicate, a stale timer, work that nobody awaits.
        """
        if not awaited(self.snapshot, event):
            return None
        if self.checks.round_trip:
            event = Event.from_data(canonical.decode(canonical.encode(event.to_data())))
        self.journal.append(self.id, "accepted", {"event": event.to_data(), "time_ns": now_ns})
        taken = self._step(event, now_ns)
        for record in taken.records:
            self.records.append(
                {**record, "actor": self.id, "sequence": len(self.records), "time_ns": now_ns}
            )
        self.snapshot = taken.snapshot
        if self.checks.round_trip:
            self.snapshot = Snapshot.from_data(canonical.decode(canonical.encode(self.snapshot.to_data())))
        if self.checks.restore:
            self.snapshot = fold(self.kernel, self.journal)[0]
        return taken.effects

    def _step(self, event: Event, now_ns: int) -> Step:
        answers: list[Paid] = []
        while True:
            taken = step(self.kernel, self.snapshot, event, now_ns, answers)
            if isinstance(taken, Step):
                return taken
            paid = self._ask(taken.command)
            self.journal.append(self.id, "outcome", {"granted": paid.granted, "balance": paid.balance})
            answers.append(paid)

    def resume(self) -> tuple[Effect, ...]:
        """After a crash: the timers to arm again and the work to do again.

        Idempotent work starts anew under its own number; for the rest the driver delivers
        ``unknown`` (:meth:`lost_work`).
        """
        timers: list[Effect] = [
            SetTimer(int(timer), generation, deadline_ns)
            for timer, (generation, deadline_ns) in sorted(self.snapshot.timers.items())
        ]
        works = self.kernel.actor.works
        again: list[Effect] = [
            StartWork(int(number), started["work"], started["arguments"])
            for number, started in sorted(self.snapshot.works.items())
            if works[started["work"]].idempotent
        ]
        return (*timers, *again)

    def lost_work(self) -> tuple[Event, ...]:
        """After a crash: what the actor is told about work that must not be done twice."""
        works = self.kernel.actor.works
        return tuple(
            finished(int(number), "unknown", reason="the actor crashed while this was under way")
            for number, started in sorted(self.snapshot.works.items())
            if not works[started["work"]].idempotent
        )


def finished(number: int, outcome: str, values: Plain = None, reason: str = "") -> Event:
    """The event by which work comes back."""
    payload = {"work": number, "outcome": outcome, "values": values or {}, "reason": reason}
    return Event(EventKind.FINISHED, payload=payload)


def awaited(snapshot: Snapshot, event: Event) -> bool:
    """Whether the event is new to the actor: no duplicate, no stale timer, no forgotten work."""
    match event.kind:
        case EventKind.TIMER:
            armed = snapshot.timers.get(str(event.payload["timer"]))
            return armed is not None and armed[0] == event.payload["generation"]
        case EventKind.FINISHED:
            return str(event.payload["work"]) in snapshot.works
        case EventKind.BEGIN:
            return not snapshot.state
    return is_new(snapshot.accepted, event.sender, event.number)


def fold(kernel: Kernel, journal: Journal) -> tuple[Snapshot, list[Record]]:
    """The snapshot and the records that an actor's journal leads to.

    An accepted event at the end whose outcome is missing is left out: it asks again.
    """
    snapshot = initial(kernel.actor)
    records: list[Record] = []
    for event, now_ns, answers in _accepted(kernel.actor.id, journal):
        taken = step(kernel, snapshot, event, now_ns, answers)
        if isinstance(taken, Need):
            break
        records += [
            {**record, "actor": kernel.actor.id, "sequence": len(records) + offset, "time_ns": now_ns}
            for offset, record in enumerate(taken.records)
        ]
        snapshot = taken.snapshot
    return snapshot, records


def _accepted(actor: str, journal: Journal) -> list[tuple[Event, int, list[Paid]]]:
    taken: list[tuple[Event, int, list[Paid]]] = []
    for entry in journal.read(actor):
        if entry.kind == "accepted":
            taken.append((Event.from_data(entry.body["event"]), entry.body["time_ns"], []))
        elif entry.kind == "outcome":
            taken[-1][2].append(Paid(entry.body["granted"], entry.body["balance"]))
        else:
            raise InternalError(f"{actor}: unknown journal entry {entry.kind!r}")
    return taken
