"""How long cells are in their states, as expectations and summaries say it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import nimdsl
import simulate
from gardens.report.result.stays import Stays
from nimdsl.program.machine import State
from runtime import records
from runtime.records import Record
from tests.properties.machines import EVENTS, returning_trees
from tests.properties.test_machines import kernel_of, run

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: robot}
spec:
  accepts: {push: {}, stop: {}, poke: {}}
  machine:
    initial: work
    any: [{event: poke, internal: true}]
    states:
      work:
        initial: free
        transitions: [{event: stop, to: stopped}]
        states:
          free: {transitions: [{event: push, to: busy}]}
          busy: {timers: [{after: 10s, to: free}], transitions: [{event: push, to: busy}]}
      stopped: {timers: [{after: 5s, to: work}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  horizon: 1min
  stimuli:
    - {at: 10s, to: robot, event: push}
    - {at: 14s, to: robot, event: push}
    - {at: 16s, to: robot, event: poke}
    - {at: 40s, to: robot, event: stop}
    - {at: 59s, to: robot, event: poke}
  expect:
    - cells.robot.states["work"].entered == 2 && cells.robot.states["work"].longest == 40s
    - cells.robot.states["work/busy"].entered == 2 && cells.robot.states["work/busy"].time == 14s
    - cells.robot.states["work/busy"].longest == 10s && cells.robot.states["stopped"].time == 5s
    - cells.robot.states["work"].time / duration > 90% && cells.robot.dropped == 0
"""


def test_stays_are_counted_by_state() -> None:
    result = simulate.run(nimdsl.load_text(TEXT), "s")
    assert result.ok, result.summary["expectations"]
    states: Any = result.summary["cells"]["robot"]["states"]
    assert states["stopped"] == {"entered": 1, "time": 5.0, "longest": 5.0}


def test_a_state_that_does_not_exist_is_found_before() -> None:
    text = TEXT.replace('states["stopped"]', 'states["stoped"]')
    found = nimdsl.check_text(text).diagnostics
    assert [(one.code, one.fix) for one in found] == [("NIM0307", "did you mean `stopped`?")]


@given(returning_trees(), st.lists(st.sampled_from(EVENTS), max_size=16))
def test_the_states_of_a_leaf_add_up_to_the_time(root: State, names: list[str]) -> None:
    stays, kernel = Stays(), kernel_of(root)
    steps = run(kernel, names)
    for number, taken in enumerate(steps):
        for place, noted in enumerate(taken.records):
            stays.take(Record("cell/c", place, number, noted.body))
    end = len(steps)
    seen: Any = {path: stay.until(end) for path, stay in stays.states.items()}
    leaves = [path for path in seen if path in kernel.actor.table.state_numbers]
    assert sum(seen[path]["time"] for path in leaves) == end
    for path, stay in seen.items():
        inner = [seen[one]["time"] for one in leaves if one == path or one.startswith(path + "/")]
        assert stay["time"] == sum(inner)
        assert stay["longest"] <= stay["time"]
    assert isinstance(steps[0].records[0].body, records.Emitted | records.Began)
