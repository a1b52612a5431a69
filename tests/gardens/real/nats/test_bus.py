"""The bus on NATS, where it is more than the port: servers that go and come back, and strangers."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from gardens.real.clock import Clock, Origin
from gardens.real.nats import bus as module
from gardens.real.nats.bus import AWAY, NatsBus, check_headers, connect
from gardens.real.nats.subjects import Subjects
from nimdsl.base.errors import PermanentPortError, TemporaryPortError
from nimdsl.compile.garden import LOCAL_GARDEN
from runtime.kernel.effects import SendReply, SendRequest
from runtime.kernel.events import Answered, Requested
from runtime.ports.bus import NOBODY, Message
from runtime.ports.requests import RequestClient
from runtime.records import Identity
from runtime.run import wire
from tests.support.nats import NatsServer, nats_server
from tests.support.patience import SILENCE_S, patiently, until

MIB = 1 << 20
SECOND = 1_000_000_000
RUN = "3f2a9c01"
EYE = f"dev.local.{RUN}.cell.eye"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


class Place:
    """A bus, what it was told, and what escaped from it."""

    def __init__(self, client: Client, told: list[tuple[str, str]], rate: float) -> None:
        self.told = told
        self.escaped: list[dict[str, Any]] = []
        self.clock = Clock(Origin(time.monotonic_ns(), 0, rate))
        subjects = Subjects(LOCAL_GARDEN, RUN)
        self.bus = NatsBus(client, subjects, self.clock, lambda *what: told.append(what), MIB)

    def hears(self, address: str) -> list[Message]:
        heard: list[Message] = []
        self.bus.listen(address, heard.append)
        return heard

    def was_told(self, what: str, times: int = 1) -> bool:
        return sum(what in text for _, text in self.told) >= times


@asynccontextmanager
async def place(url: str, rate: float = 1.0) -> AsyncIterator[Place]:
    told: list[tuple[str, str]] = []
    client = await connect(url, "test", lambda what: told.append(("", what)))
    one = Place(client, told, rate)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: one.escaped.append(context))
    try:
        yield one
    finally:
        await one.bus.close()
        await client.close()


def run(case: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await patiently(case())

    asyncio.run(all_of_it())


def numbers(messages: list[Message]) -> list[int]:
    return [message.number for message in messages]


def numbered(number: int) -> Message:
    return Message("cell/eye", b"x", sender="cell/a", number=number)


# The server goes and comes back


def test_what_is_sent_while_the_server_is_away_arrives_in_order(tmp_path: Path) -> None:
    async def case() -> None:
        with nats_server(tmp_path) as server:
            async with place(server.url) as one, place(server.url) as two:
                own, other = one.hears("cell/eye"), two.hears("cell/eye")
                await one.bus.flush()
                await two.bus.flush()
                one.bus.send(numbered(1))
                await until(lambda: own and other)
                server.kill()
                one.bus.send(numbered(2))  # nobody has noticed yet: it may be lost, which is told
                await until(lambda: one.was_told(AWAY) and two.was_told(AWAY))
                for number in range(3, 23):
                    one.bus.send(numbered(number))
                late = one.hears("cell/late")
                await asyncio.sleep(0.02)
                server.start()
                await until(lambda: one.was_told("back") and two.was_told("back"))
                await until(lambda: own[-1].number == 22)
                assert [n for n in numbers(own) if n != 2] == [1, *range(3, 23)]
                assert sorted(set(numbers(other))) == numbers(other)
                two.bus.send(Message("cell/eye", b"again"))
                two.bus.send(Message("cell/late", b"again"))
                await until(lambda: own[-1].data == other[-1].data == b"again" and late)
                assert (one.escaped, two.escaped) == ([], [])

    run(case)


def test_a_flush_that_was_lost_with_its_server_is_tried_again(tmp_path: Path) -> None:
    async def case() -> None:
        with nats_server(tmp_path) as server:
            async with place(server.url) as one:
                await one.bus.flush()
                server.freeze()
                flushing = asyncio.create_task(one.bus.flush())
                await asyncio.sleep(0.05)  # the question is in a socket that nobody reads
                server.kill()
                server.start()
                await flushing
                assert not one.was_told("flush")

    run(case)


def test_questions_go_on_after_every_kill(tmp_path: Path) -> None:
    async def case() -> None:
        with nats_server(tmp_path) as server:
            async with place(server.url) as one, place(server.url) as two:
                two.bus.listen("cell/eye", lambda m: two.bus.send(Message(m.reply_to, m.data)))
                questions = RequestClient(one.bus, "asker/one")
                await two.bus.flush()
                answers: list[Message | None] = []

                def ask(answer: Message | None = None) -> None:
                    """Whoever needs certainty asks again."""
                    answers.append(answer)
                    questions.ask(Message("cell/eye", b"?"), SECOND // 20, ask)

                ask()
                for times in (1, 2):
                    server.kill()
                    await until(partial(one.was_told, AWAY, times))
                    await until(partial(two.was_told, AWAY, times))
                    server.start()
                    answers.clear()
                    await until(lambda: any(answer and answer.data for answer in answers))
                    await until(partial(one.was_told, "back", times))
                questions.close()
                assert (one.escaped, two.escaped) == ([], [])

    run(case)


def test_what_goes_beyond_the_buffer_is_lost_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUFFER_BYTES_MAX", 10_000)

    async def case() -> None:
        with nats_server(tmp_path) as server:
            async with place(server.url) as one:
                heard = one.hears("cell/eye")
                server.kill()
                await until(lambda: one.was_told(AWAY))
                for number in range(1, 21):
                    one.bus.send(Message("cell/eye", bytes(1_000), {}, "cell/a", number))
                lost = one.told.count(("cell/eye", "lost a message: the bus does not keep up"))
                server.start()
                await until(lambda: len(heard) == 20 - lost)
                assert numbers(heard) == list(range(1, 21 - lost))
                assert 10 < lost < 15

    run(case)


def test_without_a_server_there_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 0.2)

    async def case() -> None:
        told: list[str] = []
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            url = f"nats://127.0.0.1:{silent.getsockname()[1]}"
            for patient in (True, False):
                with pytest.raises(TemporaryPortError, match=f"no NATS server at {url}: "):
                    await connect(url, "test", told.append, patient)
            silent.listen()
            with pytest.raises(TemporaryPortError, match=f"no NATS server at {url}: "):
                await connect(url, "test", told.append)
        assert told == []

    run(case)


def test_what_waits_for_the_socket_has_reached_the_server_after_a_flush(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one, place(server.url) as two:
            questions = RequestClient(one.bus, "asker/one")
            answers: list[Message | None] = []
            for number in range(40):
                two.bus.listen(f"cell/{number}", lambda m: two.bus.send(Message(m.reply_to)))
                await two.bus.flush()
                questions.ask(Message(f"cell/{number}"), 100 * SECOND, answers.append)
            await until(lambda: len(answers) == 40)
            assert {answer and answer.status for answer in answers} == {""}
            questions.close()

    run(case)


def test_any_number_of_listeners_can_be_opened_at_once(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one:
            heard: list[Message] = []
            listeners = [one.bus.listen(f"cell/{number}", heard.append) for number in range(1_500)]
            for number in range(1_500):
                one.bus.send(Message(f"cell/{number}"))
            await until(lambda: len(heard) == 1_500)
            for listener in listeners:
                listener.close()
            back = one.hears("asker/one")
            one.bus.send(Message("cell/7", reply_to="asker/one/1"))
            await until(lambda: back)
            assert (back[0].status, one.escaped) == (NOBODY, [])

    run(case)


# What the server would end the connection for


def test_headers_count_for_the_size(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one:
            heard = one.hears("cell/eye")
            fits = MIB - len("NATS/1.0\r\nNimdsl-Sender: cell/a\r\nNimdsl-Number: 1\r\n\r\n")
            one.bus.send(Message("cell/eye", bytes(MIB)))
            with pytest.raises(PermanentPortError, match="too large with its headers"):
                one.bus.send(Message("cell/eye", bytes(fits + 1), {}, "cell/a", 1))
            one.bus.send(Message("cell/eye", bytes(fits), {}, "cell/a", 1))
            await until(lambda: len(heard) == 2)
            assert ([len(message.data) for message in heard], one.told) == ([MIB, fits], [])
            assert one.bus.sent_count == one.bus.received_count == 2

    run(case)


@pytest.mark.parametrize(
    "message",
    [
        Message("subject/a b"),
        Message("subject/"),
        Message("subject/" + "a" * 5_000),
        Message("cell/eye", reply_to="subject/" + "a" * 5_000),
        Message("cell/eye", reply_to="subject/a\r\nb"),
        Message("cell/eye", b"", {"a b": "c"}),
        Message("cell/eye", b"", {"a": "\ud800"}),
        Message("cell/eye", b"", {"a": "b" * MIB}),
    ],
    ids=("space", "empty", "long", "long reply", "new line", "key", "half a character", "large headers"),
)
def test_what_nats_has_no_form_for_is_refused(server: NatsServer, message: Message) -> None:
    async def case() -> None:
        async with place(server.url) as one:
            heard = one.hears("cell/eye")
            with pytest.raises(PermanentPortError):
                one.bus.send(message)
            one.bus.send(Message("cell/eye", b"next"))
            await until(lambda: heard)
            assert ([m.data for m in heard], one.told, one.escaped) == ([b"next"], [], [])

    run(case)


def test_nobody_can_listen_at_what_is_no_subject(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one:
            for address in ("cell/a b", "cell/>x", "subject/"):
                with pytest.raises(PermanentPortError, match="nobody can listen"):
                    one.bus.listen(address, lambda message: None)

    run(case)


def test_sizes_of_headers_are_the_servers() -> None:
    check_headers(b"", {"a": "b"}, 18)
    with pytest.raises(PermanentPortError, match="18 bytes, the server takes 17"):
        check_headers(b"", {"a": "b"}, 17)
    check_headers(b"xx", {"ä": "☃"}, 12 + 2 + 4 + 3 + 2)


# Strangers


@asynccontextmanager
async def stranger(server: NatsServer) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(server.client())


def test_a_stranger_asks_an_actor_without_our_headers(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one, stranger(server) as client:

            def answer(message: Message) -> None:
                event = wire.to_event(message)
                assert isinstance(event, Requested)
                assert (event.sender, event.number) == ("", 0)
                effect = SendReply(5, "", event.request, {"status": "ACK"})
                one.bus.send(wire.to_message(effect, "cell/eye", RUN, "2026-01-01T00:00:00Z", 0))

            one.bus.listen("cell/eye", answer)
            await one.bus.flush()
            reply = await client.request(EYE, b'{"a": 1}', timeout=SILENCE_S)
            assert (wire.decode(reply.data), one.escaped) == ({"status": "ACK"}, [])

    run(case)


@pytest.mark.parametrize("way", ["respond", "publish"])
def test_a_stranger_answers_a_request(server: NatsServer, way: str) -> None:
    """``respond`` repeats the headers of the request: the answer must not pass for the asker's own."""

    async def case() -> None:
        async with place(server.url) as one, stranger(server) as client:
            heard = one.hears("protocol/spark")

            async def answer(raw: Msg) -> None:
                if way == "respond":
                    await raw.respond(b'{"status": "ACK"}')
                else:
                    await client.publish(raw.reply, b'{"status": "ACK"}')

            await client.subscribe(EYE, cb=answer)
            await client.flush()
            await client.flush()
            identity = Identity("protocol/spark", 17)
            effect = SendRequest(18, "cell/eye", identity, {}, "protocol/spark/3", 500_000, 12)
            one.bus.send(wire.to_message(effect, "protocol/spark", RUN, "2026-01-01T00:00:00Z", 12))
            await until(lambda: heard)
            assert wire.to_event(heard[0]) == Answered(identity, {"status": "ACK"})

    run(case)


