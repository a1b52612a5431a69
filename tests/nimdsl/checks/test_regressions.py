"""Findings that were missing, wrong, or told twice; each with what must be left alone."""

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.compile.overrides import override
from nimdsl.loading import with_overrides
from tests.support.texts import HELLO, cell


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in nimdsl.check_text(text).diagnostics]


def guarded(*guards: str, kind: str) -> str:
    rows = "".join(f"\n          - {{event: push, if: {guard}, to: b}}" for guard in guards)
    return cell(
        f"\n    initial: a\n    states:\n      a:\n        transitions:{rows}\n      b: {{final: true}}",
        f"  accepts: {{push: {{x: {kind}}}}}\n",
    )


@pytest.mark.parametrize(
    ("kind", "guards"),
    [
        ("real", ("event.x <= 18", "event.x >= 19", "event.x > 18 && event.x < 19")),
        ("string", ("event.x < 'm'", "event.x >= 'm'")),
        ("int", ("1 / event.x > 0", "1 / event.x <= 0", "event.x == 0")),
    ],
)
def test_nim0404_leaves_candidates_alone_that_some_value_reaches(
    kind: str, guards: tuple[str, ...]
) -> None:
    assert codes(guarded(*guards, kind=kind)) == []


def test_nim0404_still_finds_what_nothing_reaches() -> None:
    assert codes(guarded("event.x <= 18", "event.x > 18", "event.x == 3", kind="real")) == ["NIM0404"]


WORK = "  work: {w1: {virtual: {latency: {constant: 1s}}}, w2: {done: done2, failed: failed2}}\n"


def test_nim0408_looks_where_the_work_is_under_way() -> None:
    machine = """
    initial: a
    states:
      a: {enter: [{work: w1}], transitions: [{event: done, to: b}]}
      b:
        enter: [{work: w2}]
        transitions: [{event: done2, to: a}, {event: failed2, to: a}, {event: failed, to: a}]"""
    assert codes(cell(machine, WORK)) == ["NIM0408"]
    assert (
        codes(
            cell(
                machine.replace("{event: done, to: b}", "{event: done, to: b}, {event: failed, to: b}"),
                WORK,
            )
        )
        == []
    )


def test_nim0402_is_not_fooled_by_an_internal_transition() -> None:
    machine = """
    initial: a
    any: [{event: push, internal: true}]
    states:
      a: {timers: [{after: 1s, to: dead}]}
      dead: {}"""
    accepts = "  accepts: {push: {}}\n"
    assert codes(cell(machine, accepts)) == ["NIM0402"]
    assert codes(cell(machine.replace("dead: {}", "dead: {final: true}"), accepts)) == []


def test_nim0410_judges_all_timers_of_a_leaf_together() -> None:
    machine = """
    initial: a
    states:
      a:
        timers: [{after: 1s, if: m > 1, to: b}, {after: 2s, if: m > 2, to: b}]
      b: {final: true}"""
    data = "  data: {m: int}\n"
    assert codes(cell(machine, data)) == ["NIM0410"]
    assert codes(cell(machine.replace(", if: m > 2", ""), data)) == []


@pytest.mark.parametrize(
    ("payload", "expected"),
    [("{x: hello}", ["NIM0304"]), ("{}", ["NIM0306"]), ("{x: 1, y2: 2}", ["NIM0303"]), ("{x: 1}", [])],
)
def test_what_is_sent_has_the_type_that_is_accepted(payload: str, expected: list[str]) -> None:
    machine = f"""
    initial: a
    states:
      a:
        transitions: [{{event: push, to: a, do: [{{send: {{to: c, event: push, payload: {payload}}}}}]}}]"""
    assert codes(cell(machine, "  accepts: {push: {x: int}}\n")) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("accepted == 1 && failed == 2", ["NIM0501"]),
        ("accepted + rejected == 3", ["NIM0501"]),
        ("accepted == 2 && rejected == 1", ["NIM0501"]),
        ("accepted == 1 && failed == 1", []),
        ("accepted > 0 || failed == handshakes", []),
    ],
)
def test_nim0501_knows_that_a_handshake_ends_in_one_way(condition: str, expected: list[str]) -> None:
    assert codes(HELLO.replace("accepted == handshakes", condition)) == expected


def test_a_mistake_in_where_is_told_once() -> None:
    assert codes(HELLO.replace("request.payload.who}", "request.payload.whoo}", 1)) == ["NIM0307"]


def test_a_bad_pattern_is_found_and_no_crash() -> None:
    pattern = '{who: {type: string, pattern: "("}}}'
    assert codes(HELLO.replace("{who: {type: string}}}", pattern, 1)) == ["NIM0305"]


def test_a_window_of_nothing_is_found() -> None:
    assert "NIM0210" in codes(
        cell("{initial: a, states: {a: {final: true}}}", economy="{opening: 1, window: 0s}")
    )


def test_a_cell_that_leans_on_a_broken_one_is_not_blamed() -> None:
    text = cell(
        "{initial: a, states: {a: {transitions: [{event: push, to: b}]}}}",
        "  accepts: {push: {}}\n",
        scenario="  stimuli: [{at: 1s, to: c, event: push, payload: {x: 1}}]\n",
    )
    assert codes(text) == ["NIM0405"]


