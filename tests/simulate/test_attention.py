"""The shipped attention, run: its beats have the figures of the design notes (SEMANTICS 5.6)."""

from __future__ import annotations

from typing import Any

import pytest

from nimdsl.program import Program
from simulate import run
from tests.properties.worlds import ledger_laws
from tests.support.plain import plain

SCENARIOS = ("quiet-study", "voice", "danger", "overwhelmed", "overwhelmed-published", "open-gates")
S = 1_000_000_000


def beat(shipped: Program, scenario: str, index: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = run(shipped, scenario).summary["beats"][index]
    return found


@pytest.mark.parametrize("scenario", [*SCENARIOS, "busy-hour", "hostile"])
def test_what_each_scenario_expects_holds(shipped: Program, scenario: str) -> None:
    result = run(shipped, scenario)
    assert [verdict.text for verdict in result.expectations if not verdict.held] == []
    assert list(ledger_laws(result)) == []
    assert result.completed


@pytest.mark.parametrize(
    ("scenario", "spent", "idle"),
    [
        ("quiet-study", {"sensory": 0.5, "thinking": 1.0, "virtual": 28.2}, 0.0),
        ("voice", {"dialogue": 5.0, "sensory": 3.0, "thinking": 5.0, "virtual": 16.7}, 0.0),
        ("danger", {"reflex": 0.05, "sensory": 0.5, "thinking": 1.2, "virtual": 27.95}, 0.0),
        ("overwhelmed", {"sensory": 15.0, "thinking": 12.0}, 2.7),
        ("overwhelmed-published", {"sensory": 11.88, "thinking": 10.692, "virtual": 7.128}, 0.0),
    ],
)
def test_a_beat_has_the_figures_of_the_notes(
    shipped: Program, scenario: str, spent: dict[str, float], idle: float
) -> None:
    found = beat(shipped, scenario)
    assert {name: level["spent_s"] for name, level in found["levels"].items() if level["spent_s"]} == spent
    assert found["idle_s"] == idle
    assert found["settled"]
    assert (found["overhead_s"], found["settle_s"]) == (0.1, 0.2)


def test_the_json_of_a_beat(shipped: Program) -> None:
    found = beat(shipped, "danger")
    assert found["index"] == 0
    assert found["levels"]["reflex"] == {
        "spent_s": 0.05,
        "granted_s": 0.05,
        "started_s": 10.0,
        "preempted": 0,
        "dropped": 0,
        "done": 1,
    }
    assert found["levels"]["safety"]["started_s"] is None
    assert found["levels"]["virtual"]["preempted"] == 1, "thinking was told of the reflex"


def test_dialogue_goes_through_its_stages(shipped: Program) -> None:
    records = plain(run(shipped, "voice").records())
    ways = [(r["to"], r["at_ns"] / S) for r in records if r["type"] == "transition"]
    assert ways[:5] == [
        ("alert", 0.0),
        ("attend/dialogue/listening", 0.1),
        ("attend/dialogue/processing", 2.1),
        ("attend/dialogue/responding", 3.1),
        ("attend/dialogue/yielding", 5.1),
    ]
    assert ways[5][0] == "attend/process/sensory/sampling", "dialogue > process"
    for record in records:
        if record["type"] == "transition":
            assert record["beat"] == record["at_ns"] // (30 * S)
            assert record["remaining_ns"] == max(0, 29_800_000_000 - max(record["at_ns"], S // 10))


def test_after_a_reflex_she_goes_on_in_the_stage_where_she_was(shipped: Program) -> None:
    stimuli = [
        {"at": "0s", "level": "dialogue", "takes": "10s"},
        {"at": "5s", "level": "reflex", "item": "bump"},
    ]
    result = run(shipped, "voice", set={"scenario/voice.stimuli": stimuli, "scenario/voice.expect": []})
    ways = [(r["from"], r["to"]) for r in plain(result.records()) if r["type"] == "transition"]
    assert ("attend/dialogue/processing", "reflex") in ways
    assert ("reflex", "attend/dialogue/processing") in ways


def test_a_level_that_the_economy_refuses_stays_out_for_the_beat(shipped: Program) -> None:
    poor = {"economy/household.opening": 0.2, "economy/household.incomes": {}, "scenario/voice.expect": []}
    result = run(shipped, "voice", set=poor)
    found = result.summary["beats"][0]
    assert found["levels"]["dialogue"]["spent_s"] == 0.0
    refused = [record["level"] for record in plain(result.records()) if record["type"] == "refused"]
    assert refused.count("dialogue") == 1
    assert found["settled"]
    assert result.outcome["lifeforce"]["final"] >= 0
    assert list(ledger_laws(result)) == []


def test_a_run_that_ends_within_a_beat_tells_of_it(shipped: Program) -> None:
    result = run(
        shipped,
        "quiet-study",
        set={"scenario/quiet-study.horizon": "40s", "scenario/quiet-study.expect": []},
    )
    whole, part = result.summary["beats"]
    assert whole["settled"]
    assert not part["settled"]
    assert part["levels"]["virtual"]["spent_s"] == pytest.approx(10 - 0.1 - 1.5)
    assert result.outcome["attention"]["beats"] == 2
    assert result.outcome["attention"]["settled"] == 1


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_parts_of_a_beat_add_up(shipped: Program, scenario: str) -> None:
    for record in plain(run(shipped, scenario).records()):
        if record["type"] == "beat":
            times = record["times"]
            own = sum(level["spent_ns"] for name, level in times["levels"].items() if name != "reflex")
            parts = sum(times[f"{part}_ns"] for part in ("overhead", "charged", "reflex", "idle", "settle"))
            assert own + parts == 30 * S
