"""The copy of the streams in a file: equal to the streams, whatever happened while it was made."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from nats.aio.client import Client

from gardens.real.nats import projection as module
from gardens.real.nats.projection import Projection
from gardens.real.nats.stream import StreamJournal
from gardens.stores import sqlite as sqlite_journal
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import InternalError, PermanentPortError, TemporaryPortError
from runtime.ports.journal import JournalEntry
from tests.support.nats import NatsServer, nats_server
from tests.support.patience import patiently

ROOT = Path(__file__).parents[4]
STREAMS = ("A", "B")
SURPRISES: list[Exception] = []
"""Journals that were lost, which none may be; every scenario looks at the end."""
FOLLOWER = """
import asyncio, sys
import nats
from gardens.real.nats import projection
from gardens.stores.sqlite import SqliteJournal

async def main(url, path):
    projection.COMMIT_LINE_COUNT = 20
    client = await nats.connect(url)
    await projection.Projection(client, ("A", "B"), SqliteJournal(path)).follow(every_s=0.001)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server(tmp_path / "server") as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "garden.journal"


def connected(scenario: Callable[[Any], Any], server: NatsServer) -> None:
    async def run() -> None:
        async with server.client() as client:
            await patiently(scenario(client))

    SURPRISES.clear()
    asyncio.run(run())
    assert SURPRISES == []


async def opened(client: Any, stream: str, message_bytes_max: int = 400) -> StreamJournal:
    """A journal with small messages, so that there are many."""
    journal = await StreamJournal.open(
        client,
        stream,
        f"lines.{stream}",
        writer=f"{random.random()}",
        lost=SURPRISES.append,
        message_bytes_max=message_bytes_max,
    )
    await journal.restored()
    return journal


def fill(journal: StreamJournal, count: int) -> None:
    for value in range(count):
        journal.append(f"{journal.stream}/{value % 3}", "accepted", {"value": value, "half": value / 2})


async def filled(client: Any, count: int) -> None:
    """``count`` more lines in each stream."""
    for stream in STREAMS:
        journal = await opened(client, stream)
        fill(journal, count)
        await journal.close()


async def in_streams(client: Any) -> dict[str, list[JournalEntry]]:
    entries: dict[str, list[JournalEntry]] = {}
    for stream in STREAMS:
        journal = await StreamJournal.open(
            client, stream, f"lines.{stream}", writer="r", lost=SURPRISES.append
        )
        entries |= (await journal.restored()).entries
        await journal.close()
    return entries


def in_file(path: Path) -> dict[str, list[JournalEntry]]:
    with SqliteJournal(path, read_only=True) as journal:
        return {actor: list(journal.read(actor)) for actor in journal.actors()}


