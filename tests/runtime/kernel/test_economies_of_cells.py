"""Cells on economies of their own: bills, flows, marks, reserves, measured rewards (SEMANTICS 3.6 to 3.9)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
import simulate
from runtime import records
from runtime.run.host import Checks
from simulate.result import Result

LF = 1_000_000
PAYING = """
  economy: dollars
  data: {paid: int, refusals: int, who: string, price: lifeforce}
  accepts: {go: {}}
  machine:
    initial: a
    any: [{event: refused, internal: true, do: [{set: {refusals: "${refusals + 1}", who: "${event.economy}", price: "${event.price}"}}]}]
    states:
      a: {transitions: [{event: go, internal: true, cost: 0.3, costs: {calls: 1, own: "${min(paid, 3) * 1LF}"}, do: [{set: {paid: "${paid + 1}"}}]}]}
"""


def go(
    *documents: str, horizon: str = "1h", stimuli: str = "[]", economy: str = "", seed: int = 1
) -> Result:
    """A run in which everything passed through bytes, and that replays and is what the audit makes of it."""
    own = f", economy: {economy}" if economy else ""
    scenario = f"apiVersion: nimdsl.dev/v1\nkind: Scenario\nmetadata: {{name: s}}\nspec: {{horizon: {horizon}, stimuli: {stimuli}{own}}}"
    program = nimdsl.load_text("\n---\n".join([*documents, scenario]))
    options = simulate.Options(checks=Checks(round_trip=True, restore=True))
    result = simulate.run(program, "s", seed=seed, options=options)
    plain = simulate.run(program, "s", seed=seed)
    assert plain.summary["trace_sha256"] == result.summary["trace_sha256"]
    assert simulate.replay(plain).identical
    assert simulate.compare(plain, replications=1).ok(strict=True)
    return plain


def an_economy(name: str, spec: str) -> str:
    return f"apiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {{name: {name}}}\nspec: {spec}"


def a_cell(spec: str, name: str = "c") -> str:
    return f"apiVersion: nimdsl.dev/v1\nkind: Cell\nmetadata: {{name: {name}}}\nspec:\n{spec}"


def data(result: Result, name: str = "c") -> Any:
    return result.outcome["cells"][name]["data"]


def purse(result: Result, name: str) -> Any:
    return result.outcome["economies"][name]


def told(result: Result, kind: type[Any], actor: str = "cell/c") -> list[Any]:
    return [r for r in result.records() if isinstance(r.body, kind) and r.actor == actor]


# Bills


def test_3_7_a_transition_costs_several_economies_at_once_or_nothing() -> None:
    purses = [
        an_economy("calls", "{opening: 4}"),
        an_economy("dollars", "{opening: 9}"),
        an_economy("own", "{opening: 2}"),
    ]
    stimuli = "[{at: 1s, every: 1s, times: 4, to: c, event: go}]"
    result = go(*purses, a_cell(PAYING), stimuli=stimuli, economy="own")
    # 0, 1 and then 2 LF of its own: the third cannot be paid, and costs nobody anything.
    assert data(result) == {"paid": 2, "refusals": 2, "who": "own", "price": 2 * LF}
    assert {n: p["spent"] for n, p in result.outcome["economies"].items()} == {
        "calls": 2 * LF,
        "dollars": 600_000,
        "own": LF,
    }
    assert result.summary["refusals"][0] == {
        "actor": "cell/c",
        "economy": "own",
        "price": 2.0,
        "balance": 1.0,
    }
    assert {"economies", "lifeforce"} <= set(result.summary)


def test_3_7_a_purse_with_an_income_is_a_rate_limit() -> None:
    machine = """
  data: {done: int}
  accepts: {go: {}}
  machine: {initial: a, states: {a: {transitions: [{event: go, internal: true, costs: {calls: 1}, do: [{set: {done: "${done + 1}"}}]}, {event: refused, internal: true}]}}}
