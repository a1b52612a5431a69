"""A group's journal: one JetStream stream, one writer, group commit.

The laws, for appends made by one incarnation (a *writer*) of a group:

1.  Lines reach the stream in the order of ``append``, whole batches at a time.
    A batch is one message: a head, then one line an entry, canonical JSON each.
    What is appended while a batch is on its way goes out together as the next.
2.  ``after`` runs nothing before the stream has acknowledged every line that
    was appended before it; so no effect leaves ahead of its journal (SEMANTICS 8.1).
3.  Each batch names the sequence that it must follow.  Two writers therefore
    never interleave: the first to write stays, the other is *lost*, for good.
4.  What the server does not answer is sent again, the same bytes.  A batch
    that was stored while its answer went missing is then refused as "wrong last
    sequence": what stands at the expected place tells whether it is ours.
5.  A mark travels with or behind the lines appended before it, never ahead.

An acknowledged message survives the death of the server; that of the host only
as far as the server is set to write to the disk (``sync_interval``).

Not here: how batches are read (:mod:`gardens.real.nats.batches`), what bodies mean (the
kernel), and the copy that other processes read (:mod:`gardens.real.nats.projection`).
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import RetentionPolicy, StorageType, StreamConfig

from gardens.real.nats.batches import (
    ACK_TIMEOUT_S,
    RETRY_S,
    Batch,
    is_temporary,
    last_sequence,
    parse_batch,
    patiently,
    read_batches,
)
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import InternalError, PermanentPortError, TemporaryPortError
from runtime.ports.journal import JournalEntry, encoded

MESSAGE_BYTES_MAX = 512 * 1024
"""Where a batch is split, unless its first line alone is longer."""
HEAD_BYTES_MAX = 4096
"""What the head without marks and the headers of a message may take of the server's own limit."""
BACKLOG_BYTES_MAX = 256 * 1024 * 1024
MARKS_COUNT_MAX = 4096
MARK_BYTES_MAX = 128

GONE_S = 2.0
"""For how long a server must deny that it has the stream before it is believed."""
CLOSE_S = 5.0


_quoted = lru_cache(maxsize=4096)(encoded)
_WRONG_LAST_SEQUENCE = (10071, 10164)
_NEEDED = ("subjects", "storage", "retention", "max_msgs", "max_bytes", "max_age", "allow_direct")

Lost = Callable[[Exception], None]
"""Is told why a journal can never be written again."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A whole stream: each actor's lines in order, and the last value of each mark."""

    entries: dict[str, list[JournalEntry]]
    marks: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Packet:
    """A batch on its way, and how many items of the queue went into it."""

    payload: bytes
    item_count: int
    lines: list[bytes]


