"""Why a virtual run without a protocol is over, and when its purses are closed (SEMANTICS 8.7)."""

from __future__ import annotations

import pytest

import nimdsl
import simulate
from nimdsl.base.units import MICRO, SECOND_NS
from tests.support.endings import ENDS, HORIZON_S, OUTLIVED, End


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_8_7_what_is_left_to_happen_decides_why_a_run_is_over(end: End) -> None:
    result = simulate.run(nimdsl.load_text(end.text), "s")
    assert result.run.stopped == end.stopped
    assert result.run.time_ns // 10**6 == end.at_s * 1000, "to the millisecond: a mark is a moment late"
    assert result.run.purses.now_ns == result.run.time_ns
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)


def test_8_7_a_pool_that_a_state_drains_starves_at_its_instant() -> None:
    """However far away the next event is."""
    result = simulate.run(nimdsl.load_text(ENDS["a state drains the pool"].text), "s")
    tank = result.outcome["lifeforce"]
    assert (tank["spent"], tank["shortfall"], tank["final"]) == (3 * MICRO, (HORIZON_S - 4) * MICRO, 0)
    # It drains from the first second, for three; a micro-LF more takes a microsecond.
    assert (tank["starved"], tank["starved_at"]) == (True, 4 * SECOND_NS + 1_000)


def test_8_7_marks_on_the_way_to_the_horizon_are_told() -> None:
    machine = "a: {upkeep: 1, transitions: [{event: low, internal: true, do: [{set: {heard: 1}}]}]}"
    end = End("horizon", machine, tank="{opening: 10, marks: {low: {below: 5}}}", stimuli="[]")
    result = simulate.run(nimdsl.load_text(end.text), "s")
    assert (result.run.stopped, result.outcome["cells"]["c"]["data"]) == ("horizon", {"heard": 1})
    assert [(e.key, e.time_ns) for e in result.run.purses.entries if e.kind == "mark"] == [
        ("low", 5 * SECOND_NS + 1)
    ]
    assert result.outcome["lifeforce"]["spent"] == HORIZON_S * MICRO


def test_8_7_a_run_may_outlive_its_protocol() -> None:
    result = simulate.run(nimdsl.load_text(OUTLIVED), "hello")
    assert [one.text for one in result.expectations if not one.held] == []
    assert (result.run.stopped, result.run.time_ns) == ("horizon", 20 * SECOND_NS)
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)


def test_8_7_one_that_says_nothing_ends_with_it() -> None:
    program = nimdsl.load_text(OUTLIVED.replace("ends: horizon, ", ""))
    assert simulate.run(program, "hello").run.stopped == "final"


def test_ends_is_about_a_protocol() -> None:
    report = nimdsl.check_text(OUTLIVED.replace("protocol: hello, ends", "ends"))
    assert [one.code for one in report.diagnostics if "no protocol" in one.message] == ["NIM0203"]
