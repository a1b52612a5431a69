"""Constants: what `${...}` over `for` and `parameters` becomes, wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity
from nimdsl.loading import with_overrides
from nimdsl.program import Program
from nimdsl.show.resolved import resolve_document

ENVELOPE = "apiVersion: nimdsl.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def document(kind: str, name: str, spec: str) -> str:
    return ENVELOPE.format(kind=kind, name=name, spec=spec)


ECONOMY = document(
    "Economy", '"purse-${k}"', '{for: {k: [1, 2]}, parameters: {base: 40}, opening: "${base + 15 * k}"}'
)
CELL = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "lamp-${side}-${rest}"}
spec:
  for: {side: [left, right], rest: [1min, 90s]}
  parameters: {most: 3, failing: 40%, dear: 0.5LF, text: "30s"}
  data: {count: int, pause: duration, share: share, price: lifeforce, name: string}
  initial: {count: "${most + 1}", pause: "${rest * 2}", price: "${-dear}"}
  accepts: {"switch_${side}": {}}
  machine:
    initial: dark
    states:
      dark:
        transitions:
          - event: "switch_${side}"
            if: count < most
            to: bright
            cost: "${dear}"
            do: [{set: {share: "${failing}", name: "${text}", pause: "${rest}"}}]
          - event: "switch_${side}"
            to: dark
            do: [{emit: {content: {free: "${rest}", said: "for ${rest}"}}}]
          - {event: refused, to: dark}
      bright:
        enter: [{work: glow}]
        timers: [{after: "${rest}", to: dark}]
        transitions: [{event: done, to: dark}, {event: failed, to: dark}]
  work:
    glow: {virtual: {latency: {constant: "${rest / 2}"}, failure: "${failing}"}}
"""


def loaded(text: str) -> Program:
    return nimdsl.load_text(text)


def codes(text: str) -> list[tuple[str, str, str]]:
    found = nimdsl.check_text(text).diagnostics
    return [(one.code, one.message, one.fix) for one in found if one.severity is Severity.ERROR]


def test_numbers_are_computed_before_their_field_is_read() -> None:
    assert [one.opening for one in loaded(ECONOMY).economies.values()] == [55_000_000, 70_000_000]


def test_the_range_of_a_field_holds_for_what_comes_out() -> None:
    found = codes(ECONOMY.replace("15 * k", "-60 * k"))
    assert [(code, message) for code, message, _ in found] == [
        ("NIM0210", "`opening`: must not be less than 0")
    ]


def test_names_get_constants_as_they_were_written() -> None:
    cells = loaded(CELL + "---\n" + document("Economy", "purse", "{opening: 1}")).cells
    assert [*cells] == ["lamp-left-1min", "lamp-left-90s", "lamp-right-1min", "lamp-right-90s"]
    assert cells["lamp-left-90s"].accepts == ("switch_left",)


def test_quantities_keep_their_unit_and_quoted_ones_are_text() -> None:
    cell = loaded(CELL + "---\n" + document("Economy", "purse", "{opening: 1}")).cells["lamp-right-90s"]
    assert cell.data == {
        "count": 4,
        "pause": 180_000_000_000,
        "share": 0,
        "price": -500_000,
        "name": "",
    }
    first, second, _ = cell.root.states[0].transitions
    assert first.price
    assert first.price.amount == 500_000
    sets: list[Any] = [action.value.evaluate({}) for action in first.actions]  # type: ignore[union-attr]
    assert sets == [400_000, "30s", 90_000_000_000]
    emitted: Any = second.actions[0]
    assert emitted.content.evaluate({}) == {"free": 90_000_000_000, "said": "for 90s"}


def test_a_scenario_can_change_parameters() -> None:
    program = loaded(ECONOMY)
    changed = with_overrides(program, {"economy/purse-2.parameters.base": 1})
    assert [one.opening for one in changed.economies.values()] == [55_000_000, 31_000_000]


def test_stimuli_are_made_for_each_value() -> None:
    scenario = document(
        "Scenario",
        "night",
        '{stimuli: [{for: {s: [left, right]}, at: 2s, to: "lamp-${s}-90s", event: "switch_${s}"}]}',
    )
    stimuli = (
        loaded(CELL + "---\n" + document("Economy", "purse", "{opening: 1}") + "---\n" + scenario)
        .scenarios["night"]
        .stimuli
    )
    assert [(one.to, one.event) for one in stimuli] == [
        (("cell/lamp-left-90s",), "switch_left"),
        (("cell/lamp-right-90s",), "switch_right"),
    ]


def test_what_is_shown_is_filled_in_and_loads_again() -> None:
    program = loaded(CELL + "---\n" + document("Economy", "purse", "{opening: 1}"))
    shown: Any = resolve_document(program.documents.get("Cell", "lamp-left-1min"))
    assert shown["metadata"]["name"] == "lamp-left-1min"
    assert shown["spec"]["machine"]["states"]["bright"]["timers"][0]["after"] == "1min"
    assert {"for", "parameters"}.isdisjoint(shown["spec"])


@pytest.mark.parametrize(
    ("old", "new", "code", "message", "fix"),
    [
        ("${base + 15 * k}", "${bas}", "NIM0303", "`bas` is no constant", "did you mean `base`?"),
        ("${base + 15 * k}", "${base + true}", "NIM0304", "does not join int and bool", ""),
        ("${base + 15 * k}", "${base / 0}", "NIM0304", "division by zero", ""),
        ("base: 40", "base: 40, k: 40", "NIM0208", "`k` is a variable of `for` already", "another name"),
        ("purse-${k}", "purse", "NIM0209", "`purse` would name 2 instances", '`"purse-${k}"`'),
    ],
)
def test_a_mistake_is_told_once(old: str, new: str, code: str, message: str, fix: str) -> None:
    (found,) = codes(ECONOMY.replace(old, new))
    assert found[0] == code
    assert message in found[1]
    assert fix in found[2]


def test_keys_that_become_the_same_are_told() -> None:
    twice = CELL.replace(
        'accepts: {"switch_${side}": {}}', 'accepts: {"on_${most}": {}, "on_${1 + 2}": {}}'
    )
    assert ("NIM0109", "`on_3` stands here twice", "write another key") in codes(twice)


def test_items_of_lists_are_bounded() -> None:
    many = ", ".join(["x"] * 101)
    stimuli = f"{{stimuli: [{{for: {{a: [{many}], b: [{many}]}}, at: 1s, to: lamp, event: go}}]}}"
    assert ("NIM0210", "`for` makes 10201 instances; 10000 are allowed", "") in codes(
        document("Scenario", "night", stimuli)
    )
