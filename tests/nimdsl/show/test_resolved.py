"""Resolved documents: they validate again, and do the same."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.expression.syntax import Literal, parse, unparse
from nimdsl.expression.template import type_of
from nimdsl.program import Program
from nimdsl.show.resolved import put_in_expression, put_in_template, resolve_document, to_yaml

LOOPED = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "lamp-${side}"}
spec:
  for: {side: [left, "on"], start: [-1]}
  data: {count: int, name: string}
  accepts: {go: {side: string}}
  machine:
    initial: idle
    states:
      idle:
        transitions:
          - event: go
            if: event.side == side && [1, 2].exists(side, side - start > count)
            to: idle
            do: [{set: {count: "${start}", name: "the ${side} lamp, ${count - start} times"}}]
          - {event: go, to: idle}
"""


def resolved(program: Program) -> Program:
    documents = [doc for kind in program.documents.by_kind.values() for doc in kind.values()]
    return nimdsl.load_text("---\n".join(to_yaml(resolve_document(doc)) for doc in documents))


def test_the_shipped_specs_validate_again_and_cost_the_same() -> None:
    before = nimdsl.load()
    after = resolved(before)
    assert list(after.protocols) == list(before.protocols)
    assert {p.name: p.reservation for p in after.phases.values()} == {
        p.name: p.reservation for p in before.phases.values()
    }
    assert {c.name: c.table.states for c in after.cells.values()} == {
        c.name: c.table.states for c in before.cells.values()
    }
    assert {n: c.sha for n, c in hashes(after).items()} == {n: c.sha for n, c in hashes(before).items()}


BORROWING = """
apiVersion: nimdsl.dev/v1
kind: Resource
metadata: {name: desks}
spec: {capacity: 2}
---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {opening: 9, incomes: {sun: 40/d}, marks: {low: {below: 2}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: host}
spec:
  accepts: {may: {}}
  replies: {may: {}}
  machine: {initial: open, states: {open: {transitions: [{event: may, internal: true, do: [{reply: {}}]}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: guest}
spec:
  accepts: {come: {}}
  machine:
    initial: away
    any: [{event: low, to: away}]
    states:
      away: {income: 0.3/min, transitions: [{event: come, to: asking}]}
      asking: {enter: [{work: ask}], transitions: [{event: done, to: seated}, {event: failed, to: away}]}
      seated:
        upkeep: 5/h
        enter: [{work: desk}]
        transitions: [{event: done, to: thinking}, {event: failed, to: away}]
      thinking: {enter: [{work: think}], transitions: [{event: done, to: away}, {event: failed, to: away}]}
  work:
    ask: {ask: {to: host, event: may}, timeout: 5s}
    desk: {acquire: {resource: desks}, timeout: 1h}
    think: {reserve: 2, cost: 1, attempts: 2, virtual: {latency: {constant: 1min}}}
"""


def test_what_is_borrowed_and_asked_for_is_shown_without_what_cannot_stand_beside_it() -> None:
    before = nimdsl.load_text(BORROWING)
    after = resolved(before)
    assert {n: c.sha for n, c in hashes(after).items()} == {n: c.sha for n, c in hashes(before).items()}
    assert after.economies == before.economies
    assert after.resources == before.resources


class Hash:
    def __init__(self, sha: str) -> None:
        self.sha = sha


def hashes(program: Program) -> dict[str, Hash]:
    from nimdsl.base import canonical
    from nimdsl.program.format import to_data

    return {name: Hash(canonical.sha256(to_data(cell))) for name, cell in program.cells.items()}


def test_instances_are_written_out() -> None:
    program = nimdsl.load_text(LOOPED)
    assert list(program.cells) == ["lamp-left", "lamp-on"]
    text = to_yaml(resolve_document(program.documents.get("Cell", "lamp-on")))
    assert "for:" not in text
    assert 'event.side == "on" && [1, 2].exists(side, side - -1 > count)' in text
    assert "the on lamp, ${count - -1} times" in text
    assert list(resolved(program).cells) == ["lamp-left", "lamp-on"]


def test_a_constant_keeps_its_type() -> None:
    values = {"n": 3, "names": ["a", "b"], "record": {"x": 1.5}}
    constants = {name: Literal(value, type_of(value)) for name, value in values.items()}
    assert put_in_template("${n}", constants) == 3
    assert put_in_template("${names}", constants) == ["a", "b"]
    assert put_in_template("${record}", constants) == {"x": 1.5}
    assert put_in_template("n = ${n}", constants) == "n = 3"
    assert put_in_expression("y in names && record.x < y", constants) == 'y in ["a", "b"] && 1.5 < y'


@pytest.mark.parametrize(
    "text",
    ["(a + b) * c", "a - (b - c)", "-(a + b)", "!(a && b) || c", "(a ? b : c) ? d : e", "a ? b : c ? d : e",
     "(a || b) && c", "(a + b).x", "(a == b) == c", "a * (b / c)", "(-1).x", "c(a[b + 1], d)",
     "200ms + 1.5LF * 40%"],
)  # fmt: skip
def test_expressions_keep_their_meaning_when_written_again(text: str) -> None:
    assert parse(unparse(parse(text))) == parse(text)
    assert len(unparse(parse(text))) <= len(text)
