"""NIM0707: waves that answer each other while no time passes.

The law: what is told does not end, and of cells without guards what is not told never makes a run stick.
"""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nimdsl
import simulate
from gardens.virtual import driver
from nimdsl.checks import loops, reactions
from nimdsl.checks.circulation import largest
from nimdsl.expression.check import Scope
from nimdsl.expression.syntax import Literal
from nimdsl.expression.types import INT
from nimdsl.program import machine
from nimdsl.program.expression import Expression
from tests.support.killing import kills
from tests.support.texts import document

SCHEMAS = "\n---\n".join(
    (
        document(
            "Schema",
            "ask",
            "{role: request, type: A, payload: {type: object, additionalProperties: false}}",
        ),
        document(
            "Schema", "told", "{role: reply, type: B, payload: {type: object, additionalProperties: false}}"
        ),
    )
)
EMIT = "emit: {confidence: 0.9, content: {lux: 3}}"
LIT = f"{{event: sound, to: lit, do: [{{{EMIT}}}]}}"


def lamp(ways: str = LIT, more: str = "", states: str = "") -> str:
    """Hears the bell, and emits."""
    inner = f"{{initial: lit, states: {{lit: {{transitions: [{ways}]}}{states}}}}}"
    return document(
        "Cell", "lamp", f"{{domain: light, hears: {{sound: {{cell: bell}}}}, machine: {inner}{more}}}"
    )


def bell(way: str = "", more: str = "") -> str:
    """Hears the lamp, and emits."""
    way = way or f"{{event: light, to: still, do: [{{{EMIT}}}]}}"
    inner = f"{{initial: still, states: {{still: {{transitions: [{way}]{more}}}}}}}"
    return document(
        "Cell",
        "bell",
        f"{{domain: sound, hears: {{light: {{cell: lamp}}}}, data: {{many: int}}, machine: {inner}}}",
    )


def codes(*documents: str) -> list[str]:
    return [one.code for one in nimdsl.check_text("\n---\n".join(documents)).diagnostics]


def test_it_says_who_answers_whom_and_where_the_way_closes() -> None:
    (found,) = nimdsl.check_text(lamp() + "\n---\n" + bell()).diagnostics
    assert found.code == "NIM0707"
    assert found.message == "waves go round here, and no time passes: `bell` → `lamp` → `bell`"
    assert (found.place.line, found.place.length) == (4, 5)
    assert (
        found.fix
        == "let what follows here come after a timer, as `timers: [{after: 10ms, ...}]`, or after work"
    )


TOGGLE = "{event: sound, to: dark}"
DARK = f", dark: {{transitions: [{LIT}]}}"
ENTERED = f", dark: {{enter: [{{{EMIT}}}], transitions: [{{event: sound, to: lit, do: [{{{EMIT}}}]}}]}}"
LATER = f", dark: {{timers: [{{after: 5ms, to: lit, do: [{{{EMIT}}}]}}]}}"
AT_ONCE = LATER.replace("5ms", "0s")
COUNTED = f"{{event: light, if: many < 3, to: still, do: [{{set: {{many: '${{many + 1}}'}}}}, {{{EMIT}}}]}}"
WORK = ", work: {think: {virtual: {latency: {constant: 0s}}}}"
THINKS = f", dark: {{enter: [{{work: think}}], transitions: [{{event: done, to: lit, do: [{{{EMIT}}}]}}, {{event: failed, to: lit}}]}}"


