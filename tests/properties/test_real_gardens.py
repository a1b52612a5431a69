"""Random protocols and places in real gardens whose bus misbehaves and whose processes die.

Every law holds, every journal replays, alone and in the virtual garden.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from nimdsl.base.units import SECOND_NS
from tests.properties.places import check, happened, places
from tests.properties.worlds import World, document, laws, reached, worlds
from tests.support.effort import examples
from tests.support.gardens import Lived, Meanwhile, dying, live, scratch
from tests.support.laws import broken_laws
from tests.support.nats import NatsServer, nats_server

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: a real run is not the same twice."""
RATES = st.sampled_from([5.0, 20.0, 100.0])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def lived(
    world: World,
    rate: float,
    server: NatsServer,
    folder: Path,
    groups: dict[str, dict[str, list[str]]] | None = None,
    meanwhile: Meanwhile | None = None,
) -> Lived:
    """The world for real: its bus does on purpose what the virtual one would draw."""
    bus = next(one["spec"]["bus"] for one in world.documents if one["kind"] == "Garden")
    real = {"server": server.url} | ({"groups": groups} if groups else {})
    spec = {"bus": bus, "clock": {"rate": rate}, "real": real}
    documents = (*world.documents, document("Garden", "real", spec))
    program = World(documents, world.seed).program()
    living = live(
        program,
        "world",
        program.gardens["real"],
        folder,
        url=server.url,
        seed=world.seed,
        meanwhile=meanwhile,
    )
    return asyncio.run(living)


WANTED = {"nack", "timeout", "refused", "lost", "delayed"}
"""What the laws are about, and what some run must therefore have been about, on any machine."""


@pytest.mark.slow
def test_laws_hold_whatever_the_bus_does_and_it_does_what_they_are_about(server: NatsServer) -> None:
    seen: Counter[str] = Counter()

    @given(worlds(), RATES)
    @settings(max_examples=examples(20), deadline=None, phases=PHASES)
    def hunt(world: World, rate: float) -> None:
        with scratch() as folder:
            run = lived(world, rate, server, folder)
            assert list(laws(run.result)) == []
            assert list(broken_laws(run)) == []
            seen.update(reached(run.result))

    hunt()
    assert set(seen) >= WANTED, f"not once: {sorted(WANTED - set(seen))}"


HUBS = {"hubs": {"cells": ["hub-0", "hub-1"]}}
"""Who is asked lives in a process of its own."""
NAMES = ["cells", "economy", "hubs"]
DEATHS: st.SearchStrategy[list[str]] = st.one_of(
    st.just([]), st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)
)
WANTED_PLACES = {"WorkRepeated", "Deferred", "Refused", "Abandoned", "granted", "mark mark", "rate income"}


@pytest.mark.slow
def test_laws_hold_in_places_whatever_dies(server: NatsServer) -> None:
    """Purses, marks, flows, reserves, resources, attempts, jitter, defer, history, asks and families."""
    seen: Counter[str] = Counter()

    @given(places(), st.sampled_from([8.0, 15.0, 40.0]), DEATHS)
    @settings(max_examples=examples(20), deadline=None, phases=PHASES)
    def hunt(world: World, rate: float, deaths: list[str]) -> None:
        check(world)
        with scratch() as folder:
            run = lived(world, rate, server, folder, HUBS, dying(deaths, 3 * SECOND_NS))
            assert run.why == ""
            assert list(broken_laws(run)) == []
            seen.update(happened(run.result))

    hunt()
    assert set(seen) >= WANTED_PLACES, f"not once: {sorted(WANTED_PLACES - set(seen))}"
