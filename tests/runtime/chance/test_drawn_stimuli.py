"""Fields of stimuli that are drawn for each arrival."""

from __future__ import annotations

import statistics
from itertools import islice
from typing import Any

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity
from runtime.chance.models import Draws
from runtime.chance.stimuli import stimuli_of

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "bed-${k}"}
spec:
  for: {k: [1, 2]}
  data: {mm: real, urgent: bool}
  accepts: {rain: {mm: real, urgent: bool, cause: string}}
  machine:
    initial: dry
    states:
      dry:
        transitions:
          - event: rain
            internal: true
            do: [{set: {mm: "${mm + event.mm}", urgent: "${event.urgent}"}}]
---
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {name: mind}
spec: {levels: [{name: talk, take: all}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: week}
spec:
  attention: mind
  stimuli:
    - at: 1s
      every: 1s
      to: bed-*
      event: rain
      payload: {cause: cloud}
      draws: {mm: {exponential: {mean: 4}}, urgent: {choice: {values: [true, false], weights: [1, 3]}}}
    - {at: 500ms, every: 1s, level: talk, item: word, draws: {takes: {uniform: [1s, 3s]}, loud: {choice: {values: [a, b]}}}}
"""  # noqa: E501


def arrivals(text: str, seed: int, count: int) -> list[tuple[int, int, Any]]:
    scenario = nimdsl.load_text(text).scenarios["week"]
    return list(islice(stimuli_of(scenario, Draws(seed)), count))


def test_each_arrival_has_its_own_values_and_each_receiver_the_same() -> None:
    found = arrivals(TEXT, 1, 6_000)
    rains = [(at_ns, one) for at_ns, _, one in found if one.event == "rain"]
    assert [number for _, number, _ in found] == list(range(1, 6_001))
    assert all(
        one.payload == other.payload for (_, one), (_, other) in zip(rains[::2], rains[1::2], strict=True)
    )
    amounts = [one.payload["mm"] for _, one in rains[::2]]
    assert statistics.fmean(amounts) == pytest.approx(4, rel=0.1)
    assert 0.2 < statistics.fmean(one.payload["urgent"] for _, one in rains[::2]) < 0.3
    assert {one.payload["cause"] for _, one in rains} == {"cloud"}
    items = [one.payload for _, _, one in found if one.event == "word"]
    assert all(1_000_000_000 <= one["takes"] <= 3_000_000_000 for one in items)
    assert {one["payload"]["loud"] for one in items} == {"a", "b"}


def test_draws_belong_to_the_seed_and_to_their_field() -> None:
    assert arrivals(TEXT, 1, 100) == arrivals(TEXT, 1, 100)
    assert arrivals(TEXT, 1, 100) != arrivals(TEXT, 2, 100)
    fewer = TEXT.replace(", urgent: {choice: {values: [true, false], weights: [1, 3]}}", "")
    fewer = fewer.replace("payload: {cause: cloud}", "payload: {cause: cloud, urgent: true}")
    drawn = [[one.payload.get("mm") for _, _, one in arrivals(text, 1, 100)] for text in (TEXT, fewer)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("mm: {exponential", "mn: {exponential", "NIM0303", "has no field `mn`"),
        ("payload: {cause: cloud}", "payload: {cause: cloud, mm: 1}", "NIM0203", "`mm` is drawn too"),
        (
            "urgent: {choice: {values: [true, false]",
            "urgent: {choice: {values: [1, 2]",
            "NIM0304",
            "bool wanted",
        ),
        ("mean: 4", "mean: 0", "NIM0210", "the mean must be above zero"),
        ("cause: cloud", "", "NIM0306", "needs `cause`"),
    ],
)
def test_mistakes(old: str, new: str, code: str, message: str) -> None:
    found = nimdsl.check_text(TEXT.replace(old, new)).diagnostics
    errors = [one for one in found if one.severity is Severity.ERROR]
    assert code in {one.code for one in errors}
    assert any(message in one.message for one in errors)