def guarded(guard: str, wave: str = EMIT) -> str:
    """A bell that answers some waves."""
    return bell(f"{{event: light, if: '{guard}', to: still, do: [{{{wave}}}]}}")


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ((lamp(), bell()), True),
        ((lamp(TOGGLE, states=DARK), bell()), False),
        ((lamp(TOGGLE, states=ENTERED), bell()), True),
        ((lamp(TOGGLE, states=LATER), bell()), False),
        ((lamp(TOGGLE, states=AT_ONCE), bell()), True),
        ((lamp(TOGGLE, WORK, THINKS), bell()), False),
        ((lamp(), bell(COUNTED)), False),
        ((lamp(), guarded("event.confidence > 0.5")), True),
        ((lamp(), guarded("event.confidence > 0.95")), False),
        ((lamp(), guarded("event.content.lux > 2")), True),
        ((lamp(), bell(f"{{event: light, if: many > 3, to: still}}, {{event: light, to: still, do: [{{{EMIT}}}]}}")), False),
        ((lamp(), bell(f"{{event: light, if: event.content.lux > 9, to: still}}, {{event: light, to: still, do: [{{{EMIT}}}]}}")), True),
        ((lamp("{event: sound, internal: true, do: [{raise: flash}]}, " + LIT.replace("sound", "flash")), bell()), True),
        ((lamp(), bell("{event: light, to: still}")), False),
    ],
)  # fmt: skip
def test_what_is_told(documents: tuple[str, ...], told: bool) -> None:
    assert ("NIM0707" in codes(*documents)) == told


def test_the_way_may_lead_through_what_is_sent_and_asked() -> None:
    sent = document(
        "Cell",
        "ear",
        "{hears: {light: {cell: lamp}}, machine: {initial: a, states: {a: {transitions:"
        " [{event: light, internal: true, do: [{send: {to: bell, event: strike}}]}]}}}}",
    )
    struck = document(
        "Cell",
        "bell",
        f"{{domain: sound, accepts: {{strike: {{}}}}, machine: {{initial: a, states: {{a: {{transitions:"
        f" [{{event: strike, internal: true, do: [{{{EMIT}}}]}}]}}}}}}}}",
    )
    assert codes(lamp(), sent, struck) == ["NIM0707"]
    asks = sent.replace("[{event: light, internal: true, do: [{send: {to: bell, event: strike}}]}]", "[{event: light, to: b}]")  # fmt: skip
    asks = asks.replace("]}}}}", "]}, b: {enter: [{work: strike}], transitions: [{event: done, to: a}, {event: failed, to: a}]}}}, work: {strike: {ask: {to: bell, event: strike}, timeout: 1s}}}")  # fmt: skip
    replying = struck.replace("accepts:", "replies: {strike: {}}, accepts:").replace(f"{{{EMIT}}}]", f"{{{EMIT}}}, {{reply: {{}}}}]")  # fmt: skip
    assert codes(lamp(), asks, replying) == ["NIM0707"]


MOTOR = f"answers: {{go: {{request: ask, reply: told, payload: {{}}, do: [{{raise: moved}}]}}}}, machine: {{initial: a, states: {{a: {{transitions: [{{event: moved, internal: true, do: [{{{EMIT}}}]}}]}}}}}}"
ORDERS = "work: {go: {command: {to: motor, schema: ask}, timeout: 1s}}"
NERVE = "{gate: near, %s machine: {initial: rest, any: [{event: refused, to: rest}], states: {rest: {transitions: [%s]}, act: {enter: [{work: go}], transitions: [{event: done, to: rest}, {event: declined, to: rest}, {event: failed, to: rest}%s]}}}, "
GATE = document(
    "Gate", "near", "{hears: [{domain: motion}], thresholds: {open: 0.5}, weight: {start: 90%}}"
)


def creature(heard: str, ways: str, more: str = "", motor: str = MOTOR) -> list[str]:
    """A nerve that commands a motor, whose wave its gate hears."""
    nerve = document("Nerve", "avoid", NERVE % (heard, ways, more) + ORDERS + "}")
    accepts = "accepts: {push: {}}, " if "push" in motor else ""
    cell = document("Cell", "motor", f"{{domain: motion, {accepts}{motor}}}")
    return [SCHEMAS, cell, GATE, nerve]


PUSHED = MOTOR.replace(
    "transitions: [", f"transitions: [{{event: push, internal: true, do: [{{{EMIT}}}]}}, "
)
BY_GATE = creature("", "{event: granted, to: act}", motor=PUSHED)


