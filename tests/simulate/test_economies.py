"""Economies that change by themselves, in a garden: the day, the pulse, slumber, famine (SEMANTICS 3)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import nimdsl
import simulate
from gardens.report.result.result import RunResult
from nimdsl.base.units import MICRO, NANOSECONDS
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
    again = simulate.run(program, "s", options=proven)
    assert again.run.purses.entries == result.run.purses.entries
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
