"""The bus port on a NATS connection.

What is sent goes to the client at once, so the order of a sender holds; the
client writes it to the socket in its own time.  A message that wants an answer
names the subject of its thread, so a late answer still arrives, and finds its
request after a restart too.  While the server is away the client buffers; what is
beyond ``BUFFER_BYTES_MAX`` is lost and told.  What was on its way when the server
went may be lost, and so may what is sent to a place that comes back later than its
sender; each place is told that the server was away.

The server ends a connection that sends what it does not like, for good.  So
whatever it would not like is refused here.

What is published names its topic in a header, and only what does so was published:
subjects of waves and of threads may look the same.  A place has one subscription at the
server for all that is published, however many subscribe to whatever there: the client has
a queue of its own for each subscription, so with two of them the order of a sender is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from gardens.real.clock import Clock, Timers
from gardens.real.nats.subjects import Subjects
from nimdsl.base.errors import InternalError, NimdslError, PermanentPortError, TemporaryPortError
from nimdsl.base.units import SECOND_NS
from runtime.ports.bus import (
    BACKLOG_COUNT_MAX,
    NO_HEADERS,
    NOBODY,
    Backlog,
    Handler,
    Listener,
    ListenerRegistry,
    Message,
    OnIncident,
    Through,
    check_size,
)
from runtime.ports.topics import Audience, check_published
from runtime.run.wire import whole

SENDER, NUMBER = "Nimdsl-Sender", "Nimdsl-Number"
"""Headers that identify a message among actors."""
TOPIC = "Nimdsl-Topic"
"""The header by which a message was published."""
AWAY = "the bus is away: what was on its way may be lost"
_STATUS, _NO_RESPONDERS = "Status", "503"
RECONNECT_WAIT_S = 0.05
CONNECT_TIMEOUT_S = 30
FLUSH_WAIT_S, FLUSH_COUNT_MAX = 0.5, 60
BUFFER_BYTES_MAX = 64 << 20
"""How much may wait for the socket, whether the server is there or not."""
SUBJECTS_LENGTH_MAX = 1_000
"""Characters: the server reads a line of at most 4,096 bytes, with two subjects in it."""
_FLUSH_COUNT_MAX = 1 << 16
"""How many times the client may be told to flush before it does; a subscription is one."""
_REFUSALS = (errors.BadSubjectError, errors.BadHeaderError, errors.MaxPayloadError, ValueError)

_T = TypeVar("_T")
Ear = Callable[[Msg], Awaitable[None]]
"""What the client calls with what the server sent."""


async def connect(url: str, name: str, on_incident: Callable[[str], None], patient: bool = True) -> Client:
    """A connection that comes back by itself, unless it is not ``patient``.

    Raises TemporaryPortError when there is no server, or none that answers in time.
    """
    client = Client()

    async def on_error(problem: Exception) -> None:
        if not isinstance(problem, OSError | errors.StaleConnectionError | errors.UnexpectedEOF):
            on_incident(str(problem) or type(problem).__name__)

    async def on_disconnect() -> None:
        on_incident("the bus is closed" if client.is_closed else AWAY)

    async def on_reconnect() -> None:
        on_incident("the bus is back")

    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await client.connect(
                url,
                name=name,
                error_cb=on_error,
                disconnected_cb=on_disconnect,
                reconnected_cb=on_reconnect,
                max_reconnect_attempts=-1 if patient else 1,
                reconnect_time_wait=RECONNECT_WAIT_S,  # type: ignore[arg-type]
                connect_timeout=CONNECT_TIMEOUT_S,
                pending_size=2 * BUFFER_BYTES_MAX,
                flusher_queue_size=_FLUSH_COUNT_MAX,
                allow_reconnect=patient,
                ping_interval=5,
            )
    except (OSError, errors.Error) as problem:
        await client._close(Client.CLOSED, do_cbs=False)
        reason = client.last_error or problem
        raise TemporaryPortError(f"no NATS server at {url}: {_words(reason)}") from None
    return client


class NatsBus:
    """See :class:`runtime.ports.bus.Bus`.  Needs a running event loop; ``after`` counts garden time."""

    def __init__(
        self, client: Client, subjects: Subjects, clock: Clock, on_incident: OnIncident, bytes_max: int
    ) -> None:
        self.client = client
        self.sent_count = 0
        self.received_count = 0
        self.wave_count = 0
        """What was published here, and what came of what was published."""
        self._subjects = subjects
        self._on_incident = on_incident
        self._bytes_max = bytes_max
        self._closed = False
        self._ears = ListenerRegistry(on_incident)
        self._audience = Audience(on_incident)
        self._waves: _Known | None = None
        """What is heard of what is published, as long as anybody here subscribes."""
        self._loop = asyncio.get_running_loop()
        self._timers = Timers(clock)
        self._listeners: set[_Known] = set()

    def send(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`.  Refuses also what NATS has no form for."""
        to, data, headers, sender, number, reply_to, _ = message
        check_size(message, self._bytes_max)
        if sender:
            headers = {**headers, SENDER: sender, NUMBER: str(number)}
        subjects = self._subjects
        subject, reply = subjects.subject(to), subjects.subject(reply_to) if reply_to else ""
        self._publish(to, subject, data, reply, headers)
        self.sent_count += 1

    def publish(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`.  Refuses also what NATS has no form for."""
        to, data, headers, sender, number, _, _ = message
        check_published(message)
        check_size(message, self._bytes_max)
        headers = {**headers, TOPIC: to}
        if sender:
            headers |= {SENDER: sender, NUMBER: str(number)}
        self._publish(to, self._subjects.wave(to, sender), data, "", headers)
        self.wave_count += 1

    def _publish(
        self, address: str, subject: str, data: bytes, reply: str, headers: Mapping[str, str]
    ) -> None:
        """Never waits: the client puts it into a list, and writes that when the event loop is free."""
        client = self.client
        if headers:
            check_headers(data, headers, client.max_payload)
        if len(subject) + len(reply) > SUBJECTS_LENGTH_MAX:
            raise PermanentPortError(f"the subjects are longer than {SUBJECTS_LENGTH_MAX:,} characters")
        if self._closed:
            self._on_incident(address, "lost a message: the bus is closed")
        elif client.pending_data_size + len(data) > BUFFER_BYTES_MAX:
            self._on_incident(address, "lost a message: the bus does not keep up")
        else:
            try:
                _at_once(client.publish(subject, data, reply, headers or None))  # type: ignore[arg-type]
            except _REFUSALS as problem:
                raise PermanentPortError(f"the bus has no form for this: {_words(problem)}") from None
            except errors.Error as problem:
                self._on_incident(address, f"lost a message: {_words(problem)}")

    def listen(self, address: str, take: Handler, backlog_count_max: int = BACKLOG_COUNT_MAX) -> Listener:
        """See :class:`runtime.ports.bus.Bus`.  It hears once the server knows: see :meth:`flush`."""
        backlog = self._ears.open(address, partial(self._heard, address, take), backlog_count_max)
        subject = self._subjects.subject(address)
        prefix_length = len(subject) + 1

        async def hear(raw: Msg) -> None:
            self._hear(raw, address, backlog)

        async def hear_thread(raw: Msg) -> None:
            self._hear(raw, f"{address}/{raw.subject[prefix_length:]}", backlog)

        listener = _Listener(backlog, self._listeners.discard)
        self._subscribe(listener, address, {subject: hear, f"{subject}.*": hear_thread})
        return listener

    def _subscribe(self, listener: _Known, address: str, ears: Mapping[str, Ear]) -> None:
        """Raises PermanentPortError when there can be no such subscription; the listener is closed then."""
        try:
            for pattern, ear in ears.items():
                subscription = _at_once(self.client.subscribe(pattern, cb=ear))
                if subscription is None:
                    raise InternalError("too many listeners at once")
                listener.subscriptions.append(subscription)
        except errors.Error as problem:
            listener.close()
            raise PermanentPortError(f"nobody can listen at {address}: {_words(problem)}") from None
        self._listeners.add(listener)

    def subscribe(
        self,
        topic: str,
        subscriber: str,
        take: Handler,
        backlog_count_max: int = BACKLOG_COUNT_MAX,
        through: Through | None = None,
    ) -> Listener:
        """See :class:`runtime.ports.bus.Bus`.  It hears once the server knows: see :meth:`flush`."""
        heard = partial(self._heard, subscriber, take)
        backlog = self._audience.open(topic, subscriber, heard, backlog_count_max, through)
        listener = _Listener(backlog, self._left)
        self._listeners.add(listener)
        if self._waves is None:
            self._waves = _Known(self._listeners.discard)
            try:
                self._subscribe(self._waves, topic, {self._subjects.waves(): self._hear_wave})
            except NimdslError:
                listener.close()
                raise
        return listener

    def _left(self, listener: _Known) -> None:
        """The last one turns off the light."""
        self._listeners.discard(listener)
        if self._waves is not None and not self._audience:
            self._waves.close()
            self._waves = None

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._timers.after(delay_ns, act)

    def wall_after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """The same by the wall clock: for liveness, which no rate scales."""
        return self._loop.call_later(delay_ns / SECOND_NS, act).cancel

    async def flush(self) -> None:
        """Until everything so far has reached the server; at most half a minute, silently.

        A question to nobody goes behind all that waits, and the server itself answers it.  The
        client's ping would not do: it goes ahead, and its answer may be lost with a connection.
        """
        for _ in range(FLUSH_COUNT_MAX):
            try:
                await self.client.request(self.client.new_inbox(), timeout=FLUSH_WAIT_S)
            except errors.NoRespondersError:
                return
            except errors.TimeoutError:
                continue
            except (errors.Error, OSError):
                break
        self._on_incident("", "the bus did not answer a flush")

    async def close(self) -> None:
        """Hears and sends nothing more; the connection stays open, and what was sent still goes out."""
        self._closed = True
        for listener in list(self._listeners):
            listener.close()
        await asyncio.sleep(0)  # the client writes, or notices that it cannot

    def _hear(self, raw: Msg, to: str, backlog: Backlog) -> None:
        if raw.headers is not None and TOPIC in raw.headers:
            return
        self.received_count += 1
        reply_to = self._subjects.address(raw.reply) if raw.reply else ""
        headers = raw.headers
        if headers is None:
            backlog.put(Message(to, raw.data, NO_HEADERS, "", 0, reply_to))
            return
        if headers.get(_STATUS) == _NO_RESPONDERS and not raw.data:
            self._on_incident(backlog.address, "asked where nobody is")
            backlog.put(Message(to, status=NOBODY))
            return
        backlog.put(Message(to, raw.data, headers, *_identity(headers), reply_to))

    async def _hear_wave(self, raw: Msg) -> None:
        topic = raw.headers.pop(TOPIC, "") if raw.headers is not None else ""
        if not topic:
            return
        self.wave_count += 1
        headers: Mapping[str, str] = raw.headers or NO_HEADERS
        message = Message(topic, raw.data, headers, *_identity(raw.headers or {}))
        for subscriber, arrive in self._audience.hearers(message):
            self._heard(subscriber, arrive, message)

    def _heard(self, address: str, take: Handler, message: Message) -> None:
        try:
            take(message)
        except Exception as problem:
            self._on_incident(address, f"a listener raised {type(problem).__name__}: {problem}")
            self._loop.call_exception_handler({"message": f"heard at {address}", "exception": problem})


def _identity(headers: dict[str, str]) -> tuple[str, int]:
    """Takes sender and number out of the headers."""
    sender, number = headers.pop(SENDER, ""), whole(headers.pop(NUMBER, "0"))
    return ("", 0) if number is None else (sender, number)


class _Known:
    """What the server knows of, and hears of the end of too."""

    def __init__(self, closed: Callable[[_Known], None]) -> None:
        self.subscriptions: list[Subscription] = []
        self._closed = closed

    def close(self) -> None:
        while self.subscriptions:
            with suppress(errors.Error):
                _at_once(self.subscriptions.pop().unsubscribe())
        self._closed(self)


class _Listener(_Known):
    def __init__(self, backlog: Backlog, closed: Callable[[_Known], None]) -> None:
        super().__init__(closed)
        self.hold, self.release = backlog.hold, backlog.release
        self._backlog = backlog

    def close(self) -> None:
        self._backlog.close()
        super().close()


def _at_once(act: Coroutine[Any, Any, _T]) -> _T | None:
    """Has the client do something now, without a task of its own.

    The client first puts what it shall send into a list; if it wants to wait then, it is for a
    flush, which comes anyway.
    """
    try:
        act.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    act.close()
    return None


def check_headers(data: bytes, headers: Mapping[str, str], bytes_max: int) -> None:
    """Raises PermanentPortError when the message is larger than the server takes, headers included."""
    at_most = len(data) + 256 * len(headers) + 4 * sum(map(len, headers.values()))
    if at_most <= bytes_max:
        return
    lines = (f"{key}: {value}\r\n".encode(errors="replace") for key, value in headers.items())
    size = len(data) + len("NATS/1.0\r\n\r\n") + sum(map(len, lines))
    if size > bytes_max:
        text = f"the message is too large with its headers: {size:,} bytes, the server takes {bytes_max:,}"
        raise PermanentPortError(text)


def _words(problem: Exception) -> str:
    return str(problem) or type(problem).__name__
