"""Every implementation of the port Journal keeps its laws; and what a file is besides."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from nats.aio.client import Client

from gardens.real.nats.batches import last_sequence, parse_batch, read_batches
from gardens.real.nats.stream import StreamJournal
from gardens.stores import sqlite as sqlite_journal
from gardens.stores.memory import DiscardingJournal, MemoryJournal
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import PermanentPortError, TemporaryPortError
from runtime.conformance.journal import AppenderSuite, JournalSuite, Read, Written, fill
from runtime.ports.journal import Journal, JournalEntry
from tests.support.gardens import scratch
from tests.support.nats import NatsServer, nats_server

Case = Callable[[Any], Coroutine[Any, Any, None]]


class TestMemory(JournalSuite):
    def play(self, case: Case) -> None:
        one = Read(MemoryJournal())
        asyncio.run(case(one))
        one.journal.close()


class TestSqlite(JournalSuite):
    def play(self, case: Case) -> None:
        with scratch() as folder:
            one = Read(SqliteJournal(folder / "run.journal"))
            try:
                asyncio.run(case(one))
            finally:
                one.journal.close()


class OnServer(Written):
    """A journal on a stream, which is read when its lines are acknowledged."""

    def __init__(self, journal: StreamJournal, client: Client) -> None:
        super().__init__(journal)
        self.stream, self._client = journal, client

    async def read(self, actor: str) -> list[JournalEntry]:
        await self.stream.settled()
        last = await last_sequence(self._client, self.stream.stream) or 0
        found: list[JournalEntry] = []
        async for _, payload in read_batches(self._client, self.stream.stream, 1, last):
            found += [entry for entry in parse_batch(payload).entries if entry.actor == actor]
        return found

    async def close(self) -> None:
        await self.stream.close()
        await self.stream.close()


@pytest.fixture(scope="class")
def on_nats(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with nats_server(tmp_path_factory.mktemp("bus")) as server:
        request.cls.server = server
        yield


_STREAMS = itertools.count(1)


@pytest.mark.usefixtures("on_nats")
class TestStream(AppenderSuite):
    server: ClassVar[NatsServer]

    def play(self, case: Case) -> None:
        async def run() -> None:
            name = f"J{next(_STREAMS)}"
            async with self.server.client() as client:
                subject = f"{name.lower()}.lines"
                journal = await StreamJournal.open(client, name, subject, writer="w", lost=lost.append)
                await journal.restored()
                await case(OnServer(journal, client))
                await journal.close()

        lost: list[Exception] = []
        asyncio.run(run())
        assert lost == []


def test_a_journal_that_discards_counts_and_cannot_be_read() -> None:
    journal: Journal = DiscardingJournal()
    fill(journal)
    assert journal.append("nerve/1", "outcome", None) == 2
    assert journal.actors() == ("cell/1", "nerve/1")
    journal.commit()
    journal.close()
    with pytest.raises(PermanentPortError, match="not kept"):
        journal.read("nerve/1")


def test_a_file_comes_back_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    with SqliteJournal(path) as journal:
        fill(journal)
        journal.set_meta("program", {"sha256": "ab"})
        journal.set_meta("program", {"sha256": "cd"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.journal"]
    with SqliteJournal(path) as journal:
        assert journal.append("nerve/1", "accepted", 3) == 2
    with SqliteJournal(path, read_only=True) as journal:
        assert [entry.position for entry in journal.read("nerve/1")] == [0, 1, 2]
        assert journal.meta("program") == {"sha256": "cd"}
        assert journal.meta("absent") is None


def test_a_full_batch_is_written_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_journal, "BATCH_COUNT_MAX", 3)
    with SqliteJournal(tmp_path / "run.journal") as journal:
        for number in range(10):
            journal.append("a", "k", number)
        assert [entry.body for entry in journal.read("a")] == list(range(10))


def test_only_committed_lines_survive_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    journal = SqliteJournal(path)
    journal.append("a", "k", 1)
    journal.commit()
    journal.append("a", "k", 2)
    list(journal.read("a"))
    journal._usable().close()
    with SqliteJournal(path, read_only=True) as after:
        assert [entry.body for entry in after.read("a")] == [1]


def test_a_read_only_journal_refuses_to_write(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    SqliteJournal(path).close()
    before = path.read_bytes()
    with SqliteJournal(path, read_only=True) as journal:
        with pytest.raises(PermanentPortError, match="reading only"):
            journal.append("a", "k", 1)
        with pytest.raises(PermanentPortError, match="reading only"):
            journal.set_meta("a", 1)
    assert path.read_bytes() == before


def test_a_second_writer_has_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_journal, "BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "run.journal"
    with SqliteJournal(path) as first, SqliteJournal(path) as second:
        first.set_meta("a", 1)
        second.append("a", "k", 1)
        with pytest.raises(TemporaryPortError, match="locked"):
            second.commit()
        first.commit()
        second.commit()
        assert [entry.body for entry in second.read("a")] == [1]


def sqlite_file(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_what_is_no_journal_says_so(tmp_path: Path) -> None:
    absent, empty, text, foreign = (tmp_path / name for name in ("absent", "empty", "text", "foreign"))
    empty.write_bytes(b"")
    text.write_text("not a database, but long enough to look at " * 30, encoding="utf-8")
    sqlite_file(foreign, "CREATE TABLE other (x)")
    for path, read_only, message in (
        (absent, True, "no such journal"),
        (tmp_path / "no" / "folder", False, "unable to open"),
        (empty, True, "no journal"),
        (text, False, "no journal of nimdsl: name the"),
        (text, True, "no journal of nimdsl: name the"),
        (foreign, False, "no journal"),
        (tmp_path, True, "no such journal"),
        (tmp_path, False, "unable to open"),
    ):
        with pytest.raises(PermanentPortError, match=message) as caught:
            SqliteJournal(path, read_only)
        assert str(path) in str(caught.value)
    assert not absent.exists()


def test_another_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    SqliteJournal(path).close()
    sqlite_file(path, "PRAGMA user_version = 9")
    with pytest.raises(PermanentPortError, match="version 9"):
        SqliteJournal(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_torn_file_says_so(tmp_path: Path, share: float) -> None:
    path = tmp_path / "run.journal"
    with SqliteJournal(path) as journal:
        for number in range(2000):
            journal.append("a", "k", {"number": number})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    for read_only in (True, False):
        with pytest.raises(PermanentPortError):
            SqliteJournal(path, read_only)
