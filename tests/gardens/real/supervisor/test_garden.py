"""A living garden's own promises: waves are heard, the horizon is exclusive, a pause is a pause."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest

import nimdsl
from gardens.real.clock import Clock, Origin
from gardens.real.supervisor.ending import Ending
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from nimdsl.base import canonical
from nimdsl.base.units import SECOND_NS
from nimdsl.program import Program
from tests.support.gardens import live, local
from tests.support.nats import NatsServer, nats_server

TICKER = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: ticker}
spec:
  domain: time
  data: {ticks: int}
  machine:
    initial: waiting
    states:
      waiting:
        timers:
          - after: 1s
            to: waiting
            do:
              - set: {ticks: "${ticks + 1}"}
              - emit: {confidence: 0.5, content: {ticks: "${ticks}"}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 10s}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


@pytest.fixture(scope="module")
def ticker() -> Program:
    return nimdsl.load_text(TICKER)


def test_what_a_cell_emits_is_heard_on_its_wave_subject(
    ticker: Program, server: NatsServer, tmp_path: Path
) -> None:
    heard: list[tuple[str, object]] = []

    async def listen(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        client = await nats.connect(server.url)
        try:
            subject = f"dev.local.{living.run_id[:8]}.cell.time.ticker"
            subscription = await client.subscribe(subject)
            async for message in subscription.messages:
                heard.append((message.subject, canonical.decode(message.data)))
        finally:
            await client.close()

    asyncio.run(
        live(ticker, "s", local(20.0, server=server.url), tmp_path, url=server.url, meanwhile=listen)
    )
    assert heard
    expected = {"domain": "time", "confidence": 0.5, "content": {"ticks": 1}}
    assert heard[0][1] == expected
    assert heard[0][0].endswith(".cell.time.ticker")


def test_2_2_nothing_happens_at_the_horizon_or_after_it(
    ticker: Program, server: NatsServer, tmp_path: Path
) -> None:
    garden = local(200.0, server=server.url)
    lived = asyncio.run(live(ticker, "s", garden, tmp_path, url=server.url))
    assert lived.result.run.stopped == "horizon"
    assert max(record.time_ns for record in lived.result.records()) < 10_000_000_000


SETTLED: dict[str, Any] = {"due": False, "unpaid": 0, "floor_ns": 0}


def test_at_the_horizon_what_was_due_is_taken_and_paid(ticker: Program) -> None:
    """A booking that nobody waited for would be lost, and the balance another one in each run."""
    looks: list[list[Any]] = [
        [SETTLED, SETTLED | {"due": True}],
        [SETTLED | {"unpaid": 1}, SETTLED],
        [None, SETTLED],
        [SETTLED, SETTLED],
    ]

    async def order_all(what: str) -> list[Any]:
        assert what == "status"
        return looks.pop(0)

    ending = Ending(order_all, Clock(Origin(0, 0, 1.0)), ticker.scenarios["s"])
    asyncio.run(ending._until_none_due())
    assert not looks


def test_a_process_that_comes_back_in_a_pause_stands_still_like_the_others(
    ticker: Program, server: NatsServer, tmp_path: Path
) -> None:
    times: list[int] = []

    async def crash(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, TaskLauncher)
        begun_s = time.monotonic()
        await living.pause()
        stood_ns = living.clock.now_ns()
        pausing_s = time.monotonic() - begun_s  # by so much its processes may stand elsewhere
        await asyncio.sleep(0.3 + 5 * pausing_s)
        await launcher.crash("cells")
        status = await living.status()
        stood_for_ns = (time.monotonic() - begun_s) * 10.0 * SECOND_NS
        times.extend([abs(status["nodes"]["cells"]["time_ns"] - stood_ns), int(stood_for_ns)])
        await living.resume()

    garden = local(10.0, server=server.url)
    asyncio.run(live(ticker, "s", garden, tmp_path, url=server.url, meanwhile=crash))
    assert times[0] < times[1] / 3, "not the garden seconds of the pause"