def test_a_nerve_that_hears_whom_it_commands() -> None:
    heard = "hears: {moved: {cell: motor}},"
    text = "\n---\n".join(
        creature(heard, "{event: moved, to: act}, {event: granted, to: act}", ", {event: moved, to: act}")
    )
    (found,) = nimdsl.check_text(text).diagnostics
    assert found.message.endswith("`motor` → `avoid` → `motor`")
    waiting = creature(heard, "{event: granted, to: act}", ", {event: moved, to: rest}")
    assert codes(*waiting) == []


def test_a_reflex_opens_once_at_an_instant_whatever_follows() -> None:
    """So a way by way of a gate ends by itself, and is not told."""
    assert codes(*BY_GATE) == []
    garden = document("Garden", "still", "{bus: {latency: {constant: 0s}}}")
    scenario = document(
        "Scenario", "s", "{garden: still, horizon: 9s, actors: [gate/near, nerve/avoid], stimuli: [{at: 1s, to: motor, event: push}]}"
    )  # fmt: skip
    result = simulate.run(nimdsl.load_text("\n---\n".join((*BY_GATE, garden, scenario))), "s")
    assert result.summary["actors"]["gate/near"]["openings"] == 1
    assert result.summary["actors"]["nerve/avoid"]["commands"] == 1


# What is sound is not told of


SERVICE = "{accepts: {query: {}}, REPLIES machine: {initial: a, states: {a: {transitions: [{event: query, internal: true, do: [ANSWER]}]}}}}"
FOLLOWER = "{hears: {seen: {cell: leader}}, ACCEPTS machine: {initial: a, states: {a: {transitions: [{event: seen, internal: true, do: [ASK]}, {event: done, internal: true}, {event: failed, internal: true}]}}}}"
LEADER = f"{{ACCEPTS machine: {{initial: a, states: {{a: {{timers: [{{after: 10s, to: a, do: [ASK]}}], transitions: [{{event: done, internal: true, do: [{{{EMIT}}}]}}, {{event: failed, internal: true}}]}}}}}}}}"
BY_ASK = {
    "REPLIES": "replies: {query: {}},",
    "ANSWER": "{reply: {}}",
    "ACCEPTS": "work: {ask: {ask: {to: lookup, event: query}, timeout: 1s}},",
    "ASK": "{work: ask}",
}
BY_ORIGIN = {
    "REPLIES": "",
    "ANSWER": "{send: {to: '${origin}', event: done}}",
    "ACCEPTS": "accepts: {done: {}, failed: {}},",
    "ASK": "{send: {to: lookup, event: query}}",
}


def filled(words: dict[str, str], *documents: str) -> tuple[str, ...]:
    for word, text in words.items():
        documents = tuple(one.replace(word, text) for one in documents)
    return documents


CLIENTS = (
    document("Cell", "lookup", SERVICE),
    document("Cell", "follower", FOLLOWER),
    document("Cell", "leader", LEADER),
)
MODES = "{accepts: {p: {}, q: {}, mode: {}}, machine: {initial: a, states: {a: {transitions: [{event: p, internal: true, do: [{emit: {content: {k: 1}}}]}, {event: mode, to: b}]}, b: {transitions: [{event: q, internal: true, do: [{emit: {content: {k: 2}}}]}, {event: mode, to: a}]}}}}"
ECHO = "{hears: {said: {cell: modes}}, machine: {initial: a, states: {a: {transitions: [{event: said, if: event.content.k == 1, internal: true, do: [{send: {to: modes, event: q}}]}, {event: said, if: event.content.k == 2, internal: true, do: [{send: {to: modes, event: p}}]}]}}}}"
RADIO = f"{{accepts: {{relay: {{}}}}, machine: {{initial: a, states: {{a: {{transitions: [{{event: relay, internal: true, do: [{{{EMIT}}}]}}]}}}}}}}}"
ROBOTS = "apiVersion: nimdsl.dev/v1\nkind: Cell\nmetadata: {name: 'robot-${k}'}\nspec: {for: {k: [1, 2]}, accepts: {news: {}}, SPEC}"
FAMILY = "hears: {told: {cell: radio}}, machine: {initial: a, states: {a: {transitions: [{event: told, if: k == 1, internal: true, do: [{send: {to: 'robot-*', event: news}}]}, {event: news, if: k == WHO, internal: true, do: [{send: {to: radio, event: relay}}]}]}}}"
ANSWERING = f"machine: {{initial: a, states: {{a: {{transitions: [{{event: news, internal: true, do: [{{{EMIT}}}]}}]}}}}}}"
DESK = "{hears: {one: {cell: robot-1}, two: {cell: robot-2}}, data: {turn: int}, initial: {turn: 1}, machine: {initial: a, states: {a: {transitions: [{event: one, internal: true, do: [{set: {turn: 2}}, {send: {to: 'TO', event: news}}]}, {event: two, internal: true}]}}}}"
PRICED = lamp(LIT.replace("to: lit", "to: lit, cost: 1") + ", {event: refused, to: lit}")


