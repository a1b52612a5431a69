"""Flat tables as they are shown: everything that a row does, in text and as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nimdsl
from nimdsl.commands import run
from nimdsl.program import Program
from nimdsl.show.costs import cell_costs
from nimdsl.show.graph import draw_cell
from nimdsl.show.table import table_data, table_of, table_text

ROOT = Path(__file__).parents[3]


def test_a_table_in_text(golden: Callable[[str, str], None]) -> None:
    program = nimdsl.load(ROOT / "examples/thermostat.yaml")
    texts = []
    for name in ("thermostat", "room"):
        table = table_of(program.cells[name])
        assert table is not None
        texts.append(table_text(f"cell/{name}", table))
    golden("show/thermostat-table.txt", "\n".join(texts))


def test_every_actor_has_a_table_with_all_of_its_rows(shipped: Program) -> None:
    for actor in shipped.actors.values():
        table = table_of(actor)
        assert table is not None
        data = json.loads(json.dumps(table_data(table)))
        assert len(data["rows"]) == len(table.rows)
        assert [state["name"] for state in data["states"]] == list(table.states)
        assert data["events"] == list(table.events)
        assert len(data["timers"]) == len(table.timers)
        assert table_text(actor.id, table).count(" → ") >= sum(not row.defers for row in table.rows)
        assert table_text(actor.id, table).count(" is deferred") == sum(row.defers for row in table.rows)


def test_actions_are_called_as_the_program_calls_them_and_not_as_their_classes(shipped: Program) -> None:
    table = table_of(shipped.protocols["spark"])
    assert table is not None
    rows: Any = table_data(table)["rows"]
    done = {action["do"] for row in rows for action in row["actions"]}
    assert {"set", "append", "note", "request", "settle", "close", "reward"} <= done
    assert '["identity/probe_name"]' in table_text("protocol/spark", table)


def test_a_protocol_has_its_actors_table_and_a_phase_none(shipped: Program) -> None:
    assert table_of(shipped.protocols["spark"]) == shipped.protocols["spark"].actor.table
    assert table_of(shipped.phases["identity"]) is None


def test_the_command_prints_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "cell/identity-cell", "--table"]) == 0
    assert capsys.readouterr().out.startswith("cell/identity-cell: 2 states, 9 events, 10 rows, 0 timers\n")
    assert run(["show", "spark", "--table", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found] == ["protocol/spark"]
    assert found[0]["timers"][0].keys() == {"after_s", "event", "jitter"}


def test_what_has_no_machine_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("phase/identity", "economy/lifeforce"):
        assert run(["show", name, "--table"]) == 1
        assert "has no machine of its own" in capsys.readouterr().err


PATIENT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: caller}
spec:
  machine:
    initial: calling
    states:
      calling: {enter: [{work: call}], transitions: [{event: done, to: idle}, {event: failed, to: idle}]}
      idle: {timers: [{after: 1min, jitter: 20%, to: calling}]}
  work:
    call: {timeout: 10s, attempts: 5, backoff: {initial: 1s, coefficient: 2, maximum: 5s, jitter: 50%}}
"""


def test_jitter_and_attempts_are_shown_where_their_bounds_are() -> None:
    program = nimdsl.load_text(PATIENT)
    table = table_of(program.cells["caller"])
    assert table is not None
    assert "after 60s, up to 20% less, " in table_text("cell/caller", table)
    timers: Any = table_data(table)["timers"]
    assert timers == [{"after_s": 60.0, "event": "after:idle:0", "jitter": 0.2}]
    drawn = draw_cell(program.cells["caller"])
    assert any("after 60s, up to 20% less" in str(one.label) for one in drawn.edges)
    (longest,) = cell_costs(program, "caller")
    assert longest["text"] == "`call` takes 62s: 5 attempts and the waits between them"


PAYING = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: calls}
spec: {opening: 9}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: caller}
spec:
  accepts: {go: {}}
  machine:
    initial: idle
    states:
      idle: {transitions: [{event: go, to: calling, cost: 1, costs: {calls: 2}}]}
      calling:
        enter: [{work: call}]
        transitions: [{event: go, to: idle, cost: 2}, {event: done, to: idle}, {event: failed, to: idle}]
  work: {call: {reserve: 3, cost: 2}}
"""


def test_the_dearest_transition_is_shown_of_each_purse() -> None:
    found = cell_costs(nimdsl.load_text(PAYING), "caller")
    assert [one["text"] for one in found] == [
        "the dearest transition, `idle` on `go`: 4.0 LF",
        "the dearest transition of `calls`, `idle` on `go`: 2.0 LF",
        "`call` costs 3.0 LF at most",
    ]
