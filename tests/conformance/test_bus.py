"""Every implementation of the port Bus keeps its laws, each also behind faults of which there are none."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import pytest
import simpy

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.subjects import Subjects
from gardens.virtual.bus import VirtualBus
from nimdsl.compile.garden import LOCAL_GARDEN, PERFECT_BUS
from nimdsl.program import BusModel
from runtime.chance.faults import FaultyBus
from runtime.chance.models import BusFaultModel, Draws
from runtime.conformance.bus import BYTES_MAX, BusSuite, Case, FatesSuite, World
from runtime.ports.bus import Bus, Message
from runtime.ports.memory_bus import MemoryBus
from tests.support.nats import nats_server
from tests.support.patience import patiently, until

RATE = 1_000.0
"""How fast the real worlds' clock goes: a garden second is a millisecond."""
CARRIES = replace(PERFECT_BUS, payload_bytes_max=BYTES_MAX)


class InMemory(World):
    def __init__(self) -> None:
        super().__init__()
        self.here = self.there = self.bus = MemoryBus(self.tell, BYTES_MAX)

    def now_ns(self) -> int:
        return self.bus.now_ns

    async def settled(self) -> None:
        pass

    async def passed(self, time_ns: int) -> None:
        self.drive(partial(self.bus.advance, time_ns))


class InSimPy(World):
    """What the virtual driver does for its bus."""

    def __init__(self, model: BusModel = CARRIES, seed: int = 1) -> None:
        super().__init__()
        self.environment = simpy.Environment()
        fates = BusFaultModel(Draws(seed), model)
        self.here = self.there = VirtualBus(fates, self.now_ns, self.schedule, self.after, self.tell)

    def now_ns(self) -> int:
        return int(self.environment.now)

    def schedule(
        self, at_ns: int, message: Message, subscriber: str, copy: int, act: Callable[[], None]
    ) -> None:
        self.after(at_ns - self.now_ns(), act)

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        event = self.environment.timeout(delay_ns)
        callbacks = event.callbacks
        callbacks.append(lambda _: act())
        return lambda: callbacks.clear()

    async def settled(self) -> None:
        while self.environment.peek() <= self.environment.now:
            self.step()

    async def passed(self, time_ns: int) -> None:
        end = self.environment.timeout(time_ns)
        while not end.processed:
            self.step()
        await self.settled()

    def step(self) -> None:
        try:
            self.environment.step()
        except Exception as problem:
            self.problems.append(problem)


class OnServer(World):
    """Two connections to a real server."""

    def __init__(self) -> None:
        super().__init__()
        self.buses: list[NatsBus] = []
        self.clock = Clock(Origin(time.monotonic_ns(), 0, RATE))

    def now_ns(self) -> int:
        return self.clock.now_ns()

    async def settled(self) -> None:
        """What is answered in a callback needs a round of its own."""
        for bus in self.buses * 3:
            await bus.flush()
            for _ in range(3):
                await asyncio.sleep(0)

    async def passed(self, time_ns: int) -> None:
        end_ns = self.now_ns() + time_ns
        done = asyncio.Event()
        self.buses[0].after(time_ns, done.set)
        await until(done.is_set)
        await until(lambda: self.now_ns() >= end_ns)
        await self.settled()


@asynccontextmanager
async def in_memory(url: str) -> AsyncIterator[World]:
    yield InMemory()


@asynccontextmanager
async def in_simpy(url: str) -> AsyncIterator[World]:
    yield InSimPy()


_RUNS = itertools.count(1)


@asynccontextmanager
async def on_server(url: str) -> AsyncIterator[World]:
    world, run_id = OnServer(), f"{next(_RUNS):08d}"
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: world.problems.append(context["exception"]))
    async with AsyncExitStack() as stack:
        for name in ("here", "there"):
            client = await connect(url, name, partial(world.tell, ""))
            stack.push_async_callback(client.close)
            bus = NatsBus(client, Subjects(LOCAL_GARDEN, run_id), world.clock, world.tell, BYTES_MAX)
            stack.push_async_callback(bus.close)
            world.buses.append(bus)
        world.here, world.there = world.buses
        yield world


Enter = Callable[[str], AbstractAsyncContextManager[Any]]


def with_faults(enter: Enter) -> Enter:
    """The same world, its buses behind faults of which there are none."""

    @asynccontextmanager
    async def entered(url: str) -> AsyncIterator[World]:
        async with enter(url) as world:

            def behind(bus: Bus) -> Bus:
                return FaultyBus(bus, BusFaultModel(Draws(1), CARRIES), world.now_ns, world.tell, BYTES_MAX)

            same = world.here is world.there
            world.here, there = behind(world.here), world.there
            world.there = world.here if same else behind(there)
            yield world

    return entered


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nats_server(tmp_path_factory.mktemp("bus")) as server:
        yield server.url


@pytest.fixture(scope="class")
def on_nats(request: pytest.FixtureRequest, url: str) -> None:
    request.cls.url = url


class Played(BusSuite):
    """Plays each case in a world that is entered for it."""

    url = ""
    enter: ClassVar[Any]

    def play(self, case: Case) -> None:
        async def run() -> None:
            async with type(self).enter(self.url) as world:
                await patiently(case(world))

        asyncio.run(run())


class TestMemory(Played):
    enter = staticmethod(in_memory)


class TestFaultyMemory(Played):
    enter = staticmethod(with_faults(in_memory))


class TestVirtual(Played):
    enter = staticmethod(in_simpy)


class TestFaultyVirtual(Played):
    enter = staticmethod(with_faults(in_simpy))


@pytest.mark.usefixtures("on_nats")
class TestNats(Played):
    enter = staticmethod(on_server)


@pytest.mark.usefixtures("on_nats")
class TestFaultyNats(Played):
    enter = staticmethod(with_faults(on_server))


class TestFatesOfFaultyMemory(FatesSuite):
    def play_with(self, model: BusModel, seed: int, case: Case) -> None:
        world = InMemory()
        fates = BusFaultModel(Draws(seed), model)
        world.here = world.there = FaultyBus(world.here, fates, world.now_ns, world.tell, BYTES_MAX)
        asyncio.run(case(world))


class TestFatesOfVirtual(FatesSuite):
    def play_with(self, model: BusModel, seed: int, case: Case) -> None:
        asyncio.run(case(InSimPy(model, seed)))
