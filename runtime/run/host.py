"""The host: one actor at home, around the pure step.

Journals what is accepted before it is stepped, and the economy's answers before
any effect is carried out (SEMANTICS 8.1).  A host is deterministic and owned by
one driver; it knows no clock and no transport, and it never waits: where the
step needs the economy, the driver gets a PriceQuery, has it answered in its own way
and comes back with :meth:`Host.answer`.  Duplicates, stale timers and work that
is no longer awaited are dropped here, before journal and record (1.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nimdsl.base import canonical
from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields, Value
from nimdsl.program.flatten import RETURNED
from runtime.kernel.effects import AnyEffect, SetTimer, StartWork, effect_from_data, effect_to_data
from runtime.kernel.events import AnyEvent, Begin, Finished, Returned, event_from_data
from runtime.kernel.snapshot import Snapshot, initial, is_known, is_new
from runtime.kernel.step import AskPrice, Kernel, PriceDecision, PriceQuery, Step, step
from runtime.ports.journal import Appender, Journal, JournalEntry
from runtime.record_bytes import noted_data, noted_from_data
from runtime.records import Noted, Record
from runtime.run.lines import Accepted, Outcome, Witness, line_of, write

Taken = tuple[AnyEffect, ...] | PriceQuery
"""What an event leads to: the effects to carry out, in order; or what to ask the economy first."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What a host does to itself while it runs, to prove that it could (SEMANTICS 8.3).

    ``round_trip`` passes every snapshot, event, effect and record through canonical bytes;
    ``restore`` forgets the snapshot after every step and folds it from the journal.
    """

    round_trip: bool = False
    restore: bool = False


class Pending(NamedTuple):
    """An event that was accepted and is not stepped yet, with the economy's answers so far."""

    event: AnyEvent
    now_ns: int
    answers: list[PriceDecision]
    position: int
    """Where the journal has it."""


