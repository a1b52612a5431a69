"""A group's journal in a stream: what is acknowledged is there, once, in order, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nats.js.api import StreamConfig

from gardens.real.nats import stream as module
from gardens.real.nats.batches import last_sequence, parse_batch, read_batches
from gardens.real.nats.stream import StreamJournal
from nimdsl.base.errors import InternalError, PermanentPortError, TemporaryPortError
from runtime.ports.journal import JournalEntry
from tests.support.nats import NatsServer, nats_server
from tests.support.patience import until
from tests.support.streams import SURPRISES, Meddling, batches, connected, opened, restored


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server(tmp_path / "server") as running:
        yield running


def test_what_was_appended_is_restored_in_order_and_goes_on(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        first = await opened(client, "first")
        bodies: list[Any] = [None, {"é\n\u2028": [1, 0.5, "a\nb"]}, True]
        assert [first.append("cell/1", "accepted", body) for body in bodies] == [0, 1, 2]
        assert first.append('nerve/"2"', "outcome", 7) == 0
        first.mark("offset", 3)
        await first.close()
        second = await StreamJournal.open(client, "J", "j.lines", writer="second", lost=SURPRISES)
        found = await second.restored()
        assert found.marks == {"offset": 3}
        assert found.entries == {
            "cell/1": [JournalEntry("cell/1", i, "accepted", body) for i, body in enumerate(bodies)],
            'nerve/"2"': [JournalEntry('nerve/"2"', 0, "outcome", 7)],
        }
        assert second.append("cell/1", "accepted", "more") == 3
        assert second.append("cell/3", "accepted", "new") == 0
        await second.close()
        assert [entry.body for entry in (await restored(client)).entries["cell/1"]] == [*bodies, "more"]

    connected(scenario, server)


def test_what_cannot_be_written_changes_nothing(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(client: Any) -> None:
        journal = await opened(client)
        for unfit in ({1j}, float("nan"), "\ud800"):
            with pytest.raises(ValueError):  # noqa: PT011
                journal.append("a", "k", unfit)
        with pytest.raises(ValueError, match="mark"):
            journal.mark("k" * 200, 1)
        with pytest.raises(PermanentPortError, match="a line of"):
            journal.append("a", "k", "x" * client.max_payload)
        monkeypatch.setattr(module, "BACKLOG_BYTES_MAX", 50)
        monkeypatch.setattr(module, "MARKS_COUNT_MAX", 1)
        assert journal.append("a", "k", "x" * 20) == 0
        with pytest.raises(TemporaryPortError, match="wait already"):
            journal.append("a", "k", "x" * 20)
        journal.mark("one", 1)
        with pytest.raises(TemporaryPortError, match="marks"):
            journal.mark("two", 2)
        await journal.settled()
        assert journal.append("a", "k", "y" * 20) == 1
        await journal.close()
        assert (await restored(client)).marks == {"one": 1}

    connected(scenario, server)


def test_it_is_restored_once_and_before_use(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        journal = await StreamJournal.open(client, "J", "j.lines", writer="w", lost=SURPRISES)
        for use in (lambda: journal.append("a", "k", 1), lambda: journal.mark("m", 1)):
            with pytest.raises(InternalError, match="before it was restored"):
                use()
        await journal.restored()
        with pytest.raises(InternalError, match="twice"):
            await journal.restored()
        await journal.close()

    connected(scenario, server)


def test_a_stream_of_somebody_else_is_refused(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        await client.jetstream().add_stream(StreamConfig(name="J", subjects=["j.other"]))
        with pytest.raises(PermanentPortError, match="its subjects is not"):
            await opened(client)
        await client.jetstream().add_stream(StreamConfig(name="K", subjects=["j.lines"]))
        with pytest.raises(PermanentPortError, match="overlap"):
            await StreamJournal.open(client, "L", "j.lines", writer="w", lost=SURPRISES)
        with pytest.raises(PermanentPortError, match="its allow_direct is not"):
            await StreamJournal.open(client, "K", "j.lines", writer="w", lost=SURPRISES)
        await client.publish("j.lines", b"{}")
        await client.flush()
        [(_, payload)] = [message async for message in read_batches_directly(client, "K")]
        with pytest.raises(PermanentPortError, match="no batch"):
            parse_batch(payload)

    async def read_batches_directly(client: Any, stream: str) -> Any:
        await client.jetstream().update_stream(
            StreamConfig(name=stream, subjects=["j.lines"], allow_direct=True)
        )
        async for message in read_batches(client, stream, 1, 1):
            yield message

    connected(scenario, server)


def test_acts_run_in_order_and_only_after_the_acknowledgement(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        release = asyncio.Event()
        stored: list[Any] = []

        async def hold(request: Callable[[], Any]) -> Any:
            answer = await request()
            stored.append(answer)
            await release.wait()
            return answer

        journal = await opened(Meddling(client, hold))
        ran: list[str] = []
        journal.after(lambda: ran.append("at once"))
        assert ran == ["at once"]
        journal.append("a", "k", 1)
        journal.after(lambda: ran.append("first"))
        journal.append("b", "k", 1)
        journal.after(lambda: journal.after(lambda: ran.append("last")))
        journal.after(lambda: ran.append("second"))
        await until(lambda: bool(stored))
        assert await last_sequence(client, "J") == 1
        assert (ran, journal.backlog) == (["at once"], 2)
        release.set()
        await journal.settled()
        assert (ran, journal.backlog) == (["at once", "first", "second", "last"], 0)
        await journal.close()

    connected(scenario, server)


def test_what_comes_while_a_batch_is_on_its_way_goes_out_together(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        flying = 0

        async def count(request: Callable[[], Any]) -> Any:
            nonlocal flying
            flying += 1
            assert flying == 1, "two batches on their way"
            answer = await request()
            flying -= 1
            if journal.backlog == 1000:
                journal.append("a", "k", "meanwhile")
                journal.append("a", "k", "meanwhile")
            return answer

        journal = await opened(Meddling(client, count))
        for value in range(1000):
            journal.append("a", "k", value)
        await until(lambda: journal.backlog == 0)
        journal.append("b", "k", 1)
        await journal.close()
        sizes = [len(batch.entries) for batch in await batches(client)]
        assert sizes == [1000, 2, 1]
        assert [batch.number for batch in await batches(client)] == [1, 2, 3]

    connected(scenario, server)


def test_a_chain_of_many_appends_needs_few_messages(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        journal = await opened(client)
        ran = 0

        def go(actor: str) -> None:
            nonlocal ran
            ran += 1
            if ran <= 3200:
                journal.append(actor, "k", ran)
                journal.after(lambda: go(actor))

        for number in range(64):
            go(f"cell/{number}")
        await until(lambda: ran == 3200 + 64)
        await journal.close()
        assert await last_sequence(client, "J") == 50
        assert sum(map(len, (await restored(client)).entries.values())) == 3200

    connected(scenario, server)


def test_a_batch_is_split_at_the_limit(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        journal = await opened(client, message_bytes_max=1000)
        for size in (300, 300, 300, 5000, 300, 300):
            journal.append("a", "k", "x" * size)
            journal.mark("size", size)
        await journal.close()
        found = await batches(client)
        assert [[len(entry.body) for entry in batch.entries] for batch in found] == [
            [300, 300, 300],
            [5000],
            [300, 300],
        ]
        assert [batch.marks for batch in found] == [{"size": 300}, {}, {"size": 300}]

    connected(scenario, server)


def test_marks_go_along_never_ahead_and_never_alone(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        journal = await opened(client, message_bytes_max=100)
        journal.mark("one", 1)
        journal.mark("one", 2)
        await asyncio.sleep(0.05)
        assert await last_sequence(client, "J") == 0
        journal.append("a", "k", "x" * 60)
        journal.append("a", "k", "y" * 60)
        journal.mark("two", 1)
        await until(lambda: journal.backlog == 0)
        journal.mark("two", 2)
        journal.mark("three", 3)
        await journal.settled()
        await journal.settled()
        assert [(len(batch.entries), batch.marks) for batch in await batches(client)] == [
            (1, {"one": 2}),
            (1, {"two": 1}),
            (0, {"two": 2, "three": 3}),
        ]
        await journal.close()
        assert (await restored(client)).marks == {"one": 2, "two": 2, "three": 3}

    connected(scenario, server)


def test_marks_that_come_while_a_batch_is_on_its_way_wait_for_the_next_line(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        async def late(request: Callable[[], Any]) -> Any:
            answer = await request()
            journal.mark("late", journal.backlog)
            return answer

        journal = await opened(Meddling(client, late))
        journal.append("a", "k", 1)
        await until(lambda: journal.backlog == 0)
        await asyncio.sleep(0.02)
        assert await last_sequence(client, "J") == 1
        journal.append("a", "k", 2)
        await until(lambda: journal.backlog == 0)
        assert [batch.marks for batch in await batches(client)] == [{}, {"late": 1}]
        with pytest.raises(TemporaryPortError):  # every flush brings a new mark
            await journal.close()

    connected(scenario, server)
