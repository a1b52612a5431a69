"""What a garden document with ``real`` must say, and what it must not."""

from __future__ import annotations

import pytest

import nimdsl

CELL = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec: {machine: {initial: a, states: {a: {timers: [{after: 1s, to: a}]}}}}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: g}
spec: {real: %s}
"""


@pytest.mark.parametrize(
    ("real", "code", "part"),
    [
        ("{groups: {one: {cells: [c]}, two: {cells: [c]}}}", "NIM0210", "lives in the group `one` already"),
        ("{groups: {economy: {cells: [c]}}}", "NIM0210", "a process of the garden itself"),
        ("{groups: {one: {cells: [d]}}}", "NIM0301", "no Cell named `d`"),
        ("{scenario: nothing}", "NIM0301", "no Scenario named `nothing`"),
        (
            '{subjects: {actors: "{garden}.{environment}.{run}.{kind}.{name}"}}',
            "NIM0205",
            "begins with its",
        ),
        ('{subjects: {actors: "{environment}.{kind}.{name}"}}', "NIM0205", "must have {run}"),
        ('{subjects: {actors: "{environment}.{run}.{kind}.{nam}"}}', "NIM0205", "`{nam}` is no word"),
        ("{server: somewhere}", "NIM0205", "`server` cannot be 'somewhere'"),
    ],
)
def test_mistakes_in_a_real_garden_are_told(real: str, code: str, part: str) -> None:
    (found,) = nimdsl.check_text(CELL % real).diagnostics
    assert found.code == code
    assert part in found.message


def test_a_scenario_names_the_garden_that_predicts_it_not_the_real_one() -> None:
    text = (
        CELL % "{}"
        + "---\napiVersion: nimdsl.dev/v1\nkind: Scenario\nmetadata: {name: s}\nspec: {garden: g}\n"
    )
    (found,) = nimdsl.check_text(text).diagnostics
    assert "`g` is a real garden" in found.message
