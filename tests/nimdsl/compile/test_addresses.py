"""Addresses: names, members of families, whoever sent the event at hand."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
import simulate
from nimdsl.base.diagnostics import Severity
from nimdsl.loading import with_overrides
from runtime import records

HOUSE = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "lamp-${room}-${number}"}
spec:
  for: {room: [hall, yard-2], number: [1, 2]}
  data: {lit: int}
  accepts: {tick: {by: int}}
  machine:
    initial: quiet
    states:
      quiet:
        transitions:
          - event: tick
            internal: true
            do: [{set: {lit: "${lit + event.by}"}}, {send: {to: "${origin}", event: seen, payload: {of: "${lit}"}}}]
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: house}
spec:
  data: {room: string, seen: int, faults: int, from_: string}
  initial: {room: hall}
  accepts: {pick: {number: int}, all: {}, some: {}, seen: {of: int}}
  machine:
    initial: open
    any: [{event: fault, internal: true, do: [{set: {faults: "${faults + 1}"}}]}]
    states:
      open:
        transitions:
          - {event: pick, internal: true, do: [{send: {to: "lamp-${room}-${event.number}", event: tick, payload: {by: 10}}}]}
          - {event: some, internal: true, do: [{send: {to: "lamp-${room}-*", event: tick, payload: {by: 1}}}]}
          - {event: all, internal: true, do: [{send: {to: lamp-*-*, event: tick, payload: {by: 100}}}]}
          - {event: seen, internal: true, do: [{set: {seen: "${seen + 1}", from_: "${origin}"}}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: evening}
spec:
  horizon: 1min
  stimuli:
    - {at: 1s, to: house, event: pick, payload: {number: 2}}
    - {at: 2s, to: house, event: some}
    - {at: 3s, to: house, event: all}
    - {at: 4s, to: house, event: pick, payload: {number: 3}}
  expect:
    - cells.house.data.faults == 1 && cells.house.data.seen == 7
    - size(cells["lamp-*-*"]) == 4 && sum(cells["lamp-hall-*"].map(x, x.data.lit)) == 212
    - cells["lamp-*-2"].all(x, x.data.lit >= 100)
"""


def errors(text: str) -> list[tuple[str, str, str]]:
    found = nimdsl.check_text(text).diagnostics
    return [(one.code, one.message, one.fix) for one in found if one.severity is not Severity.NOTE]


def test_a_house_of_lamps_runs() -> None:
    result = simulate.run(nimdsl.load_text(HOUSE), "evening")
    assert result.ok, result.summary["expect"]
    chosen = [
        one.body for one in result.records() if isinstance(one.body, records.Sent | records.SentToEach)
    ]
    told = [(body.to, body.count if isinstance(body, records.SentToEach) else 1) for body in chosen]
    of_the_house = [one for one in told if one[0].startswith("cell/lamp")]
    assert of_the_house == [("cell/lamp-hall-2", 1), ("cell/lamp-hall-*", 2), ("cell/lamp-*-*", 4)]
    faults = [one.body for one in result.records() if isinstance(one.body, records.Faulted)]
    assert [one.reason for one in faults] == ["there is no `cell/lamp-hall-3`"]


def test_a_broadcast_reaches_each_but_its_sender_in_the_order_of_instances() -> None:
    text = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "node-${k}"}
spec:
  for: {k: [10, 9, 1]}
  data: {heard: "list<string>"}
  accepts: {go: {}, hello: {}}
  machine:
    initial: up
    states:
      up:
        transitions:
          - {event: go, internal: true, do: [{send: {to: node-*, event: hello}}]}
          - {event: hello, internal: true, do: [{set: {heard: "${heard + [origin]}"}}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  stimuli: [{at: 1s, to: node-*, event: go}]
  expect: ['cells["node-*"].all(x, size(x.data.heard) == 2)', 'cells["node-9"].data.heard == ["node-10", "node-1"]']
"""
    assert simulate.run(nimdsl.load_text(text), "s").ok


def test_overrides_and_lists_take_families() -> None:
    program = with_overrides(nimdsl.load_text(HOUSE), {"cell/lamp-yard-2-*.initial": {"lit": 5}})
    assert [cell.data.get("lit") for cell in program.cells.values()] == [None, 0, 0, 5, 5]
    listed = HOUSE.replace("  horizon: 1min\n", "  horizon: 1min\n  cells: [house, lamp-*-*]\n")
    assert len(nimdsl.load_text(listed).scenarios["evening"].cells) == 5


@pytest.mark.parametrize(
    ("old", "new", "code", "message", "fix"),
    [
        ("lamp-*-*,", "lamp-*,", "NIM0308", "fits the name of no family", "did you mean `lamp-*-*`?"),
        ("lamp-*-*,", "lamps-*-*,", "NIM0308", "fits the name of no family", "did you mean `lamp-*-*`?"),
        ("to: lamp-*-*,", "to: lamp,", "NIM0301", "`lamp` is a family: `lamp-${room}-${number}`", "`lamp-*-*`"),
        ("to: lamp-*-*, event: tick", "to: lamp-*-*, event: tock", "NIM0301", "does not accept", "`tick`"),
        ("${event.number}", "${room}", "NIM0304", "int stands in this place", ""),
        ("${event.number}", "${event.numbr}", "NIM0307", "has no field `numbr`", "`number`"),
        ("seen: {of: int}}", "seen: {of: string}}", "NIM0306", "the event `seen`", "payload"),
        ("event: seen, payload: {of: \"${lit}\"}", "event: sen", "NIM0301", "`house` sends `tick`", "`seen`"),
        ("{at: 2s, to: house, event: some}", "{at: 2s, to: lamp-*-*, event: some}", "NIM0301", "accept", "`tick`"),
        ("to: house, event: some}", "to: lamp-hall-1, event: tick, payload: {by: 1}}", "NIM0309", "a stimulus has no sender", "origin"),
        ("room: string", "origin: string, room: string", "NIM0208", "`origin` means something", ""),
    ],
)  # fmt: skip
def test_mistakes(old: str, new: str, code: str, message: str, fix: str) -> None:
    assert old in HOUSE
    found = errors(HOUSE.replace(old, new))
    assert found, "nothing was found"
    assert found[0][0] == code
    assert message in found[0][1]
    assert fix in found[0][2]


def test_a_name_that_fits_two_families_is_refused() -> None:
    twins = "---".join(
        f'\napiVersion: nimdsl.dev/v1\nkind: Cell\nmetadata: {{name: "{name}"}}\nspec: {{for: {{k: [1, 2]}},'
        " accepts: {go: {}}, machine: {initial: a, states: {a: {transitions: [{event: go, internal: true}]}}}}\n"
        for name in ("a-${k}", "a-${k + 2}")
    )
    scenario = (
        "---\napiVersion: nimdsl.dev/v1\nkind: Scenario\nmetadata: {name: s}\n"
        "spec: {stimuli: [{at: 1s, to: a-*, event: go}]}\n"
    )
    (found,) = errors(twins + scenario)
    assert found[0] == "NIM0308"
    assert "fits `a-${k}` and `a-${k + 2}`" in found[1]


def test_timers_have_nobody_to_answer() -> None:
    late = HOUSE.replace(
        "      quiet:\n",
        '      quiet:\n        timers: [{after: 1s, to: quiet, do: [{send: {to: "${origin}", event: seen}}]}]\n',
    )
    codes: Any = [one[:2] for one in errors(late)]
    assert (
        "NIM0309",
        "nobody sends a timer, so there is no `origin` to answer (in `lamp-hall-1`)",
    ) in codes
