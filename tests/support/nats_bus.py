"""A bus on a NATS server, with what it told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from nats.aio.client import Client

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.subjects import Subjects
from nimdsl.compile.garden import LOCAL_GARDEN
from runtime.ports.bus import Message
from tests.support.patience import patiently

MIB = 1 << 20

SECOND = 1_000_000_000

RUN = "3f2a9c01"


class Place:
    """A bus, what it was told, and what escaped from it."""

    def __init__(self, client: Client, told: list[tuple[str, str]], rate: float) -> None:
        self.told = told
        self.escaped: list[dict[str, Any]] = []
        self.clock = Clock(Origin(time.monotonic_ns(), 0, rate))
        subjects = Subjects(LOCAL_GARDEN, RUN)
        self.bus = NatsBus(client, subjects, self.clock, lambda *what: told.append(what), MIB)

    def hears(self, address: str) -> list[Message]:
        heard: list[Message] = []
        self.bus.listen(address, heard.append)
        return heard

    def was_told(self, what: str, times: int = 1) -> bool:
        return sum(what in text for _, text in self.told) >= times


@asynccontextmanager
async def place(url: str, rate: float = 1.0) -> AsyncIterator[Place]:
    told: list[tuple[str, str]] = []
    client = await connect(url, "test", lambda what: told.append(("", what)))
    one = Place(client, told, rate)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: one.escaped.append(context))
    try:
        yield one
    finally:
        await one.bus.close()
        await client.close()


def run(case: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await patiently(case())

    asyncio.run(all_of_it())
