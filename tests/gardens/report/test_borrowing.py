"""Economies of cells and resources, as the terminal and the page tell them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nimdsl.commands import run

GUESTS = """
apiVersion: nimdsl.dev/v1
kind: Resource
metadata: {name: desks}
spec: {capacity: 1, queue: 1}
---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: "purse-${k}"}
spec: {for: {k: [1, 2, 3]}, opening: "${2 * k}"}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "guest-${k}"}
spec:
  for: {k: [1, 2, 3]}
  economy: "purse-${k}"
  accepts: {come: {}}
  machine:
    initial: away
    states:
      away: {transitions: [{event: come, to: asking, cost: 3}, {event: refused, internal: true}]}
      asking:
        upkeep: 1/min
        enter: [{work: desk}]
        transitions: [{event: done, internal: true}, {event: failed, to: away}]
        timers: [{after: 2min, to: away}]
  work:
    desk: {acquire: {resource: desks}, timeout: 90s}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  horizon: 5min
  stimuli: [{at: 10s, to: guest-*, event: come}]
"""


def test_economies_and_resources_are_tables_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "g.yaml").write_text(GUESTS)
    page = tmp_path / "page.html"
    run(["simulate", str(tmp_path / "g.yaml"), "--report", str(page)])
    text = re.sub(" +", " ", capsys.readouterr().out)
    assert "purse-1 2.0 0.0 0.0 2.0 2.0 10 s" in text
    assert "purse-3 6.0 0.0 4.5 1.5 1.5 –" in text
    assert "desks 1 1 0 92.3 % 0 s 0 s 1" in text
    assert "refused guest-1: 3.0 LF; purse-1 had 2.0 LF, its floor included" in text
    shown = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page.read_text()))
    assert "Balance of purse-2, LF" in shown
    assert "desks 1 1 0 92.3 % 0 s 0 s 1" in shown
    assert "economies 3 2 starved" in shown
