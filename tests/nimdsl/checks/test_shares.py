"""A share is at most all of it, wherever a document has one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import nimdsl
from nimdsl.kinds import kind_names
from nimdsl.kinds.schemas import document_schema, resolve
from tests.nimdsl.checks.building import ECONOMY, TALK, document, finds, leaves_alone, phase, together


def model(fields: str) -> str:
    return f"{{latency: {{constant: 1s}}, {fields}}}"


def shares(kind: str, schema: Any, path: str = "") -> Iterator[str]:
    schema = resolve(kind, schema)
    if schema.get("x-type") == "share":
        yield path
    if path.count(".") < 8:
        for name, inner in schema.get("properties", {}).items():
            yield from shares(kind, inner, f"{path}.{name}")
        for keyword in ("items", "additionalProperties"):
            if isinstance(schema.get(keyword), dict):
                yield from shares(kind, schema[keyword], f"{path}.*")


MODEL = {
    "failure": "failure: 101%",
    "nack": "nack: 101%",
    "retry": "retry: 101%",
    "crash.chance": "crash: {chance: 101%, down: 1s}",
}
LEVEL = "levels: [{name: a, take: all, work: w}]"
ANSWER = "answers: {a: {request: ask, reply: answer, payload: {text: a, confidence: 1}, work: w}}"
WAIT = "attempts: 2, backoff: {initial: 1s, jitter: 101%}"
TIMER = "timers: [{after: 1s, jitter: 101%, to: a}]"
STATES = {"": f"a: {{{TIMER}}}", "states.*.": f"a: {{initial: b, states: {{b: {{{TIMER}}}}}}}"}
HEARS = "hears: [{domain: a}], thresholds: {open: 0.5}"
GATE = {
    **{f"memory.{one}": f"memory: {{{one}: 101%}}" for one in ("decay", "silence")},
    **{f"weight.{one}": f"weight: {{{one}: 101%}}" for one in ("start", "confirmed", "failed", "adjust")},
    "weight.unused.loses": "weight: {unused: {every: 1d, loses: 101%}}",
}


def nerve(fields: str, states: str = "a: {}") -> str:
    """A nerve of a gate that is not there."""
    return document("Nerve", f"{{gate: none, machine: {{initial: a, states: {{{states}}}}}, {fields}}}")


SLOW = "virtual: {latency: {constant: 1s}"
ORGAN = {
    f"{what}.virtual.failure": f"model: {{memory: 4GB}}, {what}: {{{SLOW}, failure: 101%}}}},"
    f" {other}: {{{SLOW}}}}}"
    for what, other in (("load", "serve"), ("serve", "load"))
}
ORGAN["train.virtual.failure"] = (
    f"model: {{memory: 4GB}}, train: {{after: 1, {SLOW}, failure: 101%}}}},"
    f" load: {{{SLOW}}}}}, serve: {{{SLOW}}}}}"
)
SLEEP = {
    **{f"pulse.{one}": f"pulse: {{{one}: 101%}}" for one in ("threshold", "scale")},
    **{f"slumber.{one}": f"pulse: {{}}, slumber: {{{one}: 101%}}" for one in ("level", "urgency")},
    **{f"wake.{one}": f"pulse: {{}}, slumber: {{}}, wake: {{{one}: 101%}}" for one in ("level", "urgency")},
}
TOO_MUCH = {
    **{
        f"Economy.{path}": document("Economy", f"{{opening: 1, capacity: 2, {spec}}}")
        for path, spec in SLEEP.items()
    },
    "Attention.levels.*.urgency": document("Attention", "{levels: [{name: a, take: all, urgency: 101%}]}"),
    **{
        f"Cell.work.*.virtual.{name}": document(
            "Cell", f"{{{ANSWER}, work: {{w: {{virtual: {model(text)}}}}}}}"
        )
        for name, text in MODEL.items()
    },
    **{
        f"Attention.work.*.virtual.{name}": document(
            "Attention", f"{{{LEVEL}, work: {{w: {{virtual: {model(text)}}}}}}}"
        )
        for name, text in MODEL.items()
    },
    **{
        f"Protocol.translator.virtual.{name}": document(
            "Protocol", f"{{economy: purse, phases: [first], translator: {{virtual: {model(text)}}}}}"
        )
        for name, text in MODEL.items()
    },
    "Cell.work.*.backoff.jitter": document("Cell", f"{{{ANSWER}, work: {{w: {{{WAIT}}}}}}}"),
    "Attention.work.*.backoff.jitter": document("Attention", f"{{{LEVEL}, work: {{w: {{{WAIT}}}}}}}"),
    **{
        f"Cell.machine.states.*.{inner}timers.*.jitter": document(
            "Cell", f"{{machine: {{initial: a, states: {{{states}}}}}}}"
        )
        for inner, states in STATES.items()
    },
    **{
        f"Attention.modes.states.*.{inner}timers.*.jitter": document(
            "Attention",
            f"{{levels: [{{name: a, take: all}}], modes: {{initial: a, states: {{{states}}}}}}}",
        )
        for inner, states in STATES.items()
    },
    "Attention.levels.*.take.share": document("Attention", "{levels: [{name: a, take: {share: 101%}}]}"),
    "Attention.levels.*.stages.*": document(
        "Attention", "{levels: [{name: a, take: all, stages: {b: 101%}}]}"
    ),
    **{
        f"Nerve.work.*.virtual.{name}": nerve(f"work: {{w: {{virtual: {model(text)}}}}}")
        for name, text in MODEL.items()
    },
    "Nerve.work.*.backoff.jitter": nerve(f"work: {{w: {{{WAIT}}}}}"),
    **{
        f"Nerve.machine.states.*.{inner}timers.*.jitter": nerve("", states)
        for inner, states in STATES.items()
    },
    **{f"Gate.{path}": document("Gate", f"{{{HEARS}, {spec}}}") for path, spec in GATE.items()},
    **{f"Organ.{path}": document("Organ", f"{{{spec}}}", "eye") for path, spec in ORGAN.items()},
    **{
        f"Garden.signals.{one}": document("Garden", f"{{signals: {{scenario: s, {one}: 101%}}}}")
        for one in ("confidence", "fade")
    },
    "Garden.bus.loss": document("Garden", "{bus: {loss: 101%}}"),
    "Garden.bus.duplicate": document("Garden", "{bus: {duplicate: 101%}}"),
    "Garden.bus.delay.chance": document("Garden", "{bus: {delay: {chance: 101%, by: {constant: 1s}}}}"),
    "Garden.bus.reorder.chance": document("Garden", "{bus: {reorder: {chance: 101%, by: {constant: 1s}}}}"),
}


@pytest.mark.parametrize("path", TOO_MUCH)
def test_more_than_all_is_refused(path: str) -> None:
    found = nimdsl.check_text(together(ECONOMY, TALK, phase(), TOO_MUCH[path])).diagnostics
    assert ("NIM0207", "write at most `100%`") in {(one.code, one.fix) for one in found}


def test_every_share_is_tried() -> None:
    known = {
        f"{kind}{path}"
        for kind in kind_names()
        for path in shares(kind, document_schema(kind)["properties"]["spec"])
    }
    assert known == set(TOO_MUCH)


def emitting(confidence: str, spec: str = "") -> str:
    enter = f"{{emit: {{{confidence}content: {{word: a}}}}}}"
    return document(
        "Cell", f"{{{spec}machine: {{initial: a, states: {{a: {{final: true, enter: [{enter}]}}}}}}}}"
    )


@pytest.mark.parametrize("confidence", ["§1.01", "§-0.5", "§2", '§"${1.0 + 0.5}"', '§"${sure}"'])
def test_a_confidence_is_from_0_to_1(confidence: str) -> None:
    found = finds(
        "NIM0210",
        emitting(f"confidence: {confidence}, ", "parameters: {sure: 1.5}, ").replace(
            "name: it", "name: 'it-${sure}'"
        ),
    )
    instead = "remove the minus: `0.5`" if "-" in confidence else "write a number from 0 to 1"
    assert found.fix == instead


@pytest.mark.parametrize("confidence", ["", "confidence: 0, ", "confidence: 1, ", 'confidence: "${0.5}", '])
def test_a_confidence_that_is_one(confidence: str) -> None:
    leaves_alone(emitting(confidence))


def test_a_confidence_is_a_number() -> None:
    finds("NIM0304", emitting("confidence: §sure, "))