"""
    calls = an_economy("calls", "{opening: 2, capacity: 2, incomes: {again: 1/min}}")
    result = go(
        calls,
        an_economy("own", "{opening: 1}"),
        a_cell(machine),
        stimuli="[{at: 0s, every: 10s, times: 61, to: c, event: go}]",
        economy="own",
    )
    assert data(result)["done"] == 2 + 10


# Flows


def test_3_4_a_state_settles_its_flow_by_one_floor_however_often_it_is_entered() -> None:
    blinking = """
  economy: cell-of-its-own
  machine:
    initial: dark
    states:
      dark: {timers: [{after: 700ms, to: bright}]}
      bright: {upkeep: 1/d, timers: [{after: 300ms, to: dark}]}
"""
    result = go(an_economy("cell-of-its-own", "{opening: 1}"), a_cell(blinking), horizon="3min")
    # 0.3 of 180 s, at 1 LF a day.
    assert purse(result, "cell-of-its-own")["spent"] == 180 * 300 * LF // (1000 * 86_400)


def test_3_4_flows_of_a_lineage_are_added_and_computed_ones_are_read_on_entering() -> None:
    machine = """
  economy: tank
  data: {level: int}
  machine:
    initial: up
    states:
      up:
        income: 2/h
        initial: slow
        states:
          slow: {upkeep: "${min(level, 3) * 0.001LF}", timers: [{after: 10min, to: slow, do: [{set: {level: "${level + 1}"}}]}]}
"""
    result = go(an_economy("tank", "{opening: 100}"), a_cell(machine), horizon="1h")
    assert purse(result, "tank")["earned"] == 2 * LF
    assert purse(result, "tank")["spent"] == sum(min(level, 3) * 1_000 * 600 for level in range(6))


def test_3_4_a_cell_that_is_down_goes_on_using_lifeforce() -> None:
    machine = """
  economy: tank
  accepts: {go: {}}
  machine:
    initial: idle
    states:
      idle: {transitions: [{event: go, to: busy}]}
      busy: {upkeep: 0.1, enter: [{work: job}], transitions: [{event: done, to: idle}, {event: failed, to: idle}], timers: [{after: 30s, to: idle}]}
  work:
    job: {virtual: {latency: {constant: 5s}, crash: {chance: 100%, down: 10s}}}
"""
    result = go(
        an_economy("tank", "{opening: 100}"),
        a_cell(machine),
        stimuli="[{at: 1s, to: c, event: go}]",
        horizon="2min",
    )
    assert {"crashed", "came back"} <= {incident.what for incident in result.incidents}
    assert (
        purse(result, "tank")["spent"] == result.outcome["cells"]["c"]["states"]["busy"]["time"] // 10_000
    )


# Marks


def test_3_6_marks_are_heard_at_their_instant_and_may_be_deferred() -> None:
    machine = """
  economy: tank
  data: {heard: duration, balance: lifeforce, over: duration}
  machine:
    initial: draining
    states:
      draining:
        upkeep: 0.7/min
        defer: [low]
        timers: [{after: 80min, to: listening}]
      listening: {transitions: [{event: low, to: filling, do: [{set: {heard: "${now}", balance: "${event.balance}"}}]}]}
      filling: {income: 3/min, transitions: [{event: low.over, to: idle, do: [{set: {over: "${now}"}}]}]}
      idle: {final: true}
"""
    tank = an_economy("tank", "{opening: 100, marks: {low: {below: 50, until: 90}}}")
    result = go(tank, a_cell(machine), horizon="3h")
    marks = [(e.key, e.time_ns, e.balance) for e in result.run.purses.entries if e.kind == "mark"]
    first_ns = 50 * 60 * 10**9 * 10 // 7 + 1  # the first whole nanosecond below 50 LF, at 0.7 LF a minute
    assert marks[0] == ("low", first_ns, 50 * LF - 1)
    left = 100 - 80 * 0.7
    second_ns = -(-round((90 - left) * LF) * 60 * 10**9 // (3 * LF)) + 80 * 60 * 10**9
    assert marks[1:] == [("low.over", second_ns, 90 * LF)]
    assert data(result) == {"heard": 80 * 60 * 10**9, "balance": 50 * LF - 1, "over": second_ns}


def test_3_6_a_pool_that_opens_below_a_mark_is_told_at_once_and_reserves_do_not_count() -> None:
    machine = """
  economy: tank
  data: {low: int, over: int}
  accepts: {go: {}}
  machine:
    initial: a
    any: [{event: low, internal: true, do: [{set: {low: "${low + 1}"}}]}, {event: low.over, internal: true, do: [{set: {over: "${over + 1}"}}]}]
    states:
      a: {transitions: [{event: go, to: b}]}
      b: {enter: [{work: job}], transitions: [{event: done, to: a}, {event: failed, to: a}]}
  work:
    job: {reserve: 4, cost: 1, virtual: {latency: {constant: 5s}}}
