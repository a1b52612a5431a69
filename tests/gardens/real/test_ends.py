"""A real run is over for the same reason as a virtual one, and its purses close at its last event
(SEMANTICS 8.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.recorded import parity
from nimdsl.base.units import MICRO, SECOND_NS
from runtime.run.recording import opened
from runtime.run.replay import replay
from tests.support.endings import ENDS, HEARD, OUTLIVED, End
from tests.support.gardens import live, local
from tests.support.nats import NatsServer, nats_server
from tests.support.starts import BORN

RATE = 10.0
LATE_NS = 5 * SECOND_NS
"""How late a machine that is busy may be, in garden time."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("bus")) as running:
        yield running


def lived(end: End, server: NatsServer, folder: Path) -> RunResult:
    """A run whose journal replays, alone and in the virtual garden."""
    garden = local(RATE, server=server.url)
    run = asyncio.run(live(nimdsl.load_text(end.text), "s", garden, folder, url=server.url))
    assert run.why == ""
    with SqliteJournal(run.journal, read_only=True) as journal:
        recording = opened(journal)
        assert replay(recording).differences == ()
        found = parity(recording)
        assert found.holds, [str(one) for one in (*found.differences, *found.losses)]
    return run.result


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_8_7_it_is_over_for_the_reason_of_the_virtual_garden(
    end: End, server: NatsServer, tmp_path: Path
) -> None:
    run = lived(end, server, tmp_path).run
    assert run.stopped == end.stopped
    assert 0 <= run.time_ns - end.at_s * SECOND_NS < LATE_NS
    assert run.purses.now_ns == run.time_ns, "not when the silence was noticed"


def test_8_7_a_pool_that_a_state_drains_starves_at_its_instant(server: NatsServer, tmp_path: Path) -> None:
    result = lived(ENDS["a state drains the pool"], server, tmp_path)
    tank = result.outcome["lifeforce"]
    began_ns = next(e.time_ns for e in result.run.purses.entries if e.kind == "rate")
    assert (tank["spent"], tank["final"]) == (3 * MICRO, 0)
    assert tank["shortfall"] == (result.run.time_ns - began_ns) * MICRO // SECOND_NS - 3 * MICRO
    assert (tank["starved"], tank["starved_at"]) == (True, began_ns + 3 * SECOND_NS + 1_000)


def test_3_6_nobody_is_told_before_anybody_is_there(server: NatsServer, tmp_path: Path) -> None:
    """A mark that is due as the run begins is heard at once, and leaves no incident."""
    end = End("quiet", HEARD, tank="{opening: 1, marks: {low: {below: 5}}}", stimuli="[]", at_s=0)
    run = lived(end, server, tmp_path).run
    assert run.hosts["cell/c"].snapshot.state == "b"
    assert [one.what for one in run.incidents] == []


def test_a_run_may_outlive_its_protocol(server: NatsServer, tmp_path: Path) -> None:
    garden = local(RATE, server=server.url)
    run = asyncio.run(live(nimdsl.load_text(OUTLIVED), "hello", garden, tmp_path, url=server.url))
    assert run.result.run.stopped == "horizon"
    assert [one.text for one in run.result.expectations if not one.held] == []
    with SqliteJournal(run.journal, read_only=True) as journal:
        recording = opened(journal)
        assert replay(recording).identical
        assert parity(recording).holds


def test_who_comes_later_begins_at_its_instant_and_hears_what_waited(
    server: NatsServer, tmp_path: Path
) -> None:
    garden = local(RATE, server=server.url)
    run = asyncio.run(live(nimdsl.load_text(BORN), "s", garden, tmp_path, url=server.url))
    late = run.result.outcome["cells"]["late"]
    assert late["data"] == {"heard": [1, 2], "since": 4 * SECOND_NS}
    assert late["state"] == "grown"
    with SqliteJournal(run.journal, read_only=True) as journal:
        recording = opened(journal)
        assert replay(recording).identical
        assert parity(recording).holds
