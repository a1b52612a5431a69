"""A real garden tells a cell that takes it that it is back: once for each start of its process (SEMANTICS 7.3)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import nimdsl
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.recorded import parity
from runtime.run.recording import opened
from runtime.run.replay import replay
from tests.support.doctored import lines_of
from tests.support.gardens import journal_in, live, local
from tests.support.nats import NatsServer, nats_server

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  data: {back: int}
  machine:
    initial: dark
    any: [{event: returned, to: dark, do: [{set: {back: "${back + 1}"}}]}]
    states:
      dark: {timers: [{after: 2s, to: bright}]}
      bright: {timers: [{after: 1h, to: dark}]}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: clock}
spec:
  data: {ticks: int}
  machine: {initial: a, states: {a: {timers: [{after: 1s, to: a, do: [{set: {ticks: "${ticks + 1}"}}]}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 40s, cells: [lamp, clock]}
"""
CRASH_COUNT = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def test_it_is_told_once_for_each_return_and_only_who_takes_it(server: NatsServer, tmp_path: Path) -> None:
    async def crash(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, TaskLauncher)
        for _ in range(CRASH_COUNT):
            await asyncio.sleep(0.5)
            await launcher.crash("cells")

    program = nimdsl.load_text(TEXT)
    garden = local(10.0, server=server.url)
    lived = asyncio.run(live(program, "s", garden, tmp_path, url=server.url, meanwhile=crash))
    journal = lived.result.journal
    lines = lines_of(journal)
    accepted = {
        name: [body["event"]["kind"] for kind, body in lines[name] if kind == "accepted"]
        for name in ("cell/lamp", "cell/clock")
    }
    assert accepted["cell/lamp"].count("returned") == CRASH_COUNT
    assert "returned" not in accepted["cell/clock"]
    assert lived.result.outcome["cells"]["lamp"]["data"] == {"back": CRASH_COUNT}
    with SqliteJournal(journal_in(tmp_path), read_only=True) as file:
        recording = opened(file)
        assert replay(recording).identical
        held = parity(recording)
        assert held.holds, [str(one) for one in (*held.differences, *held.losses)]
