"""Journals on streams, and who meddles with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gardens.real.nats.batches import Batch, last_sequence, parse_batch, read_batches
from gardens.real.nats.stream import Lost, Restored, StreamJournal
from tests.support.nats import NatsServer
from tests.support.patience import patiently


class Losses(list[Exception]):
    """A ``lost`` that remembers."""

    def __call__(self, error: Exception) -> None:
        self.append(error)


SURPRISES = Losses()
"""The ``lost`` of journals that must not be lost; every scenario looks at the end."""


class Meddling:
    """A client between the journal and the real one: ``meddle`` makes each request of it."""

    def __init__(self, client: Any, meddle: Callable[[Callable[[], Any]], Any]) -> None:
        self._client = client
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def request(self, *args: Any, **named: Any) -> Any:
        return await self._meddle(lambda: self._client.request(*args, **named))


async def opened(
    client: Any, writer: str = "w", lost: Lost = SURPRISES, stream: str = "J", **more: Any
) -> StreamJournal:
    subject = f"{stream.lower()}.lines"
    journal = await StreamJournal.open(client, stream, subject, writer=writer, lost=lost, **more)
    await journal.restored()
    return journal


async def restored(client: Any) -> Restored:
    journal = await StreamJournal.open(client, "J", "j.lines", writer="reader", lost=SURPRISES)
    found = await journal.restored()
    await journal.close()
    return found


async def batches(client: Any) -> list[Batch]:
    last = await last_sequence(client, "J") or 0
    return [parse_batch(payload) async for _, payload in read_batches(client, "J", 1, last)]


def connected(scenario: Callable[[Any], Any], server: NatsServer) -> None:
    async def run() -> None:
        async with server.client() as client:
            await patiently(scenario(client))

    SURPRISES.clear()
    asyncio.run(run())
    assert SURPRISES == []
