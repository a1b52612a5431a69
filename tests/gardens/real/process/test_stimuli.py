"""Arrivals in a real garden are those of the virtual one, also after the controller was started again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nimdsl
from gardens.real.process.job import CONTROLLER
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from nimdsl.program import Program
from runtime.chance.models import Draws
from runtime.chance.stimuli import stimuli_of
from runtime.run.run import find_scenario
from tests.support.gardens import Lived, Meanwhile, live, local
from tests.support.laws import broken_laws
from tests.support.nats import NatsServer, nats_server
from tests.support.texts import cell

SEED = 5
MACHINE = "{initial: a, states: {a: {transitions: [{event: push, to: a}]}}}"
STIMULI = """  stimuli:
    - {poisson: {mean: 1s, until: 50s}, to: c, event: push, payload: {x: 1}}
    - {recording: {file: arrivals.csv}, to: c, event: push}
    - {at: 5s, every: 5s, times: 9, to: c, event: push, payload: {x: 3}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "arrivals.csv").write_text("at,x\n30,21\n10,20\n30,22\n")
    text = cell(MACHINE, "  accepts: {push: {x: int}}\n", scenario=STIMULI)
    (tmp_path / "garden.yaml").write_text(text, encoding="utf-8")
    found = nimdsl.load(tmp_path / "garden.yaml")
    for file in ("arrivals.csv", "garden.yaml"):
        (tmp_path / file).unlink()
    return found


def heard(lived: Lived) -> list[tuple[int, int]]:
    """Number and field of everything that the cell accepted from outside."""
    return [
        (line.body["event"]["number"], line.body["event"]["payload"]["x"])
        for line in lived.result.journal.read("cell/c")
        if line.kind == "accepted" and line.body["event"]["kind"] == "stimulus"
    ]


def expected(program: Program) -> list[tuple[int, Any]]:
    arrivals = stimuli_of(find_scenario(program, "s"), Draws(SEED))
    return [(number, one.payload["x"]) for _, number, one in arrivals]


async def crash_controller(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
    assert isinstance(launcher, TaskLauncher)
    for at_s in (12, 31):
        while living.clock.now_ns() < at_s * 1_000_000_000:
            await asyncio.sleep(0.01)
        await launcher.crash(CONTROLLER)


@pytest.mark.parametrize("meanwhile", [None, crash_controller], ids=["undisturbed", "crashes"])
def test_arrivals_and_their_numbers_are_those_of_the_seed(
    meanwhile: Meanwhile | None, program: Program, server: NatsServer, tmp_path: Path
) -> None:
    garden = local(30.0, server=server.url)
    lived = asyncio.run(
        live(program, "s", garden, tmp_path, url=server.url, seed=SEED, meanwhile=meanwhile)
    )
    assert sorted(heard(lived)) == expected(program)
    assert list(broken_laws(lived)) == []
