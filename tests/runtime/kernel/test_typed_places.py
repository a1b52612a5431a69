"""Typed places: what an action or an event may put there (SEMANTICS 1.3)."""

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
from gardens.stores.memory import MemoryJournal
from runtime.kernel.events import BEGIN, Received
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.kernel import Kernel
from runtime.records import Faulted
from runtime.run.host import Host
from simulate import Result, run
from tests.support.texts import cell

MACHINE = """
    initial: a
    states:
      a: {{transitions: [{{event: ping, {guard}to: b, do: [{do}]}}]}}
      b: {{final: true}}"""


def told(data: str, do: str, payload: str, accepts: str = "{r: record}", guard: str = "") -> Result:
    machine = MACHINE.format(do=do, guard=f'if: "{guard}", ' if guard else "")
    rest = f"  data: {data}\n  accepts: {{ping: {accepts}}}\n"
    stimuli = f"  stimuli: [{{at: 1s, to: c, event: ping, payload: {payload}}}]\n"
    return run(nimdsl.load_text(cell(machine, rest, scenario=stimuli)), "s")


def faults(result: Result) -> list[str]:
    return [record.body.reason for record in result.records() if isinstance(record.body, Faulted)]


@pytest.mark.parametrize(
    ("kind", "value", "given", "reason"),
    [
        ("bool", "event.r.x", "'no'", "a bool is wanted, this is a string"),
        ("int", "event.r.x", "1.5", "an int is wanted, this is a real"),
        ("int", "event.r.x", "null", "an int is wanted, this is nothing"),
        ("string", "event.r.x", "1", "a string is wanted, this is an int"),
        ("real", "event.r.x", "true", "a real is wanted, this is a bool"),
        ("real", "event.r.x", "9007199254740993", "this integer is too large to be a real"),
        ("list<int>", "event.r.x", "[1, true]", "an int is wanted, this is a bool"),
        ("list<int>", "event.r.x", "abc", "a list is wanted, this is a string"),
        ("{k: int}", "event.r.x", "{k: abc}", "an int is wanted, this is a string"),
        ("{k: int}", "event.r.x", "{q: 1}", "there is no field `q` here"),
        ("list<duration>", "event.r.x.map(y, y)", "[3]", "a value without a declared type never meets"),
        ("bool", "'b' in event.r.x", "abc", "a list is wanted, this is a string"),
        ("bool", "event.r.x == true", "1", "`==` does not join int and bool"),
        ("string", "event.r.x[0]", "abc", "a string is not indexed by an int"),
        ("bool", "has(event.r.x.k)", "abc", "a string has no fields"),
        ("int", "abs(event.r.x)", "true", "`abs` does not take bool"),
        ("string", "'is ' + string(event.r.x)", "[1]", "`string` does not take list<int>"),
    ],
)
def test_what_does_not_fit_is_a_fault_of_the_action(kind: str, value: str, given: str, reason: str) -> None:
    result = told(f"{{field: '{kind}'}}", f'set: {{field: "${{{value}}}"}}', f"{{r: {{x: {given}}}}}")
    assert result.outcome["cells"]["c"]["state"] == "a"
    (found,) = faults(result)
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("kind", "value", "given", "wanted"),
    [
        ("real", "event.r.x", "1", 1.0),
        ("list<real>", "event.r.x", "[1, 2.5]", [1.0, 2.5]),
        ("{k: real}", "event.r.x", "{k: 2}", {"k": 2.0}),
        ("record", "event.r.x", "{k: [null]}", {"k": [None]}),
        ("list<duration>", "event.r.x ? [] : [2s]", "true", []),
        ("real", "200d / 1d", "0", 200.0),
        ("real", "9000000000LF / 1LF", "0", 9e9),
        ("real", "9007199254740993ns / 3ns", "0", 3002399751580331.0),
    ],
)
def test_what_fits_is_there(kind: str, value: str, given: str, wanted: Any) -> None:
    result = told(f"{{field: '{kind}'}}", f'set: {{field: "${{{value}}}"}}', f"{{r: {{x: {given}}}}}")
    assert not faults(result)
    found = result.outcome["cells"]["c"]["data"]["field"]
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    "guard", ["event.r.x", "event.r.x && true", "!event.r.x", "event.r.x ? true : false"]
)
def test_a_guard_that_is_no_bool_has_no_value(guard: str) -> None:
    result = told("{k: int}", "", "{r: {x: 'no'}}", guard=guard)
    assert result.outcome["cells"]["c"]["state"] == "a"
    assert len(faults(result)) == 1


def heard(accepts: str, payload: dict[str, Any]) -> tuple[Any, list[str]]:
    """What a cell keeps of an event from somebody who checks nothing, and its faults."""
    program = nimdsl.load_text(
        cell(KEEPING, f"  data: {{field: record}}\n  accepts: {{ping: {accepts}}}\n")
    )
    host = Host(Kernel(program.cells["c"], PlainInterpreter(program.cells["c"].table), {}), MemoryJournal())
    host.accept(BEGIN, 0)
    host.accept(Received("ping", payload, sender="cell/stranger", number=1), 1)
    found = [record.body.reason for record in host.records if isinstance(record.body, Faulted)]
    return host.snapshot.data["field"], found


