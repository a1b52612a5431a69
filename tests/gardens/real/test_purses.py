"""Purses, marks, flows and resources in a real garden: whatever dies, each is told once, in its turn."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import nimdsl
import simulate
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from gardens.report.result.result import RunResult
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.recorded import parity
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.program import Group, Program
from runtime import records
from runtime.kernel.events import Loan, Marked
from runtime.run.inbox import read_inbox
from runtime.run.recording import opened
from runtime.run.replay import replay
from tests.support.garden_laws import garden_laws
from tests.support.gardens import dying, live, local
from tests.support.laws import broken_laws
from tests.support.nats import NatsServer, nats_server

RATE = 5.0
"""Garden seconds a second."""
EVERY_NS = 2_600_000_000
"""How often something dies, in garden time."""
DEATHS: list[tuple[str, ...]] = [(), ("economy",) * 4, ("one",) * 4, ("economy", "one", "two", "economy")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def lived(
    program: Program, groups: tuple[Group, ...], deaths: Sequence[str], server: NatsServer, folder: Path
) -> RunResult:
    """A run that keeps every law; its journal replays, alone and in the virtual garden."""
    garden = local(RATE, server=server.url, groups=groups)
    program = program.with_parts("Garden", {**program.gardens, garden.name: garden})
    meanwhile = dying(deaths, EVERY_NS)
    run = asyncio.run(live(program, "s", garden, folder, url=server.url, meanwhile=meanwhile))
    with SqliteJournal(run.journal, read_only=True) as journal:
        recording = replace(opened(journal), program=program)
        assert list(garden_laws(recording)) == []
        assert replay(recording).differences == ()
        found = parity(recording)
        assert found.holds, [str(one) for one in (*found.differences, *found.losses)]
    return run.result


ROBOT = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: "battery-${k}"}
spec: {for: {k: [1, 2]}, opening: "${2 + k}", capacity: 8, marks: {low: {below: 2, until: 4}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "robot-${k}"}
spec:
  for: {k: [1, 2]}
  economy: "battery-${k}"
  data: {charges: int}
  machine:
    initial: working
    states:
      working:
        upkeep: 1
        transitions: [{event: low, to: charging, do: [{set: {charges: "${charges + 1}"}}]}]
      charging:
        income: 2
        transitions: [{event: low.over, to: working}]
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: battery-1, horizon: 14s}
"""
TWO = (Group("one", ("robot-1",)), Group("two", ("robot-2",)))


@pytest.mark.parametrize("deaths", DEATHS)
def test_marks_are_heard_once_at_their_instants_whatever_dies(
    deaths: Sequence[str], server: NatsServer, tmp_path: Path
) -> None:
    program = nimdsl.load_text(ROBOT)
    result = lived(program, TWO, deaths, server, tmp_path)
    virtual = simulate.run(program, "s")
    for name in ("robot-1", "robot-2"):
        heard = marks_of(result, f"cell/{name}")
        wanted = marks_of(virtual, f"cell/{name}")
        assert len(heard) >= 4
        assert [one for one, _ in heard] == [one for one, _ in wanted][: len(heard)]
        # what is heard late lets flows go on, so only the first is the virtual garden's to the nanosecond
        assert heard[0][1] >= wanted[0][1] == (2 if name == "robot-2" else 1) * SECOND_NS + 1


def marks_of(result: RunResult | simulate.Result, actor: str) -> list[tuple[str, int]]:
    """The marks that an actor heard, and when."""
    lines = read_inbox(result.journal, actor).lines
    return [(line.event.name, line.time_ns) for line in lines if isinstance(line.event, Marked)]


BODY = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: body}
spec:
  opening: 3
  capacity: 10
  incomes: {grid: {profile: {"00:00": 0.1, "12:00": 0.1}}}
  upkeep: {life: 0.4}
  window: 3s
  pulse: {base: 500ms, slowest: 2s}
  slumber: {window: 3s, level: 25%}
  wake: {starve: 3s}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: robot-1}
