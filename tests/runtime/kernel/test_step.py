"""The kernel's rules, one by one, on small cells (SEMANTICS 1.3-1.5, 3.2-3.4, 4.2)."""

from __future__ import annotations

import pytest

import nimdsl
from gardens.stores.memory import MemoryJournal
from nimdsl.base.values import Fields
from runtime.kernel.events import BEGIN, Finished, Received, Requested, Stimulus
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.step import Kernel
from runtime.records import HandshakeEnded, Identity, Ignored, Replied
from runtime.run.host import Host
from simulate import Result, run
from tests.support.plain import Plain, plain
from tests.support.texts import HELLO, cell


def records(result: Result, *types: str) -> list[Plain]:
    return [record for record in plain(result.run.hosts["cell/c"].records) if record["type"] in types]


def go(text: str) -> Result:
    return run(nimdsl.load_text(text), "s")


PUSH = "  accepts: {push: {x: int}}\n"
ONE = "  stimuli: [{at: 1s, to: c, event: push, payload: {x: 1}}]\n"


def test_1_3_the_first_guard_that_holds_selects_and_a_refusal_tries_nothing_else() -> None:
    machine = """
    initial: a
    states:
      a:
        transitions:
          - {event: push, if: event.x > 5, to: b}
          - {event: push, if: event.x > 0, to: b, cost: 50}
          - {event: push, to: c}
      b: {final: true}
      c: {final: true}"""
    result = go(cell(machine, PUSH, scenario=ONE))
    assert result.outcome["cells"]["c"]["state"] == "a"
    assert [r["price"] for r in records(result, "refused")] == [50_000_000]
    assert [r["event"] for r in records(result, "ignored")] == ["refused"]
    assert result.outcome["lifeforce"]["spent"] == 0


def test_1_3_a_guard_that_faults_is_false_and_leaves_a_record() -> None:
    machine = """
    initial: a
    states:
      a:
        transitions:
          - {event: push, if: 1 / (event.x - 1) > 0, to: b}
          - {event: push, to: c}
      b: {final: true}
      c: {final: true}"""
    result = go(cell(machine, PUSH, scenario=ONE))
    assert result.outcome["cells"]["c"]["state"] == "c"
    assert [r["reason"] for r in records(result, "fault")] == ["division by zero"]


def test_an_action_that_faults_undoes_its_transition_before_anything_is_paid() -> None:
    machine = """
    initial: a
    states:
      a:
        transitions:
          - {event: push, to: b, cost: 1, do: [{set: {m: 5}}, {set: {m: "${1 / (event.x - 1)}"}}]}
          - {event: fault, to: c, do: [{set: {why: "${event.reason}"}}]}
      b: {final: true}
      c: {final: true}"""
    result = go(cell(machine, PUSH + "  data: {m: int, why: string}\n", scenario=ONE))
    found = result.outcome["cells"]["c"]
    assert (found["state"], found["data"]) == ("c", {"m": 0, "why": "division by zero"})
    assert result.outcome["lifeforce"]["spent"] == 0


@pytest.mark.parametrize(
    ("x", "state", "waves"),
    [(0, "b", [0.0]), (1, "b", [0.5]), (2, "b", [1.0]), (3, "c", []), (-1, "c", [])],
)
def test_1_5_a_wave_whose_confidence_is_not_from_0_to_1_undoes_its_transition(
    x: int, state: str, waves: list[float]
) -> None:
    machine = """
    initial: a
    states:
      a:
        transitions:
          - {event: push, to: b, do: [{emit: {confidence: "${event.x * 0.5}", content: {x: "${event.x}"}}}]}
          - {event: fault, to: c, do: [{set: {why: "${event.reason}"}}]}
      b: {final: true}
      c: {final: true}"""
    once = ONE.replace("x: 1", f"x: {x}")
    result = go(cell(machine, PUSH + "  data: {why: string}\n", scenario=once))
    assert result.outcome["cells"]["c"]["state"] == state
    assert [(r["confidence"], r["content"]) for r in records(result, "emit")] == [
        (w, {"x": x}) for w in waves
    ]
    told = result.outcome["cells"]["c"]["data"]["why"]
    assert told == ("" if waves else f"a confidence is from 0 to 1, this is {x * 0.5}")