KEEPING = MACHINE.format(do='set: {field: "${event}"}', guard="")


@pytest.mark.parametrize(
    ("accepts", "payload", "wanted"),
    [
        ("{x: int, q: duration}", {"x": 1, "q": 5}, {"x": 1, "q": 5}),
        ("{q: duration}", {"q": "2s"}, {"q": 2_000_000_000}),
        ("{x: real}", {"x": 1}, {"x": 1.0}),
        ("{x: 'list<{k: real}>'}", {"x": [{"k": 1}, {}]}, {"x": [{"k": 1.0}, {}]}),
        ("{x: record}", {"x": {"k": None}}, {"x": {"k": None}}),
        ("{x: int}", {"x": 1, "unknown": [None]}, {"x": 1, "unknown": [None]}),
    ],
)
def test_an_event_from_outside_comes_in_its_types(accepts: str, payload: Any, wanted: Any) -> None:
    found, faulted = heard(accepts, payload)
    assert not faulted
    assert repr(found) == repr(wanted)


@pytest.mark.parametrize(
    ("accepts", "payload", "reason"),
    [
        ("{x: int}", {}, "`x` is missing"),
        ("{x: int}", {"x": None}, "`x`: int is wanted, this is NoneType None"),
        ("{x: int}", {"x": True}, "`x`: int is wanted, this is bool True"),
        ("{x: int}", {"x": 1.0}, "`x`: int is wanted, this is float 1.0"),
        ("{x: bool}", {"x": "no"}, "`x`: bool is wanted, this is str 'no'"),
        ("{x: duration}", {"x": "2"}, "`x`: duration is wanted, this is str '2'"),
        ("{x: '{k: int}'}", {"x": {"k": "a"}}, "`x.k`: int is wanted, this is str 'a'"),
        ("{x: '{k: int}'}", {"x": {"q": 1}}, "`x` has no field `q`"),
        ("{x: 'list<string>'}", {"x": ["a", 1]}, "`x[1]`: string is wanted, this is int 1"),
    ],
)
def test_an_event_that_does_not_fit_is_not_taken(accepts: str, payload: Any, reason: str) -> None:
    assert heard(accepts, payload) == ({}, [f"the event `ping` does not fit: {reason}"])


GROWING = """
    initial: a
    states:
      a:
        timers: [{{after: 1s, to: a, do: [{{set: {{field: "${{{more}}}"}}}}]}}]
        transitions: [{{event: fault, to: b}}]
      b: {{final: true}}"""
LONGER, LARGER = (
    "the result is longer than 1048576",
    "`field` would hold more than 1,048,576 items and char",
)


@pytest.mark.parametrize(
    ("kind", "initial", "more", "reason"),
    [
        ("list<int>", "[1]", "field + field", "it takes more than 1,000,000 steps"),
        ("string", "a", "field + field", LONGER),
        ("list<string>", "[abcdefgh]", "field + field", LARGER),
        ("record", "{k: [1]}", "{'k': [field, field]}", LARGER),
    ],
)
def test_data_do_not_grow_for_ever(kind: str, initial: str, more: str, reason: str) -> None:
    rest = f"  data: {{field: '{kind}'}}\n  initial: {{field: {initial}}}\n"
    result = run(nimdsl.load_text(cell(GROWING.format(more=more), rest)), "s")
    assert result.outcome["cells"]["c"]["state"] == "b"
    (found,) = faults(result)
    assert found.startswith(reason)


def test_an_event_of_two_sources_is_of_either_type() -> None:
    machine = """
    initial: a
    states:
      a:
        enter: [{work: count}]
        transitions: [{event: done, to: b, do: [{set: {x: "${event.k}"}}]}, {event: failed, to: b}]
      b: {final: true}"""
    rest = """  data: {x: real}
  accepts: {done: {k: real}}
  work: {count: {returns: {k: int}, virtual: {latency: {constant: 1s}, returns: {k: {constant: 3}}}}}
"""
    result = run(nimdsl.load_text(cell(machine, rest)), "s")
    assert repr(result.outcome["cells"]["c"]["data"]["x"]) == "3.0"


FAMILY = """
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "lamp-${t}"}
spec:
  for: {t: [int, real]}
  data: {x: "${t}"}
  accepts: {dim: {k: "${t}"}}
  machine:
    initial: a
    states:
      a: {transitions: [{event: dim, to: b, do: [{set: {x: "${event.k}"}}]}]}
      b: {final: true}
"""


def test_what_goes_to_receivers_of_two_types_fits_both() -> None:
    send = '{send: {to: "lamp-*", event: dim, payload: {k: 2}}}'
    sending = f"{{initial: a, states: {{a: {{final: true, enter: [{send}]}}}}}}"
    result = run(nimdsl.load_text(cell(sending) + FAMILY), "s")
    cells = result.outcome["cells"]
    assert [repr(cells[f"lamp-{kind}"]["data"]["x"]) for kind in ("int", "real")] == ["2", "2.0"]
    report = nimdsl.check_text(cell(sending.replace("k: 2", "k: 2.5")) + FAMILY, root=".")
    assert [one.message for one in report.diagnostics] == ["int wanted here, this is real"]
