"""NIM0518: a way round by timers alone that is rewarded with more than it costs.

The law: where it is told, each turn fills the pool.
"""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nimdsl
import simulate
from nimdsl.base.diagnostics import Diagnostic, Severity
from nimdsl.checks import pumping
from tests.support.killing import kills
from tests.support.texts import document

PRIZE = "do: [{reward: {name: prize}}]"
BODY = document("Economy", "body", "{opening: 100, rewards: {prize: 0.5, fine: -0.5}}")


def told(states: str, more: str = "", body: str = BODY) -> list[Diagnostic]:
    text = (
        body
        + "\n---\n"
        + document("Cell", "walker", f"{{{more} machine: {{initial: a, states: {{{states}}}}}}}")
    )
    return [one for one in nimdsl.check_text(text).diagnostics if one.code == "NIM0518"]


def test_it_says_who_earns_what_and_where() -> None:
    way = f"{{after: 2s, to: a, cost: 0.1, {PRIZE}}}, {{after: 3s, to: a}}"
    (found,) = told(f"a: {{timers: [{{after: 1s, to: b}}]}}, b: {{timers: [{way}]}}")
    assert found.severity is Severity.WARNING
    assert found.message == (
        "`walker` earns 0.5 LF in `a` → `b` → `a` and pays 0.1 LF for it, and nothing from outside shows"
        " that it was earned: it fills `body` for nothing"
    )
    assert found.fix.startswith("let it cost 0.5 LF, or ask for the reward where")
    assert not told(f"a: {{timers: [{{after: 1s, to: b}}]}}, b: {{timers: [{way.replace('0.1', '0.5')}]}}")


@pytest.mark.parametrize(
    ("count", "states"),
    [
        (1, f"a: {{timers: [{{after: 1s, to: a, {PRIZE}}}]}}"),
        (0, f"a: {{timers: [{{after: 1s, to: a, {PRIZE.replace('prize', 'fine')}}}]}}"),
        (0, f"a: {{timers: [{{after: 1s, if: many < 3, to: a, {PRIZE}}}, {{after: 2s, to: a}}]}}"),
        (0, f"a: {{timers: [{{after: 1s, to: b, {PRIZE}}}]}}, b: {{final: true}}"),
        (0, f"a: {{timers: [{{after: 1s, to: a}}], transitions: [{{event: go, to: a, {PRIZE}}}]}}"),
        (0, f"a: {{timers: [{{after: 1s, internal: true, {PRIZE}}}, {{after: 9s, to: a}}]}}"),
        (0, f"a: {{timers: [{{after: 2s, to: a, {PRIZE}}}, {{after: 1s, to: a}}]}}"),
        (0, f"a: {{upkeep: 1/s, timers: [{{after: 1s, to: a, {PRIZE}}}]}}"),
        (0, "a: {timers: [{after: 1s, to: a, do: [{reward: {name: prize, amount: '${0.1LF}'}}]}]}"),
        (1, f"a: {{timers: [{{after: 1s, to: a, do: [{{raise: won}}]}}], transitions: [{{event: won, to: a, {PRIZE}}}]}}"),
        (0, "a: {timers: [{after: 1s, to: b}]}, b: {enter: [{work: walk}], transitions: [{event: done, to: a, PRIZE}, {event: failed, to: a}]}".replace("PRIZE", PRIZE)),
    ],
)  # fmt: skip
def test_what_is_told(count: int, states: str) -> None:
    more = "data: {many: int},"
    more += " accepts: {go: {}}," if "event: go" in states else ""
    more += " work: {walk: {virtual: {latency: {constant: 2s}}}}," if "walk" in states else ""
    assert len(told(states, more)) == count


@pytest.mark.parametrize(
    ("after", "then"),
    [("5s", "timers: [{after: 1s, to: a}]"), ("25s", "transitions: [{event: go, to: a}]")],
)
def test_a_timer_of_a_state_around_comes_before(after: str, then: str) -> None:
    """It leads elsewhere before anything is earned, or after a while for good: a stock that lasts."""
    inner = f"initial: b, states: {{b: {{timers: [{{after: 10s, to: c}}]}}, c: {{timers: [{{after: 10s, to: b, {PRIZE}}}]}}}}"
    night = f"night: {{{then}}}"
    assert not told(
        f"a: {{timers: [{{after: {after}, to: night}}], {inner}}}, {night}", "accepts: {go: {}},"
    )
    assert (
        len(told(f"a: {{transitions: [{{event: go, to: night}}], {inner}}}, {night}", "accepts: {go: {}},"))
        == 1
    )


def test_where_a_cell_lives_must_be_sure() -> None:
    two = BODY + "\n---\n" + document("Economy", "other", "{opening: 9}")
    states = f"a: {{timers: [{{after: 1s, to: a, {PRIZE}}}]}}"
    assert len(told(states, "economy: body,", two)) == 1
    assert not told(states, "", two)


@dataclass(frozen=True)
class Stay:
    """One of three states: how long it lasts, where it leads, what that costs (tenths of a LF) and brings."""

    lasts: int
    target: int
    cost: int
    rewards: int
    fines: int
    raises: bool

    def written(self, number: int) -> str:
        rewards = "{reward: {name: prize}}, " * self.rewards + "{reward: {name: fine}}, " * self.fines
        way = f"to: s{self.target}, cost: {self.cost / 10}, do: [{rewards.rstrip(', ')}]"
        spare = f"{{after: 900s, to: s{number}}}"
        if self.raises:
            timers = f"timers: [{{after: {self.lasts}s, to: s{number}, do: [{{raise: go}}]}}, {spare}]"
            return f"s{number}: {{{timers}, transitions: [{{event: go, {way}}}]}}"
        return f"s{number}: {{timers: [{{after: {self.lasts}s, {way}}}, {spare}]}}"


World = tuple[Stay, Stay, Stay]
stays = st.builds(
    Stay,
    st.integers(1, 3),
    st.integers(0, 2),
    st.sampled_from([0, 1, 3, 6, 12]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.booleans(),
)
worlds = st.tuples(stays, stays, stays)


def fills_where_told(world: World) -> None:
    """Whoever is told of fills the pool, and nobody else does, once it goes round."""
    states = ", ".join(stay.written(number) for number, stay in enumerate(world))
    cell = document("Cell", "walker", f"{{machine: {{initial: s0, states: {{{states}}}}}}}")
    run = document("Scenario", "s", "{economy: body, cells: [walker], horizon: 2000s}")
    report = nimdsl.check_text("\n---\n".join((BODY, cell, run)))
    found = [one for one in report.diagnostics if one.code == "NIM0518"]
    way, leaf = [0], world[0].target
    while leaf not in way:
        way.append(leaf)
        leaf = world[leaf].target
    if report.program is None or set(way) != {0, 1, 2}:
        return
    result = simulate.run(report.program, "s")
    assert (result.outcome["lifeforce"]["final"] > 105_000_000) == bool(found)


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_what_is_told_fills_the_pool(world: World) -> None:
    fills_where_told(world)


def test_the_law_kills_forgotten_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pumping, "most_of", lambda amount: amount if amount >= 10**9 else 0)
    kills(fills_where_told, worlds)


def test_the_law_kills_ways_that_do_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pumping, "_rounds", lambda turns: ([leaf] for leaf, one in turns.items() if one.earned > 0)
    )
    kills(fills_where_told, worlds)
