"""Fixes that follow from the schema: every mistake of shape or bound has one, and it is allowed."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

import nimdsl
from nimdsl.base.words import listed, with_article
from nimdsl.kinds import kind_names
from nimdsl.kinds.schemas import document_schema, resolve
from nimdsl.schema import remedies
from nimdsl.text.source import Source
from nimdsl.text.tree import parse
from tests.nimdsl.checks.building import document, finds


def level(fields: str) -> str:
    """An attention with one level that takes what it likes."""
    return document("Attention", f"{{levels: [{{name: think, take: all, {fields}}}]}}")


def desk(fields: str) -> str:
    """A cell with one piece of work."""
    return document("Cell", f"{{work: {{desk: {{{fields}}}}}}}")


def resting(upkeep: str) -> str:
    """A cell that pays for being."""
    return document("Cell", f"{{machine: {{initial: a, states: {{a: {{upkeep: {upkeep}}}}}}}}}")


@pytest.mark.parametrize(
    ("code", "wrong", "fix"),
    [
        ("NIM0205", level("§cost: 0.05").replace("§cost: ", "cost: §"), "`cost: {per_second: 0.05}`"),
        ("NIM0205", level("take: §5s").replace("take: all, ", ""), "`take: {each: 5s}`"),
        ("NIM0205", level("take: §40%").replace("take: all, ", ""), "`take: {share: 40%}`"),
        ("NIM0205", level("take: §much").replace("take: all, ", ""), "`take: {share: 40%}`"),
        ("NIM0205", level("tiers: §3"), "`tiers: [3]`"),
        ("NIM0205", document("Attention", "{levels: [{name: a, take: all}], work: {brake: §5s}}"), "`brake: {virtual: {latency: {constant: 5s}}}`"),
        ("NIM0205", level("stages: §3"), "`stages: {<name>: 40%}`"),
        ("NIM0205", level("cost: {fixed: §[]}").replace("§[]", "[]").replace("fixed", "§fixed"), "write for example `0.4`"),
        ("NIM0205", document("Scenario", "{§stimuli: {at: 5s, to: it, event: go}}"), "put it into a list"),
        ("NIM0205", document("Scenario", "{stimuli: §no}").replace("no", "never"), "`stimuli: [{at: 2s, to: <cell>, event: <name>}]`"),
        ("NIM0205", document("Scenario", "{expect: §completed}"), "`expect: [completed]`"),
        ("NIM0205", document("Scenario", "{§description: [a]}"), "`description: a`"),
        ("NIM0205", document("Phase", "§4"), "write a map with `cell`, `request`, `reply`, `handshakes`, `accept` and `exit`"),
        ("NIM0205", document("Garden", "{bus: {latency: {beta: §4}}}"), "`beta: [2, 5]`"),
        ("NIM0210", document("Garden", "{bus: {latency: {§uniform: [1ms]}}}"), "`uniform: [1ms, 5ms]`"),
        ("NIM0210", document("Garden", "{bus: {§latency: {beta: [2, 5], constant: 5ms}}}"), "keep one of them"),
        ("NIM0205", level("max_per_beat: §many"), "write a whole number from 1 to 1,000,000"),
        ("NIM0205", desk("acquire: {resource: it, units: §many}"), "write a whole number from 0 to 1,000,000 or an expression"),
        ("NIM0207", resting("§0.5LF/min"), "write `0.5/min`"),
        ("NIM0207", resting("§0.5/m"), "write `0.5/min`"),
        ("NIM0207", resting("§5 per hour"), "write `5/h`"),
        ("NIM0207", resting("§5/year"), "write for example `0.4`"),
        ("NIM0210", resting("§-0.5/min"), "remove the minus: `0.5/min`"),
        ("NIM0205", level("reflex: §maybe"), "write `true` or `false`"),
        ("NIM0205", level("description: §3"), "put it in quotes"),
        ("NIM0210", level("queue: §0"), "write a whole number from 1 to 100,000"),
        ("NIM0210", level("tiers: [§9]"), "write a whole number from 0 to 5"),
        ("NIM0210", level("cost: {fixed: §-1}"), "remove the minus: `1`"),
        ("NIM0207", level("take: {share: §150%}").replace("take: all, ", ""), "write at most `100%`"),
        ("NIM0205", document("Attention", "{§levels: {think: {}}}"), "`levels: [{name: <name>, take: {share: 40%}}]`"),
        ("NIM0210", document("Economy", "{opening: 1, incomes: {roof: §-0.1}}"), "belongs under `upkeep`"),
        ("NIM0210", document("Economy", "{opening: 1, incomes: {roof: §1001}}"), "write a number from 0 to 1,000"),
        ("NIM0210", document("Scenario", "{seed: §-3}"), "remove the minus: `3`"),
        ("NIM0210", document("Scenario", "{expect: [§'']}"), "fill it in"),
        ("NIM0205", document("Garden", "{bus: {latency: §5ms}}"), "`latency: {constant: 5ms}`"),
        ("NIM0301", document("Scenario", "{economy: §none}"), "add an Economy document"),
        ("NIM0301", document("Scenario", "{cells: [§none]}"), "add a Cell document"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_fix(code: str, wrong: str, fix: str) -> None:
    assert fix in finds(code, wrong).fix


@pytest.mark.parametrize(
    ("wrong", "message", "fix"),
    [
        (document("Attention", "{overhead: §-50ms, levels: []}").replace("[]", "[{name: a, take: all}]"),
         "`overhead` must not be negative, this is '-50ms'", "remove the minus: `50ms`"),
        (document("Scenario", "{horizon: §-20min}"), "`horizon` must not be negative", "remove the minus: `20min`"),
        (document("Garden", "{bus: {loss: §-5%}}"), "`loss` must not be negative", "remove the minus: `5%`"),
        (document("Garden", "{bus: {latency: {constant: §-5ms}}}"), "without a minus here", "`5ms`"),
    ],
)  # fmt: skip
def test_a_quantity_is_not_negative(wrong: str, message: str, fix: str) -> None:
    found = finds("NIM0210", wrong)
    assert message in found.message
    assert fix in found.fix


def fields(kind: str, schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every schema in a schema, shared ones once on each path."""
    schema = resolve(kind, schema)
    if path.count(".") > 8:
        return
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from fields(kind, inner, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from fields(kind, schema[keyword], f"{path}.{keyword}")


@pytest.mark.parametrize("kind", kind_names())
def test_examples_are_allowed(kind: str) -> None:
    """What stands in `<>` is for the user to fill in; everything else holds as it is."""
    whole = document_schema(kind)
    validators: dict[str, Any] = {}
    for path, schema in fields(kind, whole["properties"]["spec"]):
        text = re.sub(r"<(\w+)>", r"\1", remedies.written(remedies.example(kind, schema)))
        key = repr(schema)
        if key not in validators:
            validators[key] = jsonschema_rs.validator_for({**schema, "$defs": whole["$defs"]})
        (tree,), problems = parse(Source("example.yaml", text))
        assert not problems
        assert validators[key].is_valid(tree.plain()), (path, text)


TEXTS = st.text() | st.text("ab:#-?,[]{}'\"\\n\\t&*!|>%@`~=<0x1_.eE \\u2028\\ufeff")
SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS
SCALARS |= st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8)


