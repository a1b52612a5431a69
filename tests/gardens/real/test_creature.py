"""The shipped creature lives for real: every scenario of it replays, and decides as in the virtual garden.

Here a part of each is lived, at a rate; which parts of the figures of a whole day hold, the virtual
garden says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import nimdsl
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.recorded import parity
from nimdsl.loading import with_overrides
from runtime.run.recording import opened
from runtime.run.replay import replay
from tests.support.effort import EFFORT
from tests.support.gardens import live
from tests.support.nats import NatsServer, nats_server

SCENARIOS = {
    "creature-birth": "40s",
    "creature-collision": "30s",
    "creature-dialogue": "1min",
    "creature-learning": "1min",
    "creature-organs": "1min",
    "creature-storm": "30s",
    "creature-winter": "2min",
    "creature-famine": "1min",
    "creature-day": "1min",
    "creature-dream": "1min",
    "creature-awake": "1min",
}
"""How much of each is lived."""
ALWAYS = ("creature-birth", "creature-collision", "creature-organs")
"""The others are lived in `make test-parity`."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


@pytest.fixture(scope="module")
def program() -> nimdsl.Program:
    return nimdsl.load()


@pytest.mark.slow
@pytest.mark.parametrize("name", [one for one in SCENARIOS if EFFORT > 1 or one in ALWAYS])
def test_it_lives_for_real(program: nimdsl.Program, name: str, server: NatsServer, tmp_path: Path) -> None:
    changes = {**program.scenarios[name].set, f"scenario/{name}.horizon": SCENARIOS[name]}
    changed = with_overrides(program, changes)
    den = changed.gardens["den"]
    assert den.real is not None
    garden = replace(den, rate=10.0, real=replace(den.real, server=server.url))
    changed = changed.with_parts("Garden", {**changed.gardens, "den": garden})
    run = asyncio.run(live(changed, name, garden, tmp_path, url=server.url))
    assert run.why == ""
    with SqliteJournal(run.journal, read_only=True) as journal:
        recording = replace(opened(journal), program=changed)
        assert replay(recording).identical
        found = parity(recording)
        assert found.holds, [str(one) for one in (*found.differences, *found.losses)]