def test_the_file_has_what_the_streams_have(
    server: NatsServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMIT_LINE_COUNT", 7)

    async def scenario(client: Any) -> None:
        with SqliteJournal(path) as journal:
            projection = Projection(client, STREAMS, journal)
            await projection.catch_up()
            assert (projection.lag, in_file(path)) == (0, {})
            for _ in range(2):
                await filled(client, 100)
                await projection.catch_up()
                assert projection.lag == 0
                assert in_file(path) == await in_streams(client)
            assert len(in_file(path)) == 6
        with SqliteJournal(path) as journal:
            await filled(client, 10)
            await Projection(client, STREAMS, journal).catch_up()
            assert in_file(path) == await in_streams(client)

    connected(scenario, server)


def test_lines_that_the_file_has_are_skipped(server: NatsServer, path: Path) -> None:
    async def scenario(client: Any) -> None:
        await filled(client, 30)
        with SqliteJournal(path) as journal:
            for actor, entries in (await in_streams(client)).items():
                for entry in entries[: 3 if actor.startswith("A") else 7]:
                    journal.append(actor, entry.kind, entry.body)
            await Projection(client, STREAMS, journal).catch_up()
        assert in_file(path) == await in_streams(client)

    connected(scenario, server)


def test_a_gap_is_a_bug_and_a_stream_that_went_back_another_one(server: NatsServer, path: Path) -> None:
    async def scenario(client: Any) -> None:
        await filled(client, 30)
        with SqliteJournal(path) as journal:
            journal.set_meta("stream/A", 1)
            with pytest.raises(InternalError, match="follows 0 lines"):
                await Projection(client, STREAMS, journal).catch_up()
            journal.set_meta("stream/A", 1000)
            with pytest.raises(PermanentPortError, match="was copied up to 1000"):
                await Projection(client, STREAMS, journal).catch_up()

    connected(scenario, server)


@pytest.mark.parametrize("count", ["many", 1.5, True, -1, [1]])
def test_a_count_that_nobody_wrote_is_damage(count: Any, path: Path) -> None:
    with SqliteJournal(path) as journal:
        journal.set_meta("stream/A", count)
        with pytest.raises(PermanentPortError, match=r"its `stream/A` is damaged: .*: restore the journal"):
            Projection(cast(Client, None), STREAMS, journal)


def test_a_locked_file_is_waited_for(
    server: NatsServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_journal, "BUSY_TIMEOUT_S", 0.01)
    monkeypatch.setattr(sqlite_journal, "BATCH_COUNT_MAX", 5)

    async def scenario(client: Any) -> None:
        with SqliteJournal(path) as journal:
            projection = Projection(client, STREAMS, journal)
            await filled(client, 30)
            await projection.catch_up()
            await filled(client, 30)
            reader = sqlite3.connect(path, isolation_level=None)
            for lock in ("BEGIN EXCLUSIVE", "BEGIN; SELECT * FROM entry"):
                for statement in lock.split(";"):
                    reader.execute(statement).fetchall()
                with pytest.raises(TemporaryPortError):
                    await projection.catch_up()
                reader.execute("ROLLBACK")
                await filled(client, 30)
            reader.close()
            await projection.catch_up()
            assert projection.lag == 0
            assert in_file(path) == await in_streams(client)

    connected(scenario, server)


def test_following_survives_cancellation_at_random(server: NatsServer, path: Path) -> None:
    dice = random.Random(1)

    async def scenario(client: Any) -> None:
        journals = [await opened(client, stream) for stream in STREAMS]
        for _ in range(20):
            with SqliteJournal(path) as journal:
                following = asyncio.create_task(Projection(client, STREAMS, journal).follow(every_s=0.0))
                for _ in range(5):
                    for one in journals:
                        fill(one, 20)
                    await asyncio.sleep(dice.random() * 0.01)
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                assert following.cancelled()
        for one in journals:
            await one.close()
        with SqliteJournal(path) as journal:
            await Projection(client, STREAMS, journal).catch_up()
        assert in_file(path) == await in_streams(client)

    connected(scenario, server)


def test_following_survives_restarts_of_the_server(server: NatsServer, path: Path) -> None:
    async def scenario(client: Any) -> None:
        journals = [await opened(client, stream) for stream in STREAMS]
        with SqliteJournal(path) as journal:
            projection = Projection(client, STREAMS, journal)
            following = asyncio.create_task(projection.follow(every_s=0.001))
            for _ in range(2):
                for one in journals:
                    fill(one, 200)
                await asyncio.sleep(0.02)
                await server.restart(down_s=0.02)
            for one in journals:
                await one.close()
            expected = await in_streams(client)
            while in_file(path) != expected:
                assert not following.done()
                await asyncio.sleep(0.01)
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            assert projection.lag == 0

    connected(scenario, server)


def test_kill_9_of_the_follower_neither_loses_nor_doubles(server: NatsServer, path: Path) -> None:
    dice = random.Random(2)

    async def scenario(client: Any) -> None:
        journals = [await opened(client, stream) for stream in STREAMS]
        for _ in range(3):
            command = [sys.executable, "-c", FOLLOWER, server.url, str(path)]
            follower = subprocess.Popen(command, cwd=ROOT)
            try:
                before = path.stat().st_size if path.exists() else 0
                while not path.exists() or path.stat().st_size <= max(before, 8192):
                    assert follower.poll() is None
                    for one in journals:
                        fill(one, 20)
                    await asyncio.sleep(0.003)
                await asyncio.sleep(dice.random() * 0.02)
            finally:
                follower.kill()
                follower.wait()
        for one in journals:
            await one.close()
        with SqliteJournal(path) as journal:
            assert journal.meta("stream/A")
            await Projection(client, STREAMS, journal).catch_up()
        assert in_file(path) == await in_streams(client)

    connected(scenario, server)
