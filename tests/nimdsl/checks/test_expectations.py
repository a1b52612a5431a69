"""Found before the run: states that expectations name, and prices that nobody can ever pay."""

import pytest

import nimdsl
from nimdsl.base.diagnostics import Diagnostic, Severity
from tests.nimdsl.checks.building import ECONOMY, TALK, cell, document, finds, phase

GARDEN = """apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {ECONOMY}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: planner}
spec:
  accepts: {go: {}, stop: {}}
  machine:
    initial: waiting
    any: [{event: stop, to: waiting}]
    states:
      waiting:
        transitions: [{event: go, to: busy, cost: 3, do: [REWARD]}]
      busy:
        initial: thinking
        states:
          thinking: {transitions: [{event: go, to: talking}]}
          talking: {}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  SCENARIO
  stimuli: [{at: 1s, to: planner, event: go}]
  expect:
    - 'EXPECT'
"""


def said(
    expect: str = "errors == 0",
    economy: str = "opening: 9",
    reward: str = "",
    scenario: str = "horizon: 9s",
) -> tuple[Diagnostic, ...]:
    text = GARDEN.replace("EXPECT", expect).replace("ECONOMY", economy)
    return nimdsl.check_text(text.replace("REWARD", reward).replace("SCENARIO", scenario)).diagnostics


@pytest.mark.parametrize(
    ("expect", "column", "fix"),
    [
        ('cells.planner.state == "waitng"', 31, "did you mean `waiting`?"),
        ('"waitng" != cells.planner.state', 8, "did you mean `waiting`?"),
        ('cells["planner"].state in ["waiting", "bussy/talking"]', 46, "did you mean `busy/talking`?"),
        ('cells.planner.state == "busy"', 31, "known: `busy/talking`, `busy/thinking`"),
    ],
)
def test_a_state_that_is_not_there(expect: str, column: int, fix: str) -> None:
    (found,) = said(expect)
    assert (found.code, found.place.line, found.place.column) == ("NIM0405", 30, column)
    assert found.fix == fix


@pytest.mark.parametrize(
    "expect",
    ['cells.planner.state == "waiting"', 'startsWith(cells.planner.state, "busy/")', 'contains("ab", "a")'],
)
def test_a_state_that_is_there(expect: str) -> None:
    assert not said(expect)


def test_a_criterion_names_states_too() -> None:
    spec = """{economy: purse, phases: [first], criteria: [{text: x, holds: '§"idel" == LAMP'}]}"""
    protocol = document("Protocol", spec.replace("LAMP", "cells.lamp.state"))
    lamp = cell("{initial: idle, states: {idle: {transitions: [{event: go, to: idle}]}}}", name="lamp")
    lamp = lamp.replace("machine:\n    ", "machine: ").replace(", stop: {}", "")
    assert finds("NIM0405", ECONOMY, TALK, lamp, phase(), protocol).fix == "did you mean `idle`?"


@pytest.mark.parametrize(
    ("economy", "bound"),
    [
        ("opening: 2", "opening"),
        ("opening: 4, floor: 2", "opening"),
        ("opening: 2, incomes: {sun: 1}, capacity: 2.5", "capacity"),
        ("opening: 2, rewards: {good: 1}", "opening"),
    ],
)
def test_a_price_that_nobody_can_ever_pay(economy: str, bound: str) -> None:
    (found,) = said(economy=economy)
    assert (found.code, found.severity, found.place.line) == ("NIM0512", Severity.WARNING, 16)
    assert found.fix == f"lower the cost, or raise `{bound}`"


@pytest.mark.parametrize(
    ("economy", "reward", "scenario"),
    [
        ("opening: 3", "", "horizon: 9s"),
        ("opening: 2, incomes: {sun: 1}", "", "horizon: 9s"),
        ("opening: 2, rewards: {good: 1}", "{reward: {name: good}}", "horizon: 9s"),
        ("opening: 2", "", "set: {economy/purse.opening: 5}"),
    ],
)
def test_a_price_that_may_be_paid(economy: str, reward: str, scenario: str) -> None:
    assert not said(economy=economy, reward=reward, scenario=scenario)
