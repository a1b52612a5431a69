"""Work for real: whatever does it, it comes back once, as an event that can be journalled (SEMANTICS 7)."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from gardens.real.process import work_runner as module
from nimdsl.expression.types import INT, STRING, Type
from nimdsl.program import Work
from tests.support.nats import NatsServer
from tests.support.patience import finished, until
from tests.support.working import ACTOR, OUTCOMES, Place, at

SUM: dict[str, Type] = {"sum": INT, "who": STRING}


def python(name: str, returns: dict[str, Type] | None = None) -> Work:
    path = name if ":" in name else f"callables:{name}"
    return Work("work", SUM if returns is None else returns, OUTCOMES, real={"python": path})


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
