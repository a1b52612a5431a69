"""A cell hears the waves of cells that it names: each an event with the types of what is emitted."""

from __future__ import annotations

import pytest

import nimdsl
import simulate
from gardens.report.result.result import RunResult
from runtime.records import Ignored
from runtime.run.host import Checks
from tests.support.texts import document

EMITS = "emit: {confidence: 0.5, content: {cm: '${real(now / 1ms)}', side: '${side}'}}"
MACHINE = (
    f"{{initial: idle, states: {{idle: {{timers: [{{after: 100ms, to: idle, do: [{{{EMITS}}}]}}]}}}}}}"
)
DISTANCE = document(
    "Cell", '"d-${side}"', f"{{for: {{side: [left, right]}}, domain: distance, machine: {MACHINE}}}"
)
SET = "set: {cm: '${event.content.cm}', count: '${count + 1}', sure: '${event.confidence}'}"
TURN = f"{{event: left, if: event.content.cm > 500.0, to: near, do: [{{{SET}}}]}}"
SCENARIO = document(
    "Scenario", "s", "{cells: [watch, d-*], horizon: 1s, expect: ['cells.watch.data.count == 1']}"
)


def watch(hears: str = "{left: {cell: d-left}}", ways: str = TURN, more: str = "") -> str:
    """A cell that waits until what it hears is far."""
    states = f"{{far: {{transitions: [{ways}]}}, near: {{final: true}}{more}}}"
    data = "{cm: real, count: int, sure: real}"
    spec = f"{{hears: {hears}, data: {data}, machine: {{initial: far, states: {states}}}}}"
    return document("Cell", "watch", spec)


def text(*documents: str) -> str:
    return "\n---\n".join((*documents, DISTANCE, SCENARIO))


def codes(*documents: str) -> list[str]:
    return [one.code for one in nimdsl.check_text(text(*documents)).diagnostics]


def go(written: str) -> RunResult:
    program = nimdsl.load_text(written)
    result = simulate.run(
        program, "s", options=simulate.Options(checks=Checks(round_trip=True, restore=True))
    )
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)
    return result


def test_it_hears_whom_it_names_and_nobody_else_of_the_domain() -> None:
    result = go(text(watch()))
    assert result.ok
    data = result.outcome["cells"]["watch"]["data"]
    assert data == {"cm": 600.0, "count": 1, "sure": 0.5}
    assert not [
        one for one in result.records() if one.actor == "cell/watch" and isinstance(one.body, Ignored)
    ]


def test_what_is_heard_can_wait() -> None:
    busy = f"{{event: right, to: busy}}, {TURN}"
    states = ", busy: {defer: [left], timers: [{after: 650ms, to: far}]}"
    result = go(text(watch("{left: {cell: d-left}, right: {cell: d-right}}", busy, states)))
    assert result.outcome["cells"]["watch"]["data"]["cm"] > 500.0


@pytest.mark.parametrize(
    ("hears", "ways", "code"),
    [
        ("{left: {cell: d-left}}", TURN.replace("content.cm", "content.cmm"), "NIM0303"),
        ("{left: {cell: d-left}}", TURN.replace("> 500.0", '> "far"'), "NIM0304"),
        ("{left: {cell: d-lef}}", TURN, "NIM0301"),
        ("{left: {cell: watch}}", TURN, "NIM0210"),
        ("{left: {cell: d-left}, also: {cell: d-left}}", f"{TURN}, {{event: also, to: far}}", "NIM0210"),
        ("{refused: {cell: d-left}}", "{event: refused, to: near}", "NIM0208"),
    ],
)
def test_mistakes_are_told(hears: str, ways: str, code: str) -> None:
    assert code in codes(watch(hears, ways))


def test_cells_may_hear_one_another() -> None:
    timers = "timers: [{after: 300ms, to: a, do: [{emit: {content: {k: 1}}}]}]"
    ways = f"{{{timers}, transitions: [{{event: o, to: a}}]}}"
    both = [
        document(
            "Cell",
            one,
            f"{{hears: {{o: {{cell: {other}}}}}, machine: {{initial: a, states: {{a: {ways}}}}}}}",
        )
        for one, other in (("ping", "pong"), ("pong", "ping"))
    ]
    assert codes(watch(), *both) == []
