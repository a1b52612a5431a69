"""A journal on a stream whose server, connection or rival fails; how it ends and is read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import nats.errors
import pytest
from nats.js.api import StreamConfig

from gardens.real.nats import batches as reading
from gardens.real.nats import stream as module
from gardens.real.nats.batches import last_sequence, parse_batch, read_batches
from gardens.real.nats.stream import StreamJournal
from nimdsl.base.errors import PermanentPortError, TemporaryPortError
from runtime.ports.journal import JournalEntry
from tests.support.nats import NatsServer, nats_server
from tests.support.patience import until
from tests.support.streams import SURPRISES, Losses, Meddling, batches, connected, opened, restored


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server(tmp_path / "server") as running:
        yield running


def test_of_two_writers_the_one_who_was_there_first_is_lost(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        losses, acts = Losses(), list[str]()
        old = await opened(client, "old", losses)
        old.append("a", "k", "old")
        await old.settled()
        new = await opened(client, "new")
        assert new.append("a", "k", "new") == 1
        await new.settled()
        old.append("a", "k", "too late")
        old.after(lambda: acts.append("too late"))
        with pytest.raises(PermanentPortError, match="another writer"):
            await old.settled()
        assert len(losses) == 1
        for use in (lambda: old.append("a", "k", 1), lambda: old.mark("m", 1), lambda: old.after(print)):
            with pytest.raises(PermanentPortError, match="another writer"):
                use()
        new.append("a", "k", "goes on")
        await new.close()
        await old.close()
        assert [entry.body for entry in (await restored(client)).entries["a"]] == ["old", "new", "goes on"]
        assert (len(losses), acts) == (1, [])

    connected(scenario, server)


def test_an_empty_stream_has_one_writer_too(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        losses = Losses()
        one, two = await opened(client, "one"), await opened(client, "two", losses)
        one.append("a", "k", "one")
        await one.settled()
        two.append("a", "k", "two")
        await until(lambda: bool(losses))
        await one.close()
        await two.close()
        assert [entry.body for entry in (await restored(client)).entries["a"]] == ["one"]

    connected(scenario, server)


def test_an_answer_that_went_missing_doubles_nothing(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        count = 0

        async def forget(request: Callable[[], Any]) -> Any:
            nonlocal count
            count += 1
            answer = await request()
            if count in (1, 2, 4, 7):
                raise nats.errors.TimeoutError
            return answer

        journal = await opened(Meddling(client, forget))
        ran: list[int] = []
        for value in range(5):
            journal.append("a", "k", value)
            journal.after(partial(ran.append, value))
            await journal.settled()
        await journal.close()
        assert ran == [0, 1, 2, 3, 4]
        assert count > 5
        assert [[entry.body for entry in batch.entries] for batch in await batches(client)] == [
            [value] for value in range(5)
        ]

    connected(scenario, server)


def test_a_server_that_is_killed_again_and_again_loses_and_doubles_nothing(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        journal = await opened(client)
        positions: dict[str, int] = {}
        acknowledged: dict[str, int] = {}
        running = True

        def go(actor: str) -> None:
            position = journal.append(actor, "accepted", {"of": actor, "at": positions.get(actor, 0)})
            assert position == positions.get(actor, 0)
            positions[actor] = position + 1

            def act() -> None:
                assert acknowledged.get(actor, 0) == position
                acknowledged[actor] = position + 1
                if running:
                    go(actor)

            journal.after(act)

        for number in range(16):
            go(f"cell/{number}")
        for _ in range(4):
            goal = sum(acknowledged.values()) + 200
            while sum(acknowledged.values()) < goal:
                await asyncio.sleep(0.002)
            known = dict(acknowledged)
            await server.restart()
            async with server.client() as other:
                found = {actor: len(entries) for actor, entries in (await restored(other)).entries.items()}
            assert all(found[actor] >= count for actor, count in known.items())
        running = False
        await journal.settled()
        await journal.close()
        assert acknowledged == positions
        assert (await restored(client)).entries == {
            actor: [
                JournalEntry(actor, at, "accepted", {"of": actor, "at": at})
                for at in range(positions[actor])
            ]
            for actor in positions
        }

    connected(scenario, server)


def test_an_act_that_fails_ends_the_journal_loudly(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        losses, acts = Losses(), list[object]()
        journal = await opened(client, lost=losses)
        journal.append("a", "k", 1)
        journal.after(lambda: acts.append(1 // 0))
        journal.after(lambda: acts.append("never"))
        with pytest.raises(PermanentPortError, match="lost: integer"):
            await journal.settled()
        await journal.close()
        assert [type(loss) for loss in losses] == [ZeroDivisionError]
        assert acts == []

    connected(scenario, server)


def test_a_stream_that_was_deleted_is_lost(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GONE_S", 0.1)

    async def scenario(client: Any) -> None:
        losses = Losses()
        journal = await opened(client, lost=losses)
        await client.jetstream().delete_stream("J")
        journal.append("a", "k", 1)
        await until(lambda: bool(losses))
        assert "deleted" in str(losses)
        await journal.close()

    connected(scenario, server)


def test_a_connection_that_was_closed_is_lost(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        losses = Losses()
        async with server.client() as other:
            journal = await opened(other, lost=losses)
        journal.append("a", "k", 1)
        await until(lambda: bool(losses))
        assert isinstance(losses[0], PermanentPortError)
        await journal.close()
        with pytest.raises(PermanentPortError):
            await last_sequence(other, "J")
        with pytest.raises(PermanentPortError, match="closed"):
            [_ async for _ in read_batches(other, "J", 1, 1)]

    connected(scenario, server)


def test_closing_settles_and_can_be_done_twice(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        journal = await opened(client)
        journal.append("a", "k", 1)
        journal.mark("m", 1)
        await journal.close()
        await journal.close()
        for use in (lambda: journal.append("a", "k", 1), lambda: journal.mark("m", 1)):
            with pytest.raises(PermanentPortError, match="closed"):
                use()
        never = await StreamJournal.open(client, "J", "j.lines", writer="never", lost=SURPRISES)
        await never.close()
        found = await restored(client)
        assert (len(found.entries["a"]), found.marks) == (1, {"m": 1})

    connected(scenario, server)


def test_closing_gives_up_after_its_time(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        journal = await opened(client)
        server.kill()
        journal.append("a", "k", 1)
        with pytest.raises(TemporaryPortError, match="1 lines unacknowledged"):
            await journal.close(within_s=0.1)
        await journal.close()

    connected(scenario, server)


def test_closing_at_any_instant_ends_and_runs_nothing_afterwards(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        dice = random.Random(3)
        for number in range(100):
            # Streams of their own: what one leaves on its way would be another writer to the next.
            journal = await opened(client, stream=f"J{number}")

            def go(journal: StreamJournal = journal) -> None:
                journal.append("a", "k", 1)
                journal.after(go)

            for _ in range(8):
                go()
            await asyncio.sleep(dice.random() * 0.002)
            with suppress(TemporaryPortError):
                await journal.close(within_s=0)

    connected(scenario, server)


def test_closing_needs_no_cancellation_to_be_heard(server: NatsServer) -> None:
    async def scenario(client: Any) -> None:
        async def deaf(request: Callable[[], Any]) -> Any:
            answer = await request()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            return answer

        acts: list[str] = []
        journal = await opened(Meddling(client, deaf))
        journal.append("a", "k", 1)
        journal.after(lambda: acts.append("after the end"))
        with pytest.raises(TemporaryPortError, match="1 lines"):
            await journal.close(within_s=0.05)
        assert acts == []
        assert await last_sequence(client, "J") == 1

    connected(scenario, server)


def test_reading_goes_on_after_a_restart(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FETCH_COUNT_MAX", 7)
    monkeypatch.setattr(reading, "FETCH_TIMEOUT_S", 0.2)

    async def scenario(client: Any) -> None:
        journal = await opened(client, message_bytes_max=100)
        for value in range(30):
            journal.append("a", "k", f"{value:090}")
        await journal.close()
        seen = []
        async for sequence, payload in read_batches(client, "J", 2, 29):
            seen.append((sequence, int(parse_batch(payload).entries[0].body)))
            if sequence == 10:
                await server.restart()
        assert seen == [(sequence, sequence - 1) for sequence in range(2, 30)]
        assert [message async for message in read_batches(client, "J", 31, 30)] == []

    connected(scenario, server)


def test_reading_says_what_is_missing_and_gives_up_in_the_end(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FETCH_RETRY_S", 0.01)

    async def scenario(client: Any) -> None:
        jetstream = client.jetstream()
        await jetstream.add_stream(StreamConfig(name="J", subjects=["j.lines"], allow_direct=True))
        for _ in range(4):
            await jetstream.publish("j.lines", b"x")
        await jetstream.delete_msg("J", 3)
        with pytest.raises(PermanentPortError, match="message 3 is missing"):
            [_ async for _ in read_batches(client, "J", 1, 4)]
        assert [sequence async for sequence, _ in read_batches(client, "J", 1, 2)] == [1, 2]
        with pytest.raises(PermanentPortError, match="message 5 is missing"):
            [_ async for _ in read_batches(client, "J", 5, 5)]
        with pytest.raises(TemporaryPortError, match="reading message 1"):
            [_ async for _ in read_batches(client, "none", 1, 1)]
        assert await last_sequence(client, "none") is None

    connected(scenario, server)
