"""`now`, `elapsed`, `time_of_day`, `state`, `history` and `defer`, as documents say them."""

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
import simulate
from nimdsl.base.diagnostics import Severity
from runtime import records
from runtime.kernel.kernel import day_of

NOTE = "set: {log: \"${log + [{'at': now, 'since': elapsed, 'in_': state, 'day': time_of_day}]}\"}"
WORKER = f"""
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: worker}}
spec:
  data: {{log: "list<{{at: duration, since: duration, in_: string, day: duration}}>", away: duration}}
  accepts: {{stop: {{}}, clear: {{}}}}
  machine:
    initial: work
    states:
      work:
        initial: a
        transitions: [{{event: stop, to: stopped, do: [{{{NOTE}}}]}}]
        states:
          a: {{enter: [{{{NOTE}}}], timers: [{{after: 10s, to: b}}]}}
          b: {{enter: [{{{NOTE}}}], timers: [{{after: 10s, to: a}}]}}
      stopped:
        transitions: [{{event: clear, to: work, history: true, do: [{{set: {{away: "${{elapsed}}"}}}}]}}]
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {{name: late}}
spec: {{clock: {{epoch: "2026-01-01T23:59:50Z"}}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: evening}}
spec:
  horizon: 30s
  stimuli: [{{at: 15s, to: worker, event: stop}}, {{at: 22s, to: worker, event: clear}}]
"""
S = 1_000_000_000


def test_lines_know_when_they_are_read_and_where() -> None:
    result = simulate.run(nimdsl.load_text(WORKER), "evening")
    data: Any = result.run.hosts["cell/worker"].snapshot.data
    told = [(one["at"] // S, one["since"] // S, one["in_"], one["day"] // S) for one in data["log"]]
    assert told == [
        (0, 0, "work/a", 86_390),
        (10, 0, "work/b", 0),
        (15, 15, "work/b", 5),
        (22, 0, "work/b", 12),
    ]
    assert data["away"] == 7 * S
    assert result.run.hosts["cell/worker"].snapshot.state == "work/b"


def test_the_day_begins_at_midnight_utc() -> None:
    assert day_of("2026-01-01T00:00:00Z") == 0
    assert day_of("2026-06-30T23:59:59Z") == 86_399 * S
    assert day_of("2026-06-30T01:30:00+02:00") == 84_600 * S


PRINTER = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: printer}
spec:
  data: {done: "list<int>", ready: bool, dropped: int}
  accepts: {page: {nr: int}, open: {}, low: {}}
  machine:
    initial: idle
    states:
      idle:
        transitions:
          - {event: page, if: ready, to: printing, do: [{set: {done: "${done + [event.nr]}"}}]}
          - {event: open, internal: true, do: [{set: {ready: true}}]}
          - {event: low, internal: true}
        defer: [page]
      printing:
        defer: [page, low]
        timers: [{after: 2s, to: idle}]
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  horizon: 5min
  stimuli:
    - {at: 1s, to: printer, event: page, payload: {nr: 1}}
    - {at: 2s, to: printer, event: page, payload: {nr: 2}}
    - {at: 10s, to: printer, event: open}
    - {at: 10500ms, to: printer, event: page, payload: {nr: 3}}
    - {at: 11s, to: printer, event: low}
"""


def test_deferred_events_come_in_their_order_once_a_row_takes_them() -> None:
    result = simulate.run(nimdsl.load_text(PRINTER), "s")
    data: Any = result.run.hosts["cell/printer"].snapshot.data
    assert data["done"] == [1, 2, 3]
    found = [one for one in result.records() if isinstance(one.body, records.Moved)]
    pages = [one.time_ns // S for one in found if one.body.event == "page"]  # type: ignore[union-attr]
    assert pages == [10, 12, 14]
    kept = [one.body.event for one in result.records() if isinstance(one.body, records.Deferred)]
    assert kept == ["page", "page", "page", "low"]
    assert result.run.hosts["cell/printer"].snapshot.deferred == ()


def test_more_than_64_are_dropped() -> None:
    many = PRINTER.replace("{at: 1s, to: printer,", "{at: 1s, every: 10ms, times: 80, to: printer,")
    result = simulate.run(nimdsl.load_text(many), "s")
    dropped = [one for one in result.records() if isinstance(one.body, records.Dropped)]
    assert len(dropped) == 18  # 17 of 81 pages before the printer is ready, and then `low`
    data: Any = result.run.hosts["cell/printer"].snapshot.data
    assert len(data["done"]) == 65


@pytest.mark.parametrize(
    ("text", "old", "new", "code", "message"),
    [
        (
            PRINTER,
            "defer: [page, low]",
            "defer: [page, lo]",
            "NIM0416",
            "`lo` is no event that only others send",
        ),
        (PRINTER, "if: ready, ", "", "NIM0416", "`page` is always taken here"),
        (
            WORKER,
            "to: work, history: true",
            "to: work/a, history: true",
            "NIM0417",
            "`work/a` has no inner states",
        ),
        (
            WORKER,
            "event: stop, to: stopped",
            "event: stop, to: work, history: true",
            "NIM0417",
            "is not left here",
        ),
        (WORKER, "away: duration", "away: duration, now: int", "NIM0208", "`now` means something"),
    ],
)
def test_mistakes(text: str, old: str, new: str, code: str, message: str) -> None:
    assert old in text
    found = [
        one
        for one in nimdsl.check_text(text.replace(old, new)).diagnostics
        if one.severity is Severity.ERROR
    ]
    assert found[0].code == code
    assert message in found[0].message
