"""The bus port on a NATS connection.

What is sent is queued and published by one task, so that the order of a sender
holds.  A message that wants an answer names the subject of its thread, so a late
answer still arrives, and finds its request after a restart too.  While the
server is away the client buffers up to its limit; what is beyond is lost and
told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import nats
from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from gardens.real.clock import Clock
from gardens.real.subjects import Subjects
from nimdsl.errors import TemporaryPortError
from nimdsl.units import SECOND_NS
from runtime.bus import BACKLOG_COUNT_MAX, NOBODY, Backlog, Ears, Listener, Message, Take, Told, check_size

SENDER, NUMBER = "Nimdsl-Sender", "Nimdsl-Number"
"""Headers that identify a message among actors."""
_STATUS, _NO_RESPONDERS = "Status", "503"
RECONNECT_WAIT_S = 0.05
CONNECT_TIMEOUT_S = 5.0
BUFFER_BYTES_MAX = 16 << 20


async def connect(url: str, name: str, told: Callable[[str], None], patient: bool = True) -> Client:
    """A connection that comes back by itself, unless it is not ``patient``.

    Raises TemporaryPortError when there is no server.
    """

    async def on_error(problem: Exception) -> None:
        if not isinstance(problem, OSError | errors.StaleConnectionError | errors.UnexpectedEOF):
            told(str(problem) or type(problem).__name__)

    async def on_disconnect() -> None:
        told("the bus is away")

    async def on_reconnect() -> None:
        told("the bus is back")

    try:
        return await nats.connect(
            url,
            name=name,
            error_cb=on_error,
            disconnected_cb=on_disconnect,
            reconnected_cb=on_reconnect,
            max_reconnect_attempts=-1 if patient else 1,
            reconnect_time_wait=RECONNECT_WAIT_S,
            connect_timeout=CONNECT_TIMEOUT_S,
            pending_size=BUFFER_BYTES_MAX,
            allow_reconnect=patient,
            ping_interval=5,
        )
    except (OSError, errors.Error, TimeoutError) as problem:
        raise TemporaryPortError(f"no NATS server at {url}: {problem or type(problem).__name__}") from None


class NatsBus:
    """See :class:`runtime.bus.Bus`.  Needs a running event loop; ``after`` counts garden time."""

    def __init__(
        self, client: Client, subjects: Subjects, clock: Clock, told: Told, bytes_max: int
    ) -> None:
        self.client = client
        self.sent_count = 0
        self.received_count = 0
        self._subjects = subjects
        self._clock = clock
        self._told = told
        self._bytes_max = bytes_max
        self._ears = Ears(told)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._task = self._loop.create_task(self._work(), name="bus")

    def send(self, message: Message) -> None:
        """See :class:`runtime.bus.Bus`."""
        check_size(message, self._bytes_max)
        self.sent_count += 1
        self._do(lambda: self._publish(message))

    def publish(self, subject: str, data: bytes) -> None:
        """To whoever listens to a subject: waves."""
        self._do(lambda: self._published(subject, data))

    def listen(self, address: str, take: Take, backlog_count_max: int = BACKLOG_COUNT_MAX) -> Listener:
        """See :class:`runtime.bus.Bus`.  It hears from the moment the server knows: see :meth:`flush`."""
        backlog = self._ears.open(address, take, backlog_count_max)
        self._do(lambda: self._subscribe(address, backlog))
        return _Listener(backlog, lambda: self._do(lambda: self._unsubscribe(address)))

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """See :class:`runtime.bus.Bus`."""
        return self._loop.call_later(delay_ns / SECOND_NS / self._clock.rate, act).cancel

    def wall_after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """The same by the wall clock: for liveness, which no rate scales."""
        return self._loop.call_later(delay_ns / SECOND_NS, act).cancel

    async def flush(self) -> None:
        """Until everything so far has reached the server; at most a few seconds, silently."""
        await self._idle.wait()
        try:
            await self.client.flush(timeout=5)
        except (errors.Error, TimeoutError, OSError):
            self._told("", "the bus did not answer a flush")

    async def close(self) -> None:
        """Stops; the connection stays open."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                try:
                    await subscription.unsubscribe()
                except errors.Error:
                    continue

    # The one task that talks to the client

    def _do(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._waiting.append(act)
        self._idle.clear()
        self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._waiting.popleft()()
            self._idle.set()

    async def _publish(self, message: Message) -> None:
        headers = dict(message.headers)
        if message.sender:
            headers |= {SENDER: message.sender, NUMBER: str(message.number)}
        subject = self._subjects.subject(message.to)
        reply = self._subjects.subject(message.reply_to) if message.reply_to else ""
        try:
            await self.client.publish(subject, message.data, reply, headers or None)
        except errors.Error as problem:
            self._told(message.to, f"could not be reached: {problem or type(problem).__name__}")

    async def _published(self, subject: str, data: bytes) -> None:
        try:
            await self.client.publish(subject, data)
        except errors.Error as problem:
            self._told(subject, f"could not be reached: {problem or type(problem).__name__}")

    async def _subscribe(self, address: str, backlog: Backlog) -> None:
        async def hear(raw: Msg) -> None:
            self._hear(raw, backlog)

        subject = self._subjects.subject(address)
        self._subscriptions[address] = [
            await self.client.subscribe(subject, cb=hear),
            await self.client.subscribe(f"{subject}.*", cb=hear),
        ]

    async def _unsubscribe(self, address: str) -> None:
        for subscription in self._subscriptions.pop(address, ()):
            await subscription.unsubscribe()

    def _hear(self, raw: Msg, backlog: Backlog) -> None:
        headers = dict(raw.headers or {})
        self.received_count += 1
        thread = raw.subject.removeprefix(self._subjects.subject(backlog.address))
        to = backlog.address + thread.replace(".", "/", 1)
        nobody = headers.get(_STATUS) == _NO_RESPONDERS and not raw.data
        reply_to = self._subjects.address(raw.reply) if raw.reply else ""
        sender, number = headers.pop(SENDER, ""), headers.pop(NUMBER, "0")
        if nobody:
            self._told(to, "nobody is there")
        backlog.put(Message(to, raw.data, headers, sender, int(number), reply_to, NOBODY if nobody else ""))


class _Listener:
    """A listener whose end the server hears of too."""

    def __init__(self, backlog: Backlog, close: Callable[[], None]) -> None:
        self._backlog = backlog
        self._close = close

    def hold(self) -> None:
        self._backlog.hold()

    def release(self) -> None:
        self._backlog.release()

    def close(self) -> None:
        self._backlog.close()
        self._close()
