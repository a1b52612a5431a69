"""The virtual driver: the kernel on SimPy's clock.

Dull on purpose.  It delivers events to hosts in the order of SEMANTICS 2.2
(time, priority, emitter, effect number, subscriber), and carries out effects.  Each effect
that takes time is one entry of the :class:`gardens.virtual.agenda.Agenda`.  The horizon is exclusive.

What happens to messages and work is drawn in :mod:`runtime.chance.models`;
what an event does is the kernel's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import assert_never

from gardens.stores.memory import DiscardingJournal, MemoryJournal
from gardens.virtual.agenda import Agenda, surely
from gardens.virtual.bus import VirtualBus
from gardens.virtual.presence import Incidents, Presence
from gardens.virtual.watch import LedgerWatch
from nimdsl.base import canonical
from nimdsl.base.errors import PermanentPortError
from nimdsl.base.values import Fields
from nimdsl.compile.garden import PERFECT_GARDEN
from nimdsl.compile.handshake import TRANSLATE
from nimdsl.program import Actor, Program, Scenario
from nimdsl.program.flatten import Table
from runtime.chance.models import BusFaultModel, Draws, WorkModels
from runtime.chance.stimuli import Arrival, stimuli_of
from runtime.kernel.behaviour import behaviour_of
from runtime.kernel.effects import (
    AnyEffect,
    Book,
    CancelTimer,
    CancelWork,
    Deliver,
    PublishWave,
    RevokeWork,
    SendMessage,
    SendReply,
    SendRequest,
    SetTimer,
    StartWork,
)
from runtime.kernel.events import (
    AnyEvent,
    Boundary,
    Finished,
    Received,
    Returned,
    Stimulus,
    TimerDue,
)
from runtime.kernel.interpreters import Interpreter, transitions_of
from runtime.kernel.step import PriceDecision, PriceQuery
from runtime.ledger.accounts import Booking, Entry, LenderCommand, Question
from runtime.ledger.bookkeeper import AnyEntry
from runtime.ports.bus import Message
from runtime.ports.journal import Journal
from runtime.ports.translator import DocumentTranslator, Translator
from runtime.records import Record
from runtime.run import wire
from runtime.run.host import Checks, Host, awaited
from runtime.run.lines import FORMAT, JOURNAL_FORMAT, LEDGER, booked, write
from runtime.run.run import (
    WIND_DOWN_NS,
    Incident,
    Run,
    Stopped,
    actors_of,
    books_of,
    has_ended,
    heard_of,
    hearers_of,
    kernel_of,
    told_by,
)

EVENT_COUNT_MAX = 5_000_000
"""How many events one run takes at most."""
INSTANT_EVENT_COUNT_MAX = 100_000
"""How many events may happen at one instant; beyond that, time stands still."""
CONTROL = 0
NOT_AFTER_THE_END = (Boundary, Returned, TimerDue, Stimulus)


@dataclass(frozen=True)
class Options:
    """How to run, besides what the program says."""

    seed: int | None = None
    """None for the scenario's own."""
    replication: int = 0
    epoch: str = ""
    """When garden time begins; empty for the garden's own."""
    checks: Checks = field(default_factory=Checks)
    interpreter: Callable[[Table], Interpreter] = transitions_of
    translator: Translator | None = None
    observe: Callable[[Record], None] | None = None
    """Is told each record as it is made."""
    notice: Callable[[Incident], None] | None = None
    """Is told each incident as it happens."""
    booked: Callable[[Entry], None] | None = None
    """Is told each entry of the ledger as it is written."""
    keep: bool = True
    """Without: records are told and let go of, and so are the ledger's entries when they are in the
    journal, so that a run takes little memory however long it is."""


