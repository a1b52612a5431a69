"""SEMANTICS 1.3, 8.1: a rehearsal leaves no trace, not in what the step has already written down."""

from __future__ import annotations

import nimdsl
import simulate
from runtime import records
from runtime.run.host import Checks

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: e}
spec: {opening: 5}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data: {count: int, said: "list<int>"}
  machine:
    initial: first
    states:
      first: {timers: [{after: 1s, to: second, do: [{set: {count: 1}}, {raise: go}]}]}
      second:
        transitions:
          - {event: go, to: last, cost: 1, do: [{set: {count: 2, said: "${said + [count]}"}}]}
          - {event: refused, to: last}
      last: {final: true}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: e, horizon: 5s}
"""


def test_what_a_priced_transition_sets_is_not_said_of_the_one_before() -> None:
    result = simulate.run(nimdsl.load_text(TEXT), "s")
    host = result.run.hosts["cell/c"]
    moved = [one.body for one in host.records if isinstance(one.body, records.Moved)]
    assert [one.changed for one in moved] == [{"count": 1}, {"count": 2, "said": [2]}]
    assert simulate.replay(result).identical


def test_what_a_rehearsal_finds_is_found_again_in_a_replay() -> None:
    """A transition that has no value is not paid, whatever the one that takes the fault costs."""
    text = TEXT.replace('"${said + [count]}"', '"${[[count][count]]}"').replace(
        "- {event: refused, to: last}",
        "- {event: refused, to: last}\n          - {event: fault, to: last, cost: 2}",
    )
    program = nimdsl.load_text(text)
    result = simulate.run(program, "s")
    assert result.outcome["lifeforce"]["spent"] == 2_000_000
    assert simulate.replay(result).identical
    proven = simulate.Options(checks=Checks(round_trip=True, restore=True))
    assert simulate.run(program, "s", options=proven).summary == result.summary
