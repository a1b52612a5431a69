"""A group's journal in a stream: what is acknowledged is there, once, in order, whatever happens."""

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
from gardens.real.nats.batches import Batch, last_sequence, parse_batch, read_batches
from gardens.real.nats.stream import Lost, Restored, StreamJournal
from nimdsl.base.errors import InternalError, PermanentPortError, TemporaryPortError
from runtime.ports.journal import JournalEntry
from tests.support.nats import NatsServer, nats_server
from tests.support.patience import patiently, until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server(tmp_path / "server") as running:
        yield running


class Losses(list[Exception]):
    """A ``lost`` that remembers."""

    def __call__(self, error: Exception) -> None:
        self.append(error)


SURPRISES = Losses()
"""The ``lost`` of journals that must not be lost; every scenario looks at the end."""


class Meddling:
    """A client between the journal and the real one: ``meddle`` makes each request of it."""

    def __init__(self, client: Any, meddle: Callable[[Callable[[], Any]], Any]) -> None:
        self._client = client
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def request(self, *args: Any, **named: Any) -> Any:
        return await self._meddle(lambda: self._client.request(*args, **named))


async def opened(
    client: Any, writer: str = "w", lost: Lost = SURPRISES, stream: str = "J", **more: Any
) -> StreamJournal:
    subject = f"{stream.lower()}.lines"
    journal = await StreamJournal.open(client, stream, subject, writer=writer, lost=lost, **more)
    await journal.restored()
    return journal


async def restored(client: Any) -> Restored:
    journal = await StreamJournal.open(client, "J", "j.lines", writer="reader", lost=SURPRISES)
    found = await journal.restored()
    await journal.close()
    return found


async def batches(client: Any) -> list[Batch]:
    last = await last_sequence(client, "J") or 0
    return [parse_batch(payload) async for _, payload in read_batches(client, "J", 1, last)]


def connected(scenario: Callable[[Any], Any], server: NatsServer) -> None:
    async def run() -> None:
        async with server.client() as client:
            await patiently(scenario(client))

    SURPRISES.clear()
    asyncio.run(run())
    assert SURPRISES == []


# -- appending and restoring


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


# -- acknowledged, and only then


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


# -- failures


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


# -- the end


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


# -- reading


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
