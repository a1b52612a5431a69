"""The streams of all groups, copied into one SQLite file that other processes read.

The law: how far a stream has been copied is written in the same transaction as
the lines themselves, so that death at any moment neither loses a line nor
doubles one.  A line that the file has is skipped, a line too far ahead is an
InternalError: an actor lives in one group, and its lines in one stream.

Writing is not asynchronous: a commit stops the event loop for as long as the
disk takes, and a reader that holds the file for up to
:data:`gardens.stores.sqlite.BUSY_TIMEOUT_S`.  It belongs into a process that
has nothing urgent to do.

Not here: what is copied (:mod:`gardens.real.nats.stream`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from nats.aio.client import Client

from gardens.real.nats.batches import last_sequence, parse_batch, read_batches
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import InternalError, PermanentPortError, PortError, TemporaryPortError
from runtime.run.lines import damaged_value, value_of

COMMIT_LINE_COUNT = 5_000
"""After how many lines the file is committed while there is more to copy."""


class Projection:
    """Copies ``streams`` into ``journal``, which nobody else may write."""

    def __init__(self, client: Client, streams: Sequence[str], journal: SqliteJournal) -> None:
        self._client = client
        self._journal = journal
        self._done = {stream: _copied(journal, _key(stream)) for stream in streams}
        self._lag = dict.fromkeys(self._done, 0)
        self._counts: dict[str, int] = {}
        self._uncommitted_count = 0

    async def follow(self, every_s: float = 0.2) -> None:
        """Catch up, again and again, until cancelled; what fails for the moment is tried again."""
        this = asyncio.current_task()
        while this is None or not this.cancelling():
            with suppress(TemporaryPortError):
                await self.catch_up()
            await asyncio.sleep(every_s)
        # Before Python 3.12, wait_for (in the client) may lose a cancellation: it is made up for here.
        raise asyncio.CancelledError

    async def catch_up(self) -> None:
        """Return when everything that is in the streams now is in the file, durably.

        A stream that does not exist counts as empty.  Raises PortErrors, those of the server and
        those of the file; after a temporary one the same call goes on where it was.
        """
        for stream in self._done:
            await self._copy(stream)

    @property
    def lag(self) -> int:
        """How many messages of the streams were not in the file at the last look; 0 when caught up."""
        return sum(self._lag.values())

    async def _copy(self, stream: str) -> None:
        done = self._done[stream]
        last = await last_sequence(self._client, stream)
        if last is None:
            last = done
        if last < done:
            raise PermanentPortError(f"stream {stream}: ends at {last}, but was copied up to {done}")
        self._lag[stream] = last - done
        try:
            async for sequence, payload in read_batches(self._client, stream, done + 1, last):
                self._write(stream, sequence, payload)
                if self._uncommitted_count >= COMMIT_LINE_COUNT:
                    self._commit()
                    await asyncio.sleep(0)
        finally:
            self._commit()
            self._lag[stream] = last - self._done[stream]

    def _write(self, stream: str, sequence: int, payload: bytes) -> None:
        """Queue the lines of one message and the note that it is copied: both or neither are committed."""
        try:
            for entry in parse_batch(payload).entries:
                count = self._count(entry.actor)
                if entry.position > count:
                    raise InternalError(f"{entry.actor}: line {entry.position} follows {count} lines")
                if entry.position == count:
                    self._journal.append(entry.actor, entry.kind, entry.body)
                    self._counts[entry.actor] = count + 1
                    self._uncommitted_count += 1
            self._journal.set_meta(_key(stream), sequence)
        except PortError:
            # A line may or may not have been taken: the file knows.
            self._counts.clear()
            raise
        self._done[stream] = sequence

    def _commit(self) -> None:
        self._journal.commit()
        self._uncommitted_count = 0

    def _count(self, actor: str) -> int:
        """How many lines of ``actor`` the file has, those included that are not committed yet."""
        if actor not in self._counts:
            self._counts[actor] = sum(1 for _ in self._journal.read(actor))
        return self._counts[actor]


def _key(stream: str) -> str:
    return f"stream/{stream}"


def _copied(journal: SqliteJournal, key: str) -> int:
    """How many messages of a stream are in the journal.  Raises PermanentPortError for a damaged count."""
    count = value_of(journal, key)
    if count is None:
        return 0
    if type(count) is not int or count < 0:
        raise damaged_value(journal, key, ValueError(f"a count is wanted, this is `{count}`"))
    return count
