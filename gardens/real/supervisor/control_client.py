"""Orders to the processes of a garden, from whoever owns it and from outside.

A garden's manifest says where its bus is and which run it lives; that is enough
to ask its processes how they are, and to order its owner to pause.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.subjects import Subjects
from gardens.real.process.node import CONTROL
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.program import Garden
from runtime.ports.bus import PAYLOAD_BYTES_MAX, Message
from runtime.ports.requests import RequestClient

ORDER_TIMEOUT_NS = 10_000_000_000
"""For who listens and says nothing; where nobody listens, the bus says so at once."""
OWNER = "owner"
"""The name under which the process that owns a garden takes orders."""


class Orders:
    """A connection for control alone."""

    def __init__(self, bus: NatsBus) -> None:
        self.bus = bus
        address = f"asker/{OWNER}-{os.getpid()}-{secrets.token_hex(4)}"
        self._questions = RequestClient(bus, address, bus.wall_after)

    async def give(
        self, name: str, what: str, timeout_ns: int = ORDER_TIMEOUT_NS, **more: Plain
    ) -> dict[str, Any] | None:
        """Orders something of a process; its answer, or None when it gives none in time."""
        answered: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()

        order = Message(f"{CONTROL}/{name}", canonical.encode({"do": what, **more}))
        self._questions.ask(order, timeout_ns, lambda answer: _resolve(answered, answer))
        answer = await answered
        if answer is None or answer.status:
            return None
        said: dict[str, Any] = canonical.decode(answer.data)
        return said

    async def hears(self, address: str) -> bool:
        """Whether anybody listens there: an empty request gets silence then, else the bus's own word.

        The bus's word on a request to nobody, which is sent behind, is how long to wait for the other.
        """
        loop = asyncio.get_running_loop()
        there: asyncio.Future[Message | None] = loop.create_future()
        nowhere: asyncio.Future[Message | None] = loop.create_future()
        nobody = Message(f"{CONTROL}/nobody-{secrets.token_hex(8)}")
        self._questions.ask(Message(address), ORDER_TIMEOUT_NS, lambda answer: _resolve(there, answer))
        self._questions.ask(nobody, ORDER_TIMEOUT_NS, lambda answer: _resolve(nowhere, answer))
        if await nowhere is None:
            return False  # the bus is away
        answer = there.result() if there.done() else None
        return answer is None or not answer.status

    async def give_all(self, names: Sequence[str], what: str) -> dict[str, dict[str, Any] | None]:
        """Orders something of several processes at once."""
        answers = await asyncio.gather(*(self.give(name, what) for name in names))
        return dict(zip(names, answers, strict=True))


@asynccontextmanager
async def orders_for(garden: Garden, manifest: Mapping[str, Any]) -> AsyncIterator[Orders]:
    """A connection to a garden that somebody else owns.  Raises TemporaryPortError when it is away."""
    client = await connect(str(manifest["url"]), "orders", _unheard, patient=False)
    try:
        subjects = Subjects(garden, str(manifest["run_id"]))
        bus = NatsBus(client, subjects, Clock(Origin(0, 0, 1)), _unheard, PAYLOAD_BYTES_MAX)
        try:
            orders = Orders(bus)
            await bus.flush()
            yield orders
        finally:
            await bus.close()
    finally:
        await client.close()


def _resolve(future: asyncio.Future[Message | None], answer: Message | None) -> None:
    if not future.done():
        future.set_result(answer)


def _unheard(*_: str) -> None:
    """Who gives orders sees by the answers how the bus is."""
