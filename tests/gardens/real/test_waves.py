"""Waves in a real garden: every subscriber hears them, whatever its bus does; its journal holds parity."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.recorded import parity
from gardens.virtual.verdict import Parity
from nimdsl.base.units import SECOND_NS
from nimdsl.program import Group
from runtime.chance.models import Draws
from runtime.run.recording import opened
from runtime.run.replay import Replay, replay
from tests.support.gardens import Lived, Meanwhile, live, local
from tests.support.nats import NatsServer, nats_server
from tests.support.waves import waves

BELL, CLOCK, WATCH, ALL, EAR = "cell/bell", "cell/clock", "cell/watch", "cell/all", "cell/ear"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


@dataclass(frozen=True)
class Heard:
    """A run whose cells live in two processes, who heard which waves, and what its journal says."""

    lived: Lived
    waves: dict[str, list[tuple[str, int]]]
    replayed: Replay
    parity: Parity


def heard(server: NatsServer, folder: Path, bus: str, meanwhile: Meanwhile | None = None) -> Heard:
    program = waves(bus=bus)
    groups = (Group("one", ("all", "bell", "watch")), Group("two", ("clock", "ear")))
    garden = replace(local(10.0, server=server.url, groups=groups), bus=program.gardens["g"].bus)
    program = program.with_parts("Garden", {**program.gardens, garden.name: garden})
    lived = asyncio.run(live(program, "s", garden, folder, url=server.url, meanwhile=meanwhile))
    with SqliteJournal(lived.journal, read_only=True) as journal:
        recording = replace(opened(journal), program=program)
        came = {name: list(accepted(journal, name)) for name in (ALL, EAR, WATCH, BELL)}
        return Heard(lived, came, replay(recording), parity(recording))


def accepted(journal: SqliteJournal, name: str) -> Iterator[tuple[str, int]]:
    for line in journal.read(name):
        event = line.body["event"] if line.kind == "accepted" else {}
        if event.get("kind") == "message":
            yield event["sender"], event["number"]


def numbers(run: Heard, name: str, sender: str) -> list[int]:
    return [number for who, number in run.waves[name] if who == sender]


def test_every_subscriber_hears_every_wave_once_and_in_order(server: NatsServer, tmp_path: Path) -> None:
    run = heard(server, tmp_path, "{}")
    for name, senders in ((ALL, (BELL, CLOCK)), (EAR, (BELL, CLOCK)), (WATCH, (CLOCK,)), (BELL, ())):
        assert {who for who, _ in run.waves[name]} == set(senders)
        for sender in senders:
            assert numbers(run, name, sender) == list(range(1, 11))
    assert run.replayed.identical
    assert run.parity.holds, [str(one) for one in (*run.parity.differences, *run.parity.losses)]
    assert (run.parity.message_count, run.parity.explained) == (50, {})


def test_each_copy_is_lost_as_the_virtual_garden_would_draw_it(server: NatsServer, tmp_path: Path) -> None:
    run = heard(server, tmp_path, "{loss: 30%, duplicate: 20%}")
    draws = Draws(1)
    for name, sender in ((ALL, BELL), (ALL, CLOCK), (EAR, BELL), (EAR, CLOCK), (WATCH, CLOCK)):
        kept = [n for n in range(1, 11) if not draws.chance(300_000, sender, f"bus/loss/{name}", n)]
        assert numbers(run, name, sender) == kept
    assert run.parity.holds, [str(one) for one in (*run.parity.differences, *run.parity.losses)]
    assert set(run.parity.explained) == {"lost by the bus, as declared"}


def test_who_was_away_hears_nothing_twice_and_its_losses_are_explained(
    server: NatsServer, tmp_path: Path
) -> None:
    async def crash(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, TaskLauncher)
        for name in ("two", "one"):
            while living.clock.now_ns() < 3 * SECOND_NS:
                await asyncio.sleep(0.01)
            await launcher.crash(name)

    run = heard(server, tmp_path, "{}", crash)
    for name in (ALL, EAR, WATCH):
        assert len(set(run.waves[name])) == len(run.waves[name]) > 0
    assert run.replayed.identical
    assert run.parity.holds, [str(one) for one in (*run.parity.differences, *run.parity.losses)]
