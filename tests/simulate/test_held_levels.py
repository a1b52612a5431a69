"""A level that is never preempted: who waits for it, and what still takes its time (SEMANTICS 5.3)."""

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
import simulate
from nimdsl.base.units import SECOND_NS
from tests.support.plain import plain

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {{name: watchman}}
spec:
  beat: 10s
  overhead: 0s
  settle: 0s
  levels:
    - {{name: alarm, reflex: true, take: {{each: 1s}}, max_per_beat: 5}}
    - {{name: report, take: {{share: 50%}}, takes: 2s}}
    - {{name: write, take: {take}, preempted: {preempted}, stages: {{think: 50%, note: 50%}}, takes: 4s}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: night}}
spec:
  attention: watchman
  horizon: 10s
  stimuli:
    - {{at: 1s, level: write, item: letter}}
    - {{at: 2s, level: report, item: noise}}
{more}
"""
ALARM = "    - {at: 3s, level: alarm, item: fire}\n"


def stretches(preempted: str, take: str = "all", more: str = "") -> list[tuple[Any, ...]]:
    """Who had the time from when to when, in seconds."""
    program = nimdsl.load_text(TEXT.format(preempted=preempted, take=take, more=more))
    records = simulate.run(program, "night").records()
    return [
        (one["level"], one["from_ns"] / SECOND_NS, one["to_ns"] / SECOND_NS, one["ended"])
        for one in plain(records)
        if one["type"] == "grant"
    ]


def test_a_higher_level_waits_until_the_item_is_done() -> None:
    assert stretches("resume") == [
        ("write", 1, 2, "preempted"),
        ("report", 2, 4, "done"),
        ("write", 4, 7, "done"),
    ]
    assert stretches("never") == [("write", 1, 5, "done"), ("report", 5, 7, "done")]


def test_it_waits_until_the_level_has_had_its_part() -> None:
    assert stretches("never", "{share: 20%}") == [("write", 1, 2.8, "cut"), ("report", 2.8, 4.8, "done")]


def test_only_the_item_that_has_begun_is_held() -> None:
    second = "    - {at: 1s, level: write, item: card}\n"
    assert [one[:2] for one in stretches("never", more=second)] == [("write", 1), ("report", 5)]


def test_a_reflex_suspends_it_and_it_goes_on() -> None:
    assert stretches("never", more=ALARM) == [
        ("write", 1, 3, "suspended"),
        ("alarm", 3, 4, "done"),
        ("write", 4, 6, "done"),
        ("report", 6, 8, "done"),
    ]


def test_nothing_preempts_a_reflex_anyway() -> None:
    text = TEXT.format(preempted="never", take="all", more="")
    text = text.replace("reflex: true,", "reflex: true, preempted: never,")
    with pytest.raises(nimdsl.SpecError) as wrong:
        nimdsl.load_text(text)
    (found,) = wrong.value.diagnostics
    assert (found.code, found.fix) == ("NIM0203", "remove `preempted`")
