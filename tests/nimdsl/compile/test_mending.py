"""What would mend a text that is no YAML: told at the line where it is wrong, as an edit that does it."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.compile.mending import mended
from nimdsl.text.source import Source
from nimdsl.text.tree import parse
from tests.nimdsl.mutation.judge import applied

CELL = """\
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  description: "Bright or dark: it says which."
  accepts: {push: {hard: bool}}
  data: {count: int, said: string}
  machine:
    initial: dark
    states:
      dark:
        transitions:
          - event: push
            if: event.hard
            to: bright
            do: [{set: {count: "${count + 1}", said: "hard, and again"}}]
          - {event: push, to: dark}
      bright:
        timers: [{after: 5s, to: dark}]
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('which."', "which."),
        ('"Bright', "Bright"),
        ('"Bright or dark: it says which."', "Bright or dark: it says which."),
        ("description:", "description"),
        ("initial: dark", "initial:dark"),
        ("{name: lamp}", "{name: lamp"),
        ("{name: lamp}", "name: lamp}"),
        ("{name: lamp}", "{name: lamp}}"),
        ("{hard: bool}}", "{hard: bool}"),
        ('count + 1}"', "count + 1}"),
        ('"${count', "${count"),
        ('again"', "again"),
        ("do: [{set: {", "do: [{set {"),
        ("dark}]", "dark}"),
        ("[{after", "{after"),
        ("            if:", "           if:"),
        ("            to: bright", "              to: bright"),
        ("            if:", "\t\tif:"),
        ("      bright:", "     bright:"),
        ("          - {event", "         - {event"),
        ("    initial", "     initial"),
        ("          - event", "            event"),
    ],
)
def test_an_edit_on_the_wrong_line_mends_it(right: str, wrong: str) -> None:
    assert CELL.count(right) == 1
    text = CELL.replace(right, wrong)
    found = [one for one in nimdsl.check_text(text).diagnostics if one.severity == "error"]
    assert len(found) == 1
    assert found[0].place.line == CELL[: CELL.index(right)].count("\n") + 1, found[0].to_text()
    fixed = applied(text, found[0])
    assert fixed is not None
    assert not [one for one in nimdsl.check_text(fixed).diagnostics if one.severity == "error"]


SCENARIO = """\
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: evening}
spec:
  expect:
    - completed
    - cells.lamp.data.count == 0
    - cells.lamp.state == "dark"
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('cells.lamp.state == "dark"', '"dark" == cells.lamp.state'),
        ('cells.lamp.state == "dark"', "'dark' == cells.lamp.state # at night"),
        ('cells.lamp.state == "dark"', '"dark" == cells.lamp.state || "bright" == cells.lamp.state'),
        ('cells.lamp.state == "dark"', '!(cells.lamp.state == "bright")'),
        ("    - completed", "    - !completed"),
        ("            if: event.hard", '            if: "bright" == said'),
        ("            if: event.hard", '            if: said == "a" ? true : false'),
        ("{event: push, to: dark}", '{event: push, if: "a" == said, to: dark}'),
        ("{event: push, to: dark}", "{event: push, if: event.hard ? true : false, to: dark}"),
        ("{event: push, to: dark}", "{event: push, if: !event.hard, to: dark}"),
        ('cells.lamp.state == "dark"', "completed ? true : false"),
        ('cells.lamp.state == "dark"', 'cells.lamp.state == "dark" ? true: false # always'),
        ("          - {event: push, to: dark}", "          {event: push, to: dark}"),
        ("          - {event: push, to: dark}", "            {event: push, to: dark}"),
        ("          - event", "          event"),
        ("    - cells.lamp.data", "    cells.lamp.data"),
        ("    - cells.lamp.data", "      cells.lamp.data"),
        ("    - cells.lamp.data", "        cells.lamp.data"),
    ],
)
def test_what_yaml_makes_of_an_item_or_a_condition_is_told_with_one_edit(right: str, wrong: str) -> None:
    whole = CELL + SCENARIO
    assert whole.count(right) == 1
    text = whole.replace(right, wrong)
    (found,) = (one for one in nimdsl.check_text(text).diagnostics if one.severity == "error")
    assert found.place.line == whole[: whole.index(right)].count("\n") + 1, found.to_text()
    fixed = applied(text, found)
    assert fixed is not None
    assert not [one for one in nimdsl.check_text(fixed).diagnostics if one.severity == "error"], fixed


def test_each_end_of_a_document_that_is_missing_is_one_error() -> None:
    other = SCENARIO.replace("evening", "morning")
    for parts in ([CELL, SCENARIO], [CELL, SCENARIO, other]):
        text = "".join(parts).replace("---\n", "")
        found = nimdsl.check_text(text).diagnostics
        lines = [n for n, line in enumerate(text.split("\n"), 1) if line.startswith("apiVersion")]
        assert [one.place.line for one in found] == lines[1:]
        assert {one.message.partition(" before ")[0] for one in found} == {"a `---` is missing"}
    assert nimdsl.check_text(CELL + SCENARIO + other).program is not None


@pytest.mark.parametrize("signs", ["--", "----", "===", "\u2014"])
def test_signs_that_part_no_documents(signs: str) -> None:
    text = (CELL + SCENARIO).replace("---\n", f"{signs}\n")
    (found,) = nimdsl.check_text(text).diagnostics
    assert found.message == f"`{signs}` parts no documents"
    assert applied(text, found) == CELL + SCENARIO


def test_a_key_that_stands_twice_at_the_top_need_not_begin_a_document() -> None:
    (found,) = nimdsl.check_text(CELL + "kind: Cell\n").diagnostics
    assert found.message == "the key `kind` stands on line 2 and again on line 20"


def test_a_tag_that_is_one_is_not_taken_for_a_condition() -> None:
    (found,) = nimdsl.check_text(CELL.replace("dark\n    states", "!Ref dark\n    states")).diagnostics
    assert found.fix.startswith("remove the tag")


@pytest.mark.parametrize(
    "wrong",
    [
        "a: [1, 2\nb: {c: ]\n",
        "{[}]",
        "a: 'x\n",
        "- a\nb: c\n",
        "---",
        "--- ]",
        "--- {a: [",
        "---\n---\n}",
        "a: b: c: [d\n",
    ],
)
def test_what_no_edit_mends_keeps_the_words_of_the_parser(wrong: str) -> None:
    source = Source("x.yaml", wrong)
    problems = list(parse(source)[1])
    assert problems
    assert mended(source, problems) == problems


def test_what_is_in_order_stays_as_it_is() -> None:
    source = Source("x.yaml", CELL)
    assert mended(source, parse(source)[1]) == []


def test_the_effort_is_bounded_however_long_the_text() -> None:
    rows = "".join(f"      - {{a: {number}}}\n" for number in range(20_000))
    text = CELL.replace(
        "  machine:", "  tables:\n    t:\n      columns: {a: int}\n      rows:\n" + rows + "  machine:"
    )
    found = nimdsl.check_text(text.replace("initial: dark", "initial: [")).diagnostics
    assert found[0].code == "NIM0106"
