"""Who takes part in a scenario that does not say so."""

from __future__ import annotations

import pytest

import nimdsl
from tests.nimdsl.checks.building import ECONOMY, TALK, document, finds, leaves_alone, phase, together

STOP = "initial: a, states: {a: {final: true}}"


def sender(name: str, *receivers: str) -> str:
    """A cell that hands on what it is told."""
    do = ", ".join(f"{{send: {{to: {to}, event: go}}}}" for to in receivers)
    ways = f"transitions: [{{event: go, internal: true, do: [{do}]}}]"
    machine = f"{{initial: a, states: {{a: {{{ways}}}}}}}"
    return document("Cell", f"{{accepts: {{go: {{}}}}, data: {{got: int}}, machine: {machine}}}", name)


CELLS = (sender("a", "b"), sender("b", "c", "a"), sender("c"), sender("d", "d"), sender("e-1"))
ATTENTION = """
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {name: day}
spec:
  levels: [{name: think, take: all, baseline: 1s}]
  modes:
    initial: think
    any: [{event: think, to: think, do: [{send: {to: b, event: go}}]}]
    states: {think: {}}
"""
QUIET = document("Attention", "{levels: [{name: think, take: all, baseline: 1s}]}", "quiet")
PROTOCOL = document(
    "Protocol",
    "{economy: purse, phases: [first], criteria: [{text: d, holds: cells.d.data.got == 0}]}",
    "talk",
)


def taking_part(spec: str, *more: str) -> tuple[str, ...]:
    text = together(
        ECONOMY, TALK, phase(), *CELLS, ATTENTION, QUIET, PROTOCOL, *more, document("Scenario", spec)
    )
    report = nimdsl.check_text(text)
    assert report.program is not None, [one.to_text() for one in report.diagnostics]
    return report.program.scenarios["it"].cells


@pytest.mark.parametrize(
    ("spec", "cells"),
    [
        ("{}", "a b c d e-1 oracle"),
        ("{expect: [cells.d.data.got == 0]}", "a b c d e-1 oracle"),
        ("{stimuli: [{at: 1s, to: a, event: go}]}", "a b c"),
        ("{stimuli: [{at: 1s, to: c, event: go}, {at: 1s, to: d, event: go}]}", "c d"),
        ("{stimuli: [{at: 1s, to: c, event: go}], expect: [cells.d.data.got == 0]}", "c d"),
        ("{stimuli: [{at: 1s, to: c, event: go}], expect: ['cells[\"e-1\"].data.got == 0']}", "c e-1"),
        ("{stimuli: [{at: 1s, to: c, event: go}], set: {cell/e-1.description: new}}", "c e-1"),
        ("{stimuli: [{at: 1s, to: a, event: go}], cells: [a]}", "a"),
        ("{attention: quiet}", ""),
        ("{attention: day}", "a b c"),
        ("{attention: day, cells: [c]}", "c"),
        ("{protocol: talk}", "d oracle"),
        ("{protocol: talk, cells: []}", ""),
    ],
)
def test_those_take_part_whom_it_concerns(spec: str, cells: str) -> None:
    assert taking_part(spec) == tuple(cells.split())


def test_a_cell_that_is_wrong_itself_is_the_only_one_to_blame() -> None:
    wrong = sender("a", "b").replace("internal: true", "to: §nowhere")
    expects = document(
        "Scenario",
        "{stimuli: [{at: 1s, to: a, event: go}], expect: [cells.a.data.got + cells.b.data.got == 0]}",
    )
    finds("NIM0405", wrong, *CELLS[1:], expects)


def test_a_name_that_is_no_cell_is_told_with_all_that_may_be_meant() -> None:
    stimuli = "stimuli: [{at: 1s, to: c, event: go}]"
    found = finds(
        "NIM0307", *CELLS, document("Scenario", f"{{{stimuli}, expect: [cells.§f.data.got == 0]}}")
    )
    assert found.fix == "known: `a`, `b`, `c`, `d`, `e-1`"
    leaves_alone(*CELLS, document("Scenario", f"{{{stimuli}, expect: [cells.c.data.got == 0]}}"))
