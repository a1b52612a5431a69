"""What work reserves is a price: everything that is said of prices is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from simulate import run

H = "apiVersion: nimdsl.dev/v1"
BATTERY = f"{{{H}, kind: Economy, metadata: {{name: battery}}, spec: {{opening: 10, rewards: {{tip: 1}}}}}}"
OTHER = f"{{{H}, kind: Economy, metadata: {{name: other}}, spec: {{opening: 10}}}}"


def cell(states: str, reserve: str = "1", economy: str = "economy: battery,") -> str:
    """A cell whose state ``b`` begins work that reserves something."""
    work = f"work: {{w: {{reserve: {reserve}, cost: 1, virtual: {{latency: {{constant: 1s}}}}}}}}"
    b = "b: {enter: [{work: w}], transitions: [{event: done, to: a}, {event: failed, to: a}]}"
    machine = f"machine: {{initial: a, states: {{{states}, {b}}}}}"
    spec = f"{{{economy} accepts: {{go: {{}}}}, {machine}, {work}}}"
    return f"{{{H}, kind: Cell, metadata: {{name: c}}, spec: {spec}}}"


def scenario(spec: str = "") -> str:
    """A scenario in which the cell is told to go."""
    spec = f"{{horizon: 1min, stimuli: [{{at: 1s, to: c, event: go}}]{spec}}}"
    return f"{{{H}, kind: Scenario, metadata: {{name: s}}, spec: {spec}}}"


def codes(*documents: str) -> list[str]:
    """The codes of what is found."""
    return [one.code for one in nimdsl.check_text("\n---\n".join(documents)).diagnostics]


PLAIN = "a: {transitions: [{event: go, to: b}]}"


def test_somebody_must_pay_what_is_reserved() -> None:
    assert codes(BATTERY, OTHER, cell(PLAIN, economy=""), scenario()) == ["NIM0505"]
    assert codes(cell(PLAIN, economy=""), scenario()) == ["NIM0505"]
    assert codes(BATTERY, OTHER, cell(PLAIN, economy=""), scenario(", economy: other")) == []
    assert codes(BATTERY, OTHER, cell(PLAIN), scenario()) == []


def test_nothing_is_reserved_on_a_refusal() -> None:
    assert codes(BATTERY, cell("a: {transitions: [{event: go, to: b}, {event: refused, to: b}]}")) == [
        "NIM0411"
    ]
    waiting = (
        "a: {transitions: [{event: go, to: b}, {event: refused, to: r}]}, r: {timers: [{after: 1s, to: a}]}"
    )
    assert codes(BATTERY, cell(waiting)) == []


def test_a_timer_that_leads_to_a_reserve_can_be_refused() -> None:
    timed = "a: {timers: [{after: 1s, to: b}]}"
    assert codes(BATTERY, cell(timed).replace("accepts: {go: {}}, ", "")) == ["NIM0410"]
    out = "a: {timers: [{after: 1s, to: b}], transitions: [{event: refused, to: d}]}, d: {final: true}"
    assert codes(BATTERY, cell(out).replace("accepts: {go: {}}, ", "")) == []


def test_a_reserve_that_nobody_can_have_is_told() -> None:
    assert codes(BATTERY, cell(PLAIN, reserve="20"), scenario()) == ["NIM0512"]
    assert codes(BATTERY, cell(PLAIN, reserve="10"), scenario()) == []


@pytest.mark.parametrize(
    ("own", "of_scenario", "code"),
    [
        ("", "other", ["NIM0301"]),
        ("", "battery", []),
        ("economy: other,", "battery", ["NIM0301"]),
        ("economy: battery,", "other", []),
    ],
)
def test_a_reward_is_one_of_the_economy_that_somebody_lives_on(
    own: str, of_scenario: str, code: list[str]
) -> None:
    tipped = (
        f"{{{H}, kind: Cell, metadata: {{name: c}}, spec: {{{own} accepts: {{go: {{}}}}, machine: "
        "{initial: a, states: {a: {transitions: [{event: go, internal: true, do: [{reward: {name: tip}}]}]}"
        "}}}}"
    )
    assert codes(BATTERY, OTHER, tipped, scenario(f", economy: {of_scenario}")) == code


def test_a_reward_is_looked_for_in_the_economy_that_a_run_is_given(tmp_path: Path) -> None:
    tipped = (
        f"{{{H}, kind: Cell, metadata: {{name: c}}, spec: {{accepts: {{go: {{}}}}, machine: "
        "{initial: a, states: {a: {transitions: [{event: go, internal: true, do: [{reward: {name: tip}}]}]}"
        "}}}}"
    )
    file = tmp_path / "all.yaml"
    documents = (BATTERY, OTHER, tipped, scenario(", economy: battery"))
    file.write_text("\n---\n".join(documents), encoding="utf-8")
    with pytest.raises(nimdsl.SpecError, match="NIM0301"):
        run(nimdsl.load(file), "s", set={"scenario/s.economy": "other"})


@pytest.mark.parametrize("mark", ["refused", "fault", "returned", "unclaimed", "done", "failed"])
def test_a_mark_has_a_name_of_its_own(mark: str) -> None:
    marked = BATTERY.replace("opening: 10", f"opening: 10, marks: {{{mark}: {{below: 5}}}}")
    states = PLAIN.replace("]", ", {event: refused, to: a}]")
    assert "NIM0208" in codes(marked, cell(states))
