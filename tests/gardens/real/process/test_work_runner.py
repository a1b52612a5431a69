"""Work for real: whatever does it, it comes back once, as an event that can be journalled (SEMANTICS 7)."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nats.micro
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.micro.request import Request

import nimdsl
from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.subjects import Subjects
from gardens.real.process import work_runner as module
from gardens.real.process.work_runner import WorkRunner, driver_of
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.compile.garden import LOCAL_GARDEN, PERFECT_GARDEN
from nimdsl.expression.types import ANY, DURATION, INT, REAL, STRING, Type
from nimdsl.program import Distribution, Garden, Program, Work, WorkModel
from runtime.chance.models import Draws, WorkModels
from runtime.kernel.events import Finished
from runtime.ports.bus import PAYLOAD_BYTES_MAX
from runtime.ports.requests import RequestClient
from runtime.ports.translator import DocumentTranslator
from simulate import run as simulated
from tests.support.gardens import live, local
from tests.support.nats import NatsServer, nats_server
from tests.support.patience import finished, growth_of, patiently, until

SEED = 7
"""Nothing takes that long; then a test has failed."""
ACTOR = "cell/c"
CALLABLES = """
import asyncio
import concurrent.futures
import sys
import threading

CALLS = []
STARTED, FREED, SEEN = threading.Event(), threading.Event(), threading.Event()


def add(given):
    return {"sum": given["a"] + given["b"], "who": threading.current_thread().name}


async def add_later(given):
    await asyncio.sleep(0)
    return {"sum": given["a"] + given["b"], "who": threading.current_thread().name}


class Adder:
    @staticmethod
    def add(given):
        return add(given)


def any_number(*given):
    return add(*given)


def sooner_or_later(given):
    return add_later(given)


def without_arguments():
    return {"sum": 3, "who": ""}


def greedy(given):
    given["a"] += 1
    given["list"].append("more")
    return {"sum": given["a"] + given["b"], "who": ""}


def raises(given):
    raise LookupError("no such thing")


async def raises_later(given):
    raise LookupError("no such thing")


def stops(given):
    return next(iter(()))


def exits(given):
    sys.exit(3)


async def exits_later(given):
    sys.exit(3)


def gives_up(given):
    raise concurrent.futures.CancelledError


async def gives_up_later(given):
    raise asyncio.CancelledError


def half_a_reason(given):
    raise LookupError("\\ud800")


class Unspeakable(Exception):
    def __str__(self):
        raise self


def unspeakable(given):
    raise Unspeakable


def nothing(given):
    return None


def too_little(given):
    return {"sum": 3}


def too_much(given):
    return {"sum": 3, "who": "", "why": ""}


def wrong(given):
    return {"sum": "three", "who": ""}


def half_a_character(given):
    return {"sum": 3, "who": "\\ud800"}


def endless(given):
    return {"sum": 3, "who": "x" * 600_000}


def listens(given, cancelled):
    STARTED.set()
    if cancelled.wait(20):
        SEEN.set()
    return {"sum": 3, "who": ""}


async def listens_later(given):
    STARTED.set()
    try:
        await asyncio.sleep(20)
    finally:
        SEEN.set()
    return {"sum": 3, "who": ""}


def deaf(given):
    CALLS.append(given["a"])
    STARTED.set()
    FREED.wait(20)
    return {"sum": given["a"], "who": ""}


def once(given):
    CALLS.append(given)
    STARTED.set()
    if len(CALLS) == 1:
        FREED.wait(20)
    return {"value": len(CALLS)}


