"""The host: one actor at home, around the pure step.

Journals what is accepted before it is stepped, asks the economy when the step
needs it, journals the answer before any effect is carried out, and keeps the
records (SEMANTICS 8.1).  A host is deterministic and owned by one driver; it
knows no clock and no transport.  Duplicates, stale timers and work that is no
longer awaited are dropped here, before journal and record (1.4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nimdsl import canonical
from nimdsl.canonical import Plain
from nimdsl.errors import InternalError
from runtime.economy import Charge, Reserve, Settle
from runtime.effects import Effect, SetTimer, StartWork, effect_from_data, effect_to_data
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


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that was accepted and is not stepped yet, with the economy's answers so far."""

    event: Event
    now_ns: int
    answers: list[Paid]


class Host:
    """One actor with its journal and its records."""

    def __init__(self, kernel: Kernel, journal: Journal, ask: Ask, checks: Checks | None = None) -> None:
        self.kernel = kernel
        self.journal = journal
        self.checks = checks or Checks()
        self.snapshot: Snapshot = initial(kernel.actor)
        self.records: list[Record] = []
        self.pending: Pending | None = None
        self._ask = ask

    @property
    def id(self) -> str:
        """The actor's id."""
        return self.kernel.actor.id

    def accept(self, event: Event, now_ns: int) -> tuple[Effect, ...] | None:
        """Takes an event at garden time ``now_ns`` and returns the effects to carry out, in order.

        None when the event was dropped: a duplicate, a stale timer, work that nobody awaits.
        """
        if self.pending is not None:
            raise InternalError(f"{self.id}: an accepted event still waits for the economy")
        if not awaited(self.snapshot, event):
            return None
        if self.checks.round_trip:
            event = Event.from_data(_through_bytes(event.to_data()))
        self.journal.append(self.id, "accepted", {"event": event.to_data(), "time_ns": now_ns})
        self.pending = Pending(event, now_ns, [])
        return self.finish()

    def finish(self) -> tuple[Effect, ...]:
        """Steps the pending event; whatever ``ask`` raises leaves it pending, to be finished later.

        An economy that has answered before answers the same key alike (SEMANTICS 3.1, 8.1).
        """
        pending = self.pending
        if pending is None:
            return ()
        while isinstance(taken := self._try(pending), Need):
            paid = self._ask(taken.command)
            self.journal.append(self.id, "outcome", {"granted": paid.granted, "balance": paid.balance})
            pending.answers.append(paid)
        self.pending = None
        return self._take(taken, pending.now_ns)

    def _try(self, pending: Pending) -> Step | Need:
        return step(self.kernel, self.snapshot, pending.event, pending.now_ns, pending.answers)

    def _take(self, taken: Step, now_ns: int) -> tuple[Effect, ...]:
        records, effects = taken.records, taken.effects
        self.snapshot = taken.snapshot
        if self.checks.round_trip:
            self.snapshot = Snapshot.from_data(_through_bytes(taken.snapshot.to_data()))
            records = tuple(_through_bytes(list(records)))
            effects = tuple(effect_from_data(_through_bytes(effect_to_data(e))) for e in effects)
        self.records += _numbered(records, self.id, len(self.records), now_ns)
        if self.checks.restore:
            self.restore()
        return effects

    def restore(self) -> None:
        """Forgets everything and becomes what the journal says."""
        self.snapshot, self.records, self.pending = fold(self.kernel, self.journal)

    def resume(self) -> tuple[Effect, ...]:
        """After a crash: the timers to arm again and the work to do again.

        Idempotent work starts anew under its own number; for the rest the driver delivers
        ``unknown`` (:meth:`lost_work`).
        """
        timers: list[Effect] = [
            SetTimer(int(timer), generation, deadline_ns)
            for timer, (generation, deadline_ns) in _by_number(self.snapshot.timers)
        ]
        works = self.kernel.actor.works
        again: list[Effect] = [
            StartWork(int(number), started["work"], started["arguments"])
            for number, started in _by_number(self.snapshot.works)
            if works[started["work"]].idempotent
        ]
        return (*timers, *again)

    def lost_work(self) -> tuple[Event, ...]:
        """After a crash: what the actor is told about work that must not be done twice."""
        works = self.kernel.actor.works
        return tuple(
            finished(int(number), "unknown", reason="the actor crashed while this was under way")
            for number, started in _by_number(self.snapshot.works)
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


def fold(kernel: Kernel, journal: Journal) -> tuple[Snapshot, list[Record], Pending | None]:
    """The snapshot and the records that an actor's journal leads to, and the event that is not finished.

    Only the last accepted event can lack an outcome: it asks again.  Raises InternalError for a
    journal that goes on after one.
    """
    snapshot = initial(kernel.actor)
    records: list[Record] = []
    accepted = _accepted(kernel.actor.id, journal)
    for position, pending in enumerate(accepted):
        taken = step(kernel, snapshot, pending.event, pending.now_ns, pending.answers)
        if isinstance(taken, Need):
            if position < len(accepted) - 1:
                raise InternalError(f"{kernel.actor.id}: the journal goes on after an unanswered event")
            return snapshot, records, pending
        records += _numbered(taken.records, kernel.actor.id, len(records), pending.now_ns)
        snapshot = taken.snapshot
    return snapshot, records, None


def _numbered(records: Sequence[Record], actor: str, start: int, now_ns: int) -> list[Record]:
    return [
        {**record, "actor": actor, "sequence": sequence, "time_ns": now_ns}
        for sequence, record in enumerate(records, start)
    ]


def _by_number(items: Mapping[str, Plain]) -> list[tuple[str, Plain]]:
    return sorted(items.items(), key=lambda item: int(item[0]))


def _through_bytes(value: Plain) -> Plain:
    return canonical.decode(canonical.encode(value))


def _accepted(actor: str, journal: Journal) -> list[Pending]:
    taken: list[Pending] = []
    for entry in journal.read(actor):
        if entry.kind == "accepted":
            taken.append(Pending(Event.from_data(entry.body["event"]), entry.body["time_ns"], []))
        elif entry.kind == "outcome":
            taken[-1].answers.append(Paid(entry.body["granted"], entry.body["balance"]))
        else:
            raise InternalError(f"{actor}: unknown journal entry {entry.kind!r}")
    return taken
