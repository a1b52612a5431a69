"""The shipped creature: its scenarios hold, replay, and decide as another run of them does."""

from __future__ import annotations

import pytest

import nimdsl
import simulate
from nimdsl.base.units import SECOND_NS
from runtime import records
from runtime.run.host import Checks
from tests.support.effort import EFFORT

SHORT = ("creature-birth", "creature-collision", "creature-dialogue", "creature-famine")
LONG = {
    "creature-storm": "5min",
    "creature-organs": "10min",
    "creature-learning": "",
    "creature-winter": "",
    "creature-day": "",
}
"""With a horizon for the suite; those without one are run whole, in the deep suite alone."""


@pytest.fixture(scope="module")
def program() -> nimdsl.Program:
    return nimdsl.load()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_a_scenario_holds_and_replays(program: nimdsl.Program, name: str) -> None:
    result = simulate.run(program, name)
    assert [one.text for one in result.expectations if not one.held] == []
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)
    checked = simulate.run(program, name, options=simulate.Options(checks=Checks(round_trip=True)))
    assert checked.summary["trace_sha256"] == result.summary["trace_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, horizon in LONG.items() if horizon])
def test_a_part_of_a_long_one_replays(program: nimdsl.Program, name: str) -> None:
    result = simulate.run(program, name, set={f"scenario/{name}.horizon": LONG[name]})
    assert simulate.replay(result).identical
    assert result.outcome["completed"]


@pytest.mark.slow
@pytest.mark.skipif(EFFORT == 1, reason="minutes: in the deep suite")
@pytest.mark.parametrize("name", LONG)
def test_a_long_one_holds(program: nimdsl.Program, name: str) -> None:
    result = simulate.run(program, name)
    assert [one.text for one in result.expectations if not one.held] == []


@pytest.mark.slow
def test_it_sleeps_by_night_and_a_wave_in_its_sleep_opens_nothing(program: nimdsl.Program) -> None:
    result = simulate.run(program, "creature-day", set={"scenario/creature-day.horizon": "20min"})
    turns = [one for one in result.records() if isinstance(one.body, records.Slumbering)]
    attention = [(one.time_ns, one.body) for one in turns if one.actor == "attention/awake"]
    assert [body.asleep for _, body in attention if isinstance(body, records.Slumbering)] == [True]
    since_ns = attention[0][0]
    opened = [one for one in result.records() if isinstance(one.body, records.ReadingChanged)]
    late = [one for one in opened if one.time_ns > since_ns and one.body.target == "open"]  # type: ignore[union-attr]
    assert late == []
    assert all(not cell["state"].startswith("measuring") for cell in result.outcome["cells"].values())


@pytest.mark.slow
def test_its_reflexes_live_before_the_spark_is_over(program: nimdsl.Program) -> None:
    """The wheel answers before the spark asks anything, and long before anybody could think."""
    result = simulate.run(program, "creature-birth")
    found = list(result.records())
    asked = [one for one in found if isinstance(one.body, records.Asked)]
    acted = [one.time_ns for one in asked if one.actor == "nerve/avoid"]
    marked = [one for one in found if isinstance(one.body, records.PhaseMarked)]
    complete = [one.time_ns for one in marked if one.actor == "protocol/birth"]
    begun = {one.actor: one.time_ns for one in found if isinstance(one.body, records.Began)}
    assert begun["gate/collision"] < begun["cell/motor"] < begun["cell/ears"] < acted[0]
    assert acted[0] < begun["protocol/birth"] < max(complete) < begun["rack/theia"]
    assert result.run.stopped == "horizon"
    assert result.run.time_ns == 300 * SECOND_NS > 10 * max(complete)


def test_a_beat_of_the_day_has_enough_to_do(program: nimdsl.Program) -> None:
    result = simulate.run(program, "creature-day", set={"scenario/creature-day.horizon": "5min"})
    assert sum(host.record_count for host in result.run.hosts.values()) / 10 > 200
