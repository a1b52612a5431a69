"""Prices and delays from data: read once, within their bound, undone where they have no value."""

from __future__ import annotations

from dataclasses import replace

import pytest

import nimdsl
import simulate
from nimdsl.expression.syntax import Call
from nimdsl.program import amount
from nimdsl.program.amount import Computed, most_of
from nimdsl.program.expression import Expression
from runtime import records
from runtime.kernel import step_context

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {opening: 10}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: caller}
spec:
  data: {pause: duration, tries: int, faults: int, refusals: int}
  initial: {pause: 1s}
  accepts: {odd: {}}
  machine:
    initial: waiting
    any:
      - {event: fault, internal: true, do: [{set: {faults: "${faults + 1}"}}]}
      - {event: refused, internal: true, do: [{set: {refusals: "${refusals + 1}"}}]}
    states:
      waiting:
        timers:
          - after: "${min(pause, 16s)}"
            to: waiting
            cost: "${min(tries, 3) * 1LF}"
            do: [{set: {pause: "${pause * 2}", tries: "${tries + 1}"}}]
        transitions:
          - {event: odd, to: odd}
      odd:
        enter: [{set: {pause: "${pause - 1000s}"}}]
        timers: [{after: "${min(pause, 1s)}", to: waiting}]
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  horizon: 200s
  stimuli: [{at: 40s, to: caller, event: odd}]
  expect:
    - cells.caller.data.tries == 5 && cells.caller.data.faults == 1 && cells.caller.data.refusals == 1
    - lifeforce.spent == 9LF && cells.caller.data.pause == 32s
"""


def test_a_back_off_that_grows_and_is_paid_for() -> None:
    result = simulate.run(nimdsl.load_text(TEXT), "s")
    assert result.ok, result.summary["expect"]
    moved = [one for one in result.records() if isinstance(one.body, records.Moved)]
    times = [one.time_ns // 1_000_000_000 for one in moved if one.body.source == "waiting"]  # type: ignore[union-attr]
    assert times == [1, 3, 7, 15, 31, 40, 47]
    (refused,) = [one.body for one in result.records() if isinstance(one.body, records.Refused)]
    assert refused.price == 3_000_000


def test_the_worst_case_is_in_the_program() -> None:
    table = nimdsl.load_text(TEXT).cells["caller"].table
    assert [most_of(timer.after_ns) for timer in table.timers] == [16_000_000_000, 1_000_000_000]
    (priced,) = [row.price for row in table.rows if row.price]
    assert isinstance(priced.amount, Computed)
    assert priced.amount.most == 3_000_000


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("${min(pause, 16s)}", "${pause}", "NIM0211"),
        ("${min(tries, 3) * 1LF}", "${tries * 1LF}", "NIM0211"),
        ("${min(pause, 16s)}", "${min(tries, 3)}", "NIM0304"),
        ("${min(pause, 16s)}", "${min(pause, -1s)}", "NIM0210"),
        ("${min(pause, 16s)}", "${min(paus, 1s)}", "NIM0303"),
    ],
)
def test_mistakes(old: str, new: str, code: str) -> None:
    found = nimdsl.check_text(TEXT.replace(old, new)).diagnostics
    assert [one.code for one in found] == [code]


def test_what_is_less_than_nothing_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law of the first test, with a defect: a negative delay that is taken for none."""
    original = amount.value_of
    patched = lambda one, environment: original(replace(one, expression=abs_of(one)), environment)  # noqa: E731
    monkeypatch.setattr(step_context, "value_of", patched)
    assert not simulate.run(nimdsl.load_text(TEXT), "s").ok


def abs_of(one: Computed) -> Expression:
    return replace(one.expression, node=Call("abs", (one.expression.node,)), _closure=[])
