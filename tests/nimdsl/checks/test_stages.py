"""Modes that are made of the stages of a level."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.program.machine import State
from tests.nimdsl.checks.building import cell, document, finds

TALK = "{name: talk, take: all, takes: 6s, stages: {hear: 50%, think: 10%, say: 40%}}"
SLEEP = "{name: sleep, take: rest, baseline: 9s}"


def modes(talk: str, level: str = TALK) -> str:
    ways = "[{event: talk, to: talk}, {event: sleep, to: sleep}]"
    machine = f"{{initial: sleep, any: {ways}, states: {{sleep: {{}}, talk: {talk}}}}}"
    return document("Attention", f"{{levels: [{level}, {SLEEP}], modes: {machine}}}")


def root(talk: str) -> State:
    report = nimdsl.check_text(modes(talk))
    assert report.program is not None, [one.to_text() for one in report.diagnostics]
    return report.program.attentions["it"].root


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (
            "{stages: talk}",
            "{initial: hear, states: {hear: {transitions: [{event: think, to: think}]},"
            " think: {transitions: [{event: say, to: say}]}, say: {}}}",
        ),
        (
            "{stages: talk, states: {say: {enter: [{emit: {}}]}}}",
            "{initial: hear, states: {hear: {transitions: [{event: think, to: think}]},"
            " think: {transitions: [{event: say, to: say}]}, say: {enter: [{emit: {}}]}}}",
        ),
        (
            "{stages: talk, states: {hear: {transitions: [{event: think, to: think, do: [{emit: {}}]}]}}}",
            "{initial: hear, states: {hear: {transitions: [{event: think, to: think, do: [{emit: {}}]}]},"
            " think: {transitions: [{event: say, to: say}]}, say: {}}}",
        ),
        (
            "{stages: talk, states: {hear: {transitions: [{event: think, if: event.beat > 3, to: say}]}}}",
            "{initial: hear, states: {hear: {transitions: [{event: think, if: event.beat > 3, to: say},"
            " {event: think, to: think}]}, think: {transitions: [{event: say, to: say}]}, say: {}}}",
        ),
    ],
)
def test_stages_mean_what_could_be_written_out(short: str, long: str) -> None:
    assert root(short) == root(long)


def test_a_stage_can_be_led_to() -> None:
    talk = "{stages: talk, transitions: [{event: stimulus, to: talk/say}]}"
    assert root(talk).states[1].transitions[0].target == "talk/say"


@pytest.mark.parametrize(
    ("code", "talk", "fix"),
    [
        ("NIM0301", "{stages: §tlak}", "did you mean `talk`?"),
        ("NIM0301", "{stages: §sleep}", "add `stages:` to the level"),
        ("NIM0203", "{stages: talk, initial: §think}", "remove `initial`"),
        ("NIM0405", "{stages: talk, states: {§thikn: {}}}", "did you mean `think`?"),
    ],
)
def test_mistakes(code: str, talk: str, fix: str) -> None:
    assert finds(code, modes(talk)).fix == fix


def test_a_cell_has_no_stages() -> None:
    machine = (
        "initial: a\nstates: {a: {stages: §talk, transitions: [{event: go, to: a}, {event: stop, to: a}]}}"
    )
    assert "remove `stages`" in finds("NIM0203", cell(machine)).fix