def test_names_with_dots_are_one_word_of_a_subject(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one, stranger(server) as client:
            seen: list[tuple[str, str]] = []

            async def see(raw: Msg) -> None:
                seen.append((raw.subject, raw.reply))

            await client.subscribe(f"dev.local.{RUN}.>", cb=see)
            await client.flush()
            await client.flush()
            heard = one.hears("cell/e.y.e")
            one.bus.send(Message("cell/e.y.e", reply_to="protocol/sp.ark/7"))
            await until(lambda: heard and seen)
            prefix = f"dev.local.{RUN}"
            assert seen == [(f"{prefix}.cell.e~y~e", f"{prefix}.protocol.sp~ark.7")]
            assert (heard[0].to, heard[0].reply_to) == ("cell/e.y.e", "protocol/sp.ark/7")

    run(case)


@pytest.mark.parametrize("number", ["abc", "", "-1", "1.5", "²", "9" * 5_000])
def test_headers_that_identify_nothing_are_no_identity(server: NatsServer, number: str) -> None:
    async def case() -> None:
        async with place(server.url) as one, stranger(server) as client:
            heard = one.hears("cell/eye")
            await one.bus.flush()
            headers = {"Nimdsl-Sender": "cell/a", "Nimdsl-Number": number, "Other": "ä"}
            await client.publish(EYE, b"x", headers=headers)
            await until(lambda: heard)
            assert heard == [Message("cell/eye", b"x", {"Other": "ä"})]
            assert one.told == []

    run(case)


def test_a_stranger_hears_waves_with_who_they_are_from(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one, stranger(server) as client:
            waves: list[Msg] = []

            async def see(raw: Msg) -> None:
                waves.append(raw)

            await client.subscribe(f"dev.local.{RUN}.cell.sight~near.eye", cb=see)
            await client.flush()
            await client.flush()
            one.bus.publish(Message("wave/sight.near", b"{}", {"A": "b"}, "cell/eye", 7))
            await until(lambda: waves)
            assert waves[0].data == b"{}"
            assert waves[0].headers == {
                "A": "b",
                "Nimdsl-Topic": "wave/sight.near",
                "Nimdsl-Sender": "cell/eye",
                "Nimdsl-Number": "7",
            }
            assert (one.told, one.bus.sent_count, one.bus.wave_count) == ([], 0, 1)

    run(case)


def test_what_a_stranger_sends_without_a_topic_was_not_published(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one, stranger(server) as client:
            heard: list[Message] = []
            for topic in ("wave/sight.near", "wave/sight.*", "wave/*"):
                one.bus.subscribe(topic, f"gate/{len(topic)}", heard.append)
            await one.bus.flush()
            for topic in ("", "wave/sight.far", "cell/eye"):
                headers = {"Nimdsl-Topic": topic} if topic else None
                await client.publish(f"dev.local.{RUN}.cell.sight~near.eye", b"?", headers=headers)
            await client.publish(
                f"dev.local.{RUN}.cell.sight~near.eye", b"!", headers={"Nimdsl-Topic": "wave/sight.near"}
            )
            await until(lambda: len([m for m in heard if m.data == b"!"]) == 3)
            assert {(m.to, m.sender, m.number) for m in heard if m.data == b"!"} == {
                ("wave/sight.near", "", 0)
            }
            assert {m.to for m in heard if m.data == b"?"} == {"wave/sight.far"}

    run(case)


def test_headers_count_for_the_size_of_what_is_published(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one:
            with pytest.raises(PermanentPortError, match="too large with its headers"):
                one.bus.publish(Message("wave/sight", bytes(MIB), {}, "cell/a", 1))
            with pytest.raises(PermanentPortError, match="no form"):
                one.bus.publish(Message("wave/sight", b"", {}, "cell/a b", 1))
            with pytest.raises(PermanentPortError, match="longer than"):
                one.bus.publish(Message("wave/" + "a" * 2_000))
            assert one.bus.wave_count == 0

    run(case)


# Its life


def test_a_listener_that_raises_is_told_and_shown(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one:

            def take(message: Message) -> None:
                raise KeyError(message.data.decode())

            one.bus.listen("cell/eye", take)
            one.bus.send(Message("cell/eye", b"x"))
            await until(lambda: one.escaped)
            assert one.told == [("cell/eye", "a listener raised KeyError: 'x'")]
            assert isinstance(one.escaped[0]["exception"], KeyError)

    run(case)


def test_a_closed_bus_hears_and_sends_nothing_but_what_was_sent_goes_out(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one, place(server.url) as two:
            own, other = one.hears("cell/eye"), two.hears("cell/eye")
            await two.bus.flush()
            one.bus.send(Message("cell/eye", b"before"))
            await one.bus.close()
            one.bus.send(Message("cell/eye", b"after"))
            await until(lambda: other)
            await one.bus.flush()
            assert ([m.data for m in other], own) == ([b"before"], [])
            assert one.told == [("cell/eye", "lost a message: the bus is closed")]
            await one.bus.client.close()
            assert one.was_told("the bus is closed")
            await one.bus.flush()
            assert one.was_told("flush")

    run(case)


def test_a_bus_can_be_closed_whose_connection_is_gone(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url) as one:
            one.hears("cell/eye")
            await one.bus.flush()
            transport = one.bus.client._transport
            assert transport is not None
            transport.close()  # type: ignore[no-untyped-call]
            await one.bus.close()
            await one.bus.client.close()
            assert one.escaped == []

    run(case)


def test_later_stands_still_with_the_clock_and_liveness_does_not(server: NatsServer) -> None:
    async def case() -> None:
        async with place(server.url, rate=1_000.0) as one:
            done: list[str] = []
            for delay in (3, 1, 2):
                one.bus.after(delay * SECOND, partial(done.append, str(delay)))
            one.clock.pause()
            one.bus.wall_after(20_000_000, partial(done.append, "alive"))
            await until(lambda: done)
            assert done == ["alive"]
            one.clock.resume()
            await until(lambda: len(done) == 4)
            assert done == ["alive", "1", "2", "3"]

    run(case)
