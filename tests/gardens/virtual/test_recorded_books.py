"""Parity of journals with several purses and with resources: what looks alike is told apart."""

from __future__ import annotations

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.virtual.recorded import parity
from gardens.virtual.verdict import Parity
from runtime import records
from simulate import run
from tests.support.doctored import recording_of


def agreed(text: str) -> tuple[RunResult, Parity]:
    """A run of a scenario, and what comparing its own journal says."""
    result = run(nimdsl.load_text(text), "s", journal=MemoryJournal())
    return result, parity(recording_of(result))


TWINS = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: "e-${k}"}
spec: {for: {k: [1, 2]}, opening: 5, capacity: 6, upkeep: {heart: 0.1}, incomes: {sun: 3}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "c-${k}"}
spec:
  for: {k: [1, 2]}
  economy: "e-${k}"
  machine:
    initial: there
    any: [{event: refused, to: there}]
    states: {there: {timers: [{after: 1s, to: there, cost: 1}]}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: e-1, horizon: 5s}
"""


def test_two_purses_may_have_rates_of_the_same_name() -> None:
    result, found = agreed(TWINS)
    keys = [entry.key for entry in result.run.purses.entries]
    assert len(keys) > len(set(keys))
    assert found.holds, found.differences


LEFT = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: e}
spec: {opening: 1, marks: {low: {below: 2}}}
---
apiVersion: nimdsl.dev/v1
kind: Resource
metadata: {name: desks}
spec: {capacity: 1, queue: 0}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "c-${k}"}
spec:
  for: {k: [1, 2]}
  machine:
    initial: asking
    states:
      asking:
        enter: [{work: desk}]
        transitions: [{event: low, to: gone}, {event: got, to: gone}, {event: failed, to: gone}]
      gone: {final: true}
  work: {desk: {acquire: {resource: desks}, timeout: 1s, done: got}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: e, horizon: 5s}
"""


def test_what_nobody_waits_for_any_more_may_go_unheard() -> None:
    """A mark comes before a grant, and before a refusal, of the same instant (2.2)."""
    result, found = agreed(LEFT)
    bodies = [record.body for host in result.run.hosts.values() for record in host.records]
    assert {body.event for body in bodies if isinstance(body, records.Moved)} == {"low"}
    assert found.holds, [*found.differences, *found.losses]
    assert sum(found.explained.values()) == 2
