"""Slumber over the balance: the same stretches as the ledger has, and pulses only counted."""

from __future__ import annotations

from typing import Literal

import pytest

import nimdsl
import simulate
from gardens.report.html.charts import economy
from gardens.report.observe.lifeforce import LifeforceCollector
from gardens.report.observe.watch import view_of
from nimdsl.base.units import MICRO, NANOSECONDS
from nimdsl.program import Program
from runtime.ledger.accounts import POOL, Entry

TEXT = """\
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: body}
spec:
  opening: 30
  capacity: 100
  incomes: {grid: 0.03}
  pulse: {base: 5s}
  slumber: {window: 1min}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: heart}
spec:
  machine:
    initial: awake
    states:
      awake: {upkeep: 0.05, transitions: [{event: slumber, to: asleep}]}
      asleep: {upkeep: 0.003, transitions: [{event: wake, to: awake}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {economy: body, horizon: 2h}
"""


@pytest.fixture(scope="module")
def program() -> Program:
    return nimdsl.load_text(TEXT)


def test_slumber_is_shaded_as_the_ledger_has_it(program: Program) -> None:
    result = simulate.run(program, "s")
    entries = [one for one in result.run.purses.entries if one.kind in ("slumber", "wake")]
    view = view_of(program, result.scenario, result.run)
    force = view.lifeforce
    assert force is not None
    times = [one.time_ns for one in entries] + ([view.time_ns] if len(entries) % 2 else [])
    asleep = [(one.from_ns, one.to_ns) for one in force.sleep.slices if one.name == "asleep"]
    assert asleep == list(zip(times[::2], times[1::2], strict=True))
    assert force.slept == (sum(to_ns - from_ns for from_ns, to_ns in asleep), len(asleep))
    assert force.pulses == sum(one.kind == "pulse" for one in result.run.purses.entries) > 500
    drawn = economy(view)
    assert 'class="band asleep"' in drawn
    assert f"{force.pulses:,} pulses" in drawn


def test_who_falls_asleep_very_often_is_no_more_to_remember(program: Program) -> None:
    collector = LifeforceCollector(program.economies["body"], sampled=False)
    step_ns = NANOSECONDS["s"]
    for number in range(20_000):
        at_ns = 10 * step_ns * number
        kinds: tuple[Literal["slumber", "wake", "pulse"], ...] = ("pulse", ("slumber", "wake")[number % 2])
        for kind in kinds:
            collector.take(Entry(number, at_ns, kind, "", POOL, POOL, 0, "", kind, balance=MICRO))
    force = collector.lifeforce(200_000 * step_ns)
    assert force.pulses == 20_000
    assert force.slept == (100_000 * step_ns, 10_000)
    assert not force.sleep.slices
    assert len(force.sleep.density.bins) <= 512
