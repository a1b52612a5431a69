"""Programs that are none of ours on the bus of a garden; how a bus lives and ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from nimdsl.base.errors import PermanentPortError
from runtime.kernel.effects import SendReply, SendRequest
from runtime.kernel.events import Answered, Requested
from runtime.ports.bus import Message
from runtime.records import Identity
from runtime.run import wire
from tests.support.nats import NatsServer, nats_server
from tests.support.nats_bus import MIB, RUN, SECOND, place, run
from tests.support.patience import SILENCE_S, until

EYE = f"dev.local.{RUN}.cell.eye"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


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
