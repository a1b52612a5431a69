"""Outputs that a person reads, kept as files: diagnostics, drawings, explanations, resolved documents."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from collections.abc import Callable

import pytest

import nimdsl
from nimdsl.base.catalogue import catalogue
from nimdsl.commands import explain, graph, show
from nimdsl.show.notation import to_dot, to_mermaid
from nimdsl.show.resolved import resolve_document, to_yaml

Golden = Callable[[str, str], None]

SHOWN = (
    "NIM0106",
    "NIM0109",
    "NIM0110",
    "NIM0203",
    "NIM0207",
    "NIM0301",
    "NIM0303",
    "NIM0304",
    "NIM0306",
    "NIM0307",
    "NIM0403",
    "NIM0404",
    "NIM0405",
    "NIM0408",
    "NIM0501",
    "NIM0503",
)


@pytest.mark.parametrize("code", SHOWN)
def test_diagnostics(code: str, golden: Golden) -> None:
    entry = catalogue()[code]
    text = f"{entry.wrong}---\n{entry.stage}" if entry.stage else entry.wrong
    report = nimdsl.check_text(text, "garden.yaml")
    golden(f"diagnostics/{code}.txt", "\n".join(d.to_text() for d in report.diagnostics) + "\n")


MACHINE = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: listener}
spec:
  accepts: {voice: {loudness: real}, end: {}, halt: {}}
  data: {heard: int}
  machine:
    initial: idle
    any: [{event: halt, to: done}]
    states:
      idle:
        transitions:
          - {event: voice, if: event.loudness > 0.2, to: dialogue, cost: 0.4, do: [{set: {heard: "${heard + 1}"}}]}
          - {event: voice, to: idle}
      dialogue:
        initial: listening
        transitions: [{event: end, to: idle}]
        states:
          listening: {transitions: [{event: voice, to: answering}]}
          answering: {timers: [{after: 1500ms, to: listening}]}
      done: {final: true}
"""


@pytest.mark.parametrize("deep", [False, True])
def test_drawing_of_a_cell(deep: bool, golden: Golden) -> None:
    drawing = graph.find(nimdsl.load_text(MACHINE), "listener", deep)
    golden(f"graph/listener{'-deep' if deep else ''}.mmd", to_mermaid(drawing))
    golden(f"graph/listener{'-deep' if deep else ''}.dot", to_dot(drawing))


@pytest.mark.parametrize("name", ["identity", "connection", "spark"])
def test_drawing_of_the_shipped(name: str, golden: Golden) -> None:
    golden(
        f"graph/{name}.mmd",
        to_mermaid(graph.find(nimdsl.load(), name if name != "spark" else "protocol/spark")),
    )


FIELDS = (
    "Cell",
    "Cell.machine.states",
    "cell.work.measure.virtual.latency",
    "phase.request.attempts",
    "garden.bus",
)


@pytest.mark.parametrize("what", ["NIM0203", "NIM0501", "lambda", "granted", *FIELDS])
def test_explanations(what: str, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    explain.command(what)
    golden(f"explain/{what}.txt", capsys.readouterr().out)


def test_the_list_of_codes_and_kinds(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    explain.command()
    golden("explain/everything.txt", capsys.readouterr().out)


def test_a_resolved_phase(golden: Golden) -> None:
    found = show.find(nimdsl.load(), "phase/identity")[0]
    costs = "".join(f"# at worst: {cost['text']}\n" for cost in found.costs)
    golden("show/identity.yaml", costs + to_yaml(resolve_document(found.document)))