"""
    stimuli = "[{at: 5s, to: c, event: go}]"
    opens = go(
        an_economy("tank", "{opening: 3, incomes: {sun: 1}, marks: {low: {below: 5}}}"),
        a_cell(machine),
        stimuli=stimuli,
        horizon="20s",
    )
    assert data(opens) == {"low": 2, "over": 2}, "at 0 s, and when 4 LF of 8 are put aside"
    times_s = [(e.key, e.time_ns / 10**9) for e in opens.run.purses.entries if e.kind == "mark"]
    assert times_s == [("low", 0), ("low.over", 2), ("low", 5), ("low.over", 6)]


def test_3_6_a_mark_for_a_cell_that_is_down_is_told_when_it_is_back() -> None:
    machine = """
  economy: tank
  data: {heard: duration}
  accepts: {go: {}}
  machine:
    initial: idle
    any: [{event: low, internal: true, do: [{set: {heard: "${now}"}}]}]
    states:
      idle: {transitions: [{event: go, to: busy}]}
      busy: {upkeep: 1, enter: [{work: job}], transitions: [{event: done, to: idle}, {event: failed, to: idle}], timers: [{after: 60s, to: idle}]}
  work:
    job: {repeat: at-most-once, unknown: failed, virtual: {latency: {constant: 1s}, crash: {chance: 100%, down: 10s}}}
"""
    tank = an_economy("tank", "{opening: 10, marks: {low: {below: 5}}}")
    result = go(tank, a_cell(machine), stimuli="[{at: 1s, to: c, event: go}]", horizon="5min")
    back_ns = next(one.time_ns for one in result.incidents if one.what == "came back")
    assert back_ns > 10 * 10**9
    assert data(result)["heard"] == back_ns


# Reserves

WORKING = """
  economy: tank
  data: {done: int, failed: int, refusals: int, used: lifeforce, why: string}
  accepts: {go: {}, leave: {}}
  machine:
    initial: a
    any: [{event: refused, internal: true, do: [{set: {refusals: "${refusals + 1}"}}]}]
    states:
      a: {transitions: [{event: go, to: b}]}
      b:
        enter: [{work: job}]
        transitions:
          - {event: leave, to: a}
          - {event: done, to: a, do: [{set: {done: "${done + 1}", used: "${event.used}"}}]}
          - {event: failed, to: a, do: [{set: {failed: "${failed + 1}", why: "${event.reason}"}}]}
  work:
    job: {returns: {used: lifeforce}, reserve: 4, cost: "${event.used}", MORE}
