"""What happened is said in the text of a run, in words and quantities that a person would write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nimdsl
import simulate
from gardens.report.result.written_types import types_of
from gardens.report.words import fields, value_of
from nimdsl.commands import run
from nimdsl.expression.types import ANY, DURATION
from tests.support.texts import cell

MACHINE = """
    initial: idle
    states:
      idle:
        timers: [{after: 3s, if: size(waits) > 9, to: idle}]
        transitions:
          - {event: go, if: event.again, to: idle}
          - event: go
            internal: true
            do: [{set: {wait: 270s, waits: "${waits + [270s]}", names: "${names + ['x y']}", big: 1234567.5,
                        kept: {wait: "${270s}", inner: {lf: "${2LF}"}},
                        mixed: {x: "${1s}"}, worth: 1000000}}]
          - {event: buy, to: idle, cost: 20}
          - {event: buy2, to: idle, cost: 1000000}
          - {event: refused, internal: true, do: [{set: {mixed: {x: "${1}"}}}]}
      other: {transitions: [{event: unheard, to: idle}, {event: go, to: idle}]}
    any: [{event: leave, to: other}]
"""
REST = """
  data: {wait: duration, waits: list<duration>, names: list<string>, big: real, kept: record, mixed: record,
         worth: lifeforce}
  accepts: {go: {again: bool}, buy: {}, buy2: {}, unheard: {}, leave: {}}
"""
SCENARIO = """
  stimuli:
    - {at: 1s, to: c, event: go, payload: {again: true}}
    - {at: 2s, to: c, event: go, payload: {again: false}}
    - {at: 6s, every: 1s, times: 3, to: c, event: buy}
    - {at: 10s, to: c, event: buy2}
    - {at: 11s, to: c, event: unheard}
  expect: ["cells.c.data.waits == [1s]", "cells.c.data.names == []", "cells.c.data.worth == 1LF"]
"""


@pytest.fixture
def specs(tmp_path: Path) -> str:
    (tmp_path / "c.yaml").write_text(cell(MACHINE, REST, scenario=SCENARIO))
    return str(tmp_path / "c.yaml")


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["simulate", *words]) == 1
    return capsys.readouterr().out


def test_refusals_and_starvation_are_said_as_on_the_page(
    specs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, specs, "--report", str(tmp_path / "page.html"))
    assert "refused c: 20.0 LF, 3 times; purse had 10.0 LF at most, its floor included\n" in text
    assert "refused c: 1000000.0 LF; purse had 10.0 LF, its floor included\n" in text
    assert text.splitlines()[-2].endswith(" · starved since 6 s")
    page = (tmp_path / "page.html").read_text()
    assert "cell/c was refused 1000000.0 LF: `purse` had 10.0 LF, its floor included" in page
    assert "starved since" in page
    assert "e+06" not in text + page


def test_a_timer_whose_guard_was_false_is_not_ignored(
    specs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, specs, "--report", str(tmp_path / "page.html"))
    assert re.findall("^ignored .*", text, re.MULTILINE) == ["ignored c: `unheard` in `idle`"]
    assert "after:" not in text + (tmp_path / "page.html").read_text()


def test_who_stays_is_told_from_who_enters_again(specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.split() for line in told(capsys, specs, "--verbose").splitlines() if " go" in line]
    assert [line[3:] for line in lines[:2]] == [["idle", "→", "idle", "on", "go"]] * 2, "it may be either"
    sure = Path(specs)
    sure.write_text(sure.read_text().replace("          - {event: go, if: event.again, to: idle}\n", ""))
    assert "c                    idle  stays, on go" in told(capsys, specs, "--verbose")


def test_quantities_are_shown_as_people_write_them(specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(told(capsys, specs).split())
    for part in (
        'wait=270 s, waits=[270 s], names=["x y"], big=1234568,',
        "kept={wait: 270 s, inner: {lf: 2.0 LF}}",
        "worth=1000000.0 LF",
        "cells.c.data.waits = [270s]",
        'cells.c.data.names = ["x y"]',
        "cells.c.data.worth = 1000000.0 LF",
    ):
        assert part in text
    assert "270000000000" not in text


def test_the_types_of_records_are_those_of_what_is_written_into_them(specs: str) -> None:
    types = types_of(nimdsl.load(specs).cells["c"])
    assert types["kept"].field("wait") == DURATION
    assert types["mixed"].field("x") == ANY


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1e6, "1000000"),
        (12345.6, "12346"),
        (0.25, "0.25"),
        (1e300, "1e+300"),
        (-2e9, "-2000000000"),
        ([True, "a"], '[true, "a"]'),
    ],
)
def test_numbers_and_lists(value: float | list[bool | str], shown: str) -> None:
    assert value_of(ANY, value) == shown  # type: ignore[arg-type]


def test_a_very_long_value_shows_that_it_goes_on() -> None:
    text = fields({}, {"a": "x" * 500, "b": 1})
    assert text.endswith("…, b=1")


def test_a_failed_expectation_shows_all_it_was_judged_on(tmp_path: Path) -> None:
    machine = "{initial: a, states: {a: {transitions: [{event: go, to: a}]}}}"
    expect = '  expect: [\'cells.c.data.one == "" && cells.c.data.two == ""\']'
    spec = cell(machine, "  data: {one: string, two: string}\n  accepts: {go: {}}", scenario=expect)
    spec = spec.replace("a: {transitions", "a: {enter: [{set: {one: LONG, two: LONG}}], transitions")
    result = simulate.run(nimdsl.load_text(spec.replace("LONG", "x" * 150)))
    for name in ("one", "two"):
        assert f"      cells.c.data.{name} = {'x' * 150}\n" in result.report()


def test_what_an_attention_dropped_is_said_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    run(["simulate", "busy-hour"])
    assert "dropped 24 look of sensory: its time was over\n" in capsys.readouterr().out