spec:
  data: {pulses: int}
  machine:
    initial: awake
    any: [{event: pulse, internal: true, do: [{set: {pulses: "${pulses + 1}"}}]}]
    states:
      awake: {transitions: [{event: slumber, to: asleep}]}
      asleep: {transitions: [{event: wake, to: awake}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: body, cells: [robot-1], horizon: 40s}
"""


@pytest.mark.parametrize("deaths", DEATHS[:3])
def test_what_only_the_clock_decides_is_the_same_in_both_gardens(
    deaths: Sequence[str], server: NatsServer, tmp_path: Path
) -> None:
    """Pulses, slumber and the end of a famine are at the same instants, whoever looks and dies."""
    program = nimdsl.load_text(BODY)
    result = lived(program, (Group("one", ("robot-1",)),), deaths, server, tmp_path)
    virtual = simulate.run(program, "s")
    assert (result.run.stopped, virtual.run.stopped) == ("starved", "starved")
    real, wanted = (
        [one for one in run.run.purses.entries if one.cause != "opening"] for run in (result, virtual)
    )
    assert real == wanted
    assert "slumber" in [one.kind for one in wanted]


TRYING = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: own}
spec: {opening: 4}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: robot-1}
spec:
  data: {why: string}
  machine:
    initial: waiting
    any: [{event: refused, to: over}]
    states:
      waiting: {timers: [{after: 500ms, to: trying}, {after: 10s, to: over}]}
      trying:
        enter: [{work: job}]
        transitions:
          - {event: done, to: over}
          - {event: failed, to: over, do: [{set: {why: "${event.reason}"}}]}
      over: {final: true}
  work:
    job: {reserve: 4, cost: 1, attempts: 4, virtual: {latency: {constant: 2s}, failure: 100%}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: own, horizon: 14s}
"""


@pytest.mark.parametrize("deaths", DEATHS[:3])
def test_an_economy_with_enough_for_one_attempt_has_enough_for_all_whatever_dies(
    deaths: Sequence[str], server: NatsServer, tmp_path: Path
) -> None:
    result = lived(nimdsl.load_text(TRYING), (Group("one", ("robot-1",)),), deaths, server, tmp_path)
    entries = [e for e in result.run.purses.entries if e.cause in ("reserve", "release")]
    assert [e.cause for e in entries] == ["reserve", "release"] * 4
    assert result.outcome["cells"]["robot-1"]["data"] == {"why": "the work failed"}
    assert result.outcome["lifeforce"]["final"] == 4 * MICRO


SHOP = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: own}
spec: {opening: 10}
---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: calls}
spec: {opening: 3}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: robot-1}
spec:
  data: {bought: int, refused: int, last: string}
  machine:
    initial: buying
    any:
      - {event: refused, internal: true, do: [{set: {refused: "${refused + 1}", last: "${event.economy}"}}]}
    states:
      buying:
        timers:
          - {after: 500ms, to: buying, cost: 1.5, costs: {calls: 1}, do: [{set: {bought: "${bought + 1}"}}]}
          - {after: 2s, to: buying}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: own, horizon: 12s}
"""


@pytest.mark.parametrize("deaths", DEATHS[:3])
def test_a_bill_that_one_of_two_purses_cannot_pay_is_the_same_as_in_the_virtual_garden(
    deaths: Sequence[str], server: NatsServer, tmp_path: Path
) -> None:
    program = nimdsl.load_text(SHOP)
    result = lived(program, (Group("one", ("robot-1",)),), deaths, server, tmp_path)
    virtual = simulate.run(program, "s")
    for one in (result, virtual):
        data = one.run.hosts["cell/robot-1"].snapshot.data
        assert (data["bought"], data["last"]) == (3, "calls")
        assert one.run.purses.ledger("own").balance == (10 - 3 * 1.5) * MICRO
        assert one.run.purses.ledger("calls").balance == 0
    refused = [prices_of(one) for one in (result, virtual)]
    assert refused[0]
    assert refused[0] == refused[1][: len(refused[0])]


def prices_of(result: RunResult | simulate.Result) -> list[tuple[int, int, str]]:
    """What was refused: the price, what there was, and in which economy."""
    bodies = [one.body for one in result.run.hosts["cell/robot-1"].records]
    return [(b.price, b.balance, b.economy) for b in bodies if isinstance(b, records.Refused)]


DESKS = """
apiVersion: nimdsl.dev/v1
kind: Resource
metadata: {name: desks}
spec: {capacity: 1, queue: 1}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "robot-${k}"}
spec:
  for: {k: [1, 2, 3]}
  data: {got: int, failed: int}
  machine:
    initial: at
    states:
      at:
        enter: [{work: desk}]
        transitions: [{event: failed, to: away, do: [{set: {failed: "${failed + 1}"}}]}]
        initial: waiting
        states:
          waiting: {transitions: [{event: got, to: sitting, do: [{set: {got: "${got + 1}"}}]}]}
          sitting: {timers: [{after: 700ms, to: away}]}
      away: {timers: [{after: 900ms, jitter: 50%, to: at}]}
  work: {desk: {acquire: {resource: desks}, timeout: 600ms, done: got}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 14s}
