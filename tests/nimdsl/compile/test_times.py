"""Values that come from the clock: followed wherever they go, and no decisions."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nimdsl
import simulate
from nimdsl.compile import times as compiled_times
from nimdsl.program import Program
from nimdsl.program.machine import Emit, ReplyToAsk, Send, every_action
from runtime import records
from tests.support.killing import kills
from tests.support.texts import document

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: a}
spec:
  data: {count: int, last: duration, seen: "list<{at: duration}>", longest: duration}
  accepts: {go: {}, back: {when: duration, nr: int}}
  machine:
    initial: on_
    states:
      on_:
        enter: [{work: measure}]
        transitions:
          - event: go
            internal: true
            do:
              - set: {last: "${now}", count: "${count + 1}"}
              - send: {to: b, event: tick, payload: {at: "${last}", nr: "${count}", list: "${[1, 2].map(now, now)}"}}
          - {event: back, internal: true, do: [{emit: {content: {when: "${event.when}", nr: "${event.nr}"}}}]}
          - {event: measured, internal: true, do: [{emit: {content: {value: "${event.value}"}}}]}
          - {event: failed, internal: true}
  work:
    measure:
      args: {at: "${last}"}
      returns: {value: real}
      done: measured
      virtual: {latency: {constant: 1s}, returns: {value: {constant: 2.0}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: b}
spec:
  data: {kept: duration, nr: int}
  accepts: {tick: {at: duration, nr: int, list: "list<int>"}, ask: {}}
  replies: {ask: {kept: duration, nr: int}}
  machine:
    initial: on_
    states:
      on_:
        transitions:
          - event: tick
            internal: true
            do:
              - set: {kept: "${event.at * 2}", nr: "${event.nr}"}
              - send: {to: a, event: back, payload: {when: "${kept}", nr: "${nr}"}}
          - {event: ask, internal: true, do: [{reply: {kept: "${kept}", nr: "${nr}"}}]}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  accepts: {}
  machine:
    initial: asking
    states:
      asking:
        enter: [{work: ask}]
        transitions:
          - {event: done, to: over, do: [{emit: {content: {kept: "${event.kept}", nr: "${event.nr}", in_: "${state}"}}}]}
          - {event: failed, to: over}
      over: {final: true}
  work: {ask: {ask: {to: b, event: ask}, timeout: 5s}}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: slow}
spec: {bus: {latency: {constant: 200ms}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 10s, garden: slow, cells: [a, b, c], stimuli: [{at: 1s, to: a, event: go}]}
"""


def times(program: Program) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for name, cell in program.cells.items():
        marked = [one for one in every_action(cell.root) if isinstance(one, Emit | Send | ReplyToAsk)]
        found[name] = [one.times for one in marked]
    return found


def test_times_are_followed_through_data_events_work_and_asks() -> None:
    assert times(nimdsl.load_text(TEXT)) == {
        "a": [("at",), ("when",), ("value",)],
        "b": [("when",), ("kept",)],
        "c": [("kept",)],
    }


def test_without_the_clock_nothing_is_a_time() -> None:
    assert times(nimdsl.load_text(TEXT.replace('last: "${now}"', 'last: "${3s}"'))) == {
        "a": [(), (), ()],
        "b": [(), ()],
        "c": [()],
    }


HEARING = TEXT.replace(
    """kind: Cell
metadata: {name: c}""",
    """kind: Cell
metadata: {name: ear}
spec:
  domain: echo
  hears: {heard: {cell: a}}
  let: {late: "kept * 2"}
  data: {kept: duration, nr: int}
  machine:
    initial: on_
    states:
      on_:
        transitions:
          - event: heard
            internal: true
            do:
              - set: {kept: "${event.content.at}", nr: "${event.content.nr}"}
              - emit: {content: {at: "${late}", nr: "${nr}"}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}""",
    1,
)
HEARING = (
    HEARING[: HEARING.index("          - {event: measured")]
    + """          - {event: measured, internal: true}
          - {event: failed, internal: true}
  work:
    measure: {returns: {value: real}, done: measured, virtual: {latency: {constant: 1s}, returns: {value: {constant: 2.0}}}}
---"""
    + HEARING.partition("---")[2]
)
HEARING = HEARING.replace(
    'emit: {content: {when: "${event.when}", nr: "${event.nr}"}}',
    'emit: {content: {at: "${event.when}", nr: "${event.nr}"}}',
)
HEARING = HEARING.replace(
    "latency: {constant: 200ms}}",
    "latency: {constant: 200ms}}, hosts: {h: {cards: {x: {memory: 2GB}}}}",
)
HEARING += """
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: sink}
spec:
  accepts: {note: {at: duration, nr: int}}
  machine: {initial: on_, states: {on_: {transitions: [{event: note, to: on_}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Gate
metadata: {name: door}
spec: {hears: [{domain: echo}], thresholds: {open: 0.5}, weight: {start: 90%}, emits: {domain: news}}
---
apiVersion: nimdsl.dev/v1
kind: Organ
metadata: {name: mind}
spec: {model: {memory: 1GB}, load: {virtual: {latency: {constant: 1s}}}, serve: {virtual: {latency: {constant: 1s}}}}
---
apiVersion: nimdsl.dev/v1
kind: Nerve
metadata: {name: act}
spec:
  gate: door
  hears: {echo: {cell: ear}}
  machine:
    initial: on_
    states:
      on_:
        transitions:
          - event: granted
            to: think
            do: [{send: {to: sink, event: note, payload: {at: "${senses.echo.content.at}", nr: "${senses.echo.content.nr}"}}}]
          - {event: echo, internal: true, do: [{send: {to: sink, event: note, payload: {at: "${event.content.at}", nr: "${event.content.nr}"}}}]}
      think: {enter: [{work: ask}], transitions: [{event: done, to: on_}, {event: failed, to: on_}]}
  work: {ask: {organ: {name: mind, task: think, payload: {at: "${senses.echo.content.at}", nr: "${senses.echo.content.nr}"}}, timeout: 9s}}
"""