class Host:
    """One actor with its journal and its records.

    With ``witness`` the journal also gets the records of each step, for a later replay to be
    compared with.  Without ``keep`` the records are only counted.  ``tell`` gets each record as it is
    made, once: not again when the host is restored.
    """

    def __init__(
        self,
        kernel: Kernel,
        journal: Appender,
        checks: Checks | None = None,
        *,
        witness: bool = False,
        keep: bool = True,
        tell: Callable[[Record], None] | None = None,
    ) -> None:
        self.kernel = kernel
        self.id = kernel.actor.id
        self.journal = journal
        self.checks = checks or Checks()
        self.witness = witness
        self.keep = keep
        self.tell = tell
        self.snapshot: Snapshot = initial(kernel.actor)
        self.records: list[Record] = []
        self.record_count = 0
        self.pending: Pending | None = None
        self.position = -1
        """Where the journal has the event that was accepted last."""

    def accept(self, event: AnyEvent, now_ns: int, ask: AskPrice | None = None) -> Taken | None:
        """Takes an event at garden time ``now_ns``; with ``ask`` there is no PriceQuery.

        None when the event was dropped: a duplicate, a stale timer, work that nobody awaits.  What
        ``ask`` raises leaves the event pending.
        """
        if self.pending is not None:
            raise InternalError(f"{self.id}: an accepted event still waits for the economy")
        if not awaited(self.snapshot, event):
            return None
        if self.checks.round_trip:
            event = event_from_data(_through_bytes(event.to_data()))
        self.position = write(self.journal, self.id, Accepted(event, now_ns, self.kernel.program))
        self.pending = Pending(event, now_ns, [], self.position)
        return self.proceed(ask)

    def answer(self, paid: PriceDecision) -> Taken:
        """What the economy says to the PriceQuery of the pending event."""
        self._answered(paid)
        return self.proceed()

    def _answered(self, paid: PriceDecision) -> PriceDecision:
        if self.pending is None:
            raise InternalError(f"{self.id}: an answer, and nothing was asked")
        write(self.journal, self.id, Outcome(paid.granted, paid.balance, paid.purse))
        self.pending.answers.append(paid)
        return paid

    def proceed(self, ask: AskPrice | None = None) -> Taken:
        """Steps the pending event, after a restart too: the same question has the same key."""
        pending = self.pending
        if pending is None:
            return ()
        asked = None if ask is None else lambda command: self._answered(ask(command))
        taken = step(self.kernel, self.snapshot, pending.event, pending.now_ns, pending.answers, asked)
        if isinstance(taken, PriceQuery):
            return taken
        self.pending = None
        return self._take(taken, pending.now_ns)

    def _take(self, taken: Step, now_ns: int) -> tuple[AnyEffect, ...]:
        records, effects = taken.records, taken.effects
        self.snapshot = taken.snapshot
        if self.checks.round_trip:
            self.snapshot = Snapshot.from_data(_through_bytes(taken.snapshot.to_data()))
            records = tuple(noted_from_data(_through_bytes(noted_data(noted))) for noted in records)
            effects = tuple(effect_from_data(_through_bytes(effect_to_data(e))) for e in effects)
        if self.witness:
            write(self.journal, self.id, Witness([noted_data(noted) for noted in records]))
        if self.keep or self.tell is not None:
            self._leave(numbered(records, self.id, self.record_count, now_ns))
        self.record_count += len(records)
        if self.checks.restore:
            assert isinstance(self.journal, Journal)
            self.restore(self.journal.read(self.id))
        return effects

    def _leave(self, records: list[Record]) -> None:
        if self.keep:
            self.records += records
        if self.tell is not None:
            for record in records:
                self.tell(record)

    def restore(self, entries: Iterable[JournalEntry]) -> None:
        """Forgets everything and becomes what the journal says."""
        for _ in self.relive(entries):
            pass

    def relive(self, entries: Iterable[JournalEntry]) -> Iterator[Stepped]:
        """The same, a step at a time: the steps that it took, in order.

        An event that still waits for the economy is none of them; it is pending afterwards.
        """
        self.snapshot, self.records, self.record_count = initial(self.kernel.actor), [], 0
        self.pending, self.position = None, -1
        for one in steps(self.kernel, entries):
            self.position = one.pending.position
            if isinstance(one.step, PriceQuery):
                self.pending = one.pending
                continue
            self.snapshot = one.snapshot
            self.record_count += len(one.records)
            if self.keep:
                self.records += one.records
            yield one

    def resume(self) -> tuple[AnyEffect, ...]:
        """After a crash: the timers to arm again and the work to do again.

        Idempotent work starts anew under its own number; for the rest the driver delivers
        ``unknown`` (:meth:`told`).
        """
        timers: list[AnyEffect] = [
            SetTimer(timer, armed.generation, armed.deadline_ns, armed.jitter_ns)
            for timer, armed in sorted(
                self.snapshot.timers.items(), key=lambda one: (one[1].deadline_ns, one[1].generation)
            )
        ]
        works = self.kernel.actor.works
        again: list[AnyEffect] = [
            StartWork(number, started.work, started.arguments)
            for number, started in sorted(self.snapshot.works.items())
            if works[started.work].idempotent
            and started.revoked_ns is None
            and not (started.asked or started.waits or started.resource)
        ]
        return (*timers, *again)

    def still_wanted(self, again: Iterable[AnyEffect]) -> tuple[AnyEffect, ...]:
        """What of :meth:`resume` is still to be done once the actor has heard what it was told."""
        return tuple(
            effect
            for effect in again
            if (isinstance(effect, SetTimer) and awaited(self.snapshot, effect.event))
            or (isinstance(effect, StartWork) and effect.number in self.snapshot.works)
        )

    def told(self) -> tuple[AnyEvent, ...]:
        """After a crash: what the actor hears before all else.

        That it is back, if it is a cell whose machine takes that; then of work that is not done again.
        """
        actor, works = self.kernel.actor, self.kernel.actor.works
        back = bool(self.snapshot.state) and actor.kind == "cell" and RETURNED in actor.table.event_numbers
        lost = tuple(
            Finished(number, "unknown", reason="the actor crashed while this was under way")
            for number, started in sorted(self.snapshot.works.items())
            if not (works[started.work].idempotent or started.waits) or started.revoked_ns is not None
        )
        return (Returned(), *lost) if back else lost


