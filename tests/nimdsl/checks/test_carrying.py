"""NIM0517: an income that cannot carry what always flows.

The law: where it is told, the run is short; and with the opening that the fix names nothing is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nimdsl
import simulate
from nimdsl.base.diagnostics import Diagnostic, Severity
from nimdsl.checks import carrying
from nimdsl.program.economy import DAY_NS, most_rate
from tests.support.killing import kills
from tests.support.texts import document

HEART = document(
    "Cell", "heart", "{machine: {initial: alive, states: {alive: {FLOW timers: [{after: 6h, to: alive}]}}}}"
)
BODY = "opening: 30, incomes: {grid: 40/d}, upkeep: {life: 4/h}, wake: {starve: 1h}"


def told(body: str = BODY, scenario: str = "horizon: 24h", flow: str = "", *more: str) -> list[Diagnostic]:
    text = written(body, scenario, flow, *more)
    return [one for one in nimdsl.check_text(text).diagnostics if one.code == "NIM0517"]


def written(body: str, scenario: str, flow: str, *more: str) -> str:
    economy = document("Economy", "body", f"{{{body}}}")
    run = document("Scenario", "s", f"{{economy: body, {scenario}}}")
    return "\n---\n".join((economy, HEART.replace("FLOW", flow), *more, run))


def test_it_says_the_figures_and_what_to_do() -> None:
    (found,) = told()
    assert found.severity is Severity.WARNING
    assert found.message == (
        "income is at most 40.0 LF a day, upkeep 96.0 LF a day: the 30.0 LF of the stock are gone at the"
        " latest after 12.9 h, the run lasts 24h"
    )
    assert found.fix == (
        "let more come in, open `body` with at least 56.0 LF, or expect `lifeforce.starved` if it is meant"
        " to starve"
    )
    assert not told(BODY.replace("30", "56"))
    assert told(BODY.replace("30", "55.9"))


SUN = BODY.replace("grid: 40/d", 'sun: {profile: {"00:00": 0/s, "12:00": 4/h}}')
REWARD = HEART.replace("FLOW", "").replace("to: alive", "to: alive, do: [{reward: {name: prize}}]")


@pytest.mark.parametrize(
    ("count", "arguments"),
    [
        (0, (BODY, "horizon: 12h")),
        (0, (BODY, "horizon: 24h, expect: [lifeforce.starved]")),
        (0, (BODY, "horizon: 24h, expect: ['lifeforce.starved && !completed']")),
        (1, (BODY, "horizon: 24h, expect: ['!lifeforce.starved']")),
        (0, (BODY, "horizon: 24h, set: {economy/body.opening: 90}")),
        (0, (BODY.replace(", wake: {starve: 1h}", ""), "horizon: 24h")),
        (1, (BODY.replace("wake: {starve: 1h}", "capacity: 50, pulse: {base: 1min}"), "horizon: 24h")),
        (0, (BODY, "horizon: 24h", "income: 3/h,")),
        (1, (BODY, "horizon: 24h", "income: 1/h,")),
        (1, (BODY.replace("4/h", "1/d"), "horizon: 24h", "upkeep: 4/h,")),
        (0, (BODY.replace("4/h", "1/d"), "horizon: 24h", "upkeep: 1/h,")),
        (0, (SUN, "horizon: 12h")),
        (1, (SUN, "horizon: 24h")),
        (1, (SUN, "horizon: 20h")),
        (0, (BODY + ", rewards: {prize: 0.1}", "horizon: 24h", "", REWARD.replace("heart", "winner"))),
        (1, (BODY + ", rewards: {prize: -1}", "horizon: 24h", "", REWARD.replace("heart", "winner"))),
    ],
)
def test_what_is_told(count: int, arguments: tuple[str, ...]) -> None:
    assert len(told(*arguments)) == count


@pytest.mark.parametrize(("reward", "count"), [("", 1), (", reward: 1000", 0)])
def test_a_gate_may_earn(reward: str, count: int) -> None:
    blink = "timers: [{after: 9s, to: a, do: [{emit: {content: {x: 1}}}]}]"
    eye = f"{{domain: light, machine: {{initial: a, states: {{a: {{{blink}}}}}}}}}"
    gate = f"{{hears: [{{domain: light}}], thresholds: {{open: 0.3}}, weight: {{start: 79%{reward}}}}}"
    takes = "transitions: [{event: granted, internal: true}]"
    nerve = f"{{gate: seen, machine: {{initial: a, states: {{a: {{{takes}}}}}}}}}"
    more = document("Cell", "eye", eye), document("Gate", "seen", gate), document("Nerve", "act", nerve)
    assert len(told(BODY, "horizon: 24h, actors: [gate/seen, nerve/act]", "", *more)) == count


@dataclass(frozen=True)
class World:
    """An economy with a profile and a state that flows; rates are LF an hour."""

    opening: int
    income: tuple[int, int]
    upkeep: tuple[int, int]
    since: int
    state: int
    horizon: int

    @property
    def body(self) -> str:
        income, upkeep = (
            f'{{profile: {{"00:00": {one}/h, "{self.since:02}:00": {other}/h}}}}'
            for one, other in (self.income, self.upkeep)
        )
        flows = f"incomes: {{sun: {income}}}, upkeep: {{life: {upkeep}}}"
        return f"opening: {self.opening}, {flows}, wake: {{starve: 400h}}"

    @property
    def flow(self) -> str:
        return f"{'income' if self.state > 0 else 'upkeep'}: {abs(self.state)}/h,"


rates = st.tuples(st.integers(0, 6), st.integers(0, 6))
worlds = st.builds(
    World, st.integers(0, 60), rates, rates, st.integers(1, 23), st.integers(-2, 2), st.integers(1, 60)
)


def is_short_where_told(world: World) -> None:
    """What is told comes true, also where the day begins at another time; the fix is enough."""
    scenario = f"horizon: {world.horizon}h"
    found = told(world.body, scenario, world.flow)
    if not found:
        return
    for begins in ("00", "07", "18"):
        garden = document("Garden", "g", f"{{clock: {{epoch: '2026-01-01T{begins}:00:00Z'}}}}")
        text = written(world.body, f"garden: g, {scenario}", world.flow, garden)
        result = simulate.run(nimdsl.load_text(text), "s")
        assert result.outcome["lifeforce"]["shortfall"] > 0
    needed = re.search(r"at least (\S+) LF", found[0].fix)
    assert needed
    assert not told(
        world.body.replace(f"opening: {world.opening}", f"opening: {needed[1]}"), scenario, world.flow
    )


@settings(max_examples=40, deadline=None)
@given(worlds)
def test_what_is_told_comes_true(world: World) -> None:
    is_short_where_told(world)


DEFECTS = {
    "a part of a day counts as its share of a whole one": (
        "_most",
        lambda rate, time_ns: carrying._whole(rate) * time_ns // DAY_NS,
    ),
    "upkeep is always the most": ("_least", lambda rate, time_ns: most_rate(rate) * time_ns),
    "states bring nothing": ("most_flow", lambda root: 0),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_law_kills(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, *DEFECTS[name])
    kills(is_short_where_told, worlds)
