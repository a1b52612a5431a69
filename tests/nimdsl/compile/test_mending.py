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