@given(PLAIN)
@example(None)
@example("two\nlines")
@example({"a b: c": 1})
@example({"": ""})
@example({"yes": "no", "1": "1", "null": "~"})
@example("a #b")
@example("\U0001f600\x85\u2028\ufeff\U000e0001")
@example(1e22)
@example(5e-324)
@example("12:30")
@example({"a?": "why?"})
@example("...")
def test_what_is_written_means_the_same_when_it_is_read(value: Any) -> None:
    text = remedies.written(value)
    assert len(text.splitlines()) <= 1
    assert yaml.safe_load(text) == value
    (tree,), problems = parse(Source("written.yaml", f"it: {text}\n"))
    assert not problems
    assert tree.plain() == {"it": value}


def test_what_needs_no_quotes_has_none() -> None:
    value = {"on": {"a-b": "x > 2", "c": "a:b", "d": True, "e": None, "f": 0.5, "g": "5s"}}
    assert remedies.written(value) == '{"on": {a-b: x > 2, c: a:b, d: true, e: null, f: 0.5, g: 5s}}'


def test_words() -> None:
    assert [with_article(word) for word in ("Economy", "Attention", "int", "Cell", "unit")] == [
        "an Economy", "an Attention", "an int", "a Cell", "a unit",
    ]  # fmt: skip
    assert (listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == (
        "`a`",
        "`a` and `b`",
        "`a`, `b` and `c`",
    )


def test_a_name_that_is_taken_has_its_article() -> None:
    text = "\n---\n".join([document("Economy", "{opening: 1}")] * 2)
    (found,) = nimdsl.check_text(text).diagnostics
    assert found.message.startswith("an Economy named `it` exists already")
