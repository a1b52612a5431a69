"""The bus on NATS, where it is more than the port: servers that go and come back, and strangers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gardens.real.nats import bus as module
from gardens.real.nats.bus import AWAY, check_headers, connect
from nimdsl.base.errors import PermanentPortError, TemporaryPortError
from runtime.ports.bus import NOBODY, Message
from runtime.ports.requests import RequestClient
from tests.support.nats import NatsServer, nats_server
from tests.support.nats_bus import MIB, SECOND, place, run
from tests.support.patience import until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def numbers(messages: list[Message]) -> list[int]:
    return [message.number for message in messages]


def numbered(number: int) -> Message:
    return Message("cell/eye", b"x", sender="cell/a", number=number)


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