FLAG = "no function"
"""
SUM: dict[str, Type] = {"sum": INT, "who": STRING}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def callables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module beside the documents; a new one for each test."""
    (tmp_path / "callables.py").write_text(CALLABLES, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = importlib.import_module("callables")
    yield found
    found.FREED.set()
    del sys.modules["callables"]


@dataclass
class Place:
    """Where work is done, and what came back."""

    works: WorkRunner
    client: Client
    events: asyncio.Queue[Finished] = field(default_factory=asyncio.Queue)
    number: int = 0

    def start(self, work: Work, arguments: Plain = None) -> int:
        self.number += 1
        self.works.start(ACTOR, work, self.number, arguments or {}, self.events.put_nowait)
        return self.number

    async def done(self, work: Work, arguments: Plain = None) -> dict[str, Any]:
        """What the work comes back with."""
        number = self.start(work, arguments)
        assert self.events.empty(), "it came back at once, not later"
        event = await self.events.get()
        assert event.work == number
        payload = {"outcome": event.outcome, "values": event.values, "reason": event.reason}
        assert canonical.decode(canonical.encode(payload)) == payload, "what comes back can be journalled"
        assert self.works.count == 0
        return payload

    async def nothing_more(self) -> None:
        """Nothing comes back any more, also not a moment later."""
        assert self.works.count == 0
        await asyncio.sleep(0.05)
        assert self.events.empty()


@asynccontextmanager
async def place(
    server: NatsServer, stand_ins: tuple[str, ...] = (), after: Any = None, **garden: Any
) -> AsyncIterator[Place]:
    home = local(1.0, replace(LOCAL_GARDEN, **garden), stand_ins=frozenset(stand_ins))
    client = await connect(server.url, "works", unheard)
    bus = NatsBus(
        client,
        Subjects(home, "0" * 32),
        Clock(Origin(time.monotonic_ns(), 0, 1)),
        unheard,
        PAYLOAD_BYTES_MAX,
    )
    questions = RequestClient(bus, "asker/works", bus.wall_after)
    works = WorkRunner(home, PERFECT_GARDEN, SEED, questions, DocumentTranslator({}), after or bus.after)
    await bus.flush()
    try:
        yield Place(works, client)
    finally:
        works.close()
        questions.close()
        await bus.close()
        await client.close()


def unheard(*_: str) -> None:
    """What befalls the bus is not what these tests are about."""


def at(server: NatsServer, scenario: Callable[[Place], Awaitable[None]], **more: Any) -> None:
    """Runs a scenario in a place of its own."""

    async def run() -> None:
        async with place(server, **more) as here:
            await patiently(scenario(here))

    asyncio.run(run())


def python(name: str, returns: dict[str, Type] | None = None) -> Work:
    path = name if ":" in name else f"callables:{name}"
    return Work("work", SUM if returns is None else returns, OUTCOMES, real={"python": path})


OUTCOMES = {"done": "done", "failed": "failed"}


# A Python callable


@pytest.mark.parametrize(
    ("name", "thread"),
    [
        ("add", "work"),
        ("add_later", "MainThread"),
        ("Adder.add", "work"),
        ("any_number", "work"),
        ("sooner_or_later", "MainThread"),
    ],
)
def test_a_callable_returns_what_is_declared(
    server: NatsServer, callables: Any, name: str, thread: str
) -> None:
    async def scenario(here: Place) -> None:
        came = await here.done(python(name), {"a": 1, "b": 2})
        assert came == {"outcome": "done", "values": {"sum": 3, "who": thread}, "reason": ""}

    at(server, scenario)


def test_a_callable_may_take_no_arguments(server: NatsServer, callables: Any) -> None:
    async def scenario(here: Place) -> None:
        assert (await here.done(python("without_arguments"), {"a": 1}))["values"] == {"sum": 3, "who": ""}

    at(server, scenario)


def test_a_callable_may_return_nothing_where_nothing_is_declared(
    server: NatsServer, callables: Any
) -> None:
    async def scenario(here: Place) -> None:
        assert await here.done(python("nothing", {})) == {"outcome": "done", "values": {}, "reason": ""}

    at(server, scenario)


def test_a_callable_changes_only_its_own_copy_of_the_arguments(server: NatsServer, callables: Any) -> None:
    arguments = {"a": 1, "b": 2, "list": ["one"]}

    async def scenario(here: Place) -> None:
        assert (await here.done(python("greedy"), arguments))["values"]["sum"] == 4

    at(server, scenario)
    assert arguments == {"a": 1, "b": 2, "list": ["one"]}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raises", "LookupError: no such thing"),
        ("raises_later", "LookupError: no such thing"),
        ("stops", "StopIteration"),
        ("exits", "SystemExit: 3"),
        ("exits_later", "SystemExit: 3"),
        ("gives_up", "CancelledError"),
        ("gives_up_later", "CancelledError"),
        ("half_a_reason", r"LookupError: \ud800"),
        ("unspeakable", "Unspeakable"),
        ("nothing", "a mapping of sum, who is wanted, this is NoneType None"),
        ("too_little", "callables:too_little returned something else: `who` is missing"),
        ("too_much", "`why` is not declared"),
        ("wrong", "`sum`: int is wanted, this is str 'three'"),
        ("half_a_character", "`who`: text is wanted"),
        ("endless", "it returned 600,018 bytes, and may return 524,288"),
        ("callables:absent", "there is no `callables:absent`"),
        ("nowhere:f", "No module named 'nowhere'"),
        ("callables:FLAG", "`callables:FLAG` cannot be called"),
        ("broken:f", "ZeroDivisionError"),
        ("leaving:f", "SystemExit: 4"),
    ],
)
def test_whatever_goes_wrong_in_a_callable_the_work_has_failed(
    server: NatsServer, callables: Any, tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "leaving.py").write_text("raise SystemExit(4)", encoding="utf-8")

    async def scenario(here: Place) -> None:
        came = await here.done(python(name), {"a": 1, "b": 2, "list": []})
        assert (came["outcome"], came["values"]) == ("failed", {})
        assert reason in came["reason"]
        assert len(came["reason"]) <= module.REASON_LENGTH_MAX

    at(server, scenario)


