"""Work that a service on the bus does: whatever it answers, or does not (SEMANTICS 7)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import nats.micro
import pytest
from nats.aio.msg import Msg
from nats.micro.request import Request

from gardens.real.process import work_runner as module
from nimdsl.base import canonical
from nimdsl.expression.types import ANY, DURATION, INT, REAL, Type
from nimdsl.program import Work
from runtime.ports.bus import PAYLOAD_BYTES_MAX
from tests.support.nats import NatsServer
from tests.support.working import ACTOR, OUTCOMES, Place, at


def service(returns: dict[str, Type] | None = None, subject: str = "models.add") -> Work:
    return Work("work", {"sum": INT} if returns is None else returns, OUTCOMES, real={"service": subject})


async def served(here: Place, answer: Callable[[Msg], Awaitable[None]]) -> None:
    await here.client.subscribe("models.add", cb=answer)
    await here.client.flush()


def test_a_service_is_any_subscriber_that_answers(server: NatsServer) -> None:
    async def answer(asked: Msg) -> None:
        given = json.loads(asked.data)
        await asked.respond(json.dumps({"sum": given["a"] + given["b"]}).encode())

    async def scenario(here: Place) -> None:
        await served(here, answer)
        came = await here.done(service(), {"a": 1, "b": 2})
        assert came == {"outcome": "done", "values": {"sum": 3}, "reason": ""}

    at(server, scenario)


def test_a_service_may_be_a_nats_service_with_errors_of_its_own(server: NatsServer) -> None:
    async def handler(request: Request) -> None:
        given = json.loads(request.data)
        if given["a"] < 0:
            await request.respond_error("400", "below zero")
        else:
            await request.respond(json.dumps({"sum": given["a"]}).encode())

    async def scenario(here: Place) -> None:
        async with await nats.micro.add_service(here.client, name="adder", version="1.0.0") as adder:
            await adder.add_endpoint(name="add", subject="models.add", handler=handler)
            await here.client.flush()
            assert (await here.done(service(), {"a": 3}))["values"] == {"sum": 3}
            came = await here.done(service(), {"a": -3})
            assert came == {"outcome": "failed", "values": {}, "reason": "below zero"}

    at(server, scenario)


def test_a_service_that_nobody_provides_has_failed(server: NatsServer) -> None:
    async def scenario(here: Place) -> None:
        came = await here.done(service())
        assert (came["outcome"], came["reason"]) == ("failed", "nobody serves models.add")

    at(server, scenario)


def test_a_service_that_is_too_slow_has_failed_and_is_not_heard_later(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SERVICE_TIMEOUT_NS", 20_000_000)
    asked: list[Msg] = []

    async def keep(question: Msg) -> None:
        asked.append(question)

    async def scenario(here: Place) -> None:
        await served(here, keep)
        came = await here.done(service())
        assert came["reason"] == "the service models.add did not answer"
        await asked[0].respond(b'{"sum": 3}')
        await here.nothing_more()

    at(server, scenario)


def test_what_a_service_answers_to_work_that_was_cancelled_is_not_heard(server: NatsServer) -> None:
    asked: asyncio.Queue[Msg] = asyncio.Queue()

    async def scenario(here: Place) -> None:
        await served(here, asked.put)
        number = here.start(service())
        question = await asked.get()
        here.works.cancel(ACTOR, number)
        await question.respond(b'{"sum": 3}')
        await here.nothing_more()

    at(server, scenario)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"3",
        b"[]",
        b"{}",
        b'{"sum": 3, "more": 4}',
        b'{"sum": "3"}',
        b'{"sum": 3.5}',
        b'{"sum": true}',
        b'{"sum": 9223372036854775808}',
        b'{"sum": ' + b"9" * 5_000 + b"}",
        b"[" * 100_000,
    ],
)
def test_garbage_from_a_service_is_a_failure(server: NatsServer, data: bytes) -> None:
    async def answer(asked: Msg) -> None:
        await asked.respond(data)

    async def scenario(here: Place) -> None:
        await served(here, answer)
        came = await here.done(service())
        assert (came["outcome"], came["values"]) == ("failed", {})
        assert "the service models.add answered something else" in came["reason"]

    at(server, scenario)


@pytest.mark.parametrize(
    "data",
    [
        b'{"x": NaN}',
        b'{"x": -Infinity}',
        b'{"x": 1e999}',
        b'{"x": "\\ud800"}',
        b'{"x": {"\\udc00": 1}}',
        b'{"x": ' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_what_could_not_be_journalled_is_a_failure(server: NatsServer, data: bytes) -> None:
    async def answer(asked: Msg) -> None:
        await asked.respond(data)

    async def scenario(here: Place) -> None:
        await served(here, answer)
        assert (await here.done(service({"x": ANY})))["outcome"] == "failed"

    at(server, scenario)


def test_quantities_may_come_as_text_with_their_unit(server: NatsServer) -> None:
    async def answer(asked: Msg) -> None:
        await asked.respond(b'{"wait": "20ms", "share": -0.0}')

    async def scenario(here: Place) -> None:
        await served(here, answer)
        came = await here.done(service({"wait": DURATION, "share": REAL}))
        assert canonical.encode(came["values"]) == b'{"share":0.0,"wait":20000000}'

    at(server, scenario)


def test_a_question_that_the_bus_does_not_carry_is_a_failure(server: NatsServer) -> None:
    async def scenario(here: Place) -> None:
        came = await here.done(service(), {"a": "x" * (PAYLOAD_BYTES_MAX + 1)})
        assert (came["outcome"], "too large" in came["reason"]) == ("failed", True)
        came = await here.done(service(subject="not a subject"))
        assert came["outcome"] == "failed"

    at(server, scenario)