@pytest.mark.parametrize(
    ("told", "documents"),
    [
        (False, filled(BY_ASK, *CLIENTS)),
        (False, filled(BY_ORIGIN, *CLIENTS)),
        (False, (document("Cell", "modes", MODES), document("Cell", "echo", ECHO))),
        (False, (PRICED, bell(), document("Economy", "body", "{opening: 5}"))),
        (False, (document("Cell", "radio", RADIO), ROBOTS.replace("SPEC", FAMILY.replace("WHO", "1")))),
        (True, (document("Cell", "radio", RADIO), ROBOTS.replace("SPEC", FAMILY.replace("WHO", "2")))),
        (False, (document("Cell", "desk", DESK.replace("TO", "robot-${turn}")), ROBOTS.replace("SPEC", ANSWERING))),
        (True, (document("Cell", "desk", DESK.replace("TO", "robot-1")), ROBOTS.replace("SPEC", ANSWERING))),
    ],
)  # fmt: skip
def test_what_ends_by_itself_is_not_told(told: bool, documents: tuple[str, ...]) -> None:
    assert codes(*documents) == ["NIM0707"] * told


def test_a_reply_to_a_command_goes_to_one_of_several() -> None:
    """The first is told that it is done, and sends for the wave that both hear; the second is not."""
    first = NERVE % (
        "hears: {moved: {cell: motor}},",
        "{event: granted, to: act}, {event: moved, to: act}",
        "",
    )
    first = first.replace(
        "{event: done, to: rest}", "{event: done, to: rest, do: [{send: {to: motor, event: push}}]}"
    )
    motor = PUSHED.replace(", do: [{raise: moved}]", "")
    motor = motor.replace(f", {{event: moved, internal: true, do: [{{{EMIT}}}]}}", "")
    cell = document("Cell", "motor", f"{{domain: motion, accepts: {{push: {{}}}}, {motor}}}")
    world = [SCHEMAS, cell, GATE, document("Nerve", "avoid", first + ORDERS + "}")]
    assert codes(*world) == ["NIM0707"]
    second = NERVE % ("", "{event: granted, to: act}", "")
    assert codes(*world, document("Nerve", "other", second + ORDERS + "}")) == []


def ring(count: int) -> list[str]:
    """Cells of which each answers the one before it."""
    way = f"{{event: said, internal: true, do: [{{{EMIT}}}]}}"
    inner = f"machine: {{initial: a, states: {{a: {{transitions: [{way}]}}}}}}"
    return [
        document("Cell", f"c{number}", f"{{hears: {{said: {{cell: c{(number - 1) % count}}}}}, {inner}}}")
        for number in range(count)
    ]


def test_a_long_way_is_told_in_short_and_soon() -> None:
    begun = time.monotonic()
    (found,) = nimdsl.check_text("\n---\n".join(ring(400))).diagnostics
    assert time.monotonic() - begun < 20
    assert found.message.endswith(
        "`c0` → `c1` → `c2` → `c3` → `c4` → `c5` → `c6` → `c7` → ... and 392 more"
    )
    (whole,) = nimdsl.check_text("\n---\n".join(ring(8))).diagnostics
    assert whole.message.endswith("`c6` → `c7` → `c0`")