def test_1_5_a_wave_says_nothing_and_is_sure_unless_it_says_otherwise() -> None:
    machine = """
    initial: a
    states:
      a: {enter: [{emit: {}}], transitions: [{event: push, internal: true}]}"""
    result = go(cell(machine, PUSH, scenario=ONE))
    assert [(r["confidence"], r["content"]) for r in records(result, "emit")] == [(1.0, {})]


def test_1_3_internal_events_are_bounded() -> None:
    machine = """
    initial: a
    states:
      a: {transitions: [{event: push, to: b}]}
      b: {enter: [{raise: again}], transitions: [{event: again, to: b}]}"""
    result = go(cell(machine, PUSH, scenario=ONE))
    assert len(records(result, "faulted")) == 1
    assert "64" in records(result, "faulted")[0]["reason"]
    assert not result.completed


def test_1_4_leaving_disarms_and_a_self_transition_arms_again() -> None:
    machine = """
    initial: a
    states:
      a:
        transitions: [{event: push, to: a}]
        timers: [{after: 3s, to: b}]
      b: {final: true}"""
    stimuli = "  stimuli: [{at: 1s, every: 2s, times: 4, to: c, event: push, payload: {x: 1}}]\n"
    result = go(cell(machine, PUSH, scenario=stimuli))
    moves = [(r["time_ns"] // 10**9, r["to"]) for r in records(result, "transition")]
    assert moves == [(1, "a"), (3, "a"), (5, "a"), (7, "a"), (10, "b")]


def test_1_4_an_internal_transition_leaves_the_timer_alone() -> None:
    machine = """
    initial: a
    states:
      a:
        transitions: [{event: push, internal: true}]
        timers: [{after: 3s, to: b}]
      b: {final: true}"""
    result = go(cell(machine, PUSH, scenario=ONE))
    assert [r["time_ns"] // 10**9 for r in records(result, "transition")] == [1, 3]


WORKER = """
    initial: a
    states:
      a: {transitions: [{event: push, to: b}]}
      b:
        enter: [{work: w}]
        transitions: [{event: push, to: a}, {event: done, to: d}, {event: failed, to: d}]
      d: {final: true}"""


def test_work_of_a_state_is_abandoned_when_the_state_is_left() -> None:
    works = PUSH + "  work: {w: {virtual: {latency: {constant: 5s}}}}\n"
    stimuli = "  stimuli: [{at: 1s, every: 1s, times: 3, to: c, event: push, payload: {x: 1}}]\n"
    result = go(cell(WORKER, works, scenario=stimuli))
    assert len(records(result, "abandoned")) == 1
    done = [r["time_ns"] // 10**9 for r in records(result, "transition") if r["to"] == "d"]
    assert done == [8], "only the work that began at 3 s comes back"


def test_stimuli_of_several_lists_all_arrive() -> None:
    stimuli = """  stimuli:
    - {at: 30s, to: c, event: push, payload: {x: 1}}
    - {at: 1s, every: 2s, times: 20, to: c, event: push, payload: {x: 1}}
"""
    machine = "{initial: a, states: {a: {transitions: [{event: push, to: a}]}}}"
    assert len(records(go(cell(machine, PUSH, scenario=stimuli)), "transition")) == 21


def test_3_3_refused_transitions_are_heard_of_and_what_follows_is_free() -> None:
    machine = """
    initial: a
    states:
      a:
        transitions:
          - {event: push, to: b, cost: 50}
          - {event: refused, if: event.price > event.balance, to: poor}
      b: {final: true}
      poor: {final: true}"""
    result = go(cell(machine, PUSH, scenario=ONE))
    assert result.outcome["cells"]["c"]["state"] == "poor"
    refused = {"actor": "cell/c", "economy": "purse", "price": 50.0, "balance": 10.0}
    assert result.summary["refusals"] == [refused]


def test_3_4_penalties_take_what_is_there_and_record_the_rest() -> None:
    machine = (
        "{initial: a, states: {a: {transitions: [{event: push, to: a, do: [{reward: {name: crash}}]}]}}}"
    )
    economy = "{opening: 10, floor: 4, rewards: {crash: -7}}"
    result = go(cell(machine, PUSH, economy, ONE))
    assert result.outcome["lifeforce"]["final"] == 4_000_000
    assert result.run.ledger is not None
    assert [e.amount for e in result.run.ledger.entries if e.kind == "shortfall"] == [1_000_000]


def test_3_4_rates_are_paid_to_the_horizon() -> None:
    machine = (
        "{initial: a, states: {a: {transitions: [{event: push, to: a}], timers: [{after: 7s, to: a}]}}}"
    )
    economy = "{opening: 10, incomes: {sun: 0.000001}, upkeep: {heart: 0.05}}"
    result = go(cell(machine, PUSH, economy, ONE))
    assert result.outcome["lifeforce"] == {
        "initial": 10_000_000,
        "spent": 3_000_000,
        "earned": 60,
        "final": 7_000_060,
        "least": 7_000_060,
        "most": 10_000_000,
        "shortfall": 0,
        "starved": False,
        "starved_at": 0,
    }


def test_at_most_once_work_comes_back_as_unknown_after_a_crash() -> None:
    machine = """
    initial: a
    states:
      a: {transitions: [{event: push, to: b}]}
      b:
        enter: [{work: w}]
        transitions: [{event: done, to: d}, {event: failed, to: d}, {event: unknown, to: lost}]
      d: {final: true}
      lost: {final: true}"""
    crash = "virtual: {latency: {constant: 5s}, crash: {chance: 100%, down: 2s}}"
    once = go(cell(machine, PUSH + f"  work: {{w: {{repeat: at-most-once, {crash}}}}}\n", scenario=ONE))
    assert once.outcome["cells"]["c"]["state"] == "lost"
    assert [i.what for i in once.incidents] == ["crashed", "came back"]


def test_4_2_an_answer_that_cannot_be_made_is_a_nack_and_the_cell_goes_on() -> None:
    path = "cell/greeter.answers.hello.payload.text"
    index = '${request.payload.who == "ann" ? [row.text][3] : row.text}'
    result = run(nimdsl.load_text(HELLO), "hello", set={path: index})
    assert [(one.name, one.verdict) for one in result.failures] == [("meet_ann", "nack")]
    assert "index out of range" in result.failures[0].reason
    assert result.outcome["accepted"] == 1


def test_a_payload_that_reads_what_never_came_fails_its_handshake_unpaid() -> None:
    program = nimdsl.load_text(
        HELLO.replace(
            '    - {name: "meet_${who}", for: {who: [ann, bob]}, payload: {who: "${who}"}}',
            "    - {name: meet_zoe, payload: {who: zoe}}\n"
            '    - {name: meet_again, payload: {who: "${steps.meet_zoe.reply.payload.who}"}}',
        )
    )
    result = run(program, "hello")
    assert [(one.name, one.verdict) for one in result.failures] == [
        ("meet_zoe", "nack"),
        ("meet_again", "unready"),
    ]
    assert result.outcome["lifeforce"]["spent"] == 800_000


def test_4_4_a_reward_whose_keys_fault_fails_the_handshake() -> None:
    each = "[['a'][size(reply.payload.who)]]"
    program = nimdsl.load_text(HELLO.replace("when: accepted}", f'when: accepted, each: "{each}"}}'))
    result = run(program, "hello")
    assert {one.verdict for one in result.failures} == {"faulted"}
    assert result.run.stopped == "final"


def test_data_cannot_grow_without_bound() -> None:
    machine = """
    initial: a
    states:
      a:
        enter: [{set: {s: '${s + s + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}'}}]
        timers: [{after: 1s, to: a}]
        transitions: [{event: fault, to: full}]
      full: {final: true}"""
    result = go(cell(machine, "  data: {s: string}\n"))
    assert result.outcome["cells"]["c"]["state"] == "full"
    assert "longer than" in records(result, "fault")[0]["reason"]


def test_2_3_an_int_becomes_a_real_only_if_nothing_is_lost() -> None:
    machine = """
    initial: a
    states:
      a: {transitions: [{event: push, to: b, do: [{set: {r: "${event.x}"}}]}, {event: fault, to: c}]}
      b: {final: true}
      c: {final: true}"""
    rest = PUSH + "  data: {r: real}\n"
    found = go(cell(machine, rest, scenario=ONE)).outcome["cells"]["c"]
    assert (found["state"], found["data"]) == ("b", {"r": 1.0})
    large = ONE.replace("x: 1", "x: 9007199254740993")
    assert go(cell(machine, rest, scenario=large)).outcome["cells"]["c"]["state"] == "c"


def test_1_4_a_stale_timer_lets_no_rate_run_on() -> None:
    machine = """
    initial: a
    states:
      a: {transitions: [{event: push, to: b}], timers: [{after: 50s, to: b}]}
      b: {final: true}"""
    result = go(cell(machine, PUSH, "{opening: 10, upkeep: {heart: 0.1}}", ONE))
    assert result.outcome["duration"] == 10**9
    assert result.outcome["lifeforce"]["spent"] == 100_000


def test_a_phase_that_is_tried_again_starts_from_nothing() -> None:
    text = HELLO.replace(
        '    - {name: "meet_${who}", for: {who: [ann, bob]}, payload: {who: "${who}"}}',
        "    - {name: one, payload: {who: ann}}\n"
        '    - {name: two, payload: {who: "${steps.one.reply.payload.who}"}}',
    ).replace("  exit: accepted == handshakes", "  retries: 1\n  exit: accepted == handshakes")
    program = nimdsl.load_text(text)
    for seed in range(60):
        result = run(program, "hello", seed=seed, set={"cell/greeter.work.recall.virtual.nack": "50%"})
        bodies = [record.body for record in result.run.hosts["protocol/hello"].records]
        ended = [body for body in bodies if isinstance(body, HandshakeEnded)]
        tries = [ended[:2], ended[2:]]
        for one, two in (pair for pair in tries if pair):
            assert (two.verdict == "unready") == (one.verdict != "accepted")


def test_a_long_queue_is_answered_without_a_fault() -> None:
    """36 requests that wait for one slow answer, each recalled with a budget of its own."""
    program = nimdsl.load_text(HELLO)
    actor = program.cells["greeter"]
    kernel = Kernel(actor, PlainInterpreter(actor.table), program.schemas)
    host = Host(kernel, MemoryJournal())
    host.accept(BEGIN, 0)
    message: Fields = {"$schema": "hello.v1", "type": "HELLO", "payload": {"who": "ann"}}
    for number in range(1, 38):
        identity = Identity("protocol/x", number)
        host.accept(Requested(identity, message, sender="protocol/x", number=number), number)
    while host.snapshot.works:
        (work,) = host.snapshot.works
        host.accept(Finished(work, "done"), 99)
    replies = [record for record in host.records if isinstance(record.body, Replied)]
    assert len(replies) == 37
    assert not host.snapshot.fault


def test_4_4_an_absurd_claim_makes_a_reply_unreadable_not_a_crash() -> None:
    result = run(nimdsl.load_text(HELLO), "hello", set={"cell/greeter.answers.hello.lifeforce_delta": 1e13})
    assert {one.verdict for one in result.failures} == {"malformed"}


def test_rewards_of_a_cell_do_not_enter_a_phase_of_its_name() -> None:
    machine = (
        "{initial: a, states: {a: {transitions: [{event: push, to: a, do: [{reward: {name: gift}}]}]}}}"
    )
    result = go(cell(machine, PUSH, "{opening: 1, rewards: {gift: 2}}", ONE))
    assert result.run.ledger is not None
    assert result.run.ledger.earned("cell/c") == 2_000_000


@pytest.mark.parametrize("name", ["refused", "fault", "after:a:0", "done", "nonsense"])
@pytest.mark.parametrize("kind", [Received, Stimulus])
def test_nobody_else_can_cause_an_actors_own_events(
    name: str, kind: type[Received] | type[Stimulus]
) -> None:
    machine = """
    initial: a
    states:
      a:
        enter: [{work: w}]
        transitions:
          - {event: push, to: a, cost: 1}
          - {event: refused, to: b}
          - {event: fault, to: b}
          - {event: done, to: b}
          - {event: failed, to: b}
        timers: [{after: 1s, to: b}]
      b: {transitions: [{event: push, to: a}]}"""
    program = nimdsl.load_text(cell(machine, "  accepts: {push: {}}\n  work: {w: {}}\n"))
    actor = program.cells["c"]
    host = Host(Kernel(actor, PlainInterpreter(actor.table), program.schemas), MemoryJournal())
    host.accept(BEGIN, 0)
    assert name == "nonsense" or name in actor.table.event_numbers
    host.accept(kind(name, {}, sender="outside", number=1), 1)
    assert host.snapshot.state == "a"
    assert isinstance(host.records[-1].body, Ignored)
