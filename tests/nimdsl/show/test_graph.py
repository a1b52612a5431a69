"""Drawings: valid ids, edges between what is drawn, phases that read as they should."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

import nimdsl
from nimdsl.base.errors import SpecError
from nimdsl.commands.graph import find
from nimdsl.program import Program
from nimdsl.show.graph import Drawing, Vertex, draw_cell, draw_phase, draw_protocol
from nimdsl.show.notation import to_dot, to_mermaid
from tests.nimdsl.checks.building import ECONOMY, together

ODD = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: odd}
spec:
  data: {count: int}
  accepts: {go: {kind: string}, stop: {}, end: {}}
  machine:
    initial: end
    any: [{event: stop, to: done}]
    states:
      end:
        transitions:
          - {event: go, if: 'event.kind == "a:b;c#d{x}<b" && count < 3', to: state}
          - {event: go, to: end}
      state:
        initial: note
        transitions: [{event: end, to: end}]
        states:
          note: {transitions: [{event: go, to: a-b}]}
          a-b: {timers: [{after: 2s, to: a_b}]}
          a_b: {timers: [{after: 2s, to: end}]}
      done: {final: true}
"""


def flat(vertices: Iterable[Vertex]) -> list[Vertex]:
    return [inner for vertex in vertices for inner in (vertex, *flat(vertex.inner))]


def drawings() -> list[Drawing]:
    program = nimdsl.load()
    odd = nimdsl.load_text(ODD).cells["odd"]
    found = [draw_cell(odd), draw_cell(odd, deep=True)]
    found += [draw_cell(cell) for cell in program.cells.values()]
    for deep in (False, True):
        found += [draw_phase(phase, deep) for phase in program.phases.values()]
        found += [draw_protocol(protocol, deep) for protocol in program.protocols.values()]
    return found


@pytest.mark.parametrize("drawing", drawings(), ids=lambda drawing: drawing.title)
def test_ids_are_valid_and_unique_and_edges_join_what_is_drawn(drawing: Drawing) -> None:
    ids = [vertex.id for vertex in flat(drawing.vertices)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[A-Za-z]\w*", id_, re.ASCII) for id_ in ids)
    assert not {id_.lower() for id_ in ids} & {
        "end",
        "state",
        "note",
        "class",
        "style",
        "graph",
        "node",
        "edge",
    }
    assert {drawing.initial, *(e.source for e in drawing.edges), *(e.target for e in drawing.edges)} <= set(
        ids
    )
    assert all(v.initial in {i.id for i in v.inner} for v in flat(drawing.vertices) if v.inner)
    assert "\n\n" not in to_mermaid(drawing)
    assert to_dot(drawing).count("{") >= 1


def test_labels_hold_nothing_that_mermaid_takes_for_syntax() -> None:
    text = to_mermaid(draw_cell(nimdsl.load_text(ODD).cells["odd"]))
    line = next(line for line in text.split("\n") if "count < 3" in line)
    label = line.partition(" : ")[2]
    assert not re.search(r"[:{}]|<b|(?<!#\d\d)(?<!#\d\d\d)(?<!#lt);", label)


def test_the_phase_identity_reads_from_start_to_complete() -> None:
    drawing = draw_phase(nimdsl.load().phases["identity"])
    labels = {vertex.id: vertex.label for vertex in drawing.vertices}
    path, here = [], drawing.initial
    while True:
        path.append(labels[here])
        onward = [edge.target for edge in drawing.edges if edge.source == here]
        if not onward:
            break
        here = onward[0]
    probes = ["probe name", "probe origin", "probe purpose", "probe substrate", "probe partnership"]
    assert path == ["start", *probes, "verdict", "complete"]


def test_a_collapsed_composite_hides_what_happens_inside_it() -> None:
    odd = nimdsl.load_text(ODD).cells["odd"]
    closed, opened = draw_cell(odd), draw_cell(odd, deep=True)
    assert "note" not in {vertex.label for vertex in closed.vertices}
    assert not [edge for edge in closed.edges if edge.source == edge.target and edge.source != "end_"]
    assert {"note", "a-b", "a b"} <= {vertex.label for vertex in flat(opened.vertices)}


def test_modes_are_drawn_as_they_are_written(shipped: Program) -> None:
    drawing = find(shipped, "attention/thirty-seconds", deep=True)
    text = to_mermaid(drawing)
    assert "idle --> alert : stimulus" in text
    assert "dialogue/listening" not in text, "the ways back into a stage are the compiler's"


@pytest.mark.parametrize("name", ["purse", "economy/purse"])
def test_a_kind_without_a_drawing_is_told_so(name: str) -> None:
    program = nimdsl.load_text(together(ODD, ECONOMY))
    with pytest.raises(SpecError) as caught:
        find(program, name)
    (found,) = caught.value.diagnostics
    assert found.message == f"the kind Economy of `{name}` has no drawing"
    assert (
        found.fix
        == f"name a protocol, phase, cell, attention, organ, gate or nerve, or write `nimdsl show {name}`"
    )


def test_a_name_that_nothing_has_is_no_matter_of_drawings() -> None:
    program = nimdsl.load_text(together(ODD, ECONOMY))
    with pytest.raises(
        SpecError,
        match="there is no protocol, phase, cell, attention, organ, gate or nerve named `pursey`",
    ):
        find(program, "pursey")
    with pytest.raises(SpecError, match="there is no cell named `cell/odds`"):
        find(program, "cell/odds")
    with pytest.raises(SpecError, match="the kind Economy of `economy/pursey` has no drawing"):
        find(program, "economy/pursey")
