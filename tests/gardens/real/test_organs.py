"""Organs in a real garden: the rack lives on, its journal replays, it decides as in the virtual one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gardens.real.process.job import CONTROLLER
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.recorded import parity
from nimdsl.base.units import SECOND_NS
from runtime.run.recording import opened
from runtime.run.replay import replay
from tests.support.gardens import dying, live, local
from tests.support.nats import NatsServer, nats_server
from tests.support.organs import cell, organ, world


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


TWO_MODELS = (
    organ(),
    organ("speech", "12GB"),
    cell("a"),
    cell("b", "3s"),
    cell("c", "5s", "speech"),
    cell("d", "6s", leaves="3s"),
    cell("e", "7s", timeout="1s"),
)


def lived(
    server: NatsServer, folder: Path, deaths: Sequence[str] = (), documents: Sequence[str] = TWO_MODELS
) -> dict[str, Any]:
    """What became of the cells and organs of a run that replays."""
    program = world(*documents)
    garden = local(40.0, server=server.url)
    program = program.with_parts("Garden", {**program.gardens, garden.name: garden})
    meanwhile = dying(deaths, 8 * SECOND_NS)
    run = asyncio.run(live(program, "s", garden, folder, url=server.url, meanwhile=meanwhile))
    with SqliteJournal(run.journal, read_only=True) as journal:
        recording = replace(opened(journal), program=program)
        assert replay(recording).identical
        held = parity(recording)
        assert held.holds, [str(one) for one in (*held.differences, *held.losses)]
    return dict(run.result.outcome)


def test_it_decides_as_the_virtual_one(server: NatsServer, tmp_path: Path) -> None:
    outcome = lived(server, tmp_path)
    assert [outcome["cells"][name]["data"]["answer"] for name in "abc"] == [42, 42, 42]
    assert outcome["cells"]["e"]["data"]["why"] == "timeout"
    organs = outcome["organs"]
    assert (organs["vision"]["served"], organs["vision"]["refused"]) == (2, 2)
    assert (organs["vision"]["evictions"], organs["speech"]["served"]) == (1, 1)


def test_slices_are_work_like_all_of_a_rack(server: NatsServer, tmp_path: Path) -> None:
    train = "train: {after: 1, slices: 2, virtual: {latency: {constant: 4s}}}"
    wise = organ(hold=train).replace("args.task == 'add' ? 42 : 7", "args.version > 0 ? 42 : 7")
    outcome = lived(server, tmp_path, [CONTROLLER], [wise, cell("a"), cell("b", "40s")])
    vision = outcome["organs"]["vision"]
    assert (vision["slices"], vision["version"]) == (4, 2), "a training for each that was served"
    assert [outcome["cells"][name]["data"]["answer"] for name in "ab"] == [7, 42]


def test_a_rack_that_dies_goes_on_from_its_journal(server: NatsServer, tmp_path: Path) -> None:
    outcome = lived(server, tmp_path, [CONTROLLER, CONTROLLER])
    assert [outcome["cells"][name]["data"]["answer"] for name in "abc"] == [42, 42, 42]
