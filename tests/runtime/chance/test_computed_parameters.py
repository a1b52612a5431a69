"""Distributions of a work's model whose parameters depend on what the work is given."""

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
from nimdsl.program import Program
from runtime.chance.models import Draws, WorkModels, WorkOutcome

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: a}}
spec:
  data: {{size: int, span: duration, word: string}}
  machine:
    initial: busy
    states:
      busy:
        enter: [{{work: think}}]
        transitions: [{{event: done, internal: true}}, {{event: failed, internal: true}}]
  work:
    think:
      args: {{size: "${{size}}", span: "${{span}}", word: "${{word}}"}}
      returns: {{it: {type}}}
      virtual: {{latency: {latency}, returns: {{it: {it}}}}}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {{name: virtual}}
spec: {{inventory: {{pods: {{columns: {{mass: int}}, rows: [{{mass: 3}}, {{mass: 0}}]}}}}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: s}}
spec: {{horizon: 1h, garden: virtual, cells: [a]}}
"""
SECOND = 1_000_000_000


def built(it: str = "{constant: 1}", kind: str = "int", latency: str = "{constant: 1s}") -> str:
    return TEXT.format(it=it, type=kind, latency=latency)


def ends(program: Program, number: int = 1, **arguments: Any) -> WorkOutcome:
    work = program.cells["a"].works["think"]
    models = WorkModels(Draws(7), program.gardens["virtual"])
    given = {"size": 2, "span": SECOND, "word": "four", **arguments}
    return models.outcome("cell/a", work, number, given, 0)


def outcome(
    it: str = "{constant: 1}", kind: str = "int", latency: str = "{constant: 1s}", **arguments: Any
) -> Any:
    return ends(nimdsl.load_text(built(it, kind, latency)), **arguments)


ALL = [
    ("constant: '${args.size}'", "constant: 2", "int"),
    ("uniform: ['${args.size}', '${args.size * 3}']", "uniform: [2, 6]", "int"),
    ("uniform: ['${args.size}', 8.5]", "uniform: [2, 8.5]", "real"),
    ("exponential: {mean: '${args.span * 3}'}", "exponential: {mean: 3s}", "duration"),
    (
        "normal: {mean: 0, deviation: '${0.5 + 0.05 * args.size}'}",
        "normal: {mean: 0, deviation: 0.6}",
        "real",
    ),
    (
        "normal: {mean: 0, deviation: 1, low: '${args.size}', high: 3}",
        "normal: {mean: 0, deviation: 1, low: 2, high: 3}",
        "real",
    ),
    (
        "lognormal: {median: '${args.span}', p95: '${args.span + 1s * size(args.word)}'}",
        "lognormal: {median: 1s, p95: 5s}",
        "duration",
    ),
    ("beta: ['${args.size}', '${inventory.pods[0].mass}']", "beta: [2, 3]", "real"),
    (
        "choice: {values: ['${args.word}', no_], weights: ['${args.size}', 1]}",
        "choice: {values: [four, no_], weights: [2, 1]}",
        "string",
    ),
]


@pytest.mark.parametrize(("computed", "written", "kind"), ALL)
def test_a_computed_parameter_draws_what_the_written_one_would(
    computed: str, written: str, kind: str
) -> None:
    one, other = (nimdsl.load_text(built(f"{{{text}}}", kind)) for text in (computed, written))
    for number in range(20):
        assert ends(one, number) == ends(other, number)
        assert ends(one, number).outcome == "done"


def test_a_latency_can_depend_on_what_the_work_is_given() -> None:
    latency = "{constant: '${0.5s * size(args.word)}'}"
    assert outcome(latency=latency).latency_ns == 2 * SECOND
    assert outcome(latency=latency, word="").latency_ns == 0


@pytest.mark.parametrize(
    ("it", "kind", "reason"),
    [
        ("{normal: {mean: 0, deviation: '${args.size - 2}'}}", "real", "`normal` of cell/a (it)"),
        ("{lognormal: {median: 4, p95: '${args.size}'}}", "real", "`lognormal` of cell/a (it)"),
        ("{lognormal: {median: 1, p95: '${1 / (args.size - 2)}'}}", "real", "zero"),
        ("{uniform: [3, '${args.size}']}", "int", "from 3 to 2"),
        ("{uniform: [3.0, '${args.size}']}", "real", "`uniform`"),
        ("{exponential: {mean: '${args.span - 1s}'}}", "duration", "`exponential`"),
        ("{exponential: {mean: '${100000d * args.size - 100000d * args.size + 106751d}'}}", "duration", ""),
        ("{beta: [1, '${args.size - 4}']}", "real", "`beta`"),
        ("{beta: [1, '${inventory.nothing}']}", "real", "nothing"),
        ("{choice: {values: [1, 2], weights: [0, '${args.size - 2}']}}", "int", "`choice`"),
        ("{choice: {values: [1, 2], weights: [3, '${args.size - 4}']}}", "int", "`choice`"),
    ],
)
def test_parameters_that_describe_no_distribution_fail_the_work(it: str, kind: str, reason: str) -> None:
    found = [ends(nimdsl.load_text(built(it, kind)), number) for number in range(1, 60)]
    failed = [one for one in found if one.outcome == "failed"]
    assert failed
    assert all(one.outcome in ("done", "failed") for one in found)
    assert all(one.reason.startswith("the model faults: ") and reason in one.reason for one in failed)
    assert {one.latency_ns for one in failed} == {SECOND}, "as long as it would have taken"


def test_a_latency_without_a_value_fails_at_once() -> None:
    found = outcome(latency="{lognormal: {median: 2s, p95: '${args.span}'}}")
    assert (found.latency_ns, found.outcome, found.down_ns) == (0, "failed", 0)
    assert found.reason.startswith("the model faults: `lognormal` of cell/a (latency)")


@pytest.mark.parametrize(
    ("it", "kind", "latency", "code"),
    [
        ("{constant: 1}", "int", "{constant: '${args.size}'}", "NIM0304"),
        ("{constant: 1}", "int", "{exponential: {mean: '${inventory.pods[0].mass}'}}", "NIM0304"),
        ("{uniform: [1, '${args.nothing}']}", "int", "{constant: 1s}", "NIM0303"),
        ("{uniform: [1, '${args.word}']}", "int", "{constant: 1s}", "NIM0304"),
        ("{beta: [1, '${args.word}']}", "real", "{constant: 1s}", "NIM0304"),
        ("{beta: [1, wide]}", "real", "{constant: 1s}", "NIM0205"),
        ("{normal: {mean: '${args.size}', deviation: 0}}", "real", "{constant: 1s}", "NIM0210"),
        (
            "{normal: {mean: '${args.size}', deviation: 1, low: 3, high: 2}}",
            "real",
            "{constant: 1s}",
            "NIM0210",
        ),
        ("{lognormal: {median: 0, p95: '${args.size}'}}", "real", "{constant: 1s}", "NIM0210"),
        ("{beta: ['${args.size}', 0]}", "real", "{constant: 1s}", "NIM0210"),
        ("{choice: {values: [1, 2], weights: ['${args.size}']}}", "int", "{constant: 1s}", "NIM0210"),
    ],
)
def test_what_is_wrong_in_any_case_is_found_before(it: str, kind: str, latency: str, code: str) -> None:
    with pytest.raises(nimdsl.SpecError) as wrong:
        nimdsl.load_text(built(it, kind, latency))
    assert [one.code for one in wrong.value.diagnostics] == [code]


def test_stimuli_have_constants_only() -> None:
    text = (
        built()
        + """
  stimuli:
    - {poisson: {mean: 1min}, to: a, event: go, draws: {mm: {uniform: [1, "${args.size}"]}}}
"""
    )
    text = text.replace(
        "spec: {horizon: 1h, garden: virtual, cells: [a]}", "spec:\n  horizon: 1h\n  garden: virtual"
    )
    text = text.replace("  machine:", "  accepts: {go: {mm: real}}\n  machine:")
    text = text.replace(
        "{event: done, internal: true}", "{event: done, internal: true}, {event: go, internal: true}"
    )
    with pytest.raises(nimdsl.SpecError) as wrong:
        nimdsl.load_text(text)
    assert "`args`" in str(wrong.value.diagnostics[0].message)