def awaited(snapshot: Snapshot, event: AnyEvent) -> bool:
    """Whether the event is new to the actor: no duplicate, no stale timer, no forgotten work."""
    if isinstance(event, Begin):
        return not snapshot.state
    if isinstance(event, Returned):
        return bool(snapshot.state)
    known = is_known(snapshot.timers, snapshot.works, event)
    return known and is_new(snapshot.accepted, event.sender, event.number)


@dataclass(frozen=True, slots=True)
class Stepped:
    """One accepted event of a journal and what the kernel makes of it."""

    pending: Pending
    step: Step | PriceQuery
    records: list[Record]
    """Numbered, as the run had them."""
    witness: Sequence[Fields] | None
    """What the run itself wrote down as its records; None when it wrote none."""

    @property
    def snapshot(self) -> Snapshot:
        """After the step."""
        assert isinstance(self.step, Step)
        return self.step.snapshot


def steps(kernel: Kernel, entries: Iterable[JournalEntry]) -> Iterator[Stepped]:
    """An actor's journal through the kernel.

    Only the last accepted event can lack an outcome: it asks again.  Raises InternalError for a
    journal that goes on after one, or that accepted what no host would have.
    """
    snapshot, count, unanswered = initial(kernel.actor), 0, False
    for pending, witness in _accepted(kernel.actor.id, entries):
        if unanswered:
            raise InternalError(f"{kernel.actor.id}: the journal goes on after an unanswered event")
        if not awaited(snapshot, pending.event):
            raise InternalError(f"{kernel.actor.id}: line {pending.position} of the journal came unawaited")
        taken = step(kernel, snapshot, pending.event, pending.now_ns, pending.answers)
        if isinstance(taken, PriceQuery):
            unanswered = True
            yield Stepped(pending, taken, [], witness)
            continue
        records = numbered(taken.records, kernel.actor.id, count, pending.now_ns)
        snapshot, count = taken.snapshot, count + len(records)
        yield Stepped(pending, taken, records, witness)


def fold(kernel: Kernel, entries: Iterable[JournalEntry]) -> tuple[Snapshot, list[Record], Pending | None]:
    """The snapshot and the records that an actor's journal leads to, and the event that is not finished."""
    snapshot, records, pending = initial(kernel.actor), [], None
    for one in steps(kernel, entries):
        if isinstance(one.step, PriceQuery):
            pending = one.pending
        else:
            snapshot = one.snapshot
            records += one.records
    return snapshot, records, pending


def numbered(records: Sequence[Noted], actor: str, start: int, now_ns: int) -> list[Record]:
    """Bodies in their places: with their actor, their place in its chain, and their time."""
    return [
        Record(actor, sequence, now_ns, noted.body, noted.moment)
        for sequence, noted in enumerate(records, start)
    ]


def _through_bytes(value: dict[str, Value]) -> dict[str, Value]:
    data: dict[str, Value] = canonical.decode(canonical.encode(value))
    return data


def _accepted(
    actor: str, entries: Iterable[JournalEntry]
) -> Iterator[tuple[Pending, Sequence[Fields] | None]]:
    pending: Pending | None = None
    witness: Sequence[Fields] | None = None
    for entry in entries:
        match line_of(entry):
            case Accepted(event, time_ns, _):
                if pending is not None:
                    yield pending, witness
                pending, witness = Pending(event, time_ns, [], entry.position), None
            case Outcome(granted, balance, purse) if pending is not None:
                pending.answers.append(PriceDecision(granted, balance, purse))
            case Witness(records) if pending is not None:
                witness = records
            case _:
                raise InternalError(f"{actor}: a journal entry {entry.kind!r} is out of place")
    if pending is not None:
        yield pending, witness