"""


@pytest.mark.parametrize(
    ("more", "spent", "left"),
    [
        ("virtual: {latency: {constant: 5s}, returns: {used: {constant: 1.5}}}", 1_500_000, 0),
        ("virtual: {latency: {constant: 5s}, returns: {used: {constant: 7}}}", 4 * LF, 3 * LF),
        ("virtual: {latency: {constant: 5s}, failure: 100%, returns: {used: {constant: 1}}}", 0, 0),
        ("timeout: 2s, virtual: {latency: {constant: 5s}, returns: {used: {constant: 1}}}", 4 * LF, 0),
        (
            "attempts: 3, backoff: {initial: 1s}, virtual: {latency: {constant: 1s}, failure: 100%, returns: {used: {constant: 1}}}",
            0,
            0,
        ),
        (
            "timeout: 1s, attempts: 2, virtual: {latency: {constant: 5s}, returns: {used: {constant: 1}}}",
            8 * LF,
            0,
        ),
        (
            "repeat: at-most-once, unknown: failed, virtual: {latency: {constant: 5s}, crash: {chance: 100%, down: 1s}, returns: {used: {constant: 1}}}",
            4 * LF,
            0,
        ),
    ],
)
def test_3_9_what_was_reserved_is_settled_once_by_how_the_work_ended(
    more: str, spent: int, left: int
) -> None:
    result = go(
        an_economy("tank", "{opening: 10}"),
        a_cell(WORKING.replace("MORE", more)),
        stimuli="[{at: 1s, to: c, event: go}]",
    )
    assert (purse(result, "tank")["spent"], purse(result, "tank")["shortfall"]) == (spent, left)
    assert purse(result, "tank")["final"] == 10 * LF - spent
    assert not result.run.purses.ledger("tank").holds()


def test_3_9_work_whose_state_is_left_costs_all_that_it_reserved() -> None:
    more = "virtual: {latency: {constant: 5s}, returns: {used: {constant: 1}}}"
    stimuli = "[{at: 1s, to: c, event: go}, {at: 2s, to: c, event: leave}]"
    result = go(an_economy("tank", "{opening: 10}"), a_cell(WORKING.replace("MORE", more)), stimuli=stimuli)
    assert purse(result, "tank")["spent"] == 4 * LF


def test_3_9_what_cannot_be_put_aside_is_refused_and_an_attempt_that_cannot_has_failed() -> None:
    more = "timeout: 1s, attempts: 3, virtual: {latency: {constant: 5s}, returns: {used: {constant: 1}}}"
    stimuli = "[{at: 1s, to: c, event: go}, {at: 20s, to: c, event: go}]"
    result = go(an_economy("tank", "{opening: 9}"), a_cell(WORKING.replace("MORE", more)), stimuli=stimuli)
    # Two attempts take 8 LF, the third finds 1: the work has failed, and the second transition is refused.
    assert data(result) == {"done": 0, "failed": 1, "refusals": 1, "used": 0, "why": "refused"}
    assert [r["price"] for r in result.summary["refusals"]] == [4.0, 4.0]


@pytest.mark.parametrize(("opening", "attempts", "why"), [(4, 3, "the work failed"), (3.9, 0, "")])
def test_3_9_what_a_failed_attempt_reserved_is_back_before_the_next_one_asks(
    opening: float, attempts: int, why: str
) -> None:
    """An economy that has enough for one attempt has enough for all of them, with or without a wait."""
    more = "attempts: 3, virtual: {latency: {constant: 5s}, failure: 100%, returns: {used: {constant: 1}}}"
    stimuli = "[{at: 1s, to: c, event: go}]"
    for backoff in ("", "backoff: {initial: 1s}, "):
        cell = a_cell(WORKING.replace("MORE", backoff + more))
        result = go(an_economy("tank", f"{{opening: {opening}}}"), cell, stimuli=stimuli)
        asked = [e for e in result.run.purses.entries if e.cause == "reserve" and e.kind == "transfer"]
        assert len(asked) == attempts
        assert data(result)["why"] == why
        assert (data(result)["failed"], data(result)["refusals"]) == ((1, 0) if attempts else (0, 1))
        if attempts and not backoff:
            assert [e.time_ns // 10**9 for e in asked] == [1, 6, 11], "without a wait at the same instant"


def test_3_9_an_attempt_of_no_wait_is_abandoned_with_its_state() -> None:
    more = "attempts: 3, virtual: {latency: {constant: 5s}, failure: 100%, returns: {used: {constant: 1}}}"
    # The stimulus of the instant at which the attempt fails comes before its timer of no duration.
    stimuli = "[{at: 1s, to: c, event: go}, {at: 6s, to: c, event: leave}]"
    result = go(an_economy("tank", "{opening: 4}"), a_cell(WORKING.replace("MORE", more)), stimuli=stimuli)
    assert [r.body.attempt for r in told(result, records.WorkStarted)] == [1]
    assert len(told(result, records.Abandoned)) == 1
    assert (purse(result, "tank")["spent"], purse(result, "tank")["final"]) == (0, 4 * LF)


def test_3_9_what_one_step_starts_and_abandons_reserves_nothing_in_the_end() -> None:
    machine = """
  economy: tank
  accepts: {go: {}}
  machine:
    initial: a
    states:
      a: {transitions: [{event: go, to: b}]}
      b: {enter: [{work: job}, {raise: away}], transitions: [{event: away, to: a}, {event: done, to: a}, {event: failed, to: a}]}
  work:
    job: {reserve: 4, cost: 1, virtual: {latency: {constant: 5s}}}
