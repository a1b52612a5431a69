"""The virtual driver: events of one instant, the horizon, crashes, the payload limit (SEMANTICS 2)."""

from __future__ import annotations

import nimdsl
from runtime.records import Moved, tag_of
from simulate import Result, run
from tests.support.texts import HELLO, cell

RACE = """
    initial: a
    states:
      a: {transitions: [{event: push, to: b}]}
      b:
        enter: [{work: w}]
        transitions: [{event: done, to: worked}, {event: failed, to: broken}, {event: push, to: pushed}]
        timers: [{after: 2s, to: timed}]
      worked: {final: true}
      broken: {final: true}
      pushed: {final: true}
      timed: {final: true}"""


def race(latency: str, stimuli: str) -> str:
    work = f"  accepts: {{push: {{}}}}\n  work: {{w: {{virtual: {{latency: {{constant: {latency}}}}}}}}}\n"
    result = run(nimdsl.load_text(cell(RACE, work, scenario=f"  stimuli: {stimuli}\n")), "s")
    return str(result.outcome["cells"]["c"]["state"])


def test_2_2_finished_work_before_stimuli_before_timers() -> None:
    at_once = "[{at: 1s, to: c, event: push}, {at: 3s, to: c, event: push}]"
    assert race("2s", at_once) == "worked"
    assert race("3s", at_once) == "pushed"
    assert race("3s", "[{at: 1s, to: c, event: push}]") == "timed"


def test_2_2_a_reply_that_arrives_at_its_deadline_wins() -> None:
    changes = {
        "cell/greeter.work.recall.virtual.latency": {"constant": "998ms"},
        "garden/g.bus.latency": {"constant": "1ms"},
    }
    program = nimdsl.load_text(HELLO)
    assert run(program, "hello", set=changes).outcome["attempts"] == 2
    later = {**changes, "cell/greeter.work.recall.virtual.latency": {"constant": "998.000001ms"}}
    assert run(program, "hello", set=later).outcome["attempts"] == 4


def test_2_2_the_horizon_is_exclusive() -> None:
    machine = "{initial: a, states: {a: {transitions: [{event: push, to: a}]}}}"
    stimuli = "  stimuli: [{at: 59s, every: 1s, times: 3, to: c, event: push}]\n"
    result = run(nimdsl.load_text(cell(machine, "  accepts: {push: {}}\n", scenario=stimuli)), "s")
    moves = [record.time_ns for record in result.records() if isinstance(record.body, Moved)]
    assert moves == [59 * 10**9]
    assert result.run.stopped == "horizon"
    assert result.outcome["duration"] == 60 * 10**9


def test_a_late_reply_counts_while_the_handshake_is_open() -> None:
    slow = {"cell/greeter.work.recall.virtual.latency": {"constant": "1500ms"}}
    result = run(nimdsl.load_text(HELLO), "hello", set=slow)
    assert result.outcome["accepted"] == 2
    assert result.outcome["attempts"] == 4
    assert result.outcome["lifeforce"]["spent"] == 1_800_000, "processed once, sent twice"


def kinds(result: Result) -> set[str]:
    return {tag_of(record.body) for record in result.records()}


def test_what_was_answered_is_answered_again_unpaid() -> None:
    twice = {"garden/g.bus.loss": "40%"}
    for seed in range(40):
        result = run(nimdsl.load_text(HELLO), "hello", seed=seed, set=twice)
        if "answered_again" in kinds(result):
            break
    assert result.run.ledger is not None
    assert result.run.ledger.balances()["cost:process"] <= 1_000_000
    assert "answered_again" in kinds(result)


def test_4_2_nothing_is_kept_for_a_request_that_was_paid_already() -> None:
    late = {
        "economy/purse.opening": 2.1,
        "phase/meet.request": {"schema": "hello.v1", "timeout": "2s", "attempts": 1},
        "garden/g.bus.latency": {"constant": "1200ms"},
        "cell/greeter.work.recall.virtual.latency": {"constant": "100ms"},
    }
    result = run(nimdsl.load_text(HELLO), "hello", set=late)
    assert [one.verdict for one in result.failures] == ["timeout", "timeout"]
    ledger = result.run.ledger
    assert ledger is not None
    released = [(entry.time_ns, entry.amount) for entry in ledger.entries if entry.cause == "release"]
    assert released == [(2 * 10**9, 400_000), (4 * 10**9, 400_000)]