def test_times_are_followed_through_waves_names_senses_organs_and_gates() -> None:
    program = nimdsl.load_text(HEARING)
    assert times(program)["ear"] == [("at",)]
    assert program.of("Gate")["door"].times == ("at",)
    nerve = program.of("Nerve")["act"]
    assert [one.times for one in every_action(nerve.root) if isinstance(one, Send)] == [("at",), ("at",)]
    assert nerve.works["ask"].organ.times == ("at",)


def test_what_waves_carry_of_the_clock_decides_nothing() -> None:
    text = HEARING.replace(
        "cells: [a, b, c]", "cells: [a, b, c, ear, sink], actors: [gate/door, nerve/act]"
    )
    later = text.replace("{at: 1s, to: a", "{at: 1500ms, to: a")
    here, traced, bodies = decisions(text)
    there, other, _ = decisions(later)
    assert traced != other
    assert here == there
    emitted = [one for one in bodies if isinstance(one, records.Emitted) and one.times]
    assert len(emitted) >= 3


def decisions(text: str) -> tuple[str, str, list[records.AnyBody]]:
    result = simulate.run(nimdsl.load_text(text), "s")
    bodies = [one.body for one in result.records()]
    return result.summary["decision_sha256"], result.summary["trace_sha256"], bodies


def test_they_are_in_the_records_and_decide_nothing() -> None:
    here, traced, bodies = decisions(TEXT)
    there, other, _ = decisions(TEXT.replace("{at: 1s, to: a", "{at: 1500ms, to: a"))
    assert here == there
    assert traced != other
    sent: Any = [one for one in bodies if isinstance(one, records.Sent) and one.event == "tick"]
    assert [(one.payload, one.times) for one in sent] == [
        ({"nr": 1, "list": [1, 2]}, {"at": 1_000_000_000})
    ]
    changed, _, _ = decisions(TEXT.replace("count + 1", "count + 2"))
    assert changed != here


@dataclass(frozen=True)
class Relay:
    """A cell that hears the one before: whether it keeps what it hears first, and what of it it swaps."""

    keeps: bool
    swaps: bool
    named: bool


def relayed(relays: list[Relay]) -> str:
    """A cell that tells the time when it is told to, and others that pass that on."""
    first = (
        "{domain: d, accepts: {go: {}}, machine: {initial: a, states: {a: {transitions: [{event: go,"
        " internal: true, do: [{emit: {content: {x: '${now}', z: '${3s}'}}}]}]}}}}"
    )
    cells = [document("Cell", "c0", first)]
    for number, one in enumerate(relays, 1):
        x, y = ("event.content.x", "event.content.z")
        kept = [f"{{set: {{x: '${{{x}}}', z: '${{{y}}}'}}}}"] if one.keeps else []
        x, y = ("x", "z") if one.keeps else (x, y)
        let = "let: {double: x * 2}, " if one.named and one.keeps else ""
        x, y = (y, x) if one.swaps else ("double" if let else x, y)
        emit = f"{{emit: {{content: {{x: '${{{x}}}', z: '${{{y}}}'}}}}}}"
        way = f"{{event: heard, internal: true, do: [{', '.join([*kept, emit])}]}}"
        spec = f"hears: {{heard: {{cell: c{number - 1}}}}}, {let}data: {{x: duration, z: duration}}"
        inner = f"machine: {{initial: a, states: {{a: {{transitions: [{way}]}}}}}}"
        cells.append(document("Cell", f"c{number}", f"{{domain: d, {spec}, {inner}}}"))
    names = ", ".join(f"c{number}" for number in range(len(cells)))
    run = f"{{horizon: 5s, cells: [{names}], stimuli: [{{at: 1s, to: c0, event: go}}]}}"
    return "\n---\n".join((*cells, document("Scenario", "s", run)))


relays = st.lists(st.builds(Relay, st.booleans(), st.booleans(), st.booleans()), max_size=4)


def decides_alike(world: list[Relay]) -> None:
    """When it happens decides nothing, however it is passed on; and what is no time is still decided."""
    text = relayed(world)
    here, _, bodies = decisions(text)
    assert here == decisions(text.replace("at: 1s", "at: 2s"))[0]
    assert here != decisions(text.replace("${3s}", "${4s}"))[0]
    assert all(len(one.times) == 1 for one in bodies if isinstance(one, records.Emitted))


@settings(max_examples=30, deadline=None)
@given(relays)
def test_a_time_is_none_however_it_is_passed_on(world: list[Relay]) -> None:
    decides_alike(world)


DEFECTS = {
    "waves are not followed": ("_times_of_wave", lambda wave, seen: set()),
    "all of a wave is a time if something is": ("_is_among", lambda path, times: bool(times)),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_law_kills(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_times, *DEFECTS[name])
    kills(decides_alike, relays)
