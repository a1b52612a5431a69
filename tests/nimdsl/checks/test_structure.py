"""Kinds, keys, names, units: what each check finds, and what it must leave alone."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nimdsl
from nimdsl import kinds
from nimdsl.kinds.schemas import document_schema
from nimdsl.schema.structure import _good_name
from tests.nimdsl.checks.building import (
    ECONOMY,
    TALK,
    YOUNG,
    cell,
    document,
    finds,
    leaves_alone,
    phase,
    together,
)


def test_an_unknown_kind_is_found_with_the_likely_one() -> None:
    text = "apiVersion: nimdsl.dev/v1\nkind: §Garten\nmetadata: {name: it}\nspec: {}"
    assert finds("NIM0202", text).fix == "did you mean `Garden`?"


def test_a_kind_like_no_other_may_come_from_a_package() -> None:
    found = finds("NIM0202", "apiVersion: nimdsl.dev/v1\nkind: §Zither\nmetadata: {name: it}\nspec: {}")
    wanted = "install the package that brings the kind `Zither`, or write one that is known: `Attention`, "
    assert found.fix.startswith(wanted)


LAMP = (
    "{domain: light, machine: {initial: a, states: {a: {timers: [{after: 1s, to: a, do: [{emit: {}}]}]}}}}"
)
LATENCY = "{virtual: {latency: {constant: 1s}}}"
MODEL = f"model: {{memory: 4GB}}, load: {LATENCY}, serve: {LATENCY}"
ONE_OF_EACH = (
    ECONOMY,
    TALK,
    YOUNG,
    phase(),
    document("Garden", "{}"),
    document("Resource", "{capacity: 2}", "desks"),
    document("Cell", LAMP, "lamp"),
    document("Organ", f"{{{MODEL}}}", "eye"),
    document("Gate", "{hears: [{domain: light}], thresholds: {open: 0.5}}", "bright"),
    document(
        "Nerve",
        "{gate: bright, machine: {initial: a, states: {a: {transitions: [{event: granted, to: a}]}}}}",
        "blink",
    ),
    document("Protocol", "{economy: purse, phases: [first]}", "talk"),
    document("Scenario", "{protocol: talk}"),
)


def test_every_kind_is_known() -> None:
    """By its name, by a schema of its own, and by a document that is right."""
    schemas = {path.stem for path in Path(kinds.__file__).parent.glob("*.yaml")} - {"common"}
    written = set(re.findall(r"^kind: (\w+)$", together(*ONE_OF_EACH), re.MULTILINE))
    assert {kind.lower() for kind in kinds.kind_names()} == schemas
    assert written == set(kinds.kind_names())
    leaves_alone(*ONE_OF_EACH)


def test_an_unknown_key_is_found_with_the_likely_one() -> None:
    assert finds("NIM0203", document("Economy", "{opening: 1, §flor: 0}")).fix == "did you mean `floor`?"


def test_an_unknown_key_deep_inside_is_found() -> None:
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, §too: a, to: a}, {event: stop, to: a}]}
    """
    finds("NIM0203", cell(machine))


def test_names_that_the_user_chooses_are_no_unknown_keys() -> None:
    leaves_alone(document("Economy", "{opening: 1, rewards: {anything: 2}, incomes: {sun: 1}}"))


def test_a_missing_field_is_found() -> None:
    text = "apiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: it}\n§spec: {floor: 0}"
    assert finds("NIM0204", text).fix == "add `opening:`"


def test_a_field_with_a_default_may_be_missing() -> None:
    leaves_alone(document("Economy", "{opening: 1}"))


def test_a_reference_to_nothing_is_found_with_the_likely_name() -> None:
    found = finds("NIM0301", ECONOMY, TALK, phase(cell="§orakel"))
    assert found.fix == "did you mean `oracle`?"


def test_a_reference_to_a_document_that_is_wrong_itself_is_left_alone() -> None:
    broken = document("Cell", "{§answer: {}}", "asked")
    finds("NIM0203", ECONOMY, TALK, broken, phase(cell="asked"))


def test_a_reference_is_not_doubted_while_documents_are_unreadable() -> None:
    finds("NIM0202", ECONOMY, TALK, phase(cell="elsewhere"), "kind: §Sell")


def test_a_duplicate_key_is_found() -> None:
    finds("NIM0109", document("Economy", "{opening: 1, floor: 0, §opening: 2}"))


def test_equal_keys_in_different_maps_are_left_alone() -> None:
    leaves_alone(document("Economy", "{opening: 1, incomes: {sun: 1}, upkeep: {sun: 1}}"))


def test_a_duplicate_name_is_found_with_the_place_of_the_other() -> None:
    wrong = "apiVersion: nimdsl.dev/v1\nkind: Garden\nmetadata: {name: §it}\nspec: {}"
    assert "<text>:3" in finds("NIM0208", document("Garden", "{}"), wrong).message


def test_equal_names_of_different_kinds_are_left_alone() -> None:
    leaves_alone(document("Garden", "{}"), document("Economy", "{opening: 1}"))


def test_a_duration_without_unit_is_found() -> None:
    assert "200ms" in finds("NIM0207", document("Garden", "{bus: {latency: {constant: §200}}}")).fix


def test_a_unit_of_the_wrong_kind_is_found() -> None:
    finds("NIM0207", document("Garden", "{bus: {loss: §5ms}}"))


def test_more_than_everything_is_found() -> None:
    finds("NIM0207", document("Garden", "{bus: {loss: §101%}}"))


