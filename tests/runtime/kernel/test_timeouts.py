"""Work that takes longer than it may has failed, and what it brings later is not wanted."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
import simulate
from nimdsl.base.diagnostics import Severity
from runtime.run.host import Checks

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data: {patience: duration, done: int, failed: "list<string>", at: "list<duration>"}
  initial: {patience: 2s}
  machine:
    initial: working
    states:
      working:
        enter: [{work: job}]
        transitions:
          - {event: done, to: resting, do: [{set: {done: "${done + 1}", at: "${at + [now]}"}}]}
          - event: failed
            to: resting
            do: [{set: {failed: "${failed + [event.reason]}", at: "${at + [now]}", patience: "${patience * 2}"}}]
      resting: {timers: [{after: 1s, to: working}]}
  work:
    job: {timeout: "${min(patience, 10s)}", virtual: {latency: {constant: 4s}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 20s}
"""
S = 1_000_000_000


def lived(text: str = TEXT, **options: Any) -> Any:
    result = simulate.run(nimdsl.load_text(text), "s", options=simulate.Options(**options))
    return result.run.hosts["cell/c"].snapshot.data


def test_a_timeout_is_computed_when_the_work_begins() -> None:
    data = lived()
    assert data["failed"] == ["timeout"]
    assert [at // S for at in data["at"]] == [2, 7, 12, 17]
    assert data["done"] == 3  # 4 s of patience are enough for 4 s: what is finished comes before timers


def test_the_same_through_bytes_and_restored_snapshots() -> None:
    assert lived(checks=Checks(round_trip=True, restore=True)) == lived()


def test_work_of_a_state_that_is_left_has_no_timeout_left() -> None:
    text = TEXT.replace("{after: 1s, to: working}", "{after: 1s, to: working}, {after: 30s, to: resting}")
    early = text.replace(
        "        enter: [{work: job}]\n",
        "        enter: [{work: job}]\n        timers: [{after: 1s, to: resting}]\n",
    )
    data = lived(early)
    assert (data["failed"], data["done"]) == ([], 0)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("${min(patience, 10s)}", "${patience}", "NIM0211"),
        ('timeout: "${min(patience, 10s)}"', "timeout: 0s", "NIM0210"),
    ],
)
def test_mistakes(old: str, new: str, code: str) -> None:
    found = nimdsl.check_text(TEXT.replace(old, new)).diagnostics
    assert [one.code for one in found if one.severity is Severity.ERROR] == [code]