def test_two_ways_are_told_and_a_family_once() -> None:
    other = (lamp() + "\n---\n" + bell()).replace("lamp", "lamp2").replace("bell", "bell2")
    assert codes(lamp(), bell(), other) == ["NIM0707", "NIM0707"]


def test_an_amount_is_bounded_by_its_limits() -> None:
    assert [*map(float, largest(2, [{0: 1, 1: -1}], [0]))] == [0.5, 0.5]
    assert [*map(float, largest(1, [{0: 1}], [0]))] == [0.0]


# The laws


@dataclass(frozen=True)
class Way:
    """What a cell does in one of its states when it hears another: where it goes, and how it answers."""

    state: int
    heard: int
    target: int
    answer: str


ANSWERS = {"": "", "emit": f", do: [{{{EMIT}}}]", "raise": ", do: [{raise: go}]", "send": ", do: [{send: {to: c0, event: go}}]"}  # fmt: skip
World = tuple[tuple[Way, ...], ...]
ways_of_cell = st.lists(
    st.builds(Way, st.integers(0, 1), st.integers(0, 2), st.integers(0, 1), st.sampled_from([*ANSWERS])),
    max_size=5,
    unique_by=lambda way: (way.state, way.heard),
).map(tuple)
worlds = st.tuples(ways_of_cell, ways_of_cell, ways_of_cell)


def written(world: World) -> str:
    """Cells that hear each other on a bus without latency; each is told to emit, and to change its state."""
    found = []
    for number, ways in enumerate(world):
        states = []
        for state in (0, 1):
            answers = [
                f"{{event: h{way.heard}, to: s{way.target}{ANSWERS[way.answer]}}}"
                for way in ways
                if way.state == state and way.heard != number
            ]
            inner = ", ".join([f"{{event: turn, to: s{1 - state}}}", *answers])
            states.append(f"s{state}: {{transitions: [{inner}]}}")
        used = sorted({way.heard for way in ways} - {number})
        heard = ", ".join(f"h{other}: {{cell: c{other}}}" for other in used)
        anywhere = f"{{event: go, internal: true, do: [{{{EMIT}}}]}}"
        inside = f"{{initial: s0, any: [{anywhere}], states: {{{', '.join(states)}}}}}"
        accepts = "accepts: {go: {}, turn: {}}"
        spec = f"{{domain: d{number}, hears: {{{heard}}}, {accepts}, machine: {inside}}}"
        found.append(document("Cell", f"c{number}", spec))
    stimuli = [f"{{at: {2 * step + 1}s, to: c{step % 3}, event: go}}" for step in range(24)]
    stimuli += [f"{{at: {2 * step + 2}s, to: c{(step // 3) % 3}, event: turn}}" for step in range(24)]
    found.append(document("Garden", "still", "{bus: {latency: {constant: 0s}}}"))
    scenario = f"{{garden: still, horizon: 60s, stimuli: [{', '.join(stimuli)}]}}"
    return "\n---\n".join((*found, document("Scenario", "s", scenario)))


def never_sticks(world: World) -> None:
    """What validation lets pass ends, at every instant."""
    report = nimdsl.check_text(written(world))
    assert {one.code for one in report.diagnostics} <= {"NIM0707"}, report.diagnostics
    if report.program is not None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(driver, "INSTANT_EVENT_COUNT_MAX", 1_000)
            result = simulate.run(report.program, "s")
        assert result.summary["stopped"] != "stuck"


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_what_is_not_told_never_makes_a_run_stick(world: World) -> None:
    never_sticks(world)


edges = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=10)


ONE = Expression(Literal(1, INT), INT, Scope({}))
WAVE = machine.Emit(ONE, ONE)