def test_every_unit_is_read() -> None:
    for unit in ("ns", "us", "ms", "s", "min", "h", "d"):
        leaves_alone(document("Garden", f"{{bus: {{latency: {{constant: 2{unit}}}, loss: 1.5%}}}}"))


def test_what_yaml_1_1_reads_differently_is_found() -> None:
    for word in ("on", "no", "0777", "12:30", "1_000"):
        text = f"apiVersion: nimdsl.dev/v1\nkind: Garden\nmetadata: {{name: it, labels: {{x: §{word}}}}}\nspec: {{}}"
        assert "quote it" in finds("NIM0110", text).fix


def test_quoted_ambiguities_are_left_alone() -> None:
    text = "apiVersion: nimdsl.dev/v1\nkind: Garden\nmetadata: {name: it, labels: {x: 'on', z: \"12:30\"}}\nspec: {}"
    leaves_alone(text)


def test_a_schema_keyword_outside_the_list_is_found() -> None:
    spec = "{role: request, type: ASK, payload: {type: object, §patternProperties: {}}}"
    finds("NIM0305", document("Schema", spec))


def test_a_field_named_like_a_keyword_is_left_alone() -> None:
    spec = "{role: request, type: ASK, payload: {type: object, properties: {patternProperties: {type: string}}}}"
    leaves_alone(document("Schema", spec))


def test_a_field_that_may_be_anything_is_left_alone() -> None:
    spec = "{role: request, type: ASK, payload: {type: object, properties: {free: true}}}"
    leaves_alone(document("Schema", spec))


def test_an_alias_without_anchor_is_told_once() -> None:
    finds("NIM0108", document("Garden", "{bus: {latency: §*usual}}"))


@pytest.mark.parametrize(
    "text",
    [
        cell("initial: a\nstates:\n  §a: &x\n  b: {}"),
        cell("initial: a\nstates: {a: {}, §b: &x }"),
        document("Schema", "{role: request, type: ASK, §payload: &a }"),
        YOUNG.replace("spec:", "spec:\n  modes: {initial: awake, states: {awake: {}, §resting: &a }}"),
    ],
)
def test_an_anchor_with_nothing_behind_it_is_nothing(text: str) -> None:
    assert finds("NIM0205", text).message.endswith("this is nothing")


def test_so_is_its_alias() -> None:
    text = cell("initial: a\nstates:\n  a: &x\n  b: *x")
    found = nimdsl.check_text(text).diagnostics
    assert [one.message for one in found] == [f"`{name}` wants a map, this is nothing" for name in "ab"]
    assert found[1].place.line == found[0].place.line + 1 == text.count("\n") + 1


def test_an_economy_outside_its_own_bounds_is_found() -> None:
    finds("NIM0506", document("Economy", "{opening: 10, floor: §11}"))
    finds("NIM0506", document("Economy", "{opening: 10, capacity: §9}"))


def test_an_economy_at_its_bounds_is_left_alone() -> None:
    leaves_alone(document("Economy", "{opening: 10, floor: 10, capacity: 10}"))


def test_instances_are_named() -> None:
    text = """
        apiVersion: nimdsl.dev/v1
        kind: Cell
        metadata: {name: "lamp-${side}"}
        spec:
          for: {side: [left, right]}
          accepts: {go: {}}
          machine: {initial: a, states: {a: {transitions: [{event: go, to: §b}]}}}
    """
    import nimdsl

    report = nimdsl.check_text(together(text).replace("§", ""))
    assert [d.code for d in report.diagnostics] == ["NIM0405"], "one mistake is told once, not for each"
    assert "lamp-left" in report.diagnostics[0].message


def test_a_word_that_is_not_in_the_list_is_quoted_as_it_is() -> None:
    found = finds("NIM0206", document("Attention", "{levels: [{name: a, take: all, leftover: §cary}]}"))
    assert found.message == "`leftover` cannot be 'cary'"
    assert found.fix == "did you mean `carry`?"


@pytest.mark.parametrize(
    ("kind", "message", "fix"),
    [
        ("§[Economy]", "a kind is text, this is a list", "write `kind: Economy`"),
        ("§{Economy: 1}", "a kind is text, this is a map", "write `kind: Economy`"),
        ("§[Economy, Cell]", "a kind is text, this is a list", "known: "),
        ("§5", "a kind is text, this is a number (5)", "known: "),
    ],
)
def test_a_kind_is_text(kind: str, message: str, fix: str) -> None:
    mark = kind if kind == "§5" else kind.replace("§", "")
    text = document("Economy", "{opening: 1}").replace("kind: Economy", f"kind: {mark}")
    found = finds("NIM0202", text if kind == "§5" else text.replace("kind:", "§kind:"))
    assert found.message == message
    assert found.fix.startswith(fix)


def test_the_fix_of_a_bad_name_is_true() -> None:
    bad = document("Economy", "{opening: 1}").replace("name: it", "name: §'a b'")
    assert finds("NIM0209", bad).fix == "use letters, digits, `_`, `.` and `-`, beginning with a letter"
    variable = document("Cell", "{data: {§A: int}, machine: {initial: a, states: {a: {final: true}}}}")
    assert finds("NIM0209", variable).fix.startswith("use letters, digits and `_`, beginning with")


def test_every_pattern_for_names_has_words() -> None:
    patterns = {
        match
        for kind in kinds.kind_names()
        for match in re.findall(r"'pattern': '(\^(?:[^']*\?)?\[[^']*\]\*\$)'", repr(document_schema(kind)))
    }
    assert len(patterns) > 4
    for pattern in patterns:
        assert _good_name(pattern).startswith("use ")
    assert _good_name("^x$") == "write what fits `^x$`"
