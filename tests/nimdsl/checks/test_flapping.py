"""NIM0513: a mark that is over where it is told, and a cell that turns its flow round at both."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity
from nimdsl.checks import marks
from nimdsl.program.flatten import Table, flatten
from nimdsl.program.machine import State
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


LOW, OVER = "event: low, to: charging", "event: low.over, to: driving"
TIP = "do: [{reward: {name: tip}}]"
RICH = "rewards: {tip: 5},"


@pytest.mark.parametrize("way", [LOW, OVER])
@pytest.mark.parametrize(
    "more",
    [
        "cost: 2",
        "costs: {grid: 2}",
        TIP,
        "do: [{work: drive}]",
        "do: [{raise: gone}]",
        "do: [{set: {many: '${4 / many}'}}]",
    ],
)
def test_what_moves_the_balance_or_leads_elsewhere_on_the_way_ends_it(way: str, more: str) -> None:
    """After it the mark is not where it was told."""
    ways = WAYS.replace("transitions: [", f"transitions: [{ENDS}, ") + PARKED
    text = documents(states=ways, economy=RICH, data=f"accepts: {{gone: {{}}}}, {DRIVE}") + GRID
    assert codes(text.replace(way, f"{way}, {more}")) == []
    assert codes(text) == ["NIM0513"]


OTHERS = ("gone", "done", "failed", "fault")
ENDS = ", ".join(["{event: refused, to: idle}", *(f"{{event: {one}, to: parked}}" for one in OTHERS)])
IDLE = ", idle: {transitions: [{event: gone, to: driving}]}"
BACK = ENDS.replace("to: parked", "to: driving")
PARKED = f", parked: {{enter: [{{work: drive}}, {{reward: {{name: tip}}}}], transitions: [{BACK}]}}{IDLE}"
DRIVE = "data: {many: real}, work: {drive: {reserve: 2, cost: 1, virtual: {latency: {constant: 1h}}}},"
GRID = f"\n---\n{{{H}, kind: Economy, metadata: {{name: grid}}, spec: {{opening: 9}}}}"


@pytest.mark.parametrize("key", ["enter", "exit"])
@pytest.mark.parametrize("state", ["DRIVING", "CHARGING"])
def test_what_states_do_on_the_way_counts_too(state: str, key: str) -> None:
    ways = WAYS.replace(f"{state} ", f"{state} {key}: [{{reward: {{name: tip}}}}], ")
    assert codes(documents(states=ways, economy=RICH)) == []


@pytest.mark.parametrize(
    ("timer", "flaps"), [("after: 0s", False), ("after: 1h", True), ("after: 1h, jitter: 100%", False)]
)
def test_a_timer_that_may_be_due_at_once_ends_it(timer: str, flaps: bool) -> None:
    ways = (
        WAYS.replace("CHARGING ", f"CHARGING timers: [{{{timer}, to: gone}}], ") + ", gone: {final: true}"
    )
    assert codes(documents(states=ways)) == (["NIM0513"] if flaps else [])


def scenario(economy: str, name: str = "s", more: str = "") -> str:
    """A scenario in which the robot takes part."""
    spec = f"{{economy: {economy}, cells: [robot], horizon: 9s{more}}}"
    return f"\n---\n{{{H}, kind: Scenario, metadata: {{name: {name}}}, spec: {spec}}}"


@pytest.mark.parametrize(
    ("scenarios", "flaps"),
    [
        ("", False),
        (scenario("battery"), True),
        (scenario("battery") + scenario("battery", "t"), True),
        (scenario("grid"), False),
        (scenario("battery") + scenario("grid", "t"), False),
        (scenario("battery", more=", set: {cell/robot.economy: grid}"), False),
        (scenario("battery").replace("[robot]", "[]"), False),
    ],
)
def test_a_cell_that_names_no_economy_is_judged_where_it_is_sure_what_it_lives_on(
    scenarios: str, flaps: bool
) -> None:
    assert ("NIM0513" in codes(documents(lives="") + GRID + scenarios)) == flaps
    assert "NIM0513" in codes(documents() + GRID + scenarios)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The machines that were flattened."""
    found: list[int] = []

    def noted(root: State) -> Table:
        found.append(id(root))
        return flatten(root)

    monkeypatch.setattr(marks, "flatten", noted)
    return found


def test_a_family_is_told_of_once_and_each_machine_is_looked_at_once(looked: list[int]) -> None:
    more = "{event: empty, internal: true}, {event: empty.over, internal: true}"
    ways = WAYS.replace("transitions: [", f"transitions: [{more}, ")
    family = documents(
        "{below: 25}, empty: {below: 5}", states=ways, lives="for: {i: [1, 2, 3]}, economy: battery,"
    )
    others = GRID.replace("opening: 9", "opening: 9, marks: {low: {below: 5}}")
    assert codes(family.replace("robot", '"robot-${i}"') + others).count("NIM0513") == 1
    assert len(looked) == len({*looked}) == 3


def test_nothing_is_looked_at_once_all_marks_are_told_of(looked: list[int]) -> None:
    family = documents(lives="for: {i: [1, 2, 3]}, economy: battery,").replace("robot", '"robot-${i}"')
    assert codes(family) == ["NIM0513"]
    assert len(looked) == 1


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