def test_small_numbers_and_odd_words_can_be_set() -> None:
    program = nimdsl.load_text(HELLO)
    changed = with_overrides(program, {"economy/purse.prices.publish": 0.00001})
    assert changed.economies["purse"].prices.publish == 10
    assert override(program.documents, {"cell/greeter.description": "on"})[1] == ()
    assert [p.code for p in override(program.documents, {"scenario/hello.expect.²": 1})[1]] == ["NIM0507"]


def test_too_many_instances_are_told() -> None:
    many = list(range(101))
    text = cell("{initial: a, states: {a: {final: true}}}", f"  for: {{p: {many}, q: {many}}}\n")
    assert "NIM0210" in codes(text.replace("{name: c}", '{name: "c-${p}-${q}"}'))


# The program's hash


def hash_of(text: str) -> str:
    return nimdsl.load_text(text).sha256


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("accepted == handshakes", "accepted==handshakes"),
        ("role: request", "description: words\n  role: request"),
    ],
)
def test_spelling_and_prose_are_not_hashed(one: str, other: str) -> None:
    assert hash_of(HELLO) == hash_of(HELLO.replace(one, other, 1))


def test_prose_inside_a_schema_is_not_hashed() -> None:
    prose = HELLO.replace("{who: {type: string}}", "{who: {type: string, description: x}}", 1)
    assert hash_of(HELLO) == hash_of(prose)


def test_types_that_decide_what_an_operator_does_are_hashed() -> None:
    machine = """
    initial: a
    states:
      a: {transitions: [{event: push, if: event.x / 2 > 0, to: a}]}"""
    assert hash_of(cell(machine, "  accepts: {push: {x: int}}\n")) != hash_of(
        cell(machine.replace("> 0", "> 0.0"), "  accepts: {push: {x: real}}\n")
    )
    typed = "{initial: a, states: {a: {enter: [{set: {s: '${string(d / 2)}'}}], final: true}}}"
    assert hash_of(cell(typed, "  data: {d: int, s: string}\n")) != hash_of(
        cell(typed, "  data: {d: duration, s: string}\n")
    )


def test_macros_nest_three_deep_and_no_deeper() -> None:
    def nested(depth: int) -> str:
        text = "true"
        for level in range(depth):
            text = f"xs.all(a{level}, {text})"
        return text

    for depth, expected in ((3, []), (4, ["NIM0304"])):
        machine = f"""
    initial: a
    states:
      a: {{transitions: [{{event: push, if: "{nested(depth)}", to: a}}]}}"""
        assert codes(cell(machine, "  accepts: {push: {}}\n  data: {xs: list<int>}\n")) == expected


def test_nim0412_finds_a_refusal_that_traps_and_blames_no_misspelt_event() -> None:
    machine = """
    initial: a
    states:
      a: {transitions: [{event: push, to: b, cost: 1}]}
      b:
        enter: [{work: w}]
        transitions: [{event: done, to: a, cost: 1}, {event: failed, to: a}]"""
    rest = "  accepts: {push: {}}\n  work: {w: {}}\n"
    assert codes(cell(machine, rest)) == ["NIM0412"]
    assert (
        codes(cell(machine.replace("{event: failed", "{event: refused, to: a}, {event: failed"), rest))
        == []
    )
    only = "{initial: a, states: {a: {transitions: [{event: pusch, to: a, cost: 1}]}}}"
    assert sorted(codes(cell(only, "  accepts: {push: {}}\n"))) == ["NIM0406", "NIM0407"]


EVENING = """\
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: "purse-${k}"}
spec: {for: {k: [1, 2]}, opening: 5, marks: {low: {below: 1}}}
---
apiVersion: nimdsl.dev/v1
kind: Resource
metadata: {name: seats}
spec: {capacity: 1}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "guest-${k}"}
spec:
  for: {k: [1, 2]}
  economy: "purse-${k}"
  accepts: {come: {}}
  machine:
    initial: away
    any: [{event: low, internal: true}]
    states:
      away: {transitions: [{event: come, to: at, cost: 1}]}
      at:
        enter: [{work: seat}]
        transitions: [{event: done, internal: true}, {event: failed, to: away}]
        timers: [{after: 5s, to: away}]
  work:
    seat: {acquire: {resource: seats}, timeout: 9s}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: evening}
spec:
  economy: purse-1
  stimuli: [{at: 1s, to: guest-*, event: come}]
  expect:
    - resources.seats.granted == 2
    - economies["purse-*"].all(p, p.spent == 1LF)
    - economies["purse-2"].spent == 1LF
"""


@pytest.mark.parametrize(
    "slip",
    [
        ("to: at,", "to: att,"),
        ("      at:\n", "      at:\n\t"),
        ("        timers: [", "       timers: ["),
    ],
)
def test_a_slip_in_a_cell_brings_no_errors_elsewhere(slip: tuple[str, str]) -> None:
    """What only a cell names that is wrong itself may be there: nothing is said of that."""
    assert not nimdsl.check_text(EVENING).diagnostics
    assert slip[0] in EVENING
    found = nimdsl.check_text(EVENING.replace(*slip, 1)).diagnostics
    assert len(found) == 1, found
    assert 13 <= found[0].place.line <= 30