class StreamJournal:
    """An :class:`runtime.ports.journal.Appender` on one stream; belongs to one event loop.

    ``lost`` is called once, when this writer can never write again: another one has
    written, the stream or the connection is gone for good, or what was to run ``after``
    failed.  From then on every call but ``close`` is a PermanentPortError, and what
    waited is never run: the journal then says what a new incarnation has to resend.
    """

    def __init__(
        self, client: Client, stream: str, subject: str, writer: str, lost: Lost, limit: int
    ) -> None:
        self.stream, self.writer = stream, writer
        self._client, self._subject, self._lost = client, subject, lost
        self._line_bytes_max = client.max_payload - HEAD_BYTES_MAX
        self._message_bytes_max = min(limit, self._line_bytes_max)
        self._positions: dict[str, int] = {}
        self._sequence = 0
        self._batch_count = 0
        # Lines, and between two lines at most one dict of marks; a batch takes them in order.
        self._queue: deque[bytes | dict[str, int]] = deque()
        # How many items were ever queued; the number of the last line; how many are acknowledged.
        self._queued = self._appended = self._settled = 0
        self._line_count = self._line_bytes = 0
        self._acts: deque[tuple[int, Callable[[], None]]] = deque()
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loss: Exception | None = None
        self._closing = self._closed = False

    @classmethod
    async def open(
        cls,
        client: Client,
        stream: str,
        subject: str,
        *,
        writer: str,
        lost: Lost,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
    ) -> StreamJournal:
        """A journal on ``stream``, which is created when absent; call :meth:`restored` next.

        ``writer`` must be new: no other incarnation ever had it.  PermanentPortError when the
        stream is there but could not keep a journal of ``subject``.
        """
        await patiently(client, stream, lambda: _prepare(client, stream, subject))
        return cls(client, stream, subject, writer, lost, message_bytes_max)

    async def restored(self) -> Restored:
        """Read everything that the stream has; appends go on from there.  Once, before any append."""
        if self._task is not None:
            raise InternalError(f"stream {self.stream}: restored twice")
        last = await last_sequence(self._client, self.stream) or 0
        found = Restored({}, {})
        async for _, payload in read_batches(self._client, self.stream, 1, last):
            _fold(found, parse_batch(payload))
        self._positions = {actor: len(entries) for actor, entries in found.entries.items()}
        self._sequence = last
        self._task = asyncio.create_task(self._run(), name=f"journal {self.stream}")
        return found

    # -- the port

    def append(self, actor: str, kind: str, body: Plain) -> int:
        """Queue a line and return its position within ``actor``.

        Raises ValueError for what is not plain data, PermanentPortError for a line longer than
        the server takes, and TemporaryPortError when BACKLOG_BYTES_MAX wait already; then
        nothing has changed.
        """
        self._check()
        position = self._positions.get(actor, 0)
        line = b"[%b,%d,%b,%b]" % (_quoted(actor), position, _quoted(kind), encoded(body))
        size = len(line)
        if size > self._line_bytes_max:
            raise PermanentPortError(f"{actor}: a line of {size} bytes; {self._line_bytes_max} can be sent")
        if self._line_bytes + size > BACKLOG_BYTES_MAX:
            raise TemporaryPortError(f"stream {self.stream}: {self._line_bytes} bytes wait already")
        self._positions[actor] = position + 1
        self._queued += 1
        self._appended = self._queued
        self._line_count += 1
        self._line_bytes += size
        self._queue.append(line)
        self._wake.set()
        return position

    def mark(self, key: str, value: int) -> None:
        """Let ``key = value`` go along with the next batch; the last value of a key wins.

        Marks alone cause no batch.  MARKS_COUNT_MAX keys may wait between two lines, more are
        a TemporaryPortError; a mark of more than MARK_BYTES_MAX is a ValueError.
        """
        self._check()
        if len(encoded({key: value})) > MARK_BYTES_MAX:
            raise ValueError(f"a mark of more than {MARK_BYTES_MAX} bytes: {key[:MARK_BYTES_MAX]}")
        tail = self._queue[-1] if self._queue else None
        if not isinstance(tail, dict):
            tail = {}
            self._queue.append(tail)
            self._queued += 1
        if key not in tail and len(tail) >= MARKS_COUNT_MAX:
            raise TemporaryPortError(f"stream {self.stream}: {MARKS_COUNT_MAX} marks wait for a line")
        tail[key] = value

    def after(self, act: Callable[[], None]) -> None:
        """Run ``act`` once everything appended so far is acknowledged, in the order of these calls.

        At once when nothing is outstanding.  What a delayed ``act`` raises makes the journal lost.
        """
        self._check()
        if self._acts or self._settled < self._appended:
            self._acts.append((self._appended, act))
        else:
            act()

    async def settled(self) -> None:
        """Wait until every line and mark so far is acknowledged, and what came ``after`` them has run."""
        self._check()
        if self._settled < self._queued:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append((self._queued, waiter))
            self._wake.set()
            await waiter

    @property
    def backlog(self) -> int:
        """How many lines are not acknowledged yet."""
        return self._line_count

    async def close(self, within_s: float = CLOSE_S) -> None:
        """Settle for at most ``within_s``, then stop; closing twice is allowed.

        Raises TemporaryPortError when lines or marks were not acknowledged (they may have been
        stored all the same).  A journal that is lost closes silently: ``lost`` was told.
        """
        if self._closing:
            return
        self._closing = True
        try:
            with suppress(TimeoutError, PermanentPortError):
                async with asyncio.timeout(within_s):
                    await self.settled()
        finally:
            self._closed = True
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait([self._task])
        if self._loss is None and self._settled < self._queued:
            raise TemporaryPortError(f"stream {self.stream}: closed, {self.backlog} lines unacknowledged")

    # -- the one task that writes

    async def _run(self) -> None:
        try:
            # Before Python 3.12, wait_for (in the client) may lose a cancellation: closing sets a flag.
            while not self._closed:
                await self._wake.wait()
                self._wake.clear()
                while self._due() and await self._publish(packet := self._packed()):
                    self._acknowledge(packet)
        except Exception as error:
            self._lose(error)

    def _due(self) -> bool:
        # Marks fold into the tail: a queue of one that is no line is marks alone.
        queue = self._queue
        return bool(queue) and (len(queue) > 1 or isinstance(queue[0], bytes) or bool(self._waiters))

    def _packed(self) -> _Packet:
        """The next batch: from the queue, in order, what stays below the limit; one item at least."""
        lines: list[bytes] = []
        marks: dict[str, int] = {}
        item_count = size = 0
        while self._queue:
            item = self._queue[0]
            size += len(item) + 1 if isinstance(item, bytes) else len(encoded(item))
            if item_count and size > self._message_bytes_max:
                break
            self._queue.popleft()
            item_count += 1
            if isinstance(item, bytes):
                lines.append(item)
            else:
                marks.update(item)
        self._batch_count += 1
        head = encoded({"writer": self.writer, "batch": self._batch_count, "marks": marks})
        return _Packet(b"\n".join((head, *lines)), item_count, lines)

    def _acknowledge(self, packet: _Packet) -> None:
        self._sequence += 1
        self._settled += packet.item_count
        self._line_count -= len(packet.lines)
        self._line_bytes -= sum(map(len, packet.lines))
        while self._acts and self._acts[0][0] <= self._settled:
            self._acts.popleft()[1]()
        for until, waiter in self._waiters:
            if until <= self._settled and not waiter.done():
                waiter.set_result(None)
        self._waiters = [pair for pair in self._waiters if not pair[1].done()]

    async def _publish(self, packet: _Packet) -> bool:
        """Try until the stream has the message; False when the journal was closed meanwhile."""
        clock = asyncio.get_running_loop().time
        gone_s = None
        while not self._closed:
            try:
                await self._send(packet)
                return not self._closed
            except (nats.errors.Error, OSError) as error:
                if self._client.is_closed or not is_temporary(error):
                    raise PermanentPortError(f"stream {self.stream}: {error}") from error
                gone_s = (gone_s or clock()) if await self._is_gone(error) else None
            if gone_s is not None and clock() - gone_s >= GONE_S:
                raise PermanentPortError(f"stream {self.stream}: it was deleted")
            await asyncio.sleep(RETRY_S)
        return False

    async def _send(self, packet: _Packet) -> None:
        while not self._client.is_connected and not self._client.is_closed:
            # The client would queue what it cannot send, once for every try.
            await asyncio.sleep(RETRY_S)
        place = {"Nats-Expected-Stream": self.stream, "Nats-Expected-Last-Sequence": str(self._sequence)}
        reply = await self._client.request(
            self._subject, packet.payload, timeout=ACK_TIMEOUT_S, headers=place
        )
        error = json.loads(reply.data).get("error")
        if error is None:
            return
        if error.get("err_code") not in _WRONG_LAST_SEQUENCE:
            raise nats.js.errors.APIError(**error)
        if not await self._is_ours():
            raise PermanentPortError(f"stream {self.stream}: another writer has taken over")

    async def _is_ours(self) -> bool:
        """Whether what follows the last known message is the batch on its way, its answer lost."""
        manager = self._client.jetstream(timeout=ACK_TIMEOUT_S)
        try:
            found = await manager.get_msg(self.stream, self._sequence + 1)
            batch = parse_batch(found.data or b"")
        except (nats.js.errors.NotFoundError, PermanentPortError):
            return False
        return (batch.writer, batch.number) == (self.writer, self._batch_count)

    async def _is_gone(self, error: Exception) -> bool:
        """Whether nobody took the message because the server knows of no such stream."""
        if isinstance(error, nats.errors.NoRespondersError):
            with suppress(TemporaryPortError):
                return await last_sequence(self._client, self.stream) is None
        return False

    def _lose(self, error: Exception) -> None:
        self._loss = error
        self._queue.clear()
        self._acts.clear()
        for _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(self._refusal())
        self._waiters.clear()
        self._lost(error)

    def _refusal(self) -> PermanentPortError:
        return PermanentPortError(f"stream {self.stream}: this journal is lost: {self._loss}")

    def _check(self) -> None:
        if self._loss is not None:
            raise self._refusal() from self._loss
        if self._closed:
            raise PermanentPortError(f"stream {self.stream}: the journal is closed")
        if self._task is None and not self._closing:
            raise InternalError(f"stream {self.stream}: used before it was restored")


async def _prepare(client: Client, stream: str, subject: str) -> None:
    wanted = StreamConfig(
        name=stream,
        subjects=[subject],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        max_msgs=-1,
        max_bytes=-1,
        max_age=0,
        deny_delete=True,
        deny_purge=True,
        allow_direct=True,
    )
    manager = client.jetstream(timeout=ACK_TIMEOUT_S)
    try:
        found = (await manager.stream_info(stream)).config
    except nats.js.errors.NotFoundError:
        found = (await manager.add_stream(wanted)).config
    for name in _NEEDED:
        if getattr(found, name) != getattr(wanted, name):
            raise PermanentPortError(f"stream {stream}: its {name} is not that of a journal of {subject}")


def _fold(found: Restored, batch: Batch) -> None:
    for entry in batch.entries:
        known = found.entries.setdefault(entry.actor, [])
        if entry.position != len(known):
            raise InternalError(f"{entry.actor}: line {entry.position} follows {len(known)} lines")
        known.append(entry)
    found.marks.update(batch.marks)
