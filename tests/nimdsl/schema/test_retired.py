"""Earlier forms: one error each, at its place, with a fix that holds when it is put there."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.schema.retired import FORMS
from tests.nimdsl.checks.building import (
    ECONOMY,
    TALK,
    YOUNG,
    document,
    finds,
    leaves_alone,
    phase,
    together,
)


def level(take: str) -> str:
    return document("Attention", f"{{levels: [{{name: think, {take}, baseline: 5s}}]}}")


def stimulus(fields: str) -> str:
    return together(YOUNG, document("Scenario", f"{{attention: young, stimuli: [{{at: 1s, {fields}}}]}}"))


def worker(real: str) -> str:
    machine = "{initial: a, states: {a: {enter: [{work: see}], transitions: [{event: done, to: a}, {event: failed, to: a}]}}}"
    return document("Cell", f"{{machine: {machine}, work: {{see: {{{real}}}}}}}")


def waving(action: str) -> str:
    return document(
        "Cell", f"{{machine: {{initial: a, states: {{a: {{final: true, enter: [{{{action}}}]}}}}}}}}"
    )


def answer(delta: str) -> str:
    fields = f"request: ask, reply: answer, payload: {{text: a, confidence: 0.5}}, {delta}"
    return together(TALK, document("Cell", f"{{answers: {{some: {{{fields}}}}}}}"))


def worked_level(real: str) -> str:
    return document(
        "Attention", f"{{levels: [{{name: see, take: all, work: see}}], work: {{see: {{{real}}}}}}}"
    )


OLD = [
    (level("§take: {all: true}"), "take: {all: true}", "take: all"),
    (level("§take: {rest: true}"), "take: {rest: true}", "take: rest"),
    (level("§take: {rest: true, minimum: 3s}"), "take: {rest: true, minimum: 3s}", "take: {rest: {minimum: 3s}}"),
    (level("§take: {minimum: 3s, rest: true}"), "take: {minimum: 3s, rest: true}", "take: {rest: {minimum: 3s}}"),
    (level('§take: {all: "yes"}'), 'take: {all: "yes"}', "take: all"),
    (level('§take: {rest: "on"}'), 'take: {rest: "on"}', "take: rest"),
    (level("§take: {all: false, share: 40%}"), "take: {all: false, share: 40%}", "take: {share: 40%}"),
    (level("§take: {rest: false, share: 4%, cap: 5s}"), "take: {rest: false, share: 4%, cap: 5s}", "take: {share: 4%, cap: 5s}"),
    (stimulus("level: thinking, §event: speech"), "event: speech", "item: speech"),
    (stimulus('level: thinking, §event: "on"'), 'event: "on"', 'item: "on"'),
    (worker("§real: {document: true}"), "real: {document: true}", "real: stand_in"),
    (worker('§real: {document: false, python: "a:b"}'), 'real: {document: false, python: "a:b"}', "real: {python: a:b}"),
    (waving('§emit: {wave: {confidence: 0.5, content: {word: "${1 + 1}"}}}'), 'emit: {wave: {confidence: 0.5, content: {word: "${1 + 1}"}}}', 'emit: {confidence: 0.5, content: {word: "${1 + 1}"}}'),
    (worker("").replace("{machine", "{§tier: 1, machine"), "tier: 1, ", ""),
    (answer("§delta: 2.5"), "delta: 2.5", "lifeforce_delta: 2.5"),
    (answer('§delta: "${1.0 * size(request.payload.topic)}"'), 'delta: "${1.0 * size(request.payload.topic)}"', 'lifeforce_delta: "${1.0 * size(request.payload.topic)}"'),
    (worked_level("§real: {document: true}"), "real: {document: true}", "real: stand_in"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "old", "new"), OLD)
def test_the_fix_of_an_earlier_form_holds(text: str, old: str, new: str) -> None:
    found = finds("NIM0212", text)
    assert found.fix == (f"write `{new}`" if new else "remove it")
    leaves_alone(text.replace(f"§{old}", new))


def test_an_earlier_form_in_a_protocol() -> None:
    translator = "translator: {§real: {document: true}}"
    protocol = document("Protocol", f"{{economy: purse, phases: [first], {translator}}}")
    assert finds("NIM0212", ECONOMY, TALK, phase(), protocol).fix == "write `real: stand_in`"
    leaves_alone(ECONOMY, TALK, phase(), protocol.replace("§real: {document: true}", "real: stand_in"))


def test_an_earlier_form_beside_the_one_that_it_has_now() -> None:
    found = finds("NIM0212", answer("§delta: 2.5, lifeforce_delta: 2.5"))
    assert found.fix == "remove it: `lifeforce_delta` is there"


def test_what_is_wrong_besides_is_told_too() -> None:
    report = nimdsl.check_text(worker("").replace("{machine", "{tier: 1, teir: 2, machine"))
    assert [one.code for one in report.diagnostics] == ["NIM0212", "NIM0203"]


def test_an_override_has_its_fix() -> None:
    changes = document("Scenario", "{§set: {cell/it.tier: 1}}").replace("§set: {", "set: {§")
    found = finds("NIM0212", worker(""), changes)
    assert (found.fix, "`cell/it.tier`" in found.message) == ("remove it", True)


@pytest.mark.parametrize("take", ["{all: false}", "{rest: false}", '{all: "no"}'])
def test_what_was_not_to_be_taken_says_what_is(take: str) -> None:
    found = finds("NIM0212", level(f"§take: {take}"))
    assert found.fix == (
        "say what it may take: write `take: all`, `take: rest` or for example `take: {share: 40%}`"
    )


def test_a_stand_in_beside_somebody_is_one_error() -> None:
    wrong = worker('§real: {document: true, python: "a:b"}')
    assert (
        finds("NIM0212", wrong).fix == "keep one of them: write `real: stand_in`, or `real: {python: a:b}`"
    )
    assert len(nimdsl.check_text(wrong.replace("§", "")).diagnostics) == 1


def test_what_did_nothing_is_removed() -> None:
    assert finds("NIM0212", worker("§real: {document: false}")).fix == "remove it"
    leaves_alone(worker(""))


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("NIM0203", "at: 1s, level: thinking, item: a, event: §b"),
        ("NIM0203", "at: 1s, to: nobody, event: a, §evnt: b"),
        ("NIM0203", "at: 1s, gate: {name: g, tier: 1, open: true}, item: §a"),
    ],
)
def test_what_only_looks_like_an_earlier_form_is_none(code: str, fields: str) -> None:
    found = finds(code, YOUNG, document("Scenario", f"{{attention: young, stimuli: [{{{fields}}}]}}"))
    assert "earlier" not in found.message


def test_every_earlier_form_is_tried() -> None:
    keys = {form.path.rpartition("/")[2] for form in FORMS}
    assert keys <= {text.partition("§")[2].partition(":")[0] for text, _, _ in OLD}
