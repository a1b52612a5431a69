"""Organs and their homes: what is found before a run."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity
from tests.nimdsl.checks.building import document, together

LATENCY = "virtual: {latency: {constant: 10s}}"
STATES = "{idle: {timers: [{after: 1s, to: busy}]}, busy: {enter: [{work: w}], transitions: [{event: done, to: idle}, {event: failed, to: idle}]}}"  # noqa: E501
TWO = "{hosts: {desk: {cards: {left: {memory: 24GB}}}, shelf: {cards: {right: {memory: 24GB}}}}}"


def found(
    model: str = "memory: 20GB",
    garden: str | None = "{hosts: {desk: {cards: {left: {memory: 24GB}}}}}",
    work: str = "timeout: 1min",
    asks: str = "name: eye, task: look",
    organ: str = "",
    serves: str = f", serve: {{{LATENCY}}}",
) -> list[tuple[str, str, str]]:
    """Codes, messages and fixes."""
    spec = f"{{model: {{{model}}}, load: {{{LATENCY}}}{serves}{organ}}}"
    machine = (
        f"{{machine: {{initial: idle, states: {STATES}}}, work: {{w: {{organ: {{{asks}}}, {work}}}}}}}"
    )
    parts = [document("Organ", spec, "eye"), document("Cell", machine, "mind")]
    parts += [document("Garden", garden, "home")] if garden else []
    report = nimdsl.check_text(together(*parts, document("Scenario", "{}", "day")))
    return [(one.code, one.message, one.fix) for one in report.diagnostics]


def test_a_training_needs_memory_and_time_between_refusals() -> None:
    train = f", train: {{after: 1, memory: 4GB, {LATENCY}}}"
    assert found(organ=train) == []
    assert found("memory: 22GB", organ=train) == [
        (
            "NIM0521",
            "`eye` can never train: with `train: memory:` it fits none of its cards",
            "give a card more `memory`, or the training less",
        )
    ]
    assert found(organ=f", train: {{after: 1, pause: 0s, {LATENCY}}}") == [
        ("NIM0210", "`pause` must be longer than 0", "write for example `pause: 30s`")
    ]
    assert found(organ=", cost: {train: 1}") == [
        ("NIM0203", "this organ does not train: there is nothing to pay for", "add `train:`")
    ]


def test_what_an_organ_reads_is_what_it_is_given() -> None:
    wise = LATENCY.replace("}}", '}, failure: "${args.version > 0 ? 1% : 4%}"}')
    serve = f", serve: {{{wise}}}"
    assert found(serves=serve) == []
    assert [code for code, *_ in found(serves=serve.replace("version", "wisdom"))] == ["NIM0307"]
    assert [code for code, *_ in found(serves=serve.replace("4%", "4s"))] == ["NIM0304"]


def test_an_organ_has_one_home() -> None:
    assert found() == []
    assert found("memory: 20GB, cards: [right]", TWO) == []
    here = "NIM0521"
    assert found("memory: 25GB") == [
        (
            here,
            "`eye` takes 25GB, and fits none of its cards",
            "give a card more `memory`, or the organ a smaller model",
        )
    ]
    assert found("memory: 20GB, cards: [lef]") == [
        (here, "`eye` loads onto the card `lef`, which no host of `home` has", "did you mean `left`?")
    ]
    assert found(garden=TWO) == [
        (
            here,
            "`eye` fits cards of `desk` and `shelf`, and names none: where is it?",
            "add for example `cards: [left]` under its `model:`",
        )
    ]
    assert found("memory: 20GB, cards: [left, right]", TWO) == [
        (
            here,
            "the cards of `eye` are on `desk` and `shelf`: it can have one home",
            "name cards of `desk` only under `model: cards:`",
        )
    ]
    assert found(garden="{}") == [
        (here, "`eye` is asked, and `home` has no `hosts`", "add `hosts:` with their cards to its garden")
    ]
    assert [(code, message) for code, message, _ in found(garden=None)] == [
        (here, "`eye` is asked, and the scenario names no garden that has `hosts`")
    ]


def test_two_cards_of_one_name_are_told() -> None:
    twice = "{hosts: {desk: {cards: {left: {memory: 24GB}}}, shelf: {cards: {left: {memory: 24GB}}}}}"
    assert ("NIM0210", "`desk` has a card `left` already") in [one[:2] for one in found(garden=twice)]


@pytest.mark.parametrize(("patience", "count"), [("19s", 1), ("20s", 0)])
def test_impatience_is_a_warning(patience: str, count: int) -> None:
    told = found(work=f"timeout: {patience}")
    assert [code for code, _, _ in told] == ["NIM0522"] * count
    assert all(fix == "write `timeout: 20s` or more" for _, _, fix in told)


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("repeat: idempotent", "NIM0204"),
        ("timeout: 0s", "NIM0210"),
        ("timeout: 1min, args: {a: 1}", "NIM0203"),
        ("timeout: 1min, real: stand_in", "NIM0203"),
        ("timeout: 1min, reserve: 1, cost: 1", "NIM0203"),
        ("timeout: 1min, returns: {a: int}", "NIM0203"),
        ("timeout: 1min, ask: {to: mind, schema: look.v1}", "NIM0203"),
        ("timeout: 1min, acquire: {resource: room}", "NIM0203"),
        ("timeout: 1min, command: {to: mind, schema: look.v1}", "NIM0203"),
    ],
)
def test_what_makes_no_sense_beside_an_organ_is_told(work: str, code: str) -> None:
    assert code in [one for one, _, _ in found(work=work)]


def test_who_is_asked_must_be_there_and_weigh_something() -> None:
    assert [one[:2] for one in found(asks="name: ear, task: look")] == [
        ("NIM0301", "there is no Organ named `ear`")
    ]
    assert ("NIM0210", "a model takes memory") in [one[:2] for one in found("memory: 0GB")]
    assert ("NIM0207", "write `20GB`") in [(code, fix) for code, _, fix in found("memory: 20gb")]


def test_only_what_a_machine_starts_can_ask() -> None:
    spec = f"{{model: {{memory: 4GB}}, load: {{{LATENCY}}}, serve: {{{LATENCY}}}}}"
    levels = "levels: [{name: a, take: all}], work: {w: {organ: {name: eye, task: look}, timeout: 1s}}"
    text = together(document("Organ", spec, "eye"), document("Attention", f"{{{levels}}}"))
    told = [one for one in nimdsl.check_text(text).diagnostics if one.severity is Severity.ERROR]
    assert ("NIM0203", "only the machine of a cell can ask an organ") in [(o.code, o.message) for o in told]


def test_prices_by_stage_and_without_one() -> None:
    def priced(request: str) -> tuple[int, int, int]:
        spec = f"{{model: {{memory: 4GB}}, load: {{{LATENCY}}}, serve: {{{LATENCY}}}, cost: {{request: {request}}}}}"  # noqa: E501
        organ = nimdsl.load_text(document("Organ", spec, "eye")).organs["eye"]
        return organ.price_in("deliberate"), organ.price_in("hybrid"), organ.price_in("")

    assert priced("2") == (2_000_000, 2_000_000, 2_000_000)
    assert priced("{deliberate: 2.5, hybrid: 1.5}") == (2_500_000, 1_500_000, 2_500_000)


def test_somebody_must_pay_for_an_organ_that_costs_something() -> None:
    assert [one[:2] for one in found(organ=", cost: {warm: 1/h}")] == [
        ("NIM0505", "`mind` costs lifeforce, and nothing says which economy pays")
    ]
