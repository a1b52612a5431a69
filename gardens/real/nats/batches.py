"""Batches of a journal on a JetStream stream, as anybody reads them: its writer, and who copies it.

A question can be lost with a server that dies, so it is asked again; a message that is missing is
never passed over.  What writes them is :mod:`gardens.real.nats.stream`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from nimdsl.base import canonical
from nimdsl.base.errors import PermanentPortError, TemporaryPortError
from runtime.ports.journal import JournalEntry, encoded

ACK_TIMEOUT_S = 1.0
RETRY_S = 0.05
ASK_COUNT_MAX = 5
FETCH_COUNT_MAX = 500
FETCH_BYTES_MAX = 4 * 1024 * 1024
FETCH_TIMEOUT_S = 2.0
FETCH_FAILURE_COUNT_MAX = 10
FETCH_RETRY_S = 0.25

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Batch:
    """One message of a stream; ``number`` counts from 1 within the writer."""

    writer: str
    number: int
    marks: dict[str, int]
    entries: list[JournalEntry]


async def last_sequence(client: Client, stream: str) -> int | None:
    """The sequence of the newest message, 0 when there was none yet; None for no such stream."""

    async def ask() -> int | None:
        try:
            return (await client.jetstream(timeout=ACK_TIMEOUT_S).stream_info(stream)).state.last_seq
        except nats.js.errors.NotFoundError:
            return None

    return await patiently(client, stream, ask)


async def read_batches(
    client: Client, stream: str, start: int, end: int
) -> AsyncIterator[tuple[int, bytes]]:
    """The messages ``start`` to ``end``, inclusive, as (sequence, payload), without a gap.

    Reads through interruptions, going on where it was; FETCH_FAILURE_COUNT_MAX tries in a row
    that bring nothing are a TemporaryPortError.  A message that is missing is a permanent one.
    """
    failure_count = 0
    while start <= end:
        found = await _fetched(client, stream, start, min(end - start + 1, FETCH_COUNT_MAX))
        for message in found:
            yield message
        start += len(found)
        failure_count = 0 if found else failure_count + 1
        if failure_count == FETCH_FAILURE_COUNT_MAX:
            raise TemporaryPortError(f"stream {stream}: no answer when reading message {start}")
        if failure_count:
            await asyncio.sleep(FETCH_RETRY_S)


def parse_batch(payload: bytes) -> Batch:
    """What a :class:`gardens.real.nats.stream.StreamJournal` put into one message.

    Raises PermanentPortError when something else did.
    """
    try:
        # Canonical JSON has no line break within a value: one document is read faster than its lines.
        head, *lines = canonical.decode(b"[" + payload.replace(b"\n", b",") + b"]")
        entries = [JournalEntry(*line) for line in lines]
        return Batch(head["writer"], head["batch"], head["marks"], entries)
    except (ValueError, TypeError, LookupError) as error:
        raise PermanentPortError(f"a message that is no batch of a journal: {payload[:80]!r}") from error


async def _fetched(client: Client, stream: str, start: int, count: int) -> list[tuple[int, bytes]]:
    """What one request brings of the ``count`` messages from ``start``; fewer or none after a failure.

    A direct request, since that leaves nothing on the server (as a consumer does) that could be
    lost with a connection.
    """
    found: list[tuple[int, bytes]] = []
    ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def take(message: Msg) -> None:
        headers = message.headers or {}
        sequence = int(headers.get("Nats-Sequence", 0))
        if sequence == start + len(found):
            found.append((sequence, message.data))
        elif not ended.done():  # by a status, or by a message whose predecessor is missing
            ended.set_result(sequence > 0 or headers.get("Status") == "404")

    limits = {"seq": start, "batch": count, "max_bytes": FETCH_BYTES_MAX}
    missing = False
    with suppress(nats.errors.Error, OSError):
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=take)
        try:
            await client.publish(f"$JS.API.DIRECT.GET.{stream}", encoded(limits), reply=inbox)
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                missing = await ended
        finally:
            await subscription.unsubscribe()
    if client.is_closed:
        raise PermanentPortError(f"stream {stream}: the connection is closed")
    if missing and not found:
        raise PermanentPortError(f"stream {stream}: message {start} is missing")
    return found


def is_temporary(error: Exception) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, nats.js.errors.APIError):
        return error.code is None or error.code >= 500
    return not isinstance(error, (nats.errors.MaxPayloadError, nats.errors.BadSubjectError))


async def patiently(client: Client, stream: str, ask: Callable[[], Awaitable[_T]]) -> _T:
    """The answer of ``ask``, asked again when there is none; raises PortErrors."""
    for count in range(1, ASK_COUNT_MAX + 1):
        try:
            return await ask()
        except (nats.errors.Error, OSError) as error:
            temporary = is_temporary(error) and not client.is_closed
            if not temporary or count == ASK_COUNT_MAX:
                kind = TemporaryPortError if temporary else PermanentPortError
                raise kind(f"stream {stream}: {error}") from error
            await asyncio.sleep(RETRY_S)
    raise AssertionError("the last try returns or raises")
