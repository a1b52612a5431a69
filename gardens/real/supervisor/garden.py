"""A living garden: its processes in order, what they say of themselves, and their end.

The one who holds a :class:`GardenSupervisor` owns everything in it: the server, the
economy, the groups of cells and the controller start in this order and end in
the reverse one, and none outlives this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.projection import Projection
from gardens.real.nats.subjects import Subjects
from gardens.real.patience import Patience, patiently, size_of
from gardens.real.process.job import CONTROLLER, ECONOMY, Job
from gardens.real.process.node import CONTROL
from gardens.real.supervisor.control_client import OWNER, Orders
from gardens.real.supervisor.ending import Ending
from gardens.real.supervisor.plan import Launcher, Plan
from gardens.real.supervisor.state import StateFolder
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import TemporaryPortError
from nimdsl.base.units import INT64_MAX
from nimdsl.program import Group
from runtime.kernel.events import Stimulus
from runtime.ports.bus import PAYLOAD_BYTES_MAX, Message
from runtime.run import wire
from runtime.run.lines import FORMAT, JOURNAL_FORMAT
from runtime.run.run import (
    COMPLETE,
    ORIGIN,
    Stopped,
    actors_of,
    origin_of,
)

READY_SILENCE_S = 120.0
"""How long a process that starts may say nothing, and write nothing to its log."""
LOOK_EVERY_S = 0.05
ASK_NS = 1_000_000_000
"""How long a process that starts may take to answer; it is asked again."""
STATUS_EVERY_S = 1.0
STOP_SILENCE_S = 60.0
"""How long a garden that ends may get nowhere."""


class GardenSupervisor:
    """One run in a real garden, from nothing to its end.

    ``known`` is the manifest of an earlier life that goes on; ``journal`` where the lines are
    copied to, by default the one of the garden's folder.
    """

    def __init__(
        self,
        plan: Plan,
        state: StateFolder,
        launcher: Launcher,
        known: Mapping[str, Any] | None = None,
        journal: SqliteJournal | None = None,
    ) -> None:
        self.plan = plan
        self.state = state
        self.launcher = launcher
        self.run_id = str(known["run_id"]) if known else secrets.token_hex(16)
        self.seed = int(known["seed"]) if known else plan.seed
        self.epoch = str(known["epoch"]) if known else _wall_clock()
        self._began_ns = int(known["time_ns"]) if known else 0
        self._origin: Origin | None = None
        self._names: list[str] = []
        self._client: Client | None = None
        self._bus: NatsBus | None = None
        self._projecting: asyncio.Task[None] | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._obeying: set[asyncio.Task[None]] = set()
        self._paused_ns: int | None = None
        self._closes_ns: int | None = None
        """When the purses are closed, if not when they are told to."""
        self._own_journal = journal
        self.last_status: dict[str, Any] | None = None
        self.up = False

    # From nothing to life

    async def start(self) -> None:
        """Brings everything up, in order.  What fails leaves the rest to :meth:`stop`."""
        plan, launcher = self.plan, self.launcher
        url = await launcher.server()
        origin = Origin(time.monotonic_ns(), self._began_ns, plan.garden.rate)
        self.clock = Clock(origin, waiting=True)
        self.subjects = Subjects(plan.garden, self.run_id)
        self._client = client = await connect(url, "supervisor", _unheard)
        self._bus = bus = NatsBus(client, self.subjects, self.clock, _unheard, PAYLOAD_BYTES_MAX)
        self._orders = Orders(bus)
        bus.listen(f"{CONTROL}/{OWNER}", lambda message: self._ordered(bus, message))
        await bus.flush()
        launcher.origin, launcher.paused = self.origin_now, lambda: self._paused_ns is not None
        self._job = Job(
            name="",
            actors=(),
            program=plan.program,
            program_sha256=plan.program.sha256,
            scenario=plan.scenario,
            garden=plan.garden,
            twin=plan.twin,
            run_id=self.run_id,
            seed=self.seed,
            url=url,
            epoch=self.epoch,
            folders=plan.folders,
            horizon_ns=plan.scenario.horizon_ns if plan.ends else INT64_MAX,
        )
        self._url = url
        self.write_manifest(self._began_ns)
        if self._job.economy:
            await self._start(ECONOMY, ())
        await _together(self._start_group(group) for group in plan.groups)
        minds = tuple(actor.id for actor in actors_of(plan.program, plan.scenario) if actor.kind != "cell")
        if minds or plan.scenario.stimuli:
            await self._start(CONTROLLER, minds)
        self._open_journal()
        await self._begin()
        self._follow()
        self.write_manifest(self._began_ns)
        self.up = True

    async def _begin(self) -> None:
        """Everybody is there: garden time begins, for the economy first and the controller last.

        A life that goes on begins after everything that any process has journalled.
        """
        said = await self.order_all("status")
        self._began_ns = max([self._began_ns, *(one["floor_ns"] for one in said if one)])
        self._origin = origin = Origin(time.monotonic_ns(), self._began_ns, self.plan.garden.rate)
        self.clock.begin(origin)
        for name in self._names:
            patience = Patience(READY_SILENCE_S)
            numbers = {"monotonic_ns": origin.monotonic_ns, "garden_ns": origin.garden_ns}
            while await self._orders.give(name, "begin", **numbers) is None:  # who began, goes on
                if patience.is_over(self._growth(name)):
                    raise TemporaryPortError(f"{name} did not begin")
                await asyncio.sleep(LOOK_EVERY_S)

    def write_manifest(self, time_ns: int) -> None:
        """What others need to find this garden, and a later life to go on from ``time_ns``."""
        plan = self.plan
        self.state.write_manifest(
            {
                "run_id": self.run_id,
                "garden": plan.garden.name,
                "scenario": plan.scenario.name,
                "program_sha256": plan.program.sha256,
                "seed": self.seed,
                "epoch": self.epoch,
                "url": self._url,
                "time_ns": time_ns,
                "subjects": {
                    "environment": plan.garden.real.environment if plan.garden.real else "",
                    "actors": plan.garden.real.actors if plan.garden.real else "",
                },
                "places": {group.name: list(group.cells) for group in plan.groups},
            }
        )

    async def _start_group(self, group: Group) -> None:
        if not group.command:
            await self._start(group.name, tuple(f"cell/{cell}" for cell in group.cells))
            return
        subjects = {cell: self.subjects.subject(f"cell/{cell}") for cell in group.cells}
        economy = self._job.economy
        environment = {
            "NATS_URL": self._job.url,
            "NIMDSL_RUN": self.run_id,
            "NIMDSL_CELLS": canonical.encode(subjects).decode(),
            "NIMDSL_ECONOMY": self.subjects.subject(economy) if economy else "",
        }
        address = f"cell/{group.cells[0]}"

        async def ready() -> None:
            patience = Patience(READY_SILENCE_S)
            while not await self._orders.hears(address):
                if patience.is_over(self._growth(group.name)):
                    text = f"{group.name} does not listen at {subjects[group.cells[0]]}"
                    raise TemporaryPortError(f"{text}, and wrote nothing for {READY_SILENCE_S:g} s")
                await asyncio.sleep(0.02)

        await self.launcher.run(group, environment, ready)

    async def _start(self, name: str, actors: tuple[str, ...]) -> None:
        job = replace(self._job, name=name, actors=actors)
        self._names.append(name)

        async def ready() -> None:
            patience = Patience(READY_SILENCE_S)
            while await self._orders.give(name, "status", ASK_NS) is None:
                if patience.is_over(self._growth(name)):
                    text = f"{name} did not answer and wrote nothing for {READY_SILENCE_S:g} s"
                    raise TemporaryPortError(text)
                await asyncio.sleep(0.01)

        await self.launcher.start(job, ready)

    def _growth(self, name: str) -> tuple[object, int]:
        """A mark of a process that starts: what is seen of it, and how long its log is."""
        seen = [one for one in self.launcher.seen() if one["name"] == name]
        return seen, size_of([self.state.logs / f"{name}.log"])

    def _open_journal(self) -> None:
        self.journal = self._own_journal or SqliteJournal(self.state.journal)
        self.journal.set_meta(FORMAT, JOURNAL_FORMAT)
        self.journal.set_meta(ORIGIN, self.origin())
        self.journal.set_meta(COMPLETE, None)
        self.journal.commit()

    def _follow(self) -> None:
        """The copy of the journal, and the status, from now on; both stop the loop for moments."""
        assert self._client is not None
        self._projection = Projection(
            self._client, [self.subjects.stream(name) for name in self._names], self.journal
        )
        self._projecting = asyncio.create_task(self._projection.follow(), name="projection")
        self._reporting = asyncio.create_task(self._report(), name="status")

    def origin(self) -> dict[str, Plain]:
        """What the journal says of the run."""
        plan = self.plan
        real: dict[str, Plain] = {"rate": plan.garden.rate, "epoch": self.epoch}
        name = plan.garden.name
        return origin_of(plan.program, plan.scenario, name, self.seed, self.run_id, real=real)

    # While it lives

    async def tell(self, to: str, event: Stimulus) -> None:
        """Somebody outside says something to an actor; it has left when this returns."""
        assert self._bus is not None
        payload = event.payload if isinstance(event.payload, dict) else {}
        self._bus.send(wire.stimulus(to, event.name, payload, event.sender, event.number))
        await self._bus.flush()

    async def order_all(self, what: str) -> list[dict[str, Any] | None]:
        """Orders something of every process at once."""
        return list((await self._orders.give_all(self._names, what)).values())

    def origin_now(self) -> Origin | None:
        """Where a process that starts now counts from; None before the garden has begun.

        One that starts in a pause must not be ahead of the others.
        """
        if self._origin is None or self._paused_ns is None:
            return self._origin
        stood_ns = time.monotonic_ns() - self._paused_ns
        return replace(self._origin, monotonic_ns=self._origin.monotonic_ns + stood_ns)

    def _ordered(self, bus: NatsBus, message: Message) -> None:
        """Somebody outside wants something of the whole garden."""
        task = asyncio.create_task(self._obey(bus, message), name="order")
        self._obeying.add(task)
        task.add_done_callback(self._obeying.discard)

    async def _obey(self, bus: NatsBus, message: Message) -> None:
        order = wire.decode(message.data).get("do")
        said: Plain = {}
        if order == "status":
            said = await self.status()
        elif order == "pause":
            await self.pause()
        elif order == "resume":
            await self.resume()
        bus.send(Message(message.reply_to, canonical.encode(said)))

    async def pause(self) -> None:
        """Time stands still and nothing is taken, until :meth:`resume`."""
        if self._paused_ns is None:
            self._paused_ns = time.monotonic_ns()
            self.clock.pause()
        await self.order_all("pause")

    async def resume(self) -> None:
        """Goes on; a process that is started later must not count the time of the pause."""
        if self._paused_ns is not None:
            self.clock.resume()
            self._origin = self.origin_now()
            self._paused_ns = None
        await self.order_all("resume")

    async def status(self) -> dict[str, Any]:
        """How the garden is: plain data."""
        said = await self.order_all("status")
        plan = self.plan
        found: dict[str, Any] = {
            "garden": plan.garden.name,
            "scenario": plan.scenario.name,
            "run_id": self.run_id,
            "time_ns": self.clock.now_ns(),
            "rate": plan.garden.rate,
            "url": self._url,
            "paused": self._paused_ns is not None,
            "processes": self.launcher.seen(),
            "nodes": dict(zip(self._names, said, strict=True)),
            "lag": self._projection.lag if self._projecting else 0,
        }
        self.last_status = found
        return found

    async def _report(self) -> None:
        while True:
            self.state.write_status(await self.status())
            if self._paused_ns is not None:
                await self.order_all("pause")  # for a process that has come back in the meantime
            await asyncio.sleep(STATUS_EVERY_S)

    async def until_ended(self, *, lasting: bool = False) -> tuple[Stopped, str]:
        """Why the run ended, as in :class:`runtime.run.run.Run`, and what there is to say of it.

        One that is ``lasting`` goes on to its horizon also where nothing is left to happen: somebody
        outside may still tell it something.
        """
        ended = asyncio.create_task(self._until_over(lasting))
        broken = asyncio.create_task(self.until_broken())
        try:
            await asyncio.wait({broken, ended}, return_when=asyncio.FIRST_COMPLETED)
            if broken.done():
                return "broken", broken.result()
            return ended.result(), ""
        finally:
            for task in (broken, ended):
                task.cancel()
            await asyncio.gather(broken, ended, return_exceptions=True)

    async def until_broken(self) -> str:
        """Waits until the garden cannot go on, and says why."""
        given_up = asyncio.create_task(self.launcher.given_up())
        own = [task for task in (self._projecting, self._reporting) if task is not None]
        try:
            await asyncio.wait({given_up, *own}, return_when=asyncio.FIRST_COMPLETED)
            if given_up.done():
                return given_up.result()
            return next(str(task.exception()) for task in own if task.done())
        finally:
            given_up.cancel()
            await asyncio.gather(given_up, return_exceptions=True)

    async def _until_over(self, lasting: bool) -> Stopped:
        ending = Ending(self.order_all, self.clock, self.plan.scenario, lasting=lasting)
        stopped, self._closes_ns = await ending.until_over()
        return stopped

    # The end

    async def stop(self, *, over: bool) -> None:
        """Ends every process; with ``over`` the run has ended too, and no hold is left.

        Afterwards the journal holds everything that the streams did.
        """
        for task in (self._projecting, self._reporting):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        try:
            if self.up:
                said = await self.status()
                ended = [{**one, "state": "stopped", "pid": None} for one in said["processes"]]
                self.state.write_status({**said, "processes": ended, "ended": True})
                await self._stop_nodes(over)
        finally:
            await self._let_go()
            await self.launcher.stop_all()

    async def _let_go(self) -> None:
        """Closes the connection; left open, it would look for its server for ever."""
        for task in self._obeying:
            task.cancel()
        if self._bus is not None:
            await self._bus.close()
        if self._client is not None:
            await self._client.close()

    async def _stop_nodes(self, over: bool) -> None:
        problems: list[TemporaryPortError] = []
        for name in reversed(self._names):
            if name == ECONOMY and over and self._runs(ECONOMY) and not await self._close_ledger():
                problems.append(TemporaryPortError("the economy did not close its ledger"))
            await self.launcher.stop(name)
        try:
            await patiently(self._copied(over), Patience(STOP_SILENCE_S), self.journal.counts)
        except TimeoutError:
            problems.append(TemporaryPortError("the journal could not be copied from the bus in time"))
        finally:
            self.write_manifest(self.clock.now_ns())
            self.journal.commit()
        if problems:
            raise problems[0]

    async def _copied(self, over: bool) -> None:
        await self._projection.catch_up()
        self.journal.set_meta(COMPLETE, self.journal.counts())
        if over:
            await self._forget_streams()

    def _runs(self, name: str) -> bool:
        return any(one["name"] == name and one["state"] == "running" for one in self.launcher.seen())

    async def _forget_streams(self) -> None:
        """What is in the journal need not stay on the bus, which may be somebody else's."""
        assert self._client is not None
        manager = self._client.jsm()
        for name in self._names:
            with contextlib.suppress(NotFoundError):
                await manager.delete_stream(self.subjects.stream(name))

    async def _close_ledger(self) -> bool:
        patience = Patience(STOP_SILENCE_S)
        while await self._orders.give(ECONOMY, "close", at_ns=self._closes_ns) is None:
            if patience.is_over(self._growth(ECONOMY)) or not self._runs(ECONOMY):
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True


async def _together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at once; where one fails, the others end before its error is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _unheard(*_: str) -> None:
    """The processes of the garden tell of the bus themselves."""


def _wall_clock() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
