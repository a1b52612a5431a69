"""kill -9 at random moments: nothing is lost, nothing happens twice, nothing hangs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from pathlib import Path

import pytest

from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from nimdsl.program import Program
from tests.support.gardens import live, local
from tests.support.laws import broken_laws

KILL_COUNT = 5
ROUNDS = range(10)
RATE = 4.0
"""Garden seconds a second: the spark takes about one, and a lost message a little more."""
VICTIMS = ("bus", "economy", "memory", "world", "controller")


@pytest.mark.slow
@pytest.mark.parametrize("round_", ROUNDS)
def test_the_spark_survives_the_death_of_every_process(
    shipped: Program, tmp_path: Path, round_: int
) -> None:
    chance = random.Random(round_)
    victims = list(VICTIMS)
    chance.shuffle(victims)
    killed: list[str] = []

    async def kill(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, ProcessLauncher)
        for victim in victims:
            await asyncio.sleep(chance.uniform(0.0, 0.25))
            while (child := next(c for c in launcher.family.children() if c.name == victim)).pid is None:
                await asyncio.sleep(0.01)
            os.kill(child.pid, signal.SIGKILL)
            killed.append(victim)

    garden = local(RATE, shipped.gardens["local"], restart_delay_ns=20_000_000)
    lived = asyncio.run(live(shipped, "spark", garden, tmp_path, meanwhile=kill))
    assert lived.result.run.stopped == "final", lived.why
    assert list(broken_laws(lived)) == []
    force = lived.result.outcome["lifeforce"]
    assert force["earned"] == 317_000_000, "every handshake was accepted, and rewarded once"
    assert force["spent"] >= 28_800_000
    assert len(killed) == KILL_COUNT


@pytest.mark.slow
def test_a_process_that_dies_again_and_again_is_given_up(shipped: Program, tmp_path: Path) -> None:
    async def kill(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, ProcessLauncher)
        while True:
            child = next(c for c in launcher.family.children() if c.name == "world")
            if child.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
            await asyncio.sleep(0.01)

    garden = local(1.0, shipped.gardens["local"], restart_delay_ns=10_000_000, restart_limit=2)
    lived = asyncio.run(live(shipped, "spark", garden, tmp_path, meanwhile=kill))
    assert lived.result.run.stopped == "broken"
    assert lived.why.startswith("world was given up after 3 starts")
    assert list(broken_laws(lived)) == []
