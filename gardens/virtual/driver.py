"""The virtual driver: the kernel on SimPy's clock.

Dull on purpose.  It delivers events to hosts in the order of SEMANTICS 2.2
(time, priority, emitter, effect number, which SimPy's queue gets as one tuple,
so its own counter never decides), and carries out effects.  Each effect that
takes time is one bare SimPy event.  The horizon is exclusive.

What happens to messages and work is drawn in :mod:`gardens.virtual.models`;
what an event does is the kernel's affair.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import simpy

from gardens.virtual.models import Bus, Draws, WorkModels
from nimdsl import canonical
from nimdsl.canonical import Plain
from nimdsl.compile.garden import PERFECT_GARDEN
from nimdsl.compile.handshake import TRANSLATE
from nimdsl.flatten import Table
from nimdsl.program import Actor, Economy, Program, Scenario, Stimulus
from runtime import wire
from runtime.economy import Charge, Ledger, Reserve, Settle, Tariff
from runtime.effects import Book, Deliver, Effect, SetTimer, StartWork
from runtime.events import BEGIN, PRIORITY, Event, EventKind
from runtime.host import Checks, Host, finished
from runtime.interpreters import Interpreter, TransitionsInterpreter
from runtime.journal import Journal, MemoryJournal
from runtime.step import Kernel, Paid
from runtime.translator import DocumentTranslator, Translator
from runtime.turn import Record

LEDGER = "economy"
"""The name of the ledger's own journal."""
EVENT_COUNT_MAX = 5_000_000
"""How many events one run takes at most."""
INSTANT_EVENT_COUNT_MAX = 100_000
"""How many events may happen at one instant; beyond that, time stands still."""
CONTROL = 0


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that the garden did to a message or an actor."""

    time_ns: int
    actor: str
    what: str


@dataclass(frozen=True)
class Options:
    """How to run, besides what the program says."""

    seed: int = 1
    replication: int = 0
    checks: Checks = field(default_factory=Checks)
    interpreter: Callable[[Table], Interpreter] = TransitionsInterpreter
    translator: Translator | None = None
    observe: Callable[[Record], None] | None = None
    """Is told each record as it is made."""
    notice: Callable[[Incident], None] | None = None
    """Is told each incident as it happens."""


@dataclass(frozen=True)
class Run:
    """A run that has ended.  ``stopped`` is why: final, horizon, quiet, stuck or limit."""

    run_id: str
    hosts: Mapping[str, Host]
    ledger: Ledger | None
    time_ns: int
    stopped: str
    incidents: tuple[Incident, ...]


def tariff_of(economy: Economy) -> Tariff:
    """What the ledger needs of an economy."""
    return Tariff(
        economy.name,
        economy.opening,
        economy.floor,
        economy.capacity,
        economy.rewards,
        economy.incomes,
        economy.upkeep,
        economy.window_ns,
    )


def actors_of(program: Program, scenario: Scenario) -> list[Actor]:
    """Who takes part, in the order of (kind, name)."""
    cells = [program.cells[name] for name in scenario.cells]
    protocols = [program.protocols[scenario.protocol].actor] if scenario.protocol else []
    return sorted([*cells, *protocols], key=lambda actor: (actor.kind, actor.name))


def _times(position: int, stimulus: Stimulus) -> Iterator[tuple[int, int]]:
    for repetition in range(stimulus.times):
        yield stimulus.at_ns + repetition * stimulus.every_ns, position


class Driver:
    """One run of one scenario."""

    def __init__(
        self, program: Program, scenario: Scenario, options: Options, journal: Journal | None = None
    ) -> None:
        self.program = program
        self.scenario = scenario
        self.options = options
        self.journal = journal if journal is not None else MemoryJournal()
        self.environment = simpy.Environment()
        garden = program.gardens.get(scenario.garden, PERFECT_GARDEN)
        draws = Draws(options.seed, options.replication)
        self.garden = garden
        self.bus = Bus(draws, garden.bus)
        self.works = WorkModels(draws, garden)
        self.translator = options.translator or DocumentTranslator(program.schemas)
        economy = program.economies.get(scenario.economy)
        self.ledger = Ledger(tariff_of(economy)) if economy else None
        self.written_count = 0
        self.incidents: list[Incident] = []
        identity = [program.sha256, scenario.name, options.seed, options.replication]
        self.run_id = canonical.sha256(identity)[:32]
        self.hosts = {actor.id: self._host(actor) for actor in actors_of(program, scenario)}
        emitters = sorted(
            [*(tuple(name.split("/", 1)) for name in self.hosts), ("scenario", scenario.name)]
        )
        self.emitters = {"/".join(name): number for number, name in enumerate(emitters)}
        self.incarnations = dict.fromkeys(self.hosts, 0)
        self.down: set[str] = set()
        self.event_count = 0
        self.instant_count = 0
        self.active_ns = 0
        """When an event was last taken."""

    def _host(self, actor: Actor) -> Host:
        kernel = Kernel(actor, self.options.interpreter(actor.table), self.program.schemas)
        return Host(kernel, self.journal, self._ask, self.options.checks)

    @property
    def now_ns(self) -> int:
        """Garden time."""
        return int(self.environment.now)

    # The run

    def run(self) -> Run:
        """Runs to the protocol's end, the horizon, or until nothing is left to happen."""
        for name in self.hosts:
            self._schedule(self.now_ns, CONTROL, name, 0, self._delivery(name, BEGIN))
        self._schedule_next(self._stimuli())
        stopped = self._loop()
        ended_ns = self.scenario.horizon_ns if stopped == "horizon" else self.active_ns
        if self.ledger is not None:
            self.ledger.close(ended_ns)
            self._write_ledger()
        self.journal.commit()
        return Run(self.run_id, self.hosts, self.ledger, ended_ns, stopped, tuple(self.incidents))

    def _loop(self) -> str:
        environment, horizon_ns = self.environment, self.scenario.horizon_ns
        while (at_ns := environment.peek()) < horizon_ns:
            self.instant_count = self.instant_count + 1 if at_ns == environment.now else 0
            environment.step()
            self.event_count += 1
            if self._finished():
                return "final"
            if self.instant_count >= INSTANT_EVENT_COUNT_MAX:
                return "stuck"
            if self.event_count >= EVENT_COUNT_MAX:
                return "limit"
        return "horizon" if at_ns != float("inf") else "quiet"

    def _finished(self) -> bool:
        if not self.scenario.protocol:
            return False
        host = self.hosts[f"protocol/{self.scenario.protocol}"]
        table, snapshot = host.kernel.actor.table, host.snapshot
        number = table.state_numbers.get(snapshot.state)
        return bool(snapshot.fault) or number in table.final

    def _stimuli(self) -> Iterator[tuple[int, int, Stimulus]]:
        """Time, number and stimulus, numbered in the order of their times, as any sender numbers."""
        lists = (_times(position, one) for position, one in enumerate(self.scenario.stimuli))
        for number, (at_ns, position) in enumerate(heapq.merge(*lists), start=1):
            yield at_ns, number, self.scenario.stimuli[position]

    def _schedule_next(self, stimuli: Iterator[tuple[int, int, Stimulus]]) -> None:
        """One stimulus is scheduled at a time: each brings on the next."""
        due = next(stimuli, None)
        if due is None:
            return
        at_ns, number, stimulus = due
        sender = f"scenario/{self.scenario.name}"
        event = Event(EventKind.STIMULUS, stimulus.event, stimulus.payload, sender, number)

        def act() -> None:
            self._schedule_next(stimuli)
            self._deliver(stimulus.to, event)

        self._schedule(at_ns, PRIORITY[EventKind.STIMULUS], sender, number, act)

    def _delivery(self, to: str, event: Event) -> Callable[[], None]:
        return lambda: self._deliver(to, event)

    def _schedule(
        self, at_ns: int, priority: int, emitter: str, number: int, act: Callable[[], None], copy: int = 0
    ) -> None:
        event = simpy.Event(self.environment)
        event._ok, event._value = True, None
        event.callbacks.append(lambda _: act())
        order: Any = (priority, self.emitters[emitter], number, copy)
        self.environment.schedule(event, priority=order, delay=at_ns - self.now_ns)

    def _deliver(self, name: str, event: Event) -> None:
        host = self.hosts.get(name)
        if host is None:
            self._befell(name, "nobody is there")
            return
        if name in self.down:
            self._befell(name, f"missed a {event.kind}: it is down")
            return
        known = len(host.records)
        effects = host.accept(event, self.now_ns)
        if effects is None:
            return
        self.active_ns = self.now_ns
        if self.options.observe is not None:
            for record in host.records[known:]:
                self.options.observe(record)
        self._carry_out(host, effects)

    def _befell(self, actor: str, what: str) -> None:
        incident = Incident(self.now_ns, actor, what)
        self.incidents.append(incident)
        if self.options.notice is not None:
            self.options.notice(incident)

    # Effects

    def _carry_out(self, host: Host, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case SetTimer():
                    self._set_timer(host, effect)
                case StartWork():
                    self._start_work(host, effect)
                case Deliver():
                    self._send(host, effect)
                case Book():
                    if self.ledger is not None:
                        self.ledger.apply(effect.command, self.now_ns)
                        self._write_ledger()

    def _ask(self, command: Reserve | Charge | Settle) -> Paid:
        if self.ledger is None:
            return Paid(True, 0)
        answer = self.ledger.apply(command, self.now_ns)
        self._write_ledger()
        return Paid(answer.granted, answer.balance)

    def _write_ledger(self) -> None:
        assert self.ledger is not None
        for entry in self.ledger.entries_from(self.written_count):
            self.journal.append(LEDGER, "entry", entry.to_data())
            self.written_count += 1

    def _set_timer(self, host: Host, effect: SetTimer) -> None:
        payload = {"timer": effect.timer, "generation": effect.generation}
        event = Event(EventKind.TIMER, payload=payload)
        at_ns = max(effect.deadline_ns, self.now_ns)
        act = self._delivery(host.id, event)
        self._schedule(at_ns, PRIORITY[EventKind.TIMER], host.id, effect.generation, act)

    def _start_work(self, host: Host, effect: StartWork) -> None:
        work = host.kernel.actor.works[effect.work]
        incarnation = self.incarnations[host.id]
        ends = self.works.outcome(host.id, work, effect.number, effect.arguments, incarnation)
        at_ns = self.now_ns + ends.latency_ns
        if ends.outcome == "crash":
            crash = self._in_incarnation(host.id, lambda: self._crash(host, ends.down_ns))
            self._schedule(at_ns, CONTROL, host.id, effect.number, crash)
            return
        values: Mapping[str, Plain] = ends.values
        if effect.work == TRANSLATE and work.produces and ends.outcome == "done":
            values = {"text": self.translator.translate(effect.arguments)}
        event = finished(effect.number, ends.outcome, values, ends.reason)
        deliver = self._in_incarnation(host.id, self._delivery(host.id, event))
        self._schedule(at_ns, PRIORITY[EventKind.FINISHED], host.id, effect.number, deliver)

    def _in_incarnation(self, name: str, act: Callable[[], None]) -> Callable[[], None]:
        incarnation = self.incarnations[name]
        return lambda: act() if self.incarnations[name] == incarnation else None

    def _send(self, host: Host, effect: Deliver) -> None:
        payload = self._through_wire(effect)
        if payload is None:
            self._befell(host.id, f"could not send to {effect.to}: the message is too large")
            return
        event = Event(effect.kind, effect.name, payload, host.id, effect.number)
        arrivals, fate = self.bus.arrivals(host.id, effect.to, effect.number, self.now_ns)
        if fate:
            self._befell(host.id, f"a {effect.kind} to {effect.to} was {fate}")
        for copy, at_ns in enumerate(arrivals):
            act = self._delivery(effect.to, event)
            self._schedule(at_ns, PRIORITY[effect.kind], host.id, effect.number, act, copy)

    def _through_wire(self, effect: Deliver) -> Plain:
        """The payload as it arrives: requests and replies travel as bytes."""
        limit = self.garden.bus.payload_bytes_max
        if effect.kind is EventKind.MESSAGE:
            return effect.payload if len(canonical.encode(effect.payload)) <= limit else None
        body = effect.payload
        sent_ns = body.get("opened_ns", self.now_ns)
        data = wire.encode(body["message"], self.run_id, body["request"], self.garden.epoch, sent_ns)
        return {**body, "message": wire.decode(data)} if len(data) <= limit else None

    # Crashes

    def _crash(self, host: Host, down_ns: int) -> None:
        self.incarnations[host.id] += 1
        self.down.add(host.id)
        self._befell(host.id, "crashed")
        number = self.incarnations[host.id]
        self._schedule(self.now_ns + down_ns, CONTROL, host.id, number, lambda: self._return(host))

    def _return(self, host: Host) -> None:
        """The actor comes back: its snapshot is what its journal says."""
        self.down.discard(host.id)
        host.restore()
        self._befell(host.id, "came back")
        lost = host.lost_work()
        self._carry_out(host, host.resume())
        for event in lost:
            self._deliver(host.id, event)