def test_4_2_what_may_still_be_paid_is_kept() -> None:
    late = {
        "phase/meet.request": {"schema": "hello.v1", "timeout": "1s", "attempts": 1},
        "garden/g.bus.latency": {"constant": "1200ms"},
    }
    result = run(nimdsl.load_text(HELLO), "hello", set=late)
    ledger = result.run.ledger
    assert ledger is not None
    released = [(entry.time_ns, entry.amount) for entry in ledger.entries if entry.cause == "release"]
    assert released == [(10**9, 400_000), (2 * 10**9, 400_000)]
    assert sum(entry.amount for entry in ledger.entries if entry.target == "cost:process") == 1_000_000


def test_a_crash_loses_what_was_in_flight_and_work_is_done_again() -> None:
    crash = {"cell/greeter.work.recall.virtual.crash": {"chance": "50%", "down": "300ms"}}
    for seed in range(40):
        result = run(nimdsl.load_text(HELLO), "hello", seed=seed, set=crash)
        if result.incidents and result.completed:
            break
    assert {incident.what for incident in result.incidents} >= {"crashed", "came back"}
    assert result.outcome["lifeforce"]["earned"] == 4_000_000


def test_messages_beyond_the_payload_limit_do_not_travel() -> None:
    small = {"garden/g.bus.payload": 64}
    result = run(nimdsl.load_text(HELLO), "hello", set=small)
    assert {one.verdict for one in result.failures} == {"timeout"}
    assert any("too large" in incident.what for incident in result.incidents)


def test_a_loop_without_delay_is_stopped() -> None:
    machine = """
    initial: a
    states:
      a: {timers: [{after: 0s, to: b}]}
      b: {timers: [{after: 0s, to: a}]}"""
    result = run(nimdsl.load_text(cell(machine)), "s")
    assert result.run.stopped == "stuck"
    assert not result.completed


def test_a_timer_that_is_due_while_its_actor_is_down_is_not_missed() -> None:
    """It is armed again when the actor comes back, and as often as that happens."""
    machine = """
    initial: a
    any: [{event: done, to: b}, {event: failed, to: b}]
    states:
      a: {enter: [{work: w}], timers: [{after: 3s, to: b}]}
      b: {final: true}
"""
    work = "  work: {w: {virtual: {latency: {constant: 1s}, crash: {chance: 100%, down: 5s}}}}"
    result = run(nimdsl.load_text(cell(machine, work)), keep=True)
    assert {incident.what for incident in result.incidents} == {"crashed", "came back"}
    assert result.cells["c"]["state"] == "b"


def test_a_mark_that_is_due_after_the_protocols_end_is_not_told() -> None:
    drone = """---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: battery}
spec: {opening: 10, upkeep: {life: 4}, marks: {low: {below: 9, until: 9.5}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: drone}
spec:
  economy: battery
  work: {flight: {virtual: {latency: {constant: 800ms}}}}
  machine:
    initial: up
    states:
      up:
        enter: [{work: flight}]
        transitions: [{event: low, internal: true}, {event: done, to: down}, {event: failed, to: down}]
      down: {final: true}
"""
    steady = {
        "cell/greeter.work.recall.virtual.latency": {"constant": "20ms"},
        "garden/g.bus.latency": {"constant": "5ms"},
    }
    together = HELLO.replace(
        "{protocol: hello,", "{protocol: hello, economy: purse, cells: [greeter, drone],"
    )
    result = run(nimdsl.load_text(together + drone), "hello", set=steady)
    assert result.run.stopped == "final"
    assert result.outcome["cells"]["drone"]["state"] == "down"
    moves = [(one.actor, one.body) for one in result.records() if isinstance(one.body, Moved)]
    assert [move.event for actor, move in moves if actor == "cell/drone"] == ["done"]
