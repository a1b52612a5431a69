"""Random protocols in real gardens whose bus misbehaves: every law holds, and every journal replays."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.worlds import World, document, laws, reached, worlds
from tests.support.effort import examples
from tests.support.gardens import Lived, live, scratch
from tests.support.laws import broken_laws
from tests.support.nats import NatsServer, nats_server

RATES = st.sampled_from([5.0, 20.0, 100.0])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def lived(world: World, rate: float, server: NatsServer, folder: Path) -> Lived:
    """The world for real: its bus does on purpose what the virtual one would draw."""
    bus = next(one["spec"]["bus"] for one in world.documents if one["kind"] == "Garden")
    spec = {"bus": bus, "clock": {"rate": rate}, "real": {"server": server.url}}
    documents = (*world.documents, document("Garden", "real", spec))
    program = World(documents, world.seed).program()
    garden = program.gardens["real"]
    return asyncio.run(live(program, "world", garden, folder, url=server.url, seed=world.seed))


WANTED = {"nack", "timeout", "refused", "lost", "delayed"}
"""What the laws are about, and what some run must therefore have been about, on any machine."""


@pytest.mark.slow
def test_laws_hold_whatever_the_bus_does_and_it_does_what_they_are_about(server: NatsServer) -> None:
    seen: Counter[str] = Counter()

    @given(worlds(), RATES)
    @settings(max_examples=examples(25), deadline=None)
    def hunt(world: World, rate: float) -> None:
        with scratch() as folder:
            run = lived(world, rate, server, folder)
            assert list(laws(run.result)) == []
            assert list(broken_laws(run)) == []
            seen.update(reached(run.result))

    hunt()
    assert set(seen) >= WANTED, f"not once: {sorted(WANTED - set(seen))}"