"""
THREE = (Group("one", ("robot-1", "robot-3")), Group("two", ("robot-2",)))


@pytest.mark.parametrize("deaths", DEATHS)
def test_units_are_granted_and_given_back_whatever_dies(
    deaths: Sequence[str], server: NatsServer, tmp_path: Path
) -> None:
    result = lived(nimdsl.load_text(DESKS), THREE, deaths, server, tmp_path)
    shelf = result.run.books.lender.shelves["desks"]
    assert shelf.granted > 4
    assert shelf.refused + shelf.withdrawn > 0
    for name in ("robot-1", "robot-2", "robot-3"):
        host = result.run.hosts[f"cell/{name}"]
        data = host.snapshot.data
        lines = read_inbox(result.journal, f"cell/{name}").lines
        loans = [line.event for line in lines if isinstance(line.event, Loan)]
        assert data["got"] == sum(one.granted for one in loans), "each grant was taken once"


VICTIMS = ("economy", "one", "economy", "two", "one")


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(3))
def test_a_shift_survives_the_death_of_every_process(tmp_path: Path, round_: int) -> None:
    """kill -9: marks, flows, loans, attempts and what was put aside, all at once."""
    chance = random.Random(round_)
    killed: list[str] = []

    async def kill(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, ProcessLauncher)
        for victim in VICTIMS:
            await asyncio.sleep(chance.uniform(0.2, 0.7))
            while (child := next(c for c in launcher.family.children() if c.name == victim)).pid is None:
                await asyncio.sleep(0.01)
            os.kill(child.pid, signal.SIGKILL)
            killed.append(victim)

    program = nimdsl.load_text(SHIFT)
    garden = local(RATE, restart_delay_ns=20_000_000, groups=TWO)
    run = asyncio.run(live(program, "s", garden, tmp_path, meanwhile=kill))
    assert run.why == ""
    assert list(broken_laws(run)) == []
    assert killed == list(VICTIMS)
    # How much more there is hangs on how soon the machine brings back what died.
    assert run.result.run.books.lender.shelves["chargers"].granted
    for k in (1, 2):
        assert marks_of(run.result, f"cell/robot-{k}")


SHIFT = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: "battery-${k}"}
spec: {for: {k: [1, 2]}, opening: "${3 + k}", capacity: 8, marks: {low: {below: 2, until: 5}}}
---
apiVersion: nimdsl.dev/v1
kind: Resource
metadata: {name: chargers}
spec: {capacity: 1}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "robot-${k}"}
spec:
  for: {k: [1, 2]}
  economy: "battery-${k}"
  data: {trips: int, lost: int}
  machine:
    initial: resting
    any: [{event: refused, to: charging}]
    states:
      driving:
        upkeep: 0.2
        enter: [{work: trip}]
        defer: [low]
        transitions:
          - {event: arrived, to: resting, do: [{set: {trips: "${trips + 1}"}}]}
          - {event: lost, to: resting, do: [{set: {lost: "${lost + 1}"}}]}
      resting:
        transitions: [{event: low, to: charging}]
        timers: [{after: 400ms, jitter: 50%, to: driving}]
      charging:
        enter: [{work: charger}]
        initial: waiting
        states:
          waiting: {transitions: [{event: plugged, to: filling}, {event: failed, to: charging}]}
          filling: {income: 3, transitions: [{event: low.over, to: driving}]}
  work:
    charger: {acquire: {resource: chargers}, timeout: 2s, done: plugged}
    trip:
      reserve: 1.5
      returns: {used: lifeforce}
      cost: "${event.used}"
      attempts: 2
      timeout: 2s
      backoff: {initial: 200ms, jitter: 50%}
      done: arrived
      failed: lost
      virtual: {latency: {uniform: [100ms, 900ms]}, failure: 20%, returns: {used: {uniform: [0.5, 1.5]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: battery-1, horizon: 30s}
"""
