"""Worst cases of purses: each economy that takes part is judged on its own, by what is paid from it."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
import simulate
from nimdsl import Diagnostic, Severity
from tests.nimdsl.checks.building import ECONOMY, TALK, document, leaves_alone, phase, together

PURSE = document("Economy", "{opening: 10}", "purse")
STIMULUS = "stimuli: [{at: 1s, to: robot, event: go}]"
RUN = document("Scenario", f"{{economy: purse, {STIMULUS}}}", "run")


def battery(spec: str = "opening: 5, floor: 2") -> str:
    """The second economy, by default with 3 LF above its floor."""
    return document("Economy", f"{{{spec}}}", "battery")


def robot(way: str, own: str = "economy: battery, ", work: str = "") -> str:
    """A cell with one transition on ``go`` into a state that begins its work, if it has some."""
    enter = ", enter: [{work: drive}]" if work else ""
    machine = (
        f"{{initial: a, states: {{a: {{transitions: [{{event: go, to: b, {way}}}]}}, "
        f"b: {{transitions: [{{event: go, to: a}}]{enter}}}}}}}"
    )
    done = f", work: {{drive: {{reserve: {work}, cost: 1, done: go, failed: go}}}}" if work else ""
    return document("Cell", f"{{{own}accepts: {{go: {{}}}}, machine: {machine}{done}}}", "robot")


def said(*documents: str) -> tuple[Diagnostic, ...]:
    """What is found in documents."""
    return nimdsl.check_text(together(*documents)).diagnostics


def message(amount: str, economy: str, most: str) -> str:
    """What NIM0512 says."""
    return f"nobody can ever pay {amount} LF: `{economy}` never has more than {most} LF above its floor"


GATE = """\
apiVersion: nimdsl.dev/v1
kind: Gate
metadata: {name: g}
spec: {hears: [{domain: d}], thresholds: {open: 0.5}, cost: {open: 20}, weight: {start: 0%, REWARD}}
---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {opening: 10}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 1min, economy: purse, actors: [gate/g]}
"""


@pytest.mark.parametrize(
    ("reward", "codes"),
    [
        ("learns: true", ["NIM0512"]),
        ("reward: 0", ["NIM0512"]),
        ("reward: 50", []),
    ],
)
def test_what_a_gate_earns_comes_into_the_economy_of_its_scenario(reward: str, codes: list[str]) -> None:
    text = GATE.replace("REWARD", reward)
    found = nimdsl.check_text(text).diagnostics
    assert [one.code for one in found if one.code != "NIM0701"] == codes


def test_what_a_cell_costs_is_paid_by_the_economy_that_it_lives_on() -> None:
    (found,) = said(PURSE, battery(), robot("cost: 3.5"), RUN)
    assert (found.code, found.severity) == ("NIM0512", Severity.WARNING)
    assert found.message == message("3.5", "battery", "3.0")
    leaves_alone(PURSE, battery(), robot("cost: 3"), RUN)


def test_costs_are_paid_by_the_economy_of_that_name() -> None:
    (found,) = said(PURSE, battery(), robot("cost: 4, costs: {battery: 3.5}", own=""), RUN)
    assert found.message == message("3.5", "battery", "3.0")
    leaves_alone(PURSE, battery(), robot("cost: 4, costs: {battery: 3}", own=""), RUN)


def test_a_bill_is_split_by_purse() -> None:
    leaves_alone(PURSE, battery(), robot("cost: 3, costs: {purse: 10}"), RUN)
    (found,) = said(PURSE, battery(), robot("cost: 3, costs: {purse: 10.5}"), RUN)
    assert found.message == message("10.5", "purse", "10.0")


def test_what_work_reserves_is_of_the_cells_own_purse() -> None:
    (found,) = said(PURSE, battery(), robot("cost: 1, costs: {purse: 9}", work="2.5"), RUN)
    assert found.message == message("3.5", "battery", "3.0")
    leaves_alone(PURSE, battery(), robot("cost: 1, costs: {purse: 9}", work="2"), RUN)


@pytest.mark.parametrize(("own", "count"), [("", 1), ("economy: battery, ", 0)])
def test_a_purse_grows_by_the_rewards_of_those_who_live_on_it(own: str, count: int) -> None:
    """A reward of the same name that somebody else is paid by another economy does not help."""
    rich = document("Economy", "{opening: 10, rewards: {tip: 1}}", "purse")
    tipped = document(
        "Cell",
        f"{{{own}accepts: {{go: {{}}}}, machine: {{initial: a, states: "
        "{a: {transitions: [{event: go, internal: true, do: [{reward: {name: tip}}]}]}}}}",
        "waiter",
    )
    stimuli = "stimuli: [{at: 1s, to: robot, event: go}, {at: 2s, to: waiter, event: go}]"
    scenario = document("Scenario", f"{{economy: purse, {stimuli}}}", "run")
    found = said(rich, battery("opening: 3, rewards: {tip: 1}"), robot("cost: 4"), tipped, scenario)
    assert [one.code for one in found] == ["NIM0512"] * count


MODES = "initial: idle, states: {idle: {transitions: [{event: think, to: busy, WAY}]}, busy: {final: true}}"


def attention(way: str = "", level: str = "{name: think, take: all, takes: 1s}") -> str:
    """An attention whose mode changes with this price."""
    modes = f", modes: {{{MODES.replace('WAY', way)}}}" if way else ""
    return document("Attention", f"{{levels: [{level}]{modes}}}", "mind")


BEATS = document("Scenario", "{economy: purse, attention: mind}", "run")


def test_modes_of_an_attention_pay_as_cells_do() -> None:
    leaves_alone(PURSE, battery(), attention("cost: 10, costs: {battery: 3}"), BEATS)
    (found,) = said(PURSE, battery(), attention("cost: 10, costs: {battery: 4}"), BEATS)
    assert found.message == message("4.0", "battery", "3.0")
    (found,) = said(PURSE, battery(), attention("cost: 11, costs: {battery: 3}"), BEATS)
    assert found.message == message("11.0", "purse", "10.0")


def test_expectations_see_the_economies_that_modes_pay() -> None:
    expect = "expect: ['economies.battery.spent == 0LF']"
    scenario = document("Scenario", f"{{economy: purse, attention: mind, {expect}}}", "run")
    leaves_alone(PURSE, battery(), attention("costs: {battery: 1}"), scenario)


def panel(flow: str, own: str = "") -> str:
    """A cell in which something flows while it is lit."""
    machine = (
        f"{{initial: lit, states: {{lit: {{{flow}, transitions: [{{event: go, to: dark}}]}}, "
        "dark: {transitions: [{event: go, to: lit}]}}}"
    )
    return document("Cell", f"{{{own}accepts: {{go: {{}}}}, machine: {machine}}}", "panel")


SUNNY = document("Scenario", "{economy: purse, attention: mind, cells: [panel]}", "run")
DEAR = attention(level="{name: think, take: all, max_per_beat: 1, cost: {fixed: 3}}")


def test_full_load_counts_what_cells_bring_to_the_same_purse() -> None:
    leaves_alone(PURSE, battery(), DEAR, panel("income: 0.1"), SUNNY)
    (found,) = said(PURSE, battery(), DEAR, panel("income: 0.05"), SUNNY)
    assert (found.code, found.severity) == ("NIM0605", Severity.WARNING)
    assert found.message == (
        "at full load a beat costs 3.0 LF and at most 1.5 come in: without rewards `purse` lasts 6 beats"
    )


def test_full_load_does_not_count_what_another_purse_gets() -> None:
    (found,) = said(PURSE, battery(), DEAR, panel("income: 0.1", "economy: battery, "), SUNNY)
    assert "costs 3.0 LF and 0.0 come in" in found.message


def test_full_load_takes_cells_where_they_take_least() -> None:
    """Nobody knows how long a cell stands where it is dear: what is told is true wherever it stands."""
    sun = document("Economy", "{opening: 10, incomes: {sun: 0.1}}", "purse")
    leaves_alone(sun, battery(), DEAR, panel("upkeep: 5"), SUNNY)


def test_a_level_is_payable_from_what_cells_bring() -> None:
    thin = document("Economy", "{opening: 2}", "purse")
    assert "NIM0602" in [one.code for one in said(thin, battery(), DEAR, panel("upkeep: 0.1"), SUNNY)]
    leaves_alone(thin, battery(), DEAR, panel("income: 0.1"), SUNNY)


FUEL = document("Economy", "{opening: 10, marks: {low: {below: 5}}}", "fuel")
PAYING = "{initial: a, states: {a: {transitions: [{event: go, to: b, costs: {fuel: 6}}]}, b: {STATE}}}"
TOP = "{initial: a, any: [{event: go, to: b, costs: {fuel: 6}}], states: {a: {}, b: {STATE}}}"
TIMED = "{initial: a, states: {a: {timers: [{after: 1s, to: b, costs: {fuel: 6}}], transitions: [{event: go, to: b}]}, b: {STATE}}}"  # noqa: E501
INNER = "{initial: up, states: {up: {initial: a, states: {a: {transitions: [{event: go, to: b, costs: {fuel: 6}}]}}}, b: {STATE}}}"  # noqa: E501


def hearing(machine: str) -> str:
    """The machine, which goes back to its beginning at a mark of ``fuel``."""
    initial = machine.partition(": ")[2].partition(",")[0]
    return machine.replace("STATE", f"transitions: [{{event: low, to: {initial}}}]")


def payer(machine: str, accepts: str = "{go: {}}") -> str:
    """A cell that lives on ``purse``."""
    return document("Cell", f"{{economy: purse, accepts: {accepts}, machine: {machine}}}", "c")


@pytest.mark.parametrize(
    "machine", [PAYING, PAYING.replace("costs", r'"\x63osts"'), TOP, TIMED, INNER], ids=range(5)
)
def test_marks_are_heard_of_the_purses_that_are_paid_however_it_is_written(machine: str) -> None:
    leaves_alone(PURSE, FUEL, payer(hearing(machine)))


@pytest.mark.parametrize("key", ["cell/c.machine", "cell/c.machine.states"])
def test_marks_are_heard_of_the_purses_that_a_run_pays(key: str, tmp_path: Path) -> None:
    """What a document says may come from another file than the document."""
    quiet = PAYING.replace(", costs: {fuel: 6}", "").replace("STATE", "final: true")
    machine = hearing(PAYING)
    value = machine if key.endswith("machine") else machine.partition("states: ")[2][:-1]
    expect = 'expect: [cells.c.state == "a"]'
    spec = f"economy: purse, horizon: 9s, stimuli: [{{at: 1s, to: c, event: go}}], {expect}"
    for name, text in {
        "economies": together(PURSE, FUEL),
        "cell": payer(quiet),
        "scenario": document("Scenario", f"{{{spec}, set: {{{key}: {value}}}}}", "s"),
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert simulate.run(tmp_path, "s").ok


def test_an_event_that_is_called_costs_pays_nothing() -> None:
    """Even if one of its fields has the name of an economy."""
    machine = "{initial: a, states: {a: {transitions: [{event: costs, to: a}, {event: low, to: a}]}}}"
    found = said(PURSE, FUEL, payer(machine, "{costs: {fuel: int}}"))
    assert "nobody raises the event `low`" in [one.message for one in found]


PROTOCOL = document("Protocol", "{economy: purse, phases: [first]}", "talk")


def handshake(economy: str, more: str = "") -> tuple[str, ...]:
    """Documents of a protocol whose scenario lets another economy pay."""
    scenario = document("Scenario", f"{{protocol: talk, economy: battery{more}}}", "run")
    return ECONOMY, battery(economy), TALK, phase(), PROTOCOL, scenario


def test_the_first_handshake_is_paid_by_the_economy_of_the_scenario() -> None:
    (found,) = said(*handshake("opening: 3, floor: 2"))
    assert (found.code, found.severity) == ("NIM0503", Severity.WARNING)
    assert found.message == (
        "the first handshake reserves 1.4 LF, `battery` opens with 1.0 LF above its floor"
    )
    assert found.fix == "raise `opening` to at least 3.4"
    leaves_alone(*handshake("opening: 3.4, floor: 2"))


def test_a_reward_that_a_whole_family_asks_for_in_vain_is_told_once() -> None:
    machine = "{initial: a, states: {a: {enter: [{reward: {name: tip}}], final: true}}}"
    family = document("Cell", f"{{for: {{i: [1, 2, 3]}}, machine: {machine}}}", '"waiter-${i}"')
    rich = battery("opening: 3, rewards: {tip: 1}")
    (found,) = said(PURSE, rich, family, document("Scenario", "{economy: purse, cells: [waiter-*]}", "run"))
    assert found.message == "`waiter-1` asks for the reward `tip`, and `purse` has none of that name"


UNLESS = ": it is refused unless the rest comes in before"
SUN = "{initial: a, states: {a: {income: 1, timers: [{after: 1h, to: b}]}, b: {final: true}}}"
TIP = SUN.replace("income: 1", "enter: [{reward: {name: answered}}]")


def waiter(machine: str, own: str = "") -> str:
    """A cell that is there from the beginning."""
    return document("Cell", f"{{{own}machine: {machine}}}", "waiter")


def talking(*more: str, own: str = "opening: 1", other: str = "", cells: str = "waiter") -> tuple[str, ...]:
    """A protocol whose economy opens with 1 LF, and a scenario in which some cells take part."""
    purse = ECONOMY.replace("opening: 10", own)
    scenario = document("Scenario", f"{{protocol: talk, {other}cells: [oracle, {cells}]}}", "run")
    return (purse, TALK, phase(), PROTOCOL, *more, scenario)


@pytest.mark.parametrize("machine", [TIP, SUN])
@pytest.mark.parametrize("own", ["", "economy: purse, "])
def test_a_handshake_that_others_can_pay_for_is_no_error(machine: str, own: str) -> None:
    (found,) = said(*talking(waiter(machine, own)))
    assert (found.code, found.severity) == ("NIM0503", Severity.WARNING)
    assert (
        found.message
        == f"the first handshake reserves 1.4 LF, `purse` opens with 1.0 LF above its floor{UNLESS}"
    )
    assert found.place.excerpt.startswith("spec: {protocol: talk")


def test_it_runs_where_the_rest_comes_in_before() -> None:
    tipped, lit = (
        simulate.run(nimdsl.load_text(together(*talking(waiter(machine)))), "run") for machine in (TIP, SUN)
    )
    assert tipped.completed
    assert not lit.completed  # it had no time to bring anything


POOR = TIP.replace("answered", "fine")


@pytest.mark.parametrize(
    "documents",
    [
        talking(waiter(TIP, "economy: battery, "), battery("opening: 5, rewards: {answered: 2}")),
        talking(waiter(POOR), own="opening: 1, capacity: 1"),
        talking(waiter(TIP), own="opening: 1, capacity: 1.3"),
        talking(waiter(SUN.replace("income", "upkeep"))),
    ],
    ids=["another purse", "a penalty", "no room", "an upkeep"],
)
def test_a_handshake_that_nobody_can_pay_for_is_an_error(documents: tuple[str, ...]) -> None:
    texts = [
        text.replace("rewards: {answered: 2}}", "rewards: {answered: 2, fine: -1}}") for text in documents
    ]
    (found,) = said(*texts)
    assert (found.code, found.severity) == ("NIM0503", Severity.ERROR)
    assert found.message.endswith("above its floor")


def test_a_handshake_counts_on_those_alone_that_take_part() -> None:
    (found,) = said(
        *talking(waiter(TIP), waiter(SUN).replace("name: waiter", "name: idler"), cells="idler")
    )
    assert found.message.endswith(UNLESS)
    dark = SUN.replace("income: 1, ", "")
    (found,) = said(
        *talking(waiter(TIP), waiter(dark).replace("name: waiter", "name: idler"), cells="idler")
    )
    assert (found.severity, found.message[-5:]) == (Severity.WARNING, "floor")


def test_a_handshake_that_another_economy_pays_is_judged_by_who_lives_on_that() -> None:
    rich = battery("opening: 1, rewards: {answered: 2}")
    (found,) = said(*talking(waiter(TIP), rich, own="opening: 9", other="economy: battery, "))
    assert found.message.endswith(UNLESS)
    home = waiter(TIP, "economy: purse, ")
    (found,) = said(*talking(home, rich, own="opening: 9", other="economy: battery, "))
    assert found.message.endswith("`battery` opens with 1.0 LF above its floor")


def test_an_income_of_the_economy_may_come_before_the_first_handshake() -> None:
    """Where a garden's clock goes on while it begins."""
    (found,) = said(*talking(waiter(SUN.replace("income: 1, ", "")), own="opening: 1, incomes: {sun: 9}"))
    assert (found.severity, found.message.endswith(UNLESS)) == (Severity.WARNING, True)


def test_a_cell_that_is_wrong_may_have_brought_something() -> None:
    found = said(*talking(waiter(TIP.replace("to: b", "to: c"))))
    assert ("NIM0503", Severity.ERROR) not in [(one.code, one.severity) for one in found]


def test_a_scenario_that_changes_prices_is_not_judged() -> None:
    leaves_alone(*handshake("opening: 1", ", set: {economy/battery.opening: 5}"))
