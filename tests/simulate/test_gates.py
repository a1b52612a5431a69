"""A gate in a garden: a cell emits, the gate opens, attention thinks, or sheds it (SEMANTICS 5.9, 6)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from typing import Any

import nimdsl
import simulate
from gardens.report.result.result import RunResult
from nimdsl.commands import run
from runtime import records
from runtime.run.host import Checks

TEXT = """\
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: body}
spec: {opening: 10}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: distance}
spec:
  domain: distance
  machine:
    initial: idle
    states:
      idle: {timers: [{after: 100ms, to: measuring}]}
      measuring:
        enter: [{work: measure}]
        transitions:
          - {event: done, to: idle, do: [{emit: {confidence: "${clamp(1.0 - event.cm / 100.0, 0.0, 1.0)}", content: {cm: "${event.cm}"}}}]}
          - {event: failed, to: idle}
  work: {measure: {returns: {cm: real}, virtual: {latency: {constant: 20ms}, returns: {cm: {uniform: [10, 30]}}}}}
---
apiVersion: nimdsl.dev/v1
kind: Gate
metadata: {name: collision}
spec:
  hears: [{domain: distance, if: wave.content.cm < 50.0}]
  similarity: {cm: {scale: 50}}
  thresholds: {open: 0.5, slack: 0.2}
  memory: {silence: 25%}
  cost: {open: 0.3, close: 0.3, rest: 3s}
  weight: {start: 10%}
---
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {name: day}
spec:
  levels:
    - {name: busy, take: all}
    - {name: cognition, tiers: [3, 4], take: {share: 50%, cap: 12s}, takes: 4s, leftover: carry}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {attention: day, economy: body, actors: [gate/collision], cells: [distance], horizon: 80s, STIMULI expect: [gates.collision.openings > 0]}
"""
BUSY = "stimuli: [{at: 0s, every: 30s, level: busy, takes: 40s}],"


def go(stimuli: str = "") -> RunResult:
    """A run that replays, and in which everything went through bytes."""
    program = nimdsl.load_text(TEXT.replace("STIMULI", stimuli))
    result = simulate.run(program, "s")
    proven = simulate.Options(checks=Checks(round_trip=True, restore=True))
    assert simulate.run(program, "s", options=proven, set={"scenario/s.horizon": "8s"}).ok
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)
    return result


def bodies(result: RunResult, actor: str, kind: type[Any]) -> list[Any]:
    return [one.body for one in result.records() if one.actor == actor and isinstance(one.body, kind)]


def test_it_opens_once_and_is_thought_about_once_a_beat() -> None:
    result = go()
    assert result.outcome["gates"]["collision"]["openings"] == 1
    assert result.outcome["lifeforce"]["spent"] == 300_000
    items = bodies(result, "attention/day", records.Arrived)
    assert [one.gate for one in items] == ["collision"] * 3, "one for each beat in which it is open"
    ran = [one for one in bodies(result, "attention/day", records.Ran) if one.level == "cognition"]
    assert [one.to_ns - one.from_ns for one in ran] == [4_000_000_000] * 3


def test_a_gate_whose_item_starves_is_shed_and_rests() -> None:
    result = go(BUSY)
    dropped = [
        (one.reason) for one in bodies(result, "attention/day", records.GivenUp) if one.level == "cognition"
    ]
    assert dropped[0] == "starved"
    turns = [(one.source, one.target) for one in bodies(result, "gate/collision", records.ReadingChanged)]
    assert turns == [("stable", "open"), ("open", "resting"), ("resting", "stable"), ("stable", "open")]


def test_a_person_sees_it(tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "it.yaml"
    path.write_text(TEXT.replace("STIMULI", ""), encoding="utf-8")
    assert run(["simulate", str(path), "-v"]) == 0
    shown = capsys.readouterr().out
    assert "stable → open" in shown
    assert "gate collision: open, 1 opening, " in shown
    assert run(["graph", "gate/collision", "--specs", str(path)]) == 0
    assert "stable --> open : opens (0.3 LF)" in capsys.readouterr().out


def test_a_slip_in_a_gate_is_the_only_error() -> None:
    """A scenario that names it is not blamed for it."""
    wrong = TEXT.replace("STIMULI", "").replace("{scale: 50}", "{skale: 50}")
    (found,) = nimdsl.check_text(wrong).diagnostics
    assert (found.code, found.fix) == ("NIM0203", "did you mean `scale`?")


def test_an_outcome_says_how_far_off_it_was_as_a_share() -> None:
    payload = "{opening: 1, outcome: partial, discrepancy: 30%}"
    result = go(f"stimuli: [{{at: 3s, to: gate/collision, event: verified, payload: {payload}}}],")
    assert result.outcome["gates"]["collision"]["weight"] == 108_000