@pytest.mark.parametrize("name", ["listens", "listens_later"])
def test_who_listens_hears_that_nobody_waits(server: NatsServer, callables: Any, name: str) -> None:
    async def scenario(here: Place) -> None:
        number = here.start(python(name))
        await until(callables.STARTED.is_set)
        here.works.cancel(ACTOR, number)
        await until(callables.SEEN.is_set)
        await here.nothing_more()

    at(server, scenario)


def test_work_that_is_cancelled_before_it_begins_is_never_done(server: NatsServer, callables: Any) -> None:
    async def scenario(here: Place) -> None:
        here.works.cancel(ACTOR, here.start(python("deaf"), {"a": 1}))
        await here.nothing_more()

    at(server, scenario)
    assert callables.CALLS == []


def test_so_many_threads_and_no_more(
    server: NatsServer, callables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not listen keeps its thread after it was cancelled; the others wait their turn."""
    monkeypatch.setattr(module, "THREAD_COUNT_MAX", 2)

    async def scenario(here: Place) -> None:
        assert (await here.done(python("add"), {"a": 1, "b": 2}))["outcome"] == "done"
        numbers = [here.start(python("deaf"), {"a": a}) for a in range(3)]
        while len(callables.CALLS) < 2:
            await asyncio.sleep(0.001)
        for number in numbers[:2]:
            here.works.cancel(ACTOR, number)
        assert [thread.name for thread in threading.enumerate()].count("work") == 2
        assert callables.CALLS == [0, 1]
        callables.FREED.set()
        event = await here.events.get()
        assert (event.work, event.values["sum"]) == (numbers[2], 2)
        await here.nothing_more()

    at(server, scenario)


@pytest.mark.slow
def test_a_callable_that_never_ends_does_not_keep_its_process(tmp_path: Path) -> None:
    program = """
import asyncio, threading, time
from gardens.real.process.work_runner import WorkRunner
from nimdsl.compile.garden import LOCAL_GARDEN
from nimdsl.program import Work

started = threading.Event()

def never_ends(given):
    started.set()
    time.sleep(1000)

async def main():
    works = WorkRunner(LOCAL_GARDEN, LOCAL_GARDEN, 1, None, None, None)
    works.start("cell/c", Work("w", {}, {}, real={"python": "__main__:never_ends"}), 1, {}, print)
    await asyncio.to_thread(started.wait)
    works.close()

asyncio.run(main())
print("the end")
"""
    ended = finished([sys.executable, "-c", program])
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "the end\n", "")


# A service


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


# The document, and the whole model


def drawn(text: str) -> tuple[Program, Work]:
    program = nimdsl.load_text(text)
    return program, program.cells["c"].works["look"]


MODEL = """
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: g}
spec:
  inventory: {pods: {columns: {name: string}, rows: [{name: a}, {name: b}]}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data: {left: int, seen: list<real>, problems: list<string>}
  machine:
    initial: working
    states:
      working:
        enter: [{work: look}]
        transitions:
          - event: done
            to: resting
            do: [{set: {seen: "${seen + [event.share]}"}}]
          - event: failed
            to: resting
            do: [{set: {problems: "${problems + [event.reason]}"}}]
      resting:
        timers:
          - {after: 10ms, to: working, if: size(seen) + size(problems) < 12}
          - {after: 20ms, to: over}
      over: {final: true}
  work:
    look:
      args: {index: "${size(seen)}"}
      returns: {share: real, text: string, count: int}
      virtual:
        latency: {uniform: [1ms, 20ms]}
        failure: 30%
        returns:
          share: {beta: [2, 3]}
          text: {constant: "look ${args.index}"}
          count: {constant: "${size(inventory.pods)}"}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {garden: g, horizon: 60s}
"""
EVENTFUL = WorkModel(
    Distribution("uniform", (1, 1_000_000), DURATION),
    failure=200_000,
    nack=200_000,
    retry=200_000,
    crash=500_000,
    returns={"share": Distribution("beta", (2.0, 3.0), REAL)},
)


def test_the_document_answers_at_once_with_what_the_model_returns(server: NatsServer) -> None:
    program, look = drawn(MODEL)
    document = replace(look, real={"document": True})

    async def scenario(here: Place) -> None:
        for number in range(1, 20):
            wanted = WorkModels(Draws(SEED), program.gardens["g"]).values(ACTOR, look, number, {"index": 4})
            came = await here.done(document, {"index": 4})
            assert came == {"outcome": "done", "values": wanted, "reason": ""}, "no failure, no latency"
        assert wanted["text"] == "look 4"
        assert wanted["count"] == 2

    at(server, scenario, after=never, inventory=program.gardens["g"].inventory)


def never(delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
    raise AssertionError("nobody waits here")


def test_a_document_whose_model_faults_has_failed(server: NatsServer) -> None:
    _, look = drawn(MODEL)

    async def scenario(here: Place) -> None:
        came = await here.done(replace(look, real={"document": True}), {})
        assert came["outcome"] == "failed"

    at(server, scenario)


@pytest.mark.parametrize("real", [{}, {"service": "models.add"}])
def test_a_stand_in_behaves_as_the_model_that_the_virtual_garden_has(
    server: NatsServer, real: dict[str, Plain]
) -> None:
    """The same outcome, values, reason and latency for the same number; but it does not crash."""
    work = Work("work", {"share": REAL}, OUTCOMES, virtual=EVENTFUL, real=real)
    delays: list[int] = []

    def after(delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        delays.append(delay_ns)
        return asyncio.get_running_loop().call_soon(act).cancel

    async def scenario(here: Place) -> None:
        seen = set()
        for number in range(1, 101):
            virtual = replace(work, virtual=replace(EVENTFUL, crash=0))
            wanted = WorkModels(Draws(SEED), PERFECT_GARDEN).outcome(ACTOR, virtual, number, {}, 0)
            came = await here.done(work)
            assert came == {"outcome": wanted.outcome, "values": wanted.values, "reason": wanted.reason}
            assert delays.pop() == wanted.latency_ns
            seen.add(wanted.outcome)
        assert seen == {"done", "failed", "nack", "retry"}

    at(server, scenario, after=after, stand_ins=("models.add",))


def test_a_model_that_cannot_be_drawn_from_has_failed(server: NatsServer) -> None:
    impossible = WorkModel(Distribution("beta", (-1.0, 3.0), REAL))

    async def scenario(here: Place) -> None:
        came = await here.done(Work("work", {}, OUTCOMES, virtual=impossible))
        assert came["outcome"] == "failed"

    at(server, scenario)


def test_a_stand_in_that_is_cancelled_comes_back_no_more(server: NatsServer) -> None:
    waits: list[Callable[[], None]] = []

    def after(delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        waits.append(act)
        return lambda: waits.remove(act)

    async def scenario(here: Place) -> None:
        here.works.cancel(ACTOR, here.start(Work("work", {}, OUTCOMES)))
        assert waits == []
        await here.nothing_more()

    at(server, scenario, after=after)


def test_who_does_it() -> None:
    def who(real: dict[str, Plain]) -> str:
        return driver_of(Work("work", {}, OUTCOMES, real=real), frozenset({"here.not"}))

    assert who({"python": "a:b"}) == "python"
    assert who({"service": "here"}) == "service"
    assert who({"service": "here.not"}) == "model"
    assert who({"document": True}) == "document"
    assert who({"document": False}) == "model"
    assert who({}) == "model"


# End to end


def test_both_gardens_draw_the_same(server: NatsServer, tmp_path: Path) -> None:
    """SEMANTICS 7: the model stands in with the values of the virtual garden, by actor and number."""
    program, _ = drawn(MODEL)
    virtual = simulated(program, "s", seed=SEED).outcome["cells"]["c"]
    lived = asyncio.run(live(program, "s", local(4.0), tmp_path, url=server.url, seed=SEED))
    assert lived.result.outcome["cells"]["c"] == virtual
    assert virtual["state"] == "over"
    assert virtual["data"]["seen"]
    assert virtual["data"]["problems"]


CRASHING = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data: {value: int, problem: string}
  machine:
    initial: working
    states:
      working:
        enter: [{work: look}]
        transitions:
          - {event: done, to: over, do: [{set: {value: "${event.value}"}}]}
          - {event: failed, to: over, do: [{set: {problem: "${event.reason}"}}]}
      over: {final: true}
  work:
    look:
      repeat: idempotent
      returns: {value: int}
      real: {python: "callables:once"}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 20s}
"""


@pytest.mark.slow
@pytest.mark.parametrize("repeat", ["idempotent", "at-most-once"])
def test_a_crash_does_idempotent_work_again_and_no_other(
    server: NatsServer, callables: Any, tmp_path: Path, repeat: str
) -> None:
    failed = next(line for line in CRASHING.splitlines(keepends=True) if "event: failed" in line)
    unknown = failed.replace("failed", "unknown") if repeat == "at-most-once" else ""
    text = CRASHING.replace("repeat: idempotent", f"repeat: {repeat}").replace(failed, failed + unknown)
    program = nimdsl.load_text(text)

    async def crash(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, TaskLauncher)
        await until(callables.STARTED.is_set)
        await launcher.crash("cells")
        callables.FREED.set()

    garden: Garden = local(1.0)
    lived = asyncio.run(live(program, "s", garden, tmp_path, url=server.url, meanwhile=crash))
    data = lived.result.outcome["cells"]["c"]["data"]
    if repeat == "idempotent":
        assert data == {"value": 2, "problem": ""}
        assert callables.CALLS == [{}, {}]
    else:
        assert data == {"value": 0, "problem": "the actor crashed while this was under way"}
        assert callables.CALLS == [{}]


OWN = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "eye-${which}"}
spec:
  for: {which: [open, shut]}
  data: {seen: string, problem: string}
  machine:
    initial: looking
    states:
      looking:
        enter: [{work: look}]
        transitions:
          - {event: done, to: over, do: [{set: {seen: "${event.what}"}}]}
          - {event: failed, to: over, do: [{set: {problem: "${event.reason}"}}]}
      over: {final: true}
  work:
    look:
      args: {which: "${which}"}
      returns: {what: string}
      real: {python: "my_cells.eye:look"}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: looking}
spec:
  horizon: 60s
  expect:
    - cells["eye-open"].data.seen == "a garden" && cells["eye-open"].data.problem == ""
    - >-
      cells["eye-shut"].data.problem == "ValueError: it is dark"
"""
EYE = '''
def look(given):
    """What an eye sees."""
    if given["which"] == "shut":
        raise ValueError("it is dark")
    return {"what": "a garden"}
'''


@pytest.mark.slow
def test_a_callable_of_a_user_is_found_beside_the_documents(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "my_cells").mkdir(parents=True)
    (folder / "own.yaml").write_text(OWN, encoding="utf-8")
    (folder / "my_cells" / "eye.py").write_text(EYE, encoding="utf-8")
    words = [sys.executable, "-m", "nimdsl", "run", "looking", "--specs", "mine", "--format", "json"]
    done = finished(words, cwd=tmp_path, mark=lambda: growth_of(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert [one["held"] for one in said["expectations"]] == [True, True]
    assert {name: cell["state"] for name, cell in said["cells"].items()} == {
        "eye-open": "over",
        "eye-shut": "over",
    }
