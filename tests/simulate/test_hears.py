"""A cell hears the waves of cells that it names: each an event with the types of what is emitted."""

# ruff: noqa: E501 -- documents stand on one line here

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


LAMP = document(
    "Cell",
    "lamp",
    "{domain: light, data: {many: int}, machine: {initial: lit, states: {lit: {timers: [{after: 1s, to: lit, do:"
    " [{set: {many: '${many + 1}'}}, {emit: {content: {lux: '${many}'}}}]}]}}}}",
)
BRIGHT = document(
    "Gate",
    "bright",
    "{hears: [{domain: light}], similarity: {lux: {scale: 10}}, thresholds: {open: 0.5}, emits: {domain: news}}",
)
EAR = document(
    "Cell",
    "ear",
    "{hears: {bright: {gate: bright}}, data: {lux: int, sure: real}, machine: {initial: on_, states: {on_: {transitions:"
    " [{event: bright, internal: true, do: [{set: {lux: '${event.content.lux}', sure: '${event.confidence}'}}]}]}}}}",
)
LOOK = document(
    "Nerve",
    "look",
    "{gate: bright, hears: {bright: {gate: bright, stale: 9s}}, data: {lux: int}, machine: {initial: on_, states: {on_:"
    " {transitions: [{event: granted, internal: true}, {event: bright, internal: true, do:"
    " [{set: {lux: '${senses.bright.content.lux + 100}'}}]}]}}}}",
)
SEEN = document(
    "Scenario", "s", "{horizon: 30s, expect: [cells.ear.data.lux == 2, nerves.look.data.lux == 102]}"
)


def test_a_cell_and_a_nerve_hear_a_gate_with_the_types_of_what_it_hears() -> None:
    result = go("\n---\n".join((EAR, LOOK, BRIGHT, LAMP, SEEN)))
    assert result.ok
    assert result.outcome["cells"]["ear"]["data"] == {"lux": 2, "sure": 1.0}


def test_the_gate_that_a_cell_hears_takes_part() -> None:
    seen = document("Scenario", "s", "{horizon: 30s, expect: [cells.ear.data.lux == 2]}")
    result = go("\n---\n".join((EAR, BRIGHT, LAMP, seen)))
    assert result.ok
    assert [*result.summary["actors"]] == ["gate/bright"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("content.lux}', sure", "content.luxx}', sure", "NIM0303"),
        ("lux: '${event.content.lux}'", "lux: '${event.content.lux + 1.5}'", "NIM0304"),
        (", emits: {domain: news}", "", "NIM0701"),
        ("{gate: bright}", "{gate: brigh}", "NIM0301"),
        ("{gate: bright}", "{}", "NIM0210"),
        ("{gate: bright}", "{gate: bright, cell: lamp}", "NIM0210"),
        ("{gate: bright, stale: 9s}", "{stale: 9s}", "NIM0204"),
        ("{gate: bright, stale: 9s}", "{gate: bright, cell: lamp}", "NIM0203"),
        ("{bright: {gate: bright}}", "{bright: {gate: bright}, also: {gate: bright}}", "NIM0210"),
    ],
)
def test_a_slip_about_a_gate_is_told(old: str, new: str, code: str) -> None:
    text = "\n---\n".join((EAR, LOOK, BRIGHT, LAMP))
    assert not nimdsl.check_text(text).diagnostics
    assert code in [one.code for one in nimdsl.check_text(text.replace(old, new, 1)).diagnostics]


def test_what_comes_round_by_way_of_a_gate_is_not_typed() -> None:
    echo = EAR.replace("{hears:", "{domain: light, hears:").replace(
        "do: [", "do: [{emit: {content: {lux: '${event.content.lux}'}}}, "
    )
    assert not nimdsl.check_text("\n---\n".join((echo, BRIGHT, LAMP))).diagnostics