"""
    result = go(
        an_economy("tank", "{opening: 10}"), a_cell(machine), stimuli="[{at: 1s, to: c, event: go}]"
    )
    assert (purse(result, "tank")["spent"], purse(result, "tank")["final"]) == (0, 10 * LF)


def test_3_9_a_reserve_may_depend_on_what_the_transition_has_just_set() -> None:
    machine = """
  economy: tank
  data: {many: int}
  accepts: {go: {many: int}}
  machine:
    initial: a
    states:
      a: {transitions: [{event: go, to: b, cost: 1, do: [{set: {many: "${event.many}"}}]}]}
      b: {enter: [{work: job}, {work: other}], transitions: [{event: done, internal: true}, {event: failed, to: a}, {event: refused, to: a}], timers: [{after: 1min, to: a}]}
  work:
    job: {reserve: "${min(many, 3) * 1LF}", cost: "${min(many, 3) * 1LF}", virtual: {latency: {constant: 5s}}}
    other: {reserve: 0.5, cost: 0.25, virtual: {latency: {constant: 5s}}}
"""
    stimuli = (
        "[{at: 1s, to: c, event: go, payload: {many: 0}}, {at: 2min, to: c, event: go, payload: {many: 2}}]"
    )
    result = go(an_economy("tank", "{opening: 10}"), a_cell(machine), stimuli=stimuli)
    assert purse(result, "tank")["spent"] == 2 * LF + 2 * 250_000 + 2 * LF
    bills = [e for e in result.run.purses.entries if e.cause in ("charge", "reserve")]
    assert [(e.cause, e.amount) for e in bills] == [
        ("charge", LF),
        ("reserve", 500_000),
        ("charge", LF),
        ("reserve", 2 * LF),
        ("reserve", 500_000),
    ]


# Rewards


@pytest.mark.parametrize(("amount", "earned", "mismatch"), [("3", 3, 0), ("9", 5, 1), ("0", 0, 0)])
def test_a_measured_reward_is_at_most_what_the_economy_says(
    amount: str, earned: int, mismatch: int
) -> None:
    machine = f"""
  economy: tank
  accepts: {{go: {{}}}}
  machine: {{initial: a, states: {{a: {{transitions: [{{event: go, internal: true, do: [{{reward: {{name: tip, amount: {amount}}}}}]}}]}}}}}}
"""
    result = go(
        an_economy("tank", "{opening: 0, rewards: {tip: 5}}"),
        a_cell(machine),
        stimuli="[{at: 1s, to: c, event: go}]",
    )
    assert purse(result, "tank")["earned"] == earned * LF
    assert sum(e.kind == "mismatch" for e in result.run.purses.entries) == mismatch


# Resources

GUESTS = """
  for: {k: [1, 2, 3]}
  data: {seated: duration, why: string}
  accepts: {come: {}, leave: {}}
  machine:
    initial: away
    states:
      away: {transitions: [{event: come, to: asking}]}
      asking:
        enter: [{work: desk}]
        initial: waiting
        states:
          waiting: {transitions: [{event: done, to: seated}, {event: failed, to: away, do: [{set: {why: "${event.reason}"}}]}]}
          seated: {enter: [{set: {seated: "${now}"}}]}
        transitions: [{event: leave, to: away}]
  work:
    desk: {acquire: {resource: desks, priority: "${clamp(PRIORITY, 0, 9)}"}, timeout: 100s}
