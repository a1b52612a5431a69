"""Where work is done for real, and what came back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from nats.aio.client import Client

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.subjects import Subjects
from gardens.real.process.work_runner import WorkRunner
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.compile.garden import LOCAL_GARDEN, PERFECT_GARDEN
from nimdsl.program import Work
from runtime.kernel.events import Finished
from runtime.ports.bus import PAYLOAD_BYTES_MAX
from runtime.ports.requests import RequestClient
from runtime.ports.translator import DocumentTranslator
from tests.support.gardens import local
from tests.support.nats import NatsServer
from tests.support.patience import patiently

SEED = 7

ACTOR = "cell/c"

CALLABLES = """
import asyncio
import concurrent.futures
import sys
import threading

CALLS = []
STARTED, FREED, SEEN = threading.Event(), threading.Event(), threading.Event()


def add(given):
    return {"sum": given["a"] + given["b"], "who": threading.current_thread().name}


async def add_later(given):
    await asyncio.sleep(0)
    return {"sum": given["a"] + given["b"], "who": threading.current_thread().name}


class Adder:
    @staticmethod
    def add(given):
        return add(given)


def any_number(*given):
    return add(*given)


def sooner_or_later(given):
    return add_later(given)


def without_arguments():
    return {"sum": 3, "who": ""}


def greedy(given):
    given["a"] += 1
    given["list"].append("more")
    return {"sum": given["a"] + given["b"], "who": ""}


def raises(given):
    raise LookupError("no such thing")


async def raises_later(given):
    raise LookupError("no such thing")


def stops(given):
    return next(iter(()))


def exits(given):
    sys.exit(3)


async def exits_later(given):
    sys.exit(3)


def gives_up(given):
    raise concurrent.futures.CancelledError


async def gives_up_later(given):
    raise asyncio.CancelledError


def half_a_reason(given):
    raise LookupError("\\ud800")


class Unspeakable(Exception):
    def __str__(self):
        raise self


def unspeakable(given):
    raise Unspeakable


def nothing(given):
    return None


def too_little(given):
    return {"sum": 3}


def too_much(given):
    return {"sum": 3, "who": "", "why": ""}


def wrong(given):
    return {"sum": "three", "who": ""}


def half_a_character(given):
    return {"sum": 3, "who": "\\ud800"}


def endless(given):
    return {"sum": 3, "who": "x" * 600_000}


def listens(given, cancelled):
    STARTED.set()
    if cancelled.wait(20):
        SEEN.set()
    return {"sum": 3, "who": ""}


async def listens_later(given):
    STARTED.set()
    try:
        await asyncio.sleep(20)
    finally:
        SEEN.set()
    return {"sum": 3, "who": ""}


def deaf(given):
    CALLS.append(given["a"])
    STARTED.set()
    FREED.wait(20)
    return {"sum": given["a"], "who": ""}


def once(given):
    CALLS.append(given)
    STARTED.set()
    if len(CALLS) == 1:
        FREED.wait(20)
    return {"value": len(CALLS)}


FLAG = "no function"
"""


@dataclass
class Place:
    """Where work is done, and what came back."""

    works: WorkRunner
    client: Client
    events: asyncio.Queue[Finished] = field(default_factory=asyncio.Queue)
    number: int = 0

    def start(self, work: Work, arguments: Plain = None) -> int:
        self.number += 1
        self.works.start(ACTOR, work, self.number, arguments or {}, self.events.put_nowait)
        return self.number

    async def done(self, work: Work, arguments: Plain = None) -> dict[str, Any]:
        """What the work comes back with."""
        number = self.start(work, arguments)
        assert self.events.empty(), "it came back at once, not later"
        event = await self.events.get()
        assert event.work == number
        payload = {"outcome": event.outcome, "values": event.values, "reason": event.reason}
        assert canonical.decode(canonical.encode(payload)) == payload, "what comes back can be journalled"
        assert self.works.count == 0
        return payload

    async def nothing_more(self) -> None:
        """Nothing comes back any more, also not a moment later."""
        assert self.works.count == 0
        await asyncio.sleep(0.05)
        assert self.events.empty()


@asynccontextmanager
async def place(
    server: NatsServer, stand_ins: tuple[str, ...] = (), after: Any = None, **garden: Any
) -> AsyncIterator[Place]:
    home = local(1.0, replace(LOCAL_GARDEN, **garden), stand_ins=frozenset(stand_ins))
    client = await connect(server.url, "works", unheard)
    bus = NatsBus(
        client,
        Subjects(home, "0" * 32),
        Clock(Origin(time.monotonic_ns(), 0, 1)),
        unheard,
        PAYLOAD_BYTES_MAX,
    )
    questions = RequestClient(bus, "asker/works", bus.wall_after)
    works = WorkRunner(home, PERFECT_GARDEN, SEED, questions, DocumentTranslator({}), after or bus.after)
    await bus.flush()
    try:
        yield Place(works, client)
    finally:
        works.close()
        questions.close()
        await bus.close()
        await client.close()


def unheard(*_: str) -> None:
    """What befalls the bus is not what these tests are about."""


def at(server: NatsServer, scenario: Callable[[Place], Awaitable[None]], **more: Any) -> None:
    """Runs a scenario in a place of its own."""

    async def run() -> None:
        async with place(server, **more) as here:
            await patiently(scenario(here))

    asyncio.run(run())


OUTCOMES = {"done": "done", "failed": "failed"}
