"""Economies that change by themselves, in a garden: the day, the pulse, slumber, famine (SEMANTICS 3)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import nimdsl
import simulate
from gardens.report.result.result import RunResult
from nimdsl.base.units import MICRO, NANOSECONDS, SECOND_NS
from nimdsl.commands import run
from runtime import records
from runtime.kernel.events import Marked
from runtime.ledger.accounts import Entry
from runtime.run.host import Checks
from runtime.run.inbox import read_inbox

ENVELOPE = "apiVersion: nimdsl.dev/v1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n"
HOUR_NS, DAY_NS = NANOSECONDS["h"], NANOSECONDS["d"]


def documents(*parts: tuple[str, str, str]) -> str:
    return "---\n".join(ENVELOPE.format(*part) for part in parts)


def go(text: str) -> RunResult:
    """A run that replays, that a virtual garden makes again, and that is the same through bytes."""
    program = nimdsl.load_text(text)
    result = simulate.run(program, "s")
    proven = simulate.Options(checks=Checks(round_trip=True, restore=True))
    simulate.run(program, "s", options=proven, set={"scenario/s.horizon": "5min"})
    assert simulate.replay(result).identical
    assert simulate.compare(result, replications=1).ok(strict=True)
    return result


def entries(result: RunResult, kind: str, purse: str = "") -> list[Entry]:
    return [one for one in result.run.purses.entries if one.kind == kind and one.purse == purse]


def heard(result: RunResult, actor: str) -> list[tuple[str, int]]:
    """What an actor was told by economies, and when."""
    lines = read_inbox(result.journal, actor).lines
    return [(line.event.name, line.time_ns) for line in lines if isinstance(line.event, Marked)]


LAMP = """{machine: {initial: bright, states: {
  bright: {transitions: [{event: low, to: dark}]}, dark: {transitions: [{event: low.over, to: bright}]}}}}"""
SUN = documents(
    (
        "Economy",
        "body",
        '{opening: 10, capacity: 20, incomes: {sun: {profile: {"00:00": 0, "06:00": 0.06/min, "18:00": 0}}}, '
        "upkeep: {life: 0.03/min}, marks: {low: {below: 5, until: 8}}}",
    ),
    ("Cell", "lamp", LAMP),
    ("Garden", "noon", '{clock: {epoch: "2026-03-01T12:00:00Z"}}'),
    ("Scenario", "s", "{economy: body, garden: noon, cells: [lamp], horizon: 1d}"),
)


def test_the_day_brings_and_takes() -> None:
    """Full at six in the evening, below 5 after 15 / 1.8 hours; at six in the morning the sun is back."""
    result = go(SUN)
    assert result.run.purses.entries[0].day_ns == DAY_NS // 2
    low_ns, over_ns = round((6 + 15 / 1.8) * HOUR_NS) + 1, round((18 + 8 / 1.8) * HOUR_NS)
    assert heard(result, "cell/lamp") == [("low", low_ns), ("low.over", over_ns)]
    assert result.run.stopped == "horizon"
    assert result.outcome["lifeforce"]["shortfall"] == round((12 * 1.8 - 20) * MICRO)


def test_a_profile_is_written_beside_a_rate() -> None:
    (found,) = nimdsl.check_text(SUN.replace('"06:00"', '"24:00"')).diagnostics[:1]
    assert (found.code, found.fix) == ("NIM0514", 'write hours and minutes from "00:00" to "23:59"')


TOLD = """{data: {pulses: int}, machine: {initial: awake, any: [{event: pulse, internal: true, do: [{set: {pulses: "${pulses + 1}"}}]}], states: {
  awake: {upkeep: 0.05, transitions: [{event: slumber, to: asleep}]}, asleep: {upkeep: 0.003, transitions: [{event: wake, to: awake}]}}}}"""
BODY = "{opening: 30, capacity: 100, incomes: {grid: 0.04}, pulse: {base: 5s}, slumber: {window: 1min}, wake: {urgency: 70%}"
SLEEPER = documents(
    ("Economy", "body", BODY + "}"),
    ("Cell", "heart", TOLD),
    ("Scenario", "s", "{economy: body, cells: [heart], horizon: 1h}"),
)


def test_a_pulse_is_one_line_and_is_told_to_who_takes_it() -> None:
    result = go(SLEEPER)
    pulses = entries(result, "pulse")
    assert [one.time_ns for one in pulses] == [
        at_ns for name, at_ns in heard(result, "cell/heart") if name == "pulse"
    ]
    assert pulses[0].time_ns == 5 * SECOND_NS + round(5 * SECOND_NS * 0.36787944117144233), "x is 1"
    gaps = [two.time_ns - one.time_ns for one, two in pairwise(pulses)]
    assert all(5 * SECOND_NS < gap <= 60 * SECOND_NS for gap in gaps)
    assert result.outcome["cells"]["heart"]["data"]["pulses"] == len(pulses)
    assert result.run.stopped == "horizon"


def test_who_earns_too_little_sleeps_when_little_is_left_and_wakes_when_there_is_enough() -> None:
    result = go(SLEEPER.replace("horizon: 1h", "horizon: 2h").replace("grid: 0.04", "grid: 0.03"))
    turns = [
        (one.kind, one.balance or 0) for one in result.run.purses.entries if one.kind in ("slumber", "wake")
    ]
    assert [kind for kind, _ in turns][:3] == ["slumber", "wake", "slumber"]
    assert turns[0][1] < 20 * MICRO < 50 * MICRO < turns[1][1]
    states = result.outcome["cells"]["heart"]["states"]
    assert states["asleep"]["entered"] >= 2


STARVING = documents(
    ("Economy", "body", "{opening: 6, incomes: {grid: 0.01}, upkeep: {life: 0.03}, wake: {starve: 10min}}"),
    ("Cell", "heart", "{machine: {initial: awake, states: {awake: {timers: [{after: 90s, to: awake}]}}}}"),
    (
        "Scenario",
        "s",
        "{economy: body, cells: [heart], horizon: 1h, expect: [lifeforce.starved, '!completed']}",
    ),
)


def test_a_run_ends_where_upkeep_was_short_for_so_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = go(STARVING)
    assert (result.run.stopped, result.completed) == ("starved", False)
    (entry,) = entries(result, "starved")
    dry_ns = next(one.time_ns for one in entries(result, "shortfall"))
    assert entry.time_ns == dry_ns + 600 * SECOND_NS == result.run.time_ns
    assert 300 * SECOND_NS < dry_ns < 300 * SECOND_NS + 10**8
    path = tmp_path / "it.yaml"
    path.write_text(STARVING.replace("!completed", "completed"), encoding="utf-8")
    assert run(["simulate", str(path)]) == 1
    assert "it starved: `body` found nothing for life" in capsys.readouterr().out


def test_who_is_fed_in_time_goes_on() -> None:
    fed = STARVING.replace("opening: 6", "opening: 6, rewards: {meal: 1}").replace(
        "to: awake}", "to: awake, do: [{reward: {name: meal}}]}"
    )
    assert go(fed).run.stopped == "horizon"


def test_ordinary_prices_leave_the_emergency() -> None:
    poor = documents(
        ("Economy", "body", "{opening: 6, emergency: 2}"),
        (
            "Cell",
            "heart",
            "{machine: {initial: awake, states: {awake: {timers: [{after: 1s, to: awake, cost: 1.5}, {after: 2s, to: awake}]}}}}",
        ),
        ("Scenario", "s", "{economy: body, cells: [heart], horizon: 10s}"),
    )
    result = go(poor)
    assert result.outcome["lifeforce"]["final"] == 3 * MICRO
    assert {one.balance for one in entries(result, "refused")} == {3 * MICRO}


MINDED = documents(
    (
        "Economy",
        "body",
        "{opening: 10, capacity: 100, incomes: {grid: 0.01}, pulse: {base: 5s}, slumber: {window: 30s}, upkeep: {life: 0.05}}",
    ),
    (
        "Cell",
        "nose",
        """{domain: smell, machine: {initial: idle, states: {idle: {timers: [{after: 1s, to: idle, do: [{emit: {confidence: 1.0, content: {strength: 1.0}}}]}]}}}}""",
    ),
    ("Gate", "smoke", "{hears: [{domain: smell}], thresholds: {open: 0.5}, weight: {start: 10%}}"),
    (
        "Gate",
        "fire",
        "{hears: [{domain: smell}], thresholds: {open: 0.5}, weight: {start: 10%}, asleep: go}",
    ),
    (
        "Attention",
        "day",
        """{beat: 30s, levels: [
        {name: work, take: {share: 50%}, urgency: 80%, takes: 2s, leftover: carry, tiers: [4]},
        {name: dream, take: rest, baseline: 3s}, {name: watch, take: rest, baseline: 2s, asleep: go}]}""",
    ),
    (
        "Scenario",
        "s",
        "{attention: day, economy: body, actors: [gate/smoke, gate/fire], cells: [nose], horizon: 5min, stimuli: [{at: 200s, level: work, takes: 2s, item: fright}]}",
    ),
)


def _bodies(result: RunResult, actor: str, kind: type[Any]) -> list[tuple[int, Any]]:
    return [
        (one.time_ns, one.body)
        for one in result.records()
        if one.actor == actor and isinstance(one.body, kind)
    ]


def test_asleep_nothing_is_thought_and_nothing_heard_but_what_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = go(MINDED)
    turns = [
        (one.kind, one.time_ns)
        for one in result.run.purses.entries
        if one.kind in ("slumber", "wake", "urgency")
    ]
    assert [kind for kind, _ in turns][:4] == ["slumber", "urgency", "wake", "urgency"]
    slept_ns, woke_ns = turns[0][1], turns[2][1]
    assert slept_ns < 60 * SECOND_NS
    assert woke_ns == 200 * SECOND_NS == turns[1][1], "a fright wakes at once"
    for actor in ("attention/day", "gate/smoke", "gate/fire"):
        said = [(at_ns, body.asleep) for at_ns, body in _bodies(result, actor, records.Slumbering)]
        assert said[:2] == [(slept_ns, True), (woke_ns, False)]
    came = [
        (at_ns, body.level)
        for at_ns, body in _bodies(result, "attention/day", records.Arrived)
        if body.baseline
    ]
    assert not [one for one in came if slept_ns < one[0] < woke_ns and one[1] == "dream"]
    assert [one for one in came if slept_ns < one[0] < woke_ns and one[1] == "watch"]
    heard_waves = {
        gate: [
            at_ns
            for at_ns, _ in _bodies(result, f"gate/{gate}", records.Resonated)
            if slept_ns < at_ns < woke_ns
        ]
        for gate in ("smoke", "fire")
    }
    assert not heard_waves["smoke"]
    assert len(heard_waves["fire"]) > 100
    path = tmp_path / "it.yaml"
    path.write_text(MINDED, encoding="utf-8")
    assert run(["simulate", str(path), "-v"]) == 0
    shown = capsys.readouterr().out
    assert "smoke                body sleeps" in shown
    assert "body is awake" in shown


def test_a_reflex_is_as_urgent_as_its_level_while_it_lasts() -> None:
    text = documents(
        ("Economy", "body", "{opening: 10}"),
        (
            "Attention",
            "day",
            """{levels: [
            {name: flinch, reflex: true, take: {each: 50ms}, max_per_beat: 5, urgency: 100%}, {name: work, take: all, urgency: 60%},
            {name: dream, take: rest, baseline: 3s, urgency: 90%}]}""",
        ),
        (
            "Scenario",
            "s",
            """{attention: day, economy: body, horizon: 60s, stimuli: [
            {at: 5s, level: work, takes: 2s, item: letter}, {at: 6s, level: flinch, item: bang}]}""",
        ),
    )
    urged = [(one.time_ns, one.amount) for one in entries(go(text), "urgency")]
    second, after_ns = SECOND_NS, SECOND_NS // 20
    assert urged[:3] == [(5 * second, 600_000), (6 * second, 10**6), (6 * second + after_ns, 600_000)]
    assert urged[3] == (7 * second + after_ns, 0)
    assert len(urged) == 4, "a baseline is not urgent"


@pytest.mark.parametrize(
    ("spec", "code", "fix"),
    [
        ("opening: 1, pulse: {}", "NIM0515", "add `capacity:`"),
        ("opening: 1, capacity: 2, slumber: {}", "NIM0515", "add `pulse:`"),
        ("opening: 1, capacity: 2, wake: {}", "NIM0515", "add `slumber:`"),
        ("opening: 0, capacity: 0, pulse: {}", "NIM0515", "raise the capacity"),
        ("opening: 1, capacity: 2, pulse: {slowest: 500ms}", "NIM0210", "raise `slowest`, or lower `base`"),
        ("opening: 1, capacity: 2, pulse: {scale: 0%}", "NIM0210", "write for example `10%`"),
        ("opening: 1, capacity: 2, emergency: 3", "NIM0506", "lower `emergency`, or raise the capacity"),
        (
            "opening: 1, capacity: 2, pulse: {}, marks: {pulse: {below: 1}}",
            "NIM0510",
            "give the mark another name",
        ),
    ],
)
def test_what_is_wrong_is_one_error(spec: str, code: str, fix: str) -> None:
    found = nimdsl.check_text(documents(("Economy", "body", f"{{{spec}}}"))).diagnostics
    errors = [one for one in found if one.severity.value == "error"]
    assert [(one.code, one.fix) for one in errors] == [(code, fix)]


def test_nobody_sends_what_an_economy_tells() -> None:
    text = SLEEPER.replace("{data: {pulses: int}, ", "{data: {pulses: int}, accepts: {wake: {}}, ")
    assert [one.code for one in nimdsl.check_text(text).diagnostics] == ["NIM0208"]