class Driver:
    """One run of one scenario."""

    def __init__(
        self, program: Program, scenario: Scenario, options: Options, journal: Journal | None = None
    ) -> None:
        self.program = program
        self.scenario = scenario
        self.options = options
        self.journal = journal if journal is not None else self._own_journal()
        self.witness = journal is not None
        self.agenda = Agenda()
        self.now_ns = 0
        """Garden time."""
        garden = program.gardens.get(scenario.garden, PERFECT_GARDEN)
        seed = scenario.seed if options.seed is None else options.seed
        self.draws = draws = Draws(seed, options.replication)
        self.garden = garden if not options.epoch else replace(garden, epoch=options.epoch)
        self.bus = VirtualBus(
            BusFaultModel(draws, garden.bus),
            lambda: self.now_ns,
            self._schedule_message,
            self._after,
            self._on_incident,
        )
        self.works = WorkModels(draws, garden)
        self.translator = options.translator or DocumentTranslator(program.schemas)
        self.books = books_of(program, scenario, self.garden.epoch)
        self.hearers = hearers_of(program, scenario)
        self.watch = LedgerWatch(self.books.purses, heard_of(self.hearers), self._schedule_look, self._look)
        self.written_count = 0
        self.incidents = Incidents(options.notice)
        identity = [program.sha256, scenario.name, seed, options.replication]
        self.run_id = canonical.sha256(identity)[:32]
        self.hosts = {actor.id: self._host(actor) for actor in actors_of(program, scenario)}
        emitters = sorted(
            [*(tuple(name.split("/", 1)) for name in self.hosts), ("scenario", scenario.name)]
        )
        self.emitters = {"/".join(name): number for number, name in enumerate(emitters)}
        self.presence = Presence(self.hosts, scenario.starts)
        self.event_count = 0
        self.instant_count = 0
        self.after_count = 0
        self.underway_count = 0
        """Messages and work that are still to come."""
        self.ended_ns: int | None = None
        """When the protocol ended: timers and stimuli that are due later do not happen."""
        self.active_ns = 0
        """When an event was last taken."""

    def _host(self, actor: Actor) -> Host:
        interpreter = self.options.interpreter(actor.table)
        return Host(
            kernel_of(actor, interpreter, self.program, self.scenario, self.garden.epoch),
            self.journal,
            self.options.checks,
            witness=self.witness,
            keep=self.options.keep,
            tell=self.options.observe,
        )

    def _own_journal(self) -> Journal:
        """Kept by whoever wants to read it, and where an actor may have to be restored from it."""
        works = [work for actor in actors_of(self.program, self.scenario) for work in actor.works.values()]
        crashes = any(work.virtual is not None and work.virtual.crash for work in works)
        if self.options.keep or self.options.checks.restore or crashes:
            return MemoryJournal()
        return DiscardingJournal()

    # The run

    def run(self) -> Run:
        """Runs to the protocol's end, the horizon, or until nothing is left to happen."""
        self.begin()
        return self.end(self.until(self.scenario.horizon_ns))

    def begin(self) -> None:
        """Everybody is there; nothing has happened yet."""
        self.journal.set_meta(FORMAT, JOURNAL_FORMAT)
        for name in self.hosts:
            self.bus.listen(name, self._hearing(name))
            for topic in self.hosts[name].kernel.actor.hears:
                self.bus.subscribe(topic, name, self._sensing(name))
            at_ns = self.scenario.starts.get(name, 0)
            self._schedule(at_ns, CONTROL, name, 0, partial(self._bear, name))
        if self.hearers or self.watch.expects:
            self._write_ledger()
        self._schedule_next(stimuli_of(self.scenario, self.draws))

    def _bear(self, name: str) -> None:
        """It begins, and takes what has waited for that."""
        for event in (self.hosts[name].kernel.begins, *self.presence.born(name)):
            self._deliver(name, event)

    def tell(self, to: str, event: Stimulus, at_ns: int) -> None:
        """Somebody outside says something at ``at_ns``, which is not over."""
        self._schedule(at_ns, Stimulus.priority, event.sender, event.number, self._delivery(to, event), to)

    def until(self, at_ns: int) -> Stopped | None:
        """Does what is due before ``at_ns``, and says what stopped it before that."""
        agenda = self.agenda
        while (due_ns := agenda.next_ns()) < at_ns:
            self.now_ns, before_ns = int(due_ns), self.now_ns
            if self.ended_ns is not None and due_ns > self.ended_ns + WIND_DOWN_NS:
                return "final"
            self.instant_count = self.instant_count + 1 if self.now_ns == before_ns else 0
            agenda.take()
            self.event_count += 1
            if self.books.purses.starved_ns is not None:
                return "starved"
            if self._finished():
                return "final"
            if self.instant_count >= INSTANT_EVENT_COUNT_MAX:
                return "stuck"
            if self.event_count >= EVENT_COUNT_MAX:
                return "limit"
        return None

    def end(self, stopped: Stopped | None) -> Run:
        """Closes the books; without ``stopped`` it came to its horizon, or nothing is left to happen."""
        stopped = stopped or self._over()
        ended_ns = self.active_ns if self.ended_ns is None else self.ended_ns
        if stopped == "horizon":
            ended_ns = self.scenario.horizon_ns
        elif stopped == "starved":
            ended_ns = self.now_ns
        self.books.purses.close(max(ended_ns, self.active_ns, self.books.purses.now_ns))
        self._write_ledger()
        self.journal.commit()
        return Run(
            self.run_id,
            self.hosts,
            self.books,
            ended_ns,
            stopped,
            tuple(self.incidents.kept),
            self.incidents.left_out,
            self.options.replication,
        )

    def _over(self) -> Stopped:
        if self.ended_ns is not None:
            return "final"
        lasts = self.books.purses.has_flows or self.agenda.ends_with_something()
        return "horizon" if lasts else "quiet"

    def _finished(self) -> bool:
        """The protocol has ended, and what was on its way then has arrived."""
        if self.ended_ns is None:
            protocol = self.scenario.ends_with
            if not protocol or not has_ended(self.hosts[protocol]):
                return False
            self.ended_ns = self.now_ns
        return not self.underway_count

    def _schedule_next(self, stimuli: Iterator[tuple[int, int, Arrival]]) -> None:
        """One stimulus is scheduled at a time: each brings on the next."""
        due = next(stimuli, None)
        if due is None:
            return
        at_ns, number, arrival = due
        sender = f"scenario/{self.scenario.name}"
        event = Stimulus(arrival.event, dict(arrival.payload), sender=sender, number=number)

        def act() -> None:
            self._schedule_next(stimuli)
            self._deliver(arrival.to, event)

        self._schedule(at_ns, Stimulus.priority, sender, number, act)

    def _hearing(self, name: str) -> Callable[[Message], None]:
        def hear(message: Message) -> None:
            if not message.status:
                self._deliver(name, wire.to_event(message))

        return hear

    def _sensing(self, name: str) -> Callable[[Message], None]:
        actor, hear = self.hosts[name].kernel.actor, self._hearing(name)
        return lambda message: hear(message) if actor.hears_from(message.sender) else None

    def _delivery(self, to: str, event: AnyEvent) -> Callable[[], None]:
        return lambda: self._deliver(to, event)

    def _schedule(
        self,
        at_ns: int,
        priority: int,
        emitter: str,
        number: int,
        act: Callable[[], None],
        subscriber: str = "",
        copy: int = 0,
        wanted: Callable[[], bool] = surely,
    ) -> None:
        order = priority, self.emitters.get(emitter, -1), number, subscriber, copy
        self.agenda.put(at_ns, order, act, wanted)

    def _schedule_message(
        self, at_ns: int, message: Message, subscriber: str, copy: int, act: Callable[[], None]
    ) -> None:
        priority = Received.priority
        self._schedule(
            at_ns, priority, message.sender, message.number, self._counted(act), subscriber, copy
        )

    def _after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """For the bus's port; no effect of an actor asks for it."""
        self.after_count += 1
        waiting = [act]
        self._schedule(
            self.now_ns + delay_ns,
            TimerDue.priority,
            "",
            self.after_count,
            lambda: waiting[0]() if waiting else None,
            wanted=lambda: bool(waiting),
        )
        return waiting.clear

    def _counted(self, act: Callable[[], None]) -> Callable[[], None]:
        """A message or work on its way: a run waits for it, also after its protocol's end."""
        self.underway_count += 1

        def arrive() -> None:
            self.underway_count -= 1
            act()

        return arrive

    def _deliver(self, name: str, event: AnyEvent) -> None:
        if self.ended_ns is not None and isinstance(event, NOT_AFTER_THE_END):
            return
        host = self.hosts.get(name)
        if host is None:
            self._on_incident(name, "nobody is there")
            return
        absent = self.presence.takes(name, event)
        if absent is not None:
            if absent:
                self._on_incident(name, absent)
            return
        effects = host.accept(event, self.now_ns, self._ask)
        if effects is None:
            return
        assert not isinstance(effects, PriceQuery)
        self.active_ns = self.now_ns
        self._carry_out(host, effects)

    def _on_incident(self, actor: str, what: str) -> None:
        self.incidents.note(self.now_ns, actor, what)

    # Effects

    def _carry_out(self, host: Host, effects: tuple[AnyEffect, ...]) -> None:
        for effect in effects:
            match effect:
                case SetTimer():
                    self._set_timer(host, effect)
                case StartWork():
                    self._start_work(host, effect)
                case RevokeWork():
                    self._revoke_work(host, effect)
                case SendMessage() | SendRequest() | SendReply():
                    self._send(host, effect)
                case PublishWave():
                    self._publish(host, effect)
                case CancelTimer() | CancelWork():
                    pass  # what comes of them is dropped when it comes
                case Book():
                    self._book(effect.command)
                case _:
                    assert_never(effect)

    def _ask(self, command: Question) -> PriceDecision:
        if not self.books.purses.ledgers:
            return PriceDecision(True, 0)
        answer = self.books.apply(command, self.now_ns)
        self._write_ledger()
        return PriceDecision(answer.granted, answer.balance, answer.purse)

    def _book(self, command: Booking) -> None:
        if self.books.purses.ledgers or isinstance(command, LenderCommand):
            self.books.apply(command, self.now_ns)
            self._write_ledger()

    def _write_ledger(self) -> None:
        tell = self.options.booked
        entries = self.books.entries_from(self.written_count)
        for entry in entries:
            write(self.journal, LEDGER, booked(entry))
            if tell is not None and isinstance(entry, Entry):
                tell(entry)
            self._tell(entry)
        self.written_count += len(entries)
        if self.ended_ns is None:
            self.watch.changed()
        if not self.options.keep:
            asked_ns = self.active_ns if self.ended_ns is None else self.ended_ns
            self.books.forget(self.written_count, asked_ns)

    def _tell(self, entry: AnyEntry) -> None:
        """What an entry tells reaches those who hear it in its instant."""
        for name, event in told_by(entry, self.books.purses, self.hearers):
            deliver = self._counted(self._delivery(name, event))
            self._schedule(self.now_ns, event.priority, event.sender, event.number, deliver, name)

    def _schedule_look(self, at_ns: int, look: Callable[[], None], wanted: Callable[[], bool]) -> None:
        if self.ended_ns is None:
            self._schedule(at_ns, CONTROL, "", self.written_count, look, wanted=wanted)

    def _look(self, at_ns: int) -> None:
        if self.ended_ns is None:
            self.books.purses.look(at_ns)
            self._write_ledger()

    def _set_timer(self, host: Host, effect: SetTimer) -> None:
        event = effect.event
        due_ns = self.draws.due_ns(host.id, effect.generation, effect.deadline_ns, effect.jitter_ns)
        at_ns = max(due_ns, self.now_ns)
        act, wanted = self._delivery(host.id, event), self._awaiting(host, event)
        self._schedule(at_ns, event.priority, host.id, effect.generation, act, wanted=wanted)

    def _awaiting(self, host: Host, event: AnyEvent) -> Callable[[], bool]:
        """Whether an event would still be taken, as far as the actor alone decides it."""
        return lambda: awaited(host.snapshot, event)

    def _start_work(self, host: Host, effect: StartWork) -> None:
        work = host.kernel.actor.works[effect.work]
        if work.virtual is None and behaviour_of(host.kernel.actor.kind).gives_time:
            return  # it takes as long as it is given
        life = self.presence.life(host.id)
        ends = self.works.outcome(host.id, work, effect.number, effect.arguments, life)
        at_ns, lives = self.now_ns + ends.latency_ns, self.presence.same_life(host.id)
        if ends.outcome == "crash":
            crash = self._counted(self._in_incarnation(host.id, lambda: self._crash(host, ends.down_ns)))
            self._schedule(at_ns, CONTROL, host.id, effect.number, crash, wanted=lives)
            return
        values: Fields = ends.values
        if effect.work == TRANSLATE and work.produces and ends.outcome == "done":
            values = {"text": self.translator.translate(effect.arguments)}
        event = Finished(effect.number, ends.outcome, values, ends.reason)
        deliver = self._counted(self._in_incarnation(host.id, self._delivery(host.id, event)))
        waits = self._awaiting(host, event)
        wanted = lambda: lives() and waits()  # noqa: E731
        self._schedule(at_ns, Finished.priority, host.id, effect.number, deliver, wanted=wanted)

    def _revoke_work(self, host: Host, effect: RevokeWork) -> None:
        """Work that is a model obeys at once."""
        deliver = self._counted(
            self._in_incarnation(host.id, self._delivery(host.id, Finished(effect.number, "revoked")))
        )
        self._schedule(self.now_ns, Finished.priority, host.id, effect.number, deliver)

    def _in_incarnation(self, name: str, act: Callable[[], None]) -> Callable[[], None]:
        lives = self.presence.same_life(name)
        return lambda: act() if lives() else None

    def _send(self, host: Host, effect: Deliver) -> None:
        message = wire.to_message(effect, host.id, self.run_id, self.garden.epoch, self.now_ns)
        try:
            self.bus.send(message)
        except PermanentPortError as problem:
            self._on_incident(host.id, f"could not send to {effect.to}: {problem}")

    def _publish(self, host: Host, effect: PublishWave) -> None:
        message = wire.to_wave(effect, host.kernel.actor)
        try:
            self.bus.publish(message)
        except PermanentPortError as problem:
            self._on_incident(host.id, f"could not publish to {message.to}: {problem}")

    # Crashes

    def _crash(self, host: Host, down_ns: int) -> None:
        number = self.presence.crashed(host.id)
        self._on_incident(host.id, "crashed")
        self._schedule(self.now_ns + down_ns, CONTROL, host.id, number, lambda: self._return(host))

    def _return(self, host: Host) -> None:
        """The actor comes back: its snapshot is what its journal says."""
        missed = self.presence.back(host.id)
        host.restore(self.journal.read(host.id))
        self._on_incident(host.id, "came back")
        again = host.resume()
        told = [*host.told(), *missed]
        for event in sorted(told, key=lambda one: one.priority):
            self._deliver(host.id, event)
        self._carry_out(host, host.still_wanted(again))
