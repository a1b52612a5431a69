"""SEMANTICS 1.3, 8.1: a rehearsal leaves no trace, not in what the step has already written down."""

from __future__ import annotations

import nimdsl
import simulate
from runtime import records

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
