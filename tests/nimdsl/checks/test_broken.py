"""Documents that are broken: nothing that leans on them breaks, and nobody else is blamed for them."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity
from nimdsl.kinds import is_own, kind_names
from tests.nimdsl.checks.building import TALK, YOUNG, document, phase, together

ASKER = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: asker}
spec:
  accepts: {go: {many: int}}
  replies: {go: {}}
  work: {dock: {acquire: {resource: dock}, timeout: 1min, done: got, failed: lost}}
  machine:
    initial: idle
    states:
      idle: {transitions: [{event: go, to: busy, cost: 1, do: [{reply: {}}]}, {event: high, to: idle}]}
      busy:
        enter: [{work: dock}]
        transitions:
          - {event: got, to: idle, do: [{send: {to: "lamp-*", event: go}}]}
          - {event: lost, to: idle, do: [{reward: {name: answered}}]}
"""
LAMP = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "lamp-${room}"}
spec:
  for: {room: [hall, yard]}
  economy: purse
  domain: light
  accepts: {go: {}}
  work: {ask: {ask: {to: asker, event: go, payload: {many: 1}}, timeout: 1s, done: told, failed: told}}
  machine:
    initial: dark
    states:
      dark: {transitions: [{event: go, to: lit, costs: {battery: 1}}, {event: full, to: lit}]}
      lit:
        upkeep: 1
        enter: [{work: ask}]
        transitions:
          - {event: low, to: dark}
          - {event: told, to: dark, do: [{emit: {content: {lux: 1.0}}}]}
"""
BLINK = """
apiVersion: nimdsl.dev/v1
kind: Nerve
metadata: {name: blink}
spec:
  gate: bright
  economy: purse
  hears: {glow: {cell: lamp-hall, stale: 1s}}
  cells: {glow: required}
  let: {dazzled: senses.glow.content.lux > 3.0}
  work: {look: {ask: {to: asker, event: go, payload: {many: 1}}, timeout: 1s}}
  machine:
    initial: open
    any: [{event: disabled, to: open}, {event: low, to: open}]
    states:
      open: {transitions: [{event: granted, if: dazzled, to: shut, cost: 1}]}
      shut: {enter: [{work: look}], transitions: [{event: done, to: open}, {event: failed, to: open}]}
"""
SCENARIO = """
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: day}
spec:
  protocol: talk
  economy: purse
  attention: young
  garden: garden
  cells: [asker, lamp-*]
  horizon: 10s
  stimuli: [{at: 1s, to: lamp-*, event: go}, {at: 2s, to: asker, event: go, payload: {many: 1}}]
  expect: [economies.purse.spent >= 0LF, cells.asker.state == "idle", phases.first.accepted == 1]
  set: {economy/battery.opening: 5}
"""
PRICES = "prices: {translation: 0.2, publish: 0.1, process: 0.5}, rewards: {answered: 2}"
LATENCY = "{virtual: {latency: {constant: 1s}}}"
WORLD = tuple(
    together(
        document("Economy", f"{{opening: 10, {PRICES}, marks: {{low: {{below: 5}}}}}}", "purse"),
        document("Economy", "{opening: 10, marks: {full: {below: 5}, high: {below: 9}}}", "battery"),
        document("Resource", "{capacity: 1}", "dock"),
        document("Organ", f"{{model: {{memory: 4GB}}, load: {LATENCY}, serve: {LATENCY}}}", "eye"),
        document("Gate", "{hears: [{domain: light}], thresholds: {open: 0.5}}", "bright"),
        BLINK,
        document("Garden", "{}", "garden"),
        document("Protocol", "{economy: purse, phases: [first, second]}", "talk"),
        *(TALK, phase(), phase("second", after="[first]"), YOUNG, ASKER, LAMP, SCENARIO),
    ).split("\n---\n")
)
"""Documents of every kind, each of which leans on others."""

SPECS = (
    "", "spec:", "spec: 1", "spec: []", "spec: text", "spec: '${a}'", "spec: {}",
    "spec: {for: {}}", "spec: {for: {other: [1, 2]}}", "spec: {for: 3}", "spec: {parameters: []}",
    "spec: {marks: 1, accepts: 2, replies: 3, answers: 4, after: 5, stimuli: 6, capacity: x, economy: []}",
)  # fmt: skip


def test_it_is_a_whole_world() -> None:
    report = nimdsl.check_text("\n---\n".join(WORLD))
    assert [one.to_text() for one in report.diagnostics if one.severity is not Severity.NOTE] == []
    assert {f"kind: {kind}" for kind in kind_names() if is_own(kind)} <= set("\n".join(WORLD).split("\n"))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("position", range(len(WORLD)))
def test_a_spec_that_is_none_breaks_nothing_and_nobody_is_blamed_for_it(position: int, spec: str) -> None:
    """Errors are in the document itself, or in one that counts on it and says so by its name."""
    head = WORLD[position].partition("\nspec:")[0]
    texts = [*WORLD[:position], f"{head}\n{spec}", *WORLD[position + 1 :]]
    first = sum(text.count("\n") + 2 for text in texts[:position]) + 1
    last = first + texts[position].count("\n")
    name = head.rpartition("name: ")[2].strip('}"').partition("$")[0]
    report = nimdsl.check_text("\n---\n".join(texts), root=".")
    assert (report.program is None) == (texts != [*WORLD])
    for one in report.diagnostics:
        if one.severity is Severity.ERROR and not first <= one.place.line <= last:
            assert (spec, f"`{name}" in one.message) == ("spec: {}", True), one.to_text()


NAMES = (
    "lamp-${room}-${typo}",
    "lamp-${room / 0}",
    "lamp-${1 / 0}-${room}",
    "lamp-${first(room)}",
    "lamp-${}",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("to", ["lamp-*", "lamp-*-*", "lamp", "lamp-hall", "lamp-${event.many}"])
def test_a_family_whose_name_cannot_be_computed_is_told_of_alone(name: str, to: str) -> None:
    sender = ASKER.replace("lamp-*", to)
    scenario = SCENARIO if "$" in to else SCENARIO.replace("lamp-*", to)
    lamp = LAMP.replace("lamp-${room}", name)
    kept = [text for text in WORLD if not any(own in text for own in ("name: asker", "room:", "name: day"))]
    report = nimdsl.check_text(together(*kept, lamp, sender, scenario))
    wrong = [one for one in report.diagnostics if one.severity is Severity.ERROR]
    assert len({one.place for one in wrong}) == 1, [one.to_text() for one in wrong]
    assert name in wrong[0].place.excerpt
