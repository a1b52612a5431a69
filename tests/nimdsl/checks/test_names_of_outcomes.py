"""What expectations read: names that nobody has, families, and lists that are read as one."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.base.diagnostics import Diagnostic
from tests.nimdsl.mutation.judge import applied

GARDEN = """\
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: "battery-${k}"}
spec: {for: {k: [1, 2]}, opening: 5}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "robot-${k}"}
spec:
  for: {k: [1, 2]}
  economy: "battery-${k}"
  data: {trips: int}
  accepts: {go: {}}
  machine: {initial: a, states: {a: {transitions: [{event: go, to: a, cost: 1}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: day}
spec:
  economy: battery-1
  stimuli: [{at: 1s, to: robot-*, event: go}]
  expect:
    - EXPECTED
"""


def only(expected: str) -> tuple[str, Diagnostic]:
    text = GARDEN.replace("EXPECTED", expected)
    (found,) = nimdsl.check_text(text).diagnostics
    return text, found


@pytest.mark.parametrize(
    ("expected", "fix"),
    [
        ('cells["robot-*"].data.trips == 3', 'of each: `cells["robot-*"].all(x, x.data.trips == 3)`'),
        ('3 == cells["robot-*"].data.trips', 'of each: `cells["robot-*"].all(x, 3 == x.data.trips)`'),
        ('sum(cells["robot-*"].data.trips) == 3', 'of each: `cells["robot-*"].map(x, x.data.trips)`'),
        ('cells["robot-1"].trips == 1', "write `data.trips`"),
        ("refusals.length == 0", "how many there are: `size(refusals)`"),
        ("economies.battery-*.all(b, b.final == 4LF)", '`economies["battery-*"]`'),
        ("sum(economies.battery-*.map(b, b.final)) > 4LF", '`economies["battery-*"]`'),
        ("lifeforce.spent == $0.18", "write `0.18LF`"),
        ("lifeforce.spent == 0.18", "`0.18LF`"),
        ("lifeforce.spent == 3 LF", "write `3LF`"),
        ('cells["robot-1"].state == a', 'quote it: `"a"`'),
    ],
)
def test_the_fix_can_be_written_as_it_stands(expected: str, fix: str) -> None:
    text, found = only(expected)
    assert fix in found.fix
    fixed = applied(text, found)
    assert fixed is not None
    assert nimdsl.check_text(fixed).diagnostics == ()


@pytest.mark.parametrize(
    ("expected", "message", "fix"),
    [
        ("cells.robo.data.trips == 1", "no cell `robo` takes part", "did you mean `robot-2`?"),
        ('cells["robot-3"].data.trips == 1', "no cell `robot-3` takes part", "did you mean `robot-2`?"),
        ("phases.x.accepted == 1", "this scenario runs no protocol, so there is no phase `x`", ""),
        ("resources.x.granted == 1", "no resource `x` takes part", ""),
        ('economies["x"].spent == 1LF', "no economy `x` takes part", "known: `battery-1`, `battery-2`"),
        ("attention.beats == 1", "`attention` is not defined here", "expectations see it where"),
    ],
)
def test_a_name_that_nobody_has_is_called_what_it_is(expected: str, message: str, fix: str) -> None:
    _, found = only(expected)
    assert found.message == message
    assert found.fix.startswith(fix)


def test_what_a_cell_lives_on_that_is_wrong_is_not_missed() -> None:
    text = GARDEN.replace("EXPECTED", 'economies["battery-*"].all(b, b.final == 4LF)')
    assert nimdsl.check_text(text).diagnostics == ()
    (found,) = nimdsl.check_text(text.replace("to: a, cost", "to: b, cost")).diagnostics
    assert found.code == "NIM0405"