"""


def guests(spec: str, stimuli: str, priority: str = "0") -> Result:
    desks = f"apiVersion: nimdsl.dev/v1\nkind: Resource\nmetadata: {{name: desks}}\nspec: {spec}"
    family = a_cell(GUESTS.replace("PRIORITY", priority), '"guest-${k}"')
    return go(desks, family, stimuli=stimuli)


def times(result: Result) -> list[int]:
    return [data(result, f"guest-{k}")["seated"] // 10**9 for k in (1, 2, 3)]


def test_3_8_units_are_lent_in_turn_and_come_back_when_the_state_is_left() -> None:
    stimuli = "[{at: 1s, to: guest-1, event: come}, {at: 2s, to: guest-2, event: come}, {at: 3s, to: guest-3, event: come}, {at: 30s, to: guest-1, event: leave}, {at: 40s, to: guest-2, event: leave}]"
    result = guests("{capacity: 1}", stimuli)
    assert times(result) == [1, 30, 40]
    desks = result.outcome["resources"]["desks"]
    assert {**desks, "waited": desks["waited"] // 10**9, "waited_max": desks["waited_max"] // 10**9} == {
        "granted": 3, "withdrawn": 0, "refused": 0, "utilisation": 975_000, "waited": (28 + 37) // 3, "waited_max": 37, "queue_max": 2,
    }  # fmt: skip


def test_3_8_who_has_more_priority_is_served_first() -> None:
    stimuli = "[{at: 1s, to: guest-1, event: come}, {at: 2s, to: guest-2, event: come}, {at: 3s, to: guest-3, event: come}, {at: 30s, to: guest-1, event: leave}, {at: 40s, to: guest-3, event: leave}]"
    assert times(guests("{capacity: 1}", stimuli, "k")) == [1, 40, 30]


def test_3_8_a_full_line_and_a_long_wait_are_failures() -> None:
    stimuli = "[{at: 1s, to: guest-1, event: come}, {at: 2s, to: guest-2, event: come}, {at: 3s, to: guest-3, event: come}]"
    result = guests("{capacity: 1, queue: 1}", stimuli)
    assert [data(result, f"guest-{k}")["why"] for k in (1, 2, 3)] == ["", "timeout", "full"]
    desks = result.outcome["resources"]["desks"]
    assert (desks["granted"], desks["withdrawn"], desks["refused"]) == (1, 1, 1)


def test_3_8_who_leaves_while_it_waits_is_withdrawn_and_the_next_is_served() -> None:
    stimuli = "[{at: 1s, to: guest-1, event: come}, {at: 2s, to: guest-2, event: come}, {at: 3s, to: guest-3, event: come}, {at: 20s, to: guest-2, event: leave}, {at: 30s, to: guest-1, event: leave}]"
    result = guests("{capacity: 1}", stimuli)
    assert times(result) == [1, 0, 30]
    assert [r.body.work for r in told(result, records.GivenBack, "cell/guest-1")] == ["desk"]
    assert [r.body.work for r in told(result, records.Abandoned, "cell/guest-2")] == ["desk"]


def test_3_8_what_one_step_asks_for_and_abandons_is_never_asked_for() -> None:
    machine = """
  accepts: {go: {}}
  machine:
    initial: a
    states:
      a: {transitions: [{event: go, to: b}]}
      b: {enter: [{work: desk}, {raise: away}], transitions: [{event: away, to: a}, {event: done, to: a}, {event: failed, to: a}]}
  work:
    desk: {acquire: {resource: desks}, timeout: 1min}
"""
    desks = "apiVersion: nimdsl.dev/v1\nkind: Resource\nmetadata: {name: desks}\nspec: {capacity: 1}"
    result = go(desks, a_cell(machine), stimuli="[{at: 1s, to: c, event: go}]")
    assert result.outcome["resources"]["desks"]["granted"] == 0
