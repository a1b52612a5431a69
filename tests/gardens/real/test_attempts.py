"""Attempts in a real garden: as many as in the virtual one, whatever dies and whatever is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import nimdsl
import simulate
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.recorded import parity
from nimdsl.base.units import SECOND_NS
from nimdsl.program import Group, Program
from runtime import records
from runtime.run.recording import opened
from runtime.run.replay import replay
from tests.support.gardens import Lived, Meanwhile, live, local
from tests.support.nats import NatsServer, nats_server

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: desk}
spec:
  data: {given: int}
  accepts: {next: {}}
  replies: {next: {ticket: int}}
  machine:
    initial: open
    states:
      open:
        transitions:
          - event: next
            internal: true
            do: [{set: {given: "${given + 1}"}}, {reply: {ticket: "${given}"}}]
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: guest}
spec:
  data: {tickets: "list<int>", failed: int}
  machine:
    initial: making
    states:
      making:
        enter: [{work: job}]
        transitions: [{event: made, to: waiting}, {event: failed, to: waiting}]
      waiting:
        enter: [{work: ticket}]
        transitions:
          - {event: served, to: resting, do: [{set: {tickets: "${tickets + [event.ticket]}"}}]}
          - {event: failed, to: resting, do: [{set: {failed: "${failed + 1}"}}]}
      resting: {timers: [{after: 1s, jitter: 80%, to: making}]}
  work:
    job:
      attempts: 4
      backoff: {initial: 200ms, coefficient: 2, maximum: 500ms, jitter: 50%}
      done: made
      virtual: {latency: {constant: 50ms}, failure: 50%}
    ticket: {ask: {to: desk, event: next}, timeout: 1s, attempts: 9, done: served}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: g}
spec: {bus: BUS}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {garden: g, horizon: 25s, seed: 1}
"""
GUEST = "cell/guest"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def lived(
    server: NatsServer, folder: Path, bus: str = "{}", meanwhile: Meanwhile | None = None
) -> tuple[Program, Lived]:
    """A run in two processes; its journal replays, alone and in the virtual garden."""
    program = nimdsl.load_text(TEXT.replace("BUS", bus))
    groups = (Group("one", ("desk",)), Group("two", ("guest",)))
    garden = replace(local(5.0, server=server.url, groups=groups), bus=program.gardens["g"].bus)
    program = program.with_parts("Garden", {**program.gardens, garden.name: garden})
    run = asyncio.run(live(program, "s", garden, folder, url=server.url, meanwhile=meanwhile))
    with SqliteJournal(run.journal, read_only=True) as journal:
        recording = replace(opened(journal), program=program)
        assert replay(recording).identical
        found = parity(recording)
        assert found.holds, [str(one) for one in (*found.differences, *found.losses)]
    return program, run


def told(result: object, *types: type) -> list[object]:
    """The guest's records of some types, without what is no decision."""
    hosts = result.run.hosts  # type: ignore[attr-defined]
    return [one.body for one in hosts[GUEST].records if isinstance(one.body, types)]


def test_it_is_tried_as_often_as_in_the_virtual_garden(server: NatsServer, tmp_path: Path) -> None:
    program, run = lived(server, tmp_path)
    virtual = simulate.run(program, "s")
    repeated = told(run.result, records.WorkRepeated)
    wanted = told(virtual, records.WorkRepeated)
    assert len(repeated) > 3
    assert repeated[: len(wanted)] == wanted[: len(repeated)]


def test_an_ask_survives_a_bus_that_loses(server: NatsServer, tmp_path: Path) -> None:
    _, run = lived(server, tmp_path, "{loss: 30%, duplicate: 30%}")
    data = run.result.run.hosts[GUEST].snapshot.data
    given = run.result.run.hosts["cell/desk"].snapshot.data["given"]
    assert data["failed"] == 0
    assert isinstance(data["tickets"], list)
    assert data["tickets"] == list(range(1, len(data["tickets"]) + 1)), "each ask was served once"
    assert isinstance(given, int)
    assert len(data["tickets"]) <= given <= len(data["tickets"]) + 1
    again = [one for one in told(run.result, records.WorkRepeated) if getattr(one, "work", "") == "ticket"]
    assert again


def test_a_process_that_dies_in_a_wait_waits_on(server: NatsServer, tmp_path: Path) -> None:
    async def crash(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, TaskLauncher)
        for second in (3, 6, 9, 12):
            while living.clock.now_ns() < second * SECOND_NS:
                await asyncio.sleep(0.01)
            await launcher.crash("two")

    _, run = lived(server, tmp_path, meanwhile=crash)
    started = told(run.result, records.WorkStarted)
    numbers = [(getattr(one, "number", 0), getattr(one, "attempt", 0)) for one in started]
    assert len(numbers) == len(set(numbers))


MODES = """
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {name: a}
spec:
  beat: 4s
  levels: [{name: rest, take: rest, baseline: 4s}]
  modes:
    initial: calm
    states:
      calm: {timers: [{after: 2s, jitter: 60%, to: awake}]}
      awake: {timers: [{after: 1s, jitter: 100%, to: calm}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {attention: a, horizon: 30s}
"""


def test_an_attention_takes_timers_with_a_jitter_at_their_instants(
    server: NatsServer, tmp_path: Path
) -> None:
    program = nimdsl.load_text(MODES)
    run = asyncio.run(live(program, "s", local(100.0), tmp_path, url=server.url))
    virtual = simulate.run(program, "s", seed=1)
    assert run.result.records() == virtual.records()
    moves = [one for one in virtual.run.hosts["attention/a"].records if isinstance(one.body, records.Moved)]
    assert len(moves) > 10
