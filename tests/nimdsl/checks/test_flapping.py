"""NIM0513: a mark that is over where it is told, and a cell that turns its flow round at both."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity
from simulate import run

H = "apiVersion: nimdsl.dev/v1"
WAYS = "driving: {DRIVING transitions: [{event: low, to: charging}]}, charging: {CHARGING transitions: [{event: low.over, to: driving}]}"  # noqa: E501


def documents(
    mark: str = "{below: 25}",
    economy: str = "",
    states: str = WAYS,
    driving: str = "upkeep: 1,",
    charging: str = "income: 2,",
    lives: str = "economy: battery,",
    data: str = "",
) -> str:
    """A battery and a robot."""
    initial = states.partition(":")[0]
    states = states.replace("DRIVING", driving).replace("CHARGING", charging)
    return f"""
{{{H}, kind: Economy, metadata: {{name: battery}}, spec: {{opening: 80, {economy} marks: {{low: {mark}}}}}}}
---
{{{H}, kind: Cell, metadata: {{name: robot}}, spec: {{{lives} {data} machine: {{initial: {initial}, states: {{{states}}}}}}}}}
"""  # noqa: E501


def codes(text: str) -> list[str]:
    """The codes of what is found."""
    return [one.code for one in nimdsl.check_text(text).diagnostics]


def test_it_says_what_happens_where_and_what_to_write() -> None:
    (found,) = nimdsl.check_text(documents()).diagnostics
    assert (found.code, found.severity, found.place.line) == ("NIM0513", Severity.WARNING, 2)
    assert found.message == (
        "`low` is told and over at the same 25.0 LF: there `robot` can go from `driving` to `charging` and"
        " back hundreds of times in a microsecond"
    )
    assert found.fix == "write `until:` a bit more, as 27.5"
    assert codes(documents("{below: 25, until: 27.5}")) == []


GUARDED = WAYS.replace("to: charging", "if: many > 3, to: charging")
DEFERRED = WAYS.replace("CHARGING", "CHARGING defer: [low],")
NESTED = "up: {upkeep: 1, initial: driving, states: {driving: {timers: [{after: 9s, to: driving}]}}, transitions: [{event: low, to: charging}]}, charging: {income: 2, transitions: [{event: low.over, to: up}]}"  # noqa: E501
ELSEWHERE = WAYS.replace("to: driving}", "to: idle}") + ", idle: {timers: [{after: 1h, to: driving}]}"


@pytest.mark.parametrize(
    ("text", "flaps"),
    [
        (documents("{below: 25, until: 25}"), True),
        (documents(lives=""), True),
        (documents(states=DEFERRED), True),
        (documents(states=NESTED), True),
        (documents(driving="", economy="upkeep: {rent: 1},"), True),
        (documents(charging="", economy="incomes: {sun: 0.5},"), True),
        (documents(charging='income: "${min(many, 3) * 1LF}",', data="data: {many: int},"), True),
        (documents(charging="upkeep: 0.5,"), False),
        (documents(charging=""), False),
        (documents(driving=""), False),
        (documents(driving="income: 2,", charging="upkeep: 1,"), False),
        (documents(economy="incomes: {sun: 1},"), False),
        (documents(economy="upkeep: {rent: 2},"), False),
        (documents(states=GUARDED, data="data: {many: int},"), False),
        (documents(states=ELSEWHERE), False),
    ],
)
def test_only_what_the_document_decides_is_told(text: str, flaps: bool) -> None:
    assert codes(text) == (["NIM0513"] if flaps else [])


def test_it_is_true() -> None:
    """It drains 55 LF in as many seconds, and goes to and fro in the microsecond after that."""
    spec = "{economy: battery, horizon: 55.000001s}"
    scenario = f"\n---\n{{{H}, kind: Scenario, metadata: {{name: s}}, spec: {spec}}}"
    flapping = run(nimdsl.load_text(documents() + scenario), "s")
    mended = run(nimdsl.load_text(documents("{below: 25, until: 27.5}") + scenario), "s")
    counts = [sum(e.kind == "mark" for e in one.run.purses.entries) for one in (flapping, mended)]
    assert counts[0] > 500
    assert counts[1] == 1


@pytest.mark.parametrize("folder", ["specs", "examples"])
def test_no_shipped_document_flaps(folder: str) -> None:
    root = Path(__file__).parents[3]
    assert "NIM0513" not in [one.code for one in nimdsl.check(root / folder).diagnostics]
