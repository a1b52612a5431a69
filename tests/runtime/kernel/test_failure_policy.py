"""A guard without a value: false, or the end of its event (SEMANTICS 1.3)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
import simulate
from nimdsl.show.table import table_data, table_text
from tests.nimdsl.checks.building import cell, document, finds, leaves_alone
from tests.support.plain import plain

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: scale}}
spec:
  data: {{heavy: int, light: int, faults: int, reason: string}}
  accepts: {{weigh: {{parts: "list<int>"}}, wait: {{}}}}
  machine:
    {policy}
    initial: ready
    any: [{{event: fault, {guard}internal: true, do: [{{set: {{faults: "${{faults + 1}}", reason: "${{event.reason}}"}}}}]}}]
    states:
      ready:
        transitions:
          - {{event: weigh, if: "event.parts[0] > 5", internal: true, do: [{{set: {{heavy: "${{heavy + 1}}"}}}}]}}
          - {{event: weigh, internal: true, do: [{{set: {{light: "${{light + 1}}"}}}}]}}
          - {{event: wait, to: busy}}
      busy:
        defer: [weigh]
        timers: [{{after: 1s, to: ready}}]
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: day}}
spec:
  horizon: 1min
  stimuli:
    - {{at: 1s, to: scale, event: weigh, payload: {{parts: [9]}}}}
    - {{at: 2s, to: scale, event: weigh, payload: {{parts: []}}}}
    - {{at: 3s, to: scale, event: weigh, payload: {{parts: [1]}}}}
    - {{at: 4s, to: scale, event: wait}}
    - {{at: 4.5s, to: scale, event: weigh, payload: {{parts: []}}}}
"""


def built(policy: str = "failure_policy: fail", guard: str = "") -> nimdsl.Program:
    return nimdsl.load_text(TEXT.format(policy=policy, guard=guard))


def data(program: nimdsl.Program) -> dict[str, Any]:
    found: dict[str, Any] = simulate.run(program, "day").outcome["cells"]["scale"]["data"]
    return found


@pytest.mark.parametrize("policy", ["", "failure_policy: ignore"])
def test_it_is_false_where_nothing_else_is_said(policy: str) -> None:
    assert data(built(policy)) == {"heavy": 1, "light": 3, "faults": 0, "reason": ""}


def test_with_fail_nothing_else_is_tried_and_the_cell_hears_of_it() -> None:
    found = data(built())
    assert (found["heavy"], found["light"], found["faults"]) == (1, 1, 2), "the deferred one too"
    assert found["reason"]
    records = plain(simulate.run(built(), "day").records())
    assert len([one for one in records if one["type"] == "fault"]) == 2
    assert not [one for one in records if one["type"] == "ignored"]


def test_guards_on_the_fault_itself_are_false_without_a_value() -> None:
    found = data(built(guard='if: "1 / faults > 0", '))
    assert (found["light"], found["faults"], found["reason"]) == (1, 0, "")


KEEPING = """
      outer:
        initial: busy
        defer: [weigh]
        states:
          busy: {timers: [{after: 3s, to: outer/ready}]}
          ready:
            transitions:
              - {event: weigh, if: "event.parts[0] > 5", internal: true, do: [{set: {heavy: "${heavy + 1}"}}]}
              - {event: wait, to: outer/busy}
"""


def test_what_was_deferred_waits_no_longer_once_a_guard_has_no_value() -> None:
    for policy, waiting, faults in (("fail", 1, 2), ("ignore", 3, 0)):
        text = TEXT.format(policy=f"failure_policy: {policy}", guard="")
        begin, end = text.index("      ready:"), text.index("---")
        text = text[:begin] + KEEPING.strip("\n") + "\n" + text[end:]
        program = nimdsl.load_text(text.replace("initial: ready", "initial: outer"))
        result = simulate.run(program, "day")
        assert len(result.run.hosts["cell/scale"].snapshot.deferred) == waiting, "of parts that say nothing"
        assert data(program)["faults"] == faults


def test_the_policy_is_a_part_of_the_program_only_where_it_is_said() -> None:
    assert built("").sha256 == built("failure_policy: ignore").sha256 != built().sha256


def test_the_table_says_it() -> None:
    for policy, program in (("fail", built()), ("ignore", built(""))):
        table = program.cells["scale"].table
        assert table_data(table)["failure_policy"] == policy
        assert ("ends its event" in table_text("scale", table)) is (policy == "fail")


GUARDED = "{initial: a, failure_policy: POLICY, states: {a: {transitions: [{event: §go, if: 'event.all[0] > 1', internal: true}, {event: go, to: b}]}, b: {final: true}}}"


def test_a_machine_that_fails_handles_fault() -> None:
    text = document("Cell", "{accepts: {go: {all: list<int>}}, machine: " + GUARDED + "}")
    report = nimdsl.check_text(text.replace("POLICY", "fail").replace("§", ""), root=".")
    assert [(one.code, one.severity.value) for one in report.diagnostics] == [("NIM0419", "warning")]
    leaves_alone(text.replace("POLICY", "ignore").replace("§", ""))
    handled = text.replace("{event: go, to: b}", "{event: go, to: b}, {event: fault, to: b}")
    leaves_alone(handled.replace("POLICY", "fail").replace("§", ""))
    certain = text.replace("event.all[0] > 1", "size(event.all) > 1")
    leaves_alone(certain.replace("POLICY", "fail").replace("§", ""))


READING = """
    initial: a
    failure_policy: POLICY
    states:
      a: {transitions: [{event: go, to: b}]}
      b:
        enter: [{work: read}]
        transitions:
          - {event: §done, if: "10 / event.heat > 5.0", to: a}
          - {event: done, if: "10 / event.heat <= 5.0", to: a}
          - {event: failed, to: a}
          - {event: fault, to: a}
"""


def test_a_fault_is_a_way_out_where_no_guard_has_a_value() -> None:
    work = "accepts: {go: {}}\nwork: {read: {returns: {heat: real}}}"
    found = finds("NIM0403", cell(READING.replace("POLICY", "ignore"), work))
    assert "event.heat is 0" in found.message
    leaves_alone(cell(READING.replace("POLICY", "fail").replace("§", ""), work))
