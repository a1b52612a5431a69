"""One suite for every implementation of the port :class:`gardens.real.supervisor.plan.Launcher`.

Subclass :class:`LauncherSuite` and write ``play``: it makes a launcher, awaits the case, and has
the launcher stop everything.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from gardens.real.clock import Clock, Origin
from gardens.real.nats.bus import NatsBus, connect
from gardens.real.nats.subjects import Subjects
from gardens.real.process.job import Job
from gardens.real.supervisor.control_client import Orders
from gardens.real.supervisor.plan import Launcher
from nimdsl.base.errors import NimdslError
from nimdsl.base.units import SECOND_NS
from nimdsl.compile.garden import LOCAL_GARDEN, PERFECT_GARDEN
from nimdsl.loading import load_text
from runtime.ports.bus import PAYLOAD_BYTES_MAX

CELLS = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: one}
spec: {machine: {initial: a, states: {a: {timers: [{after: 1s, to: a}]}}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: two}
spec: {machine: {initial: a, states: {a: {timers: [{after: 1s, to: a}]}}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 1h}
"""
ASK_NS = 10 * SECOND_NS


class Made:
    """A launcher, and how one of its processes is broken for good."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher

    async def break_for_good(self, name: str) -> None:
        """Sees to it that a process ends, and cannot be started again."""
        raise NotImplementedError


def job(name: str, run_id: str, url: str) -> Job:
    """A process with the cell ``name`` in it, which counts its time from now."""
    program = load_text(CELLS)
    return Job(
        name=name,
        actors=(f"cell/{name}",),
        program=program,
        program_sha256=program.sha256,
        scenario=program.scenarios["s"],
        garden=LOCAL_GARDEN,
        twin=PERFECT_GARDEN,
        run_id=run_id,
        seed=1,
        url=url,
        epoch=LOCAL_GARDEN.epoch,
        origin=Origin(time.monotonic_ns(), 0, 1.0),
    )


@asynccontextmanager
async def orders(url: str, run_id: str) -> AsyncIterator[Orders]:
    """A connection by which the processes of a run can be asked how they are."""
    client = await connect(url, "suite", lambda _: None)
    bus = NatsBus(
        client, Subjects(LOCAL_GARDEN, run_id), Clock(Origin(0, 0, 1)), lambda *_: None, PAYLOAD_BYTES_MAX
    )
    try:
        yield Orders(bus)
    finally:
        await bus.close()
        await client.close()


def ready(asking: Orders, name: str) -> Callable[[], Coroutine[Any, Any, None]]:
    """Waits until a process answers: for as long as it takes, its launcher knows when it is gone."""

    async def answers() -> None:
        while await asking.give(name, "status", ASK_NS // 100) is None:
            await asyncio.sleep(0.01)

    return answers


class LauncherSuite:
    """The laws of a launcher."""

    def play(self, case: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        """Plays a case with a new launcher, and has it stop everything."""
        raise NotImplementedError

    def test_what_was_started_lives_where_the_server_is_and_what_was_stopped_is_gone(self) -> None:
        """It answers on the run's bus, with its own actors; stopped, it answers nothing, and others do."""

        async def case(made: Made) -> None:
            launcher, run_id = made.launcher, secrets.token_hex(16)
            url = await launcher.server()
            async with orders(url, run_id) as asking:
                assert await asking.give("one", "status", ASK_NS) is None
                for name in ("one", "two"):
                    await launcher.start(job(name, run_id, url), ready(asking, name))
                    said = await asking.give(name, "status", ASK_NS)
                    assert said is not None
                    assert (said["name"], list(said["actors"])) == (name, [f"cell/{name}"])
                await launcher.stop("one")
                assert await asking.give("one", "status", ASK_NS) is None
                assert await asking.give("two", "status", ASK_NS) is not None
                await launcher.stop("two")
                assert await asking.give("two", "status", ASK_NS) is None

        self.play(case)

    def test_start_returns_when_ready_has(self) -> None:
        """Not before: what starts next may lean on it."""

        async def case(made: Made) -> None:
            launcher, run_id, came = made.launcher, secrets.token_hex(16), []
            url = await launcher.server()
            async with orders(url, run_id) as asking:

                async def told() -> None:
                    await ready(asking, "one")()
                    came.append("ready")

                await launcher.start(job("one", run_id, url), told)
                assert came == ["ready"]

        self.play(case)

    def test_what_is_not_ready_fails_to_start_and_goes_with_the_rest(self) -> None:
        """With what ``ready`` raised; and nothing of it is left behind when it is stopped."""

        async def case(made: Made) -> None:
            launcher, run_id = made.launcher, secrets.token_hex(16)
            url = await launcher.server()
            async with orders(url, run_id) as asking:

                async def deaf() -> None:
                    raise NimdslError("it does not listen")

                said = ""
                try:
                    await launcher.start(job("one", run_id, url), deaf)
                except NimdslError as problem:
                    said = str(problem)
                assert "does not listen" in said
                await launcher.stop("one")
                assert await asking.give("one", "status", ASK_NS) is None

        self.play(case)

    def test_what_is_not_there_can_be_stopped(self) -> None:
        """Once, twice, and one that never was: whoever cleans up need not know."""

        async def case(made: Made) -> None:
            launcher, run_id = made.launcher, secrets.token_hex(16)
            url = await launcher.server()
            await launcher.stop("nobody")
            async with orders(url, run_id) as asking:
                await launcher.start(job("one", run_id, url), ready(asking, "one"))
            for _ in range(2):
                await launcher.stop("one")
            for _ in range(2):
                await launcher.stop_all()

        self.play(case)

    def test_processes_are_seen_with_how_often_they_were_started(self) -> None:
        """By ``name``, ``pid``, ``state`` and ``starts``, for ``status`` and for a person."""

        async def case(made: Made) -> None:
            launcher, run_id = made.launcher, secrets.token_hex(16)
            url = await launcher.server()
            async with orders(url, run_id) as asking:
                for name in ("one", "two"):
                    await launcher.start(job(name, run_id, url), ready(asking, name))
            seen = {str(one["name"]): one for one in launcher.seen()}
            for name in ("one", "two"):
                assert set(seen[name]) == {"name", "pid", "state", "starts"}
                assert (seen[name]["state"], seen[name]["starts"]) == ("running", 1)

        self.play(case)

    def test_given_up_waits_until_something_is_and_says_what(self) -> None:
        """As long as all live it says nothing; then the name of what could not be kept alive."""

        async def case(made: Made) -> None:
            launcher, run_id = made.launcher, secrets.token_hex(16)
            url = await launcher.server()
            async with orders(url, run_id) as asking:
                for name in ("one", "two"):
                    await launcher.start(job(name, run_id, url), ready(asking, name))
            waiting = asyncio.ensure_future(launcher.given_up())
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await made.break_for_good("two")
            assert "two" in await waiting

        self.play(case)
