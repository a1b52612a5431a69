"""Text that brackets cut inside brackets, and commas that are missing: what was meant is said."""

import pytest

import nimdsl
from nimdsl.text.source import Source
from nimdsl.text.tree import parse


@pytest.mark.parametrize(
    ("text", "column", "meant"),
    [
        ("k: {e: m, if: queue[0] == 2, internal: true}", 15, '"queue[0] == 2"'),
        ("k: {to: ${w}}", 9, '"${w}"'),
        ("k: [beats[0].levels.hi.spent == 1s]", 5, '"beats[0].levels.hi.spent == 1s"'),
        ("k: [a == 1, b[0] == 1s, c]", 13, '"b[0] == 1s"'),
        ("k: {a: f(x[0], y), b: c}", 8, '"f(x[0], y)"'),
        ('k: {a: x[0] == "q\'", b: 1}', 8, "'x[0] == \"q''\"'"),
    ],
)
def test_a_text_that_brackets_cut_is_to_be_quoted(text: str, column: int, meant: str) -> None:
    _, (found,) = parse(Source("f.yaml", f"{text}\n"))
    assert (found.code, found.place.column, found.fix) == ("NIM0106", column, f"quote it: {meant}")
    cut = text[column - 1 : column - 1 + found.place.length]
    assert not parse(Source("f.yaml", f"{text.replace(cut, meant)}\n"))[1]


@pytest.mark.parametrize(("text", "column"), [("k: {e: m if: u == 2}", 10), ("k: {a: b c: d}", 10)])
def test_a_comma_is_missing(text: str, column: int) -> None:
    _, (found,) = parse(Source("f.yaml", f"{text}\n"))
    key = text[column - 1 :].partition(":")[0]
    assert (found.place.column, found.fix) == (column, f"write `, {key}:`")
    mended = text[: column - 2] + ", " + text[column - 1 :]
    assert not parse(Source("f.yaml", f"{mended}\n"))[1]


@pytest.mark.parametrize("text", ["a: [1, 2\nb: 3\n", "a:\n  c: {x: 1\n  b: 3\n"])
def test_a_bracket_that_is_never_closed_is_no_missing_comma(text: str) -> None:
    _, (found,) = parse(Source("f.yaml", text))
    assert found.fix.startswith("close it with")


def test_a_comma_in_a_call_cuts_it_too() -> None:
    text = """apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data: {queue: list<int>, next: int}
  accepts: {m: {}}
  machine:
    initial: a
    states:
      a:
        transitions:
          - {event: m, if: contains(queue, next) || next > 2, internal: true}
"""
    (found,) = nimdsl.check_text(text).diagnostics
    assert (found.code, found.place.line, found.place.column) == ("NIM0203", 12, 28)
    assert found.fix == 'quote it: "contains(queue, next) || next > 2"'
    mended = text.replace("contains(queue, next) || next > 2", '"contains(queue, next) || next > 2"')
    assert not nimdsl.check_text(mended).diagnostics