def as_reachability_says(hearing: set[tuple[int, int]]) -> None:
    """Of cells with one state: a way is told exactly where somebody can be reached from himself."""
    reach = {(one, other) for one, other in hearing if one != other}
    for _ in range(6):
        reach |= {(one, last) for one, other in reach for also, last in reach if other == also}
    actors = {}
    for number in range(6):
        heard = {f"h{one}": f"cell/{one}" for one, other in hearing if other == number != one}
        answers = tuple(machine.Transition(event, "s", actions=(WAVE,)) for event in heard)
        root = machine.State("", "s", (machine.State("s", transitions=answers),))
        actors[f"cell/{number}"] = reactions.Reacting(root, {}, heard)
    ways = [*loops.loops(actors)]
    assert bool(ways) == any(one == other for one, other in reach)
    for way in ways:
        for place, one in enumerate(way):
            assert one.event in way[place - 1].makes


@given(edges)
def test_ways_are_those_that_reachability_says(hearing: set[tuple[int, int]]) -> None:
    as_reachability_says(hearing)


Told = frozenset[tuple[int, int]]
ears = st.frozensets(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=2)
leaves = st.tuples(*[st.tuples(ears, ears)] * 3)


def each_is_in_one_leaf(world: tuple[tuple[Told, Told], ...]) -> None:
    """Of cells with two leaves, between which nothing of that instant leads: a way is told exactly where one
    choice of leaves has one.  ``world`` is whom each hears in either leaf, and in which leaf of his."""
    cells = []
    for number, stays in enumerate(world):
        states = []
        for leaf, told in enumerate(stays):
            answers = [
                f"{{event: h{one}, if: event.content.k == {where}, internal: true,"
                f" do: [{{emit: {{content: {{k: {leaf}}}}}}}]}}"
                for one, where in sorted(told)
                if one != number
            ]
            ways = ", ".join([f"{{event: turn, to: s{1 - leaf}}}", *answers])
            states.append(f"s{leaf}: {{transitions: [{ways}]}}")
        heard = sorted({one for told in stays for one, _ in told} - {number})
        hears = ", ".join(f"h{one}: {{cell: c{one}}}" for one in heard)
        inner = f"machine: {{initial: s0, any: [{{event: go, internal: true, do: [{{emit: {{content: {{k: 0}}}}}}]}}], states: {{{', '.join(states)}}}}}"
        cells.append(
            document(
                "Cell", f"c{number}", f"{{hears: {{{hears}}}, accepts: {{turn: {{}}, go: {{}}}}, {inner}}}"
            )
        )
    assert bool(codes(*cells)) == any(
        _goes_round(
            {
                number: frozenset(one for one, where in world[number][leaf] if choice[one] == where)
                - {number}
                for number, leaf in enumerate(choice)
            }
        )
        for choice in product((0, 1), repeat=len(world))
    )


def _goes_round(heard: dict[int, frozenset[int]]) -> bool:
    """Whether somebody hears himself by way of others: what hears nobody who is left is taken away."""
    left = dict(heard)
    while gone := [one for one, ears in left.items() if not ears & left.keys()]:
        left = {one: ears for one, ears in left.items() if one not in gone}
    return bool(left)


@settings(deadline=None)
@given(leaves)
def test_each_is_in_one_leaf(world: tuple[tuple[Told, Told], ...]) -> None:
    each_is_in_one_leaf(world)


@pytest.mark.parametrize("instead", [lambda found: [], lambda found: [[*found]] if found else []])
def test_the_law_of_leaves_kills(
    instead: Callable[[Collection[reactions.Reaction]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Actors that are in several leaves at once; and ways that are not looked for in another one."""
    monkeypatch.setattr(loops, "_apart", instead)
    kills(each_is_in_one_leaf, leaves)


DEFECTS = {
    "ways through several states are not looked for": (loops, "_circulating", lambda reactions: []),
    "what is sent is not followed": (reactions, "_reached", lambda to, sender: ()),
    "nobody comes back": (
        loops,
        "_going",
        lambda reactions: [one for one in reactions if one.source == one.target],
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_law_of_sticking_kills(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, what, instead = DEFECTS[name]
    monkeypatch.setattr(where, what, instead)
    kills(never_sticks, worlds)
