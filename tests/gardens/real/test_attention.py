"""Attention in a real garden: the same records and books, work that overruns its time, kills."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nimdsl
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from nimdsl.compile.documents import Documents
from nimdsl.program import Program
from simulate import Result
from simulate import run as simulated
from tests.support.attentions import Case, cases
from tests.support.effort import examples
from tests.support.gardens import Lived, live, local, scratch
from tests.support.laws import broken_laws
from tests.support.nats import NatsServer, nats_server
from tests.support.plain import plain
from tests.support.small_garden import NAME

S = 1_000_000_000
HERE = "tests.gardens.real.test_attention"
WORKING = f"""
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {{name: a}}
spec:
  beat: 4s
  levels:
    - {{name: think, take: {{each: 1s}}, max_per_beat: 1, baseline: 1s, work: think}}
    - {{name: rest, take: rest, baseline: 4s}}
  work:
    think:
      virtual: {{latency: {{constant: 2s}}}}
      real: {{python: "{HERE}:WORK"}}
---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {{name: purse}}
spec: {{opening: 10}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: s}}
spec: {{attention: a, horizon: 12s}}
"""
RATE = 10.0


def too_long(arguments: Mapping[str, Any], revoked: threading.Event) -> None:
    """Hears that its time is over, and takes half a garden second more."""
    assert arguments["level"] == "think"
    assert revoked.wait(10)
    time.sleep(0.5 / RATE)


def deaf(arguments: Mapping[str, Any]) -> None:
    """Takes what it takes."""
    time.sleep(2.0 / RATE)


def quick(arguments: Mapping[str, Any]) -> None:
    """Needs less than it may have."""
    time.sleep(0.3 / RATE)


def wrong(arguments: Mapping[str, Any]) -> None:
    """Fails."""
    raise ValueError("no idea")


async def asleep(arguments: Mapping[str, Any]) -> None:
    """Is cancelled, and ends at once."""
    await asyncio.sleep(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def attention_of(lived: Lived) -> list[dict[str, Any]]:
    (host,) = (host for name, host in lived.result.run.hosts.items() if name.startswith("attention/"))
    return plain(host.records)


def is_the_same(lived: Lived, virtual: Result) -> None:
    """Every record and every entry of the ledger, with their times."""
    assert lived.result.records() == virtual.records()
    ours, theirs = virtual.run.ledger, lived.result.run.ledger
    assert (theirs and theirs.entries) == (ours and ours.entries)
    assert lived.result.summary["decision_sha256"] == virtual.summary["decision_sha256"]
    assert lived.result.summary["lifeforce"] == virtual.summary["lifeforce"]


@pytest.mark.parametrize("rate", [100.0, 10_000.0])
@pytest.mark.parametrize("scenario", ["quiet-study", "voice", "danger", "overwhelmed"])
def test_the_four_beats_are_the_same_at_any_speed(
    shipped: Program, server: NatsServer, tmp_path: Path, scenario: str, rate: float
) -> None:
    garden = local(rate, shipped.gardens["local"], server=server.url)
    lived = asyncio.run(live(shipped, scenario, garden, tmp_path, url=server.url))
    virtual = simulated(shipped, scenario)
    assert [verdict.text for verdict in lived.result.expectations if not verdict.held] == []
    is_the_same(lived, virtual)
    assert lived.result.summary["beats"] == virtual.summary["beats"]
    assert list(broken_laws(lived)) == []


@pytest.mark.parametrize("rate", [1_000.0, 10_000.0])
def test_a_busy_hour_is_the_same_hour(
    shipped: Program, server: NatsServer, tmp_path: Path, rate: float
) -> None:
    garden = local(rate, shipped.gardens["local"], server=server.url)
    program = nimdsl.loading.with_overrides(
        shipped, {"scenario/busy-hour.horizon": "10min", "scenario/busy-hour.expect": []}
    )
    lived = asyncio.run(live(program, "busy-hour", garden, tmp_path, url=server.url))
    virtual = simulated(program, "busy-hour")
    is_the_same(lived, virtual)
    assert lived.result.summary["beats"] == virtual.summary["beats"]
    assert list(broken_laws(lived)) == []


NO_DOCUMENTS = Documents({}, damaged=False)
"""What a program that was never written down is made of."""


@pytest.mark.slow
@given(cases(S // 1_000, dear=True), st.sampled_from([1.0, 20.0, 1_000.0]))
@settings(
    max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_attention_is_the_same_at_any_speed(server: NatsServer, case: Case, rate: float) -> None:
    """Beats of a tenth of a second, so that the machine is late more often than not."""
    program = replace(case.program(), documents=NO_DOCUMENTS)
    garden = local(rate, server=server.url)
    with scratch() as folder:
        lived = asyncio.run(live(program, NAME, garden, folder, url=server.url))
        is_the_same(lived, simulated(program, NAME))


def working(server: NatsServer, folder: Path, work: str) -> Lived:
    program = nimdsl.load_text(WORKING.replace("WORK", work))
    lived = asyncio.run(live(program, "s", local(RATE, server=server.url), folder, url=server.url))
    assert list(broken_laws(lived)) == []
    for record in attention_of(lived):
        if record["type"] == "beat":
            times = record["times"]
            spent = sum(level["spent_ns"] for level in times["levels"].values())
            parts = sum(times[f"{part}_ns"] for part in ("overhead", "charged", "reflex", "idle", "settle"))
            assert spent + parts == 4 * S
    return lived


@pytest.mark.parametrize(("work", "least_s"), [("too_long", 0.5), ("deaf", 0.9)])
def test_work_that_runs_past_its_time_is_charged_to_the_next_beat(
    server: NatsServer, tmp_path: Path, work: str, least_s: float
) -> None:
    records = attention_of(working(server, tmp_path, work))
    overruns = [record["overrun_ns"] for record in records if record["type"] == "overrun"]
    assert len(overruns) >= 2
    assert min(overruns[:2]) >= least_s * S
    charged = [record["times"]["charged_ns"] for record in records if record["type"] == "beat"]
    assert charged[0] == 0
    assert charged[1:3] == overruns[: len(charged) - 1][:2]


def test_work_that_is_cancelled_in_time_is_no_overrun_to_speak_of(
    server: NatsServer, tmp_path: Path
) -> None:
    records = attention_of(working(server, tmp_path, "asleep"))
    assert all(record["overrun_ns"] < S // 2 for record in records if record["type"] == "overrun")
    grants = [record for record in records if record["type"] == "grant" and record["level"] == "think"]
    assert [grant["to_ns"] - grant["from_ns"] for grant in grants] == [S] * len(grants)


def test_work_that_is_done_early_leaves_its_time_to_the_others(server: NatsServer, tmp_path: Path) -> None:
    records = attention_of(working(server, tmp_path, "quick"))
    grants = [record for record in records if record["type"] == "grant" and record["level"] == "think"]
    assert len(grants) >= 2
    lasted = [grant["to_ns"] - grant["from_ns"] for grant in grants]
    assert {grant["ended"] for grant in grants} <= {"done", "cut"}
    assert all(0.3 * S <= one <= S for one in lasted)
    assert any(one < S for one in lasted), "a busy machine may be late, not always"


def test_work_that_fails_ends_its_item(server: NatsServer, tmp_path: Path) -> None:
    lived = working(server, tmp_path, "wrong")
    grants = [r for r in attention_of(lived) if r["type"] == "grant" and r["level"] == "think"]
    assert {grant["ended"] for grant in grants} == {"failed"}
    assert any("no idea" in incident.what for incident in lived.result.incidents)


@pytest.mark.slow
def test_an_attention_that_is_killed_goes_on_where_it_was(shipped: Program, tmp_path: Path) -> None:
    async def kill(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, ProcessLauncher)
        for name in ("controller", "economy", "controller"):
            await asyncio.sleep(0.3)
            child = next(c for c in launcher.family.children() if c.name == name)
            if child.pid is not None:
                os.kill(child.pid, signal.SIGKILL)

    program = nimdsl.loading.with_overrides(
        shipped, {"scenario/busy-hour.horizon": "2min", "scenario/busy-hour.expect": []}
    )
    garden = local(50.0, program.gardens["local"], restart_delay_ns=20_000_000)
    lived = asyncio.run(live(program, "busy-hour", garden, tmp_path, meanwhile=kill))
    virtual = simulated(program, "busy-hour")
    is_the_same(lived, virtual)
    assert lived.result.summary["beats"] == virtual.summary["beats"]
    assert list(broken_laws(lived)) == []
