"""Who took an ask and never replied is told at the end."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
import simulate
from gardens.report.result.result import RunResult
from nimdsl.commands import run

TEXT = """\
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: worker}
spec:
  accepts: {job: {}}
  replies: {job: {done: bool}}
  machine:
    initial: free
    states:
      free: {transitions: [{event: job, to: busy}]}
      busy: {timers: [{after: 1s, if: "now > 5s", to: free, do: [{reply: {done: true}}]}, {after: 2s, to: free}]}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: hand}
spec:
  machine:
    initial: asking
    states:
      asking: {enter: [{work: ask}], transitions: [{event: done, to: over}, {event: failed, to: over}]}
      over: {final: true}
  work: {ask: {ask: {to: worker, event: job}, timeout: 3s}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 1min}
"""


def ran(text: str) -> RunResult:
    return simulate.run(nimdsl.load_text(text), "s")


def test_an_ask_that_is_never_replied_to_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (notice,) = ran(TEXT).summary["notices"]
    assert (notice["actor"], notice["type"]) == ("cell/worker", "unanswered")
    assert notice["what"].startswith("took `job` of hand, which waits no more, and has not replied")
    path = tmp_path / "it.yaml"
    path.write_text(TEXT, encoding="utf-8")
    run(["simulate", str(path)])
    assert "unanswered worker: took `job` of hand" in capsys.readouterr().out


def test_an_ask_that_is_still_waited_for_is_not() -> None:
    assert ran(TEXT.replace("horizon: 1min", "horizon: 2s")).summary["notices"] == []
