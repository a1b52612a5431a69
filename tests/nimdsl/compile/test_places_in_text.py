"""Mistakes in expressions stand where they are in the file, however YAML folds, quotes or cuts the text."""

import pytest

import nimdsl
from nimdsl.base.diagnostics import Diagnostic

CELL = """apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  accepts: {go: {tag: string}}
  machine:
    initial: a
    states:
      a:
        transitions:
          - event: go
            if: GUARD
            internal: true
"""


def said(guard: str) -> Diagnostic:
    (only,) = nimdsl.check_text(CELL.replace("GUARD", guard)).diagnostics
    return only


@pytest.mark.parametrize(
    ("guard", "line", "column"),
    [
        ("event.tag == wrong", 12, 30),
        (">-\n              event.tag ==\n              wrong && true", 14, 15),
        (">\n              event.tag ==\n\n              wrong && true", 15, 15),
        ("|\n              event.tag ==\n                wrong", 14, 17),
        ('"event.tag ==\n              wrong"', 13, 15),
        ('"event.tag \\\n              == \\"a\\" && wrong"', 13, 27),
        ("'event.tag == ''a'' && wrong'", 12, 40),
        ("event.tag ==\n              wrong", 13, 15),
    ],
)
def test_a_name_in_text_of_any_form(guard: str, line: int, column: int) -> None:
    found = said(guard)
    assert found.code == "NIM0303"
    assert (found.place.line, found.place.column, found.place.length) == (line, column, 5)


@pytest.mark.parametrize(
    ("guard", "column"), [('event.tag == "ticket #7"', 38), ("event.tag == 'a #b'", 33)]
)
def test_a_comment_that_cuts_an_expression_is_said(guard: str, column: int) -> None:
    found = said(guard)
    assert (found.code, found.place.line, found.place.column) == ("NIM0302", 12, column)
    assert "comment" in found.message
    mended = found.fix.removeprefix("quote the whole: `").removesuffix("`")
    assert not nimdsl.check_text(CELL.replace("GUARD", mended)).diagnostics


def test_a_comment_behind_a_mistake_is_not_blamed() -> None:
    assert said("event.tag == # why").message == "the expression ends too early"


def test_an_escape_is_refused_where_it_stands() -> None:
    found = said(r'event.tag == "a\d"')
    assert (found.code, found.place.line, found.place.column) == ("NIM0302", 12, 32)
    assert not nimdsl.check_text(CELL.replace("GUARD", r'event.tag == "a\\d"')).diagnostics


def test_a_character_that_nobody_sees_is_named_in_an_expression() -> None:
    found = said('event.tag\xa0== "x"')
    assert (found.place.line, found.place.column) == (12, 26)
    assert "U+00A0" in found.message
