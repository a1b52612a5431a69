"""A process of a real garden: ``python -m gardens.real.process.node``, told by its input what to be.

Economy, controller and groups of cells live the same life: connect, restore
from the journal, listen, live, and stop when they are told or when the process
that started them is gone.  Control comes on a connection of its own, so that
nothing that the actors do can delay it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import struct
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from nats.aio.client import Client

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.stream import Restored, StreamJournal
from gardens.real.nats.subjects import Subjects
from gardens.real.process.actor_driver import ActorContext, ActorDriver
from gardens.real.process.command_queue import CommandQueue
from gardens.real.process.deadline_actor_driver import DeadlineActorDriver
from gardens.real.process.economy_life import EconomyLife
from gardens.real.process.job import CONTROLLER, ECONOMY, Job
from gardens.real.process.stimuli import Stimuli
from gardens.real.process.work_runner import WorkRunner
from nimdsl.base import canonical
from nimdsl.base.errors import NimdslError
from nimdsl.base.values import Fields, Value
from nimdsl.commands.streams import tell
from nimdsl.compile.garden import PERFECT_BUS
from nimdsl.program import Actor
from runtime.chance.faults import FaultyBus
from runtime.chance.models import BusFaultModel, Draws
from runtime.kernel.behaviour import behaviour_of
from runtime.kernel.interpreters import transitions_of
from runtime.ports.bus import PAYLOAD_BYTES_MAX, Bus, Message
from runtime.ports.requests import RequestClient
from runtime.ports.translator import DocumentTranslator
from runtime.run import wire
from runtime.run.host import Host
from runtime.run.lines import PROCESS, Noticed, Started, latest_ns, write
from runtime.run.run import actors_of, kernel_of

CONTROL = "control"
LAG_EVERY_S = 0.1
GC_ALLOCATION_COUNT = 20_000
"""How many allocations between two looks of the cycle collector."""


class GardenNode:
    """One process's life; several may share an event loop."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stopping = asyncio.Event()
        self.problem: Exception | None = None
        self.residents: dict[str, ActorDriver] = {}
        self.economy: EconomyLife | None = None
        self.stimuli: Stimuli | None = None
        self.incident_count = 0
        self._lag_s = 0.0
        self._begun = False
        self._writing = False
        """Whether incidents can be journalled."""
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: list[Callable[[], Any]] = []
        self._clients: list[Client] = []
        self._buses: list[NatsBus] = []

    async def start(self) -> None:
        """Connects, restores, listens and begins."""
        job = self.job
        self.subjects = Subjects(job.garden, job.run_id)
        origin = job.origin or Origin(time.monotonic_ns(), 0, job.garden.rate)
        self.clock = Clock(origin, waiting=job.origin is None)
        self.client = await connect(job.url, job.name, lambda what: self._on_incident("", what))
        self._clients.append(self.client)
        self.control_client = await connect(job.url, f"{job.name} control", _unheard)
        self._clients.append(self.control_client)
        self.journal = await StreamJournal.open(
            self.client,
            self.subjects.stream(job.name),
            self.subjects.journal(job.name),
            writer=uuid.uuid4().hex,
            lost=self._fail,
        )
        restored = await self.journal.restored()
        self._writing = True
        self.nats = NatsBus(self.client, self.subjects, self.clock, self._on_incident, PAYLOAD_BYTES_MAX)
        self.control = NatsBus(self.control_client, self.subjects, self.clock, _unheard, PAYLOAD_BYTES_MAX)
        self._buses += [self.nats, self.control]
        self.bus, self.faults = self._with_faults(self.nats)
        if job.name == ECONOMY:
            self._be_the_economy(restored)
        else:
            self._be_actors(restored)
        self.control.listen(f"{CONTROL}/{job.name}", self._ordered)
        await self.control.flush()
        await self.nats.flush()
        self._tasks.append(asyncio.create_task(self._measure_lag(), name="lag"))
        if job.origin is not None:
            self.begin()

    def begin(self) -> None:
        """From now on things happen.  Whoever began already goes on."""
        if self._begun:
            return
        self._begun = True
        self._note_clock()
        if self.job.paused:
            self._pause()
        if self.economy is not None:
            self.economy.begin()
        for resident in self.residents.values():
            resident.begin()
        if self.stimuli is not None:
            self.stimuli.begin()

    def _pause(self) -> None:
        self.clock.pause()
        for resident in self.residents.values():
            resident.pause()

    async def finish(self) -> None:
        """Everything that was accepted is journalled; then nothing is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for close in reversed(self._closing):
            close()
        try:
            if self.problem is None:
                await self.journal.settled()
                await self.nats.flush()
            self._writing = False
            await self.journal.close()
        except NimdslError as problem:
            self.problem = self.problem or problem
        for bus in self._buses:
            await bus.close()
        for client in self._clients:
            await client.close()

    async def vanish(self) -> None:
        """Ends without a word, as SIGKILL would have it: nothing is sent or saved any more.

        Also where a node could not start; a connection left open would look for its server for ever.
        """
        self._writing = False
        for client in self._clients:
            if client._transport is not None:
                client._transport.close()  # type: ignore[no-untyped-call]
        for task in self._tasks:
            task.cancel()
        for close in reversed(self._closing):
            close()
        for bus in self._buses:
            await bus.close()
        for client in self._clients:
            client._pending, client._pending_data_size = [], 0
            with contextlib.suppress(OSError):
                await client.close()

    # Who it is

    def _with_faults(self, bus: NatsBus) -> tuple[Bus, FaultyBus | None]:
        model = self.job.garden.bus
        if model == PERFECT_BUS:
            return bus, None
        fates = BusFaultModel(Draws(self.job.seed, self.job.start), model)
        faulty = FaultyBus(bus, fates, self.clock.now_ns, self._on_incident, model.payload_bytes_max)
        return faulty, faulty

    def _be_the_economy(self, restored: Restored) -> None:
        self.economy = EconomyLife(
            self.job, self.nats, self.journal, self.clock, restored, self._start_task
        )
        self._closing.append(self.economy.close)

    def _start_task(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._task_ended)
        self._tasks.append(task)

    def _be_actors(self, restored: Restored) -> None:
        job = self.job
        asker = f"asker/{job.name}-{job.start}"
        self.questions = RequestClient(self.nats, asker, self.nats.wall_after)
        translator = DocumentTranslator(job.program.schemas)
        works = WorkRunner(job.garden, job.twin, job.seed, self.questions, translator, self.nats.after)
        self._closing += [works.close, self.questions.close]
        around = ActorContext(
            bus=self.bus,
            plain_bus=self.nats,
            journal=self.journal,
            clock=self.clock,
            works=works,
            draws=Draws(job.seed),
            run_id=job.run_id,
            epoch=job.epoch,
            payload_bytes_max=job.garden.bus.payload_bytes_max,
            horizon_ns=job.horizon_ns,
            starts=job.scenario.starts,
            on_incident=self._on_incident,
            before=lambda at_ns: self.stimuli.before(at_ns) if self.stimuli else None,
            fail=self._fail,
        )
        self.works = works
        for name in job.actors:
            host = self._host(self._actor(name))
            resident = (
                DeadlineActorDriver if behaviour_of(host.kernel.actor.kind).on_time else ActorDriver
            )(host, around, self._commands(name))
            entries = restored.entries.get(name, [])
            resident.restore(entries, restored.marks.get(name, -1))
            self.clock.at_least(latest_ns(entries))
            self.residents[name] = resident
            self._closing.append(resident.close)
        if job.name == CONTROLLER and job.scenario.stimuli:
            self.stimuli = Stimuli(
                job, self.nats, self.journal, self.clock, restored, self.residents, self._on_incident
            )
            self._closing.append(self.stimuli.close)

    def _actor(self, name: str) -> Actor:
        actors = actors_of(self.job.program, self.job.scenario)
        return next(actor for actor in actors if actor.id == name)

    def _host(self, actor: Actor) -> Host:
        job = self.job
        interpreter = transitions_of(actor.table)
        kernel = kernel_of(actor, interpreter, job.program, job.scenario, job.epoch)
        return Host(kernel, self.journal, witness=True, keep=False)

    def _commands(self, actor: str) -> CommandQueue | None:
        economy = self.job.economy
        return CommandQueue(actor, economy, self.questions, self._fail) if economy else None

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            self._fail(NimdslError(f"{task.get_name()}: {problem}"))

    # What it notices

    def _fail(self, problem: Exception) -> None:
        self.problem = self.problem or problem
        self.stopping.set()

    def _on_incident(self, actor: str, what: str) -> None:
        self.incident_count += 1
        if self._writing:
            line = Noticed(self.clock.now_ns(), actor or self.job.name, what)
            write(self.journal, PROCESS + self.job.name, line)

    def _note_clock(self) -> None:
        """Garden time beside the wall clock: monotonic clocks do not survive a host (SEMANTICS 2.1)."""
        line = Started(self.clock.now_ns(), time.time_ns(), repr(self.clock.rate), self.job.start)
        write(self.journal, PROCESS + self.job.name, line)

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self._lag_s = max(loop.time() - due, self._lag_s * 0.9)

    # Control

    def _ordered(self, message: Message) -> None:
        if not message.reply_to:
            return
        order = wire.decode(message.data)
        said: Value = {}
        match order.get("do"):
            case "begin":
                if not self._begun:
                    self.clock.begin(_origin(order, self.clock.rate))
                self.begin()
            case "status":
                said = self.status()
            case "pause":
                self._pause()
            case "resume" if self._begun:
                self.clock.resume()
                for resident in self.residents.values():
                    resident.resume()
            case "wind down":
                self._wind_down()
            case "close" if self.economy is not None:
                at_ns = order.get("at_ns")
                self.economy.service.close(at_ns if isinstance(at_ns, int) else None)
                data = canonical.encode(said)
                self.journal.after(lambda: self.control.send(Message(message.reply_to, data)))
                return
            case "stop":
                asyncio.get_running_loop().call_soon(self.stopping.set)
        self.control.send(Message(message.reply_to, canonical.encode(said)))

    def _wind_down(self) -> None:
        for resident in self.residents.values():
            resident.winding_down = True
        if self.stimuli is not None:
            self.stimuli.close()

    def status(self) -> dict[str, Value]:
        """How it is: plain data for `nimdsl status` and for whoever waits for the end."""
        waiting = sum(resident.waiting_count for resident in self.residents.values())
        timers = sum(resident.timer_count for resident in self.residents.values())
        due = any(resident.is_due for resident in self.residents.values())
        if self.economy is not None:
            waiting += self.economy.waiting_count
            timers += self.economy.expects
            due = due or self.economy.is_due
        works = self.works.count if self.residents else 0
        late = self.faults.late_count if self.faults else 0
        status: dict[str, Value] = {
            "name": self.job.name,
            "pid": os.getpid(),
            "start": self.job.start,
            "time_ns": self.clock.now_ns(),
            "floor_ns": self.clock.floor_ns,
            "lag_ms": round(self._lag_s * 1_000, 1),
            "backlog": self.journal.backlog,
            "waiting": waiting,
            "works": works,
            "incidents": self.incident_count,
            "sent": self.nats.sent_count,
            "received": self.nats.received_count,
            "waves": self.nats.wave_count,
            "idle": not (waiting or works or late or self.journal.backlog),
            "timers": timers,
            "unpaid": sum(resident.unpaid_count for resident in self.residents.values()),
            "due": due,
            "starved_ns": self.economy.service.purses.starved_ns if self.economy else None,
            "left": bool(late) or any(resident.left for resident in self.residents.values()),
            "active_ns": max((resident.active_ns for resident in self.residents.values()), default=0),
            "stimuli": self.stimuli.left if self.stimuli else False,
            "actors": {name: _seen(resident) for name, resident in self.residents.items()},
        }
        if self.economy is not None:
            said = self.economy.status()
            status["lifeforce"] = said.get(self.job.scenario.economy)
            status["economies"] = dict(said)
        return status


def _origin(order: Fields, rate: float) -> Origin:
    """When the garden begins, as the supervisor says."""
    monotonic_ns, garden_ns = order["monotonic_ns"], order["garden_ns"]
    if not isinstance(monotonic_ns, int) or not isinstance(garden_ns, int):
        raise ValueError("an origin is two whole numbers")
    return Origin(monotonic_ns, garden_ns, rate)


def _seen(resident: ActorDriver) -> dict[str, Value]:
    snapshot = resident.snapshot
    return {
        "state": snapshot.state,
        "fault": snapshot.fault,
        "ended": resident.has_ended,
        "waiting": resident.waiting_count,
    }


def _unheard(*_: str) -> None:
    """What befalls control traffic is for whoever asked to notice."""


async def serve(job: Job, parent_gone: asyncio.Event | None = None) -> Exception | None:
    """Lives until it is told to stop; what went wrong, if anything did."""
    node = GardenNode(job)
    try:
        await node.start()
    except BaseException:
        await node.vanish()
        raise
    waits = [asyncio.create_task(node.stopping.wait())]
    if parent_gone is not None:
        waits.append(asyncio.create_task(parent_gone.wait()))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
        await node.finish()
    return node.problem


async def _main(job: Job) -> int:
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gone.set)
    loop.add_reader(sys.stdin.fileno(), _drained, gone)
    problem = await serve(job, gone)
    if problem is not None:
        tell(f"{job.name}: {problem}", sys.stderr, flush=True)
        return 1
    return 0


def _drained(gone: asyncio.Event) -> None:
    """Standard input ends when the process that started this one does."""
    if not os.read(sys.stdin.fileno(), 4_096):
        gone.set()


def _framed(source: Any) -> bytes:
    (length,) = struct.unpack(">Q", _exactly(source, 8))
    return _exactly(source, length)


def framed(data: bytes) -> bytes:
    """Something as the standard input has it: its length, then its bytes; the stream stays open."""
    return struct.pack(">Q", len(data)) + data


def main() -> int:
    """Reads the job and lives it."""
    source = sys.stdin.buffer.raw if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer
    job = Job.read(_framed(source), _framed(source))
    gc.freeze()  # program and libraries stay: the collector need not look at them again and again
    gc.set_threshold(GC_ALLOCATION_COUNT)
    for folder in reversed(job.folders):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    try:
        return asyncio.run(_main(job))
    except NimdslError as problem:
        tell(f"{job.name}: {problem}", sys.stderr, flush=True)
        return 1
    except Exception:
        traceback.print_exc()
        return 70


def _exactly(source: Any, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = source.read(count - len(data))
        if not part:
            raise SystemExit(1)
        data += part
    return data


if __name__ == "__main__":
    raise SystemExit(main())
