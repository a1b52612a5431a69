"""A cell that has a machine and answers requests (SEMANTICS 4.2)."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

from typing import Any

import pytest

import nimdsl
import simulate
from gardens.report.result.result import RunResult
from runtime import records
from runtime.run.host import Checks

SCHEMAS = """\
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {opening: 100, prices: {publish: 0.1, process: 0.4}}
---
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: look.v1}
spec: {role: request, type: LOOK, payload: {type: object, additionalProperties: false, required: [at], properties: {at: {type: integer, minimum: 0, maximum: 9}}}}
---
apiVersion: nimdsl.dev/v1
kind: Schema
metadata: {name: look.ack.v1}
spec: {role: reply, type: LOOK_ACK, payload: {type: object, additionalProperties: false, required: [turns], properties: {turns: {type: integer}}}}
---
apiVersion: nimdsl.dev/v1
kind: Protocol
metadata: {name: tour}
spec: {economy: purse, phases: [tour]}
---
apiVersion: nimdsl.dev/v1
kind: Phase
metadata: {name: tour}
spec:
  cell: eye
  request: {schema: look.v1, attempts: 2, timeout: 3s}
  reply: {schema: look.ack.v1}
  accept: reply.status == "ACK"
  handshakes: [{name: "at_${at}", for: {at: [1, 0]}, payload: {at: "${at}"}}]
  exit: "true"
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: tour}
spec: {protocol: tour, CELLShorizon: 1min}
---
"""
EYE = """\
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: eye}
spec:
  data: {turns: int, faults: int, said: string}
  accepts: {may: {}}
  replies: {may: {turns: int}}
  machine:
    initial: resting
    any:
      - {event: may, internal: true, do: [{reply: {turns: "${turns}"}}]}
      - {event: fault, internal: true, do: [{set: {faults: "${faults + 1}", said: "${event.reason}"}}]}
    states:
      resting:
        timers: [{after: 400ms, to: turning}]
        transitions:
          - {event: seen, to: turning}
      turning:
        enter: [{work: turn}]
        transitions: [{event: turned, to: resting, do: [{set: {turns: "${turns + 1}"}}]}]
        timers: [{after: 10s, to: resting}]
  answers:
    look: ANSWER
  work:
    turn: {done: turned, virtual: {latency: {constant: 100ms}}}
    focus: {ARGS virtual: {latency: {constant: 1s}}}
"""
ANSWER = (
    '{request: look.v1, reply: look.ack.v1, work: focus, do: [{raise: seen}], payload: {turns: "${turns}"}}'
)


def eye(answer: str = ANSWER, args: str = "", cells: str = "") -> str:
    return SCHEMAS.replace("CELLS", cells) + EYE.replace("ANSWER", answer).replace("ARGS", args)


def go(documents: str) -> RunResult:
    """A run in which everything passed through bytes, and that replays."""
    program = nimdsl.load_text(documents)
    proven = simulate.Options(checks=Checks(round_trip=True, restore=True))
    plain = simulate.run(program, "tour")
    assert plain.summary == simulate.run(program, "tour", options=proven).summary
    assert simulate.replay(plain).identical
    return plain


def verdicts(result: RunResult) -> dict[str, Any]:
    found = (r.body for r in result.records() if isinstance(r.body, records.HandshakeEnded))
    return {body.name: body for body in found}


def told(result: RunResult, kind: type[Any]) -> list[Any]:
    return [r for r in result.records() if isinstance(r.body, kind) and r.actor == "cell/eye"]


def test_4_2_a_machine_works_on_while_a_request_is_answered() -> None:
    result = go(eye())
    assert {name: one.verdict for name, one in verdicts(result).items()} == {
        "at_1": "accepted",
        "at_0": "accepted",
    }
    # It had turned at 0.5 s, and was about to; what it says is what it knew then.
    assert [one.received["payload"]["turns"] for one in verdicts(result).values()] == [1, 3]
    moved = [(r.at_ns // 10**6, r.body.event) for r in told(result, records.Moved)]
    assert moved[:6] == [
        (0, "request:look.v1"),
        (400, "after:resting:0"),
        (500, "turned"),
        (900, "after:resting:0"),
        (1000, "focus/done"),
        (1000, "turned"),
    ]


@pytest.mark.parametrize(
    ("answer", "args"),
    [
        (ANSWER, 'args: {x: "${10 / request.payload.at}"},'),
        (ANSWER.replace("do: [", 'do: [{set: {turns: "${turns + round(10 / request.payload.at)}"}}, '), ""),
    ],
    ids=["where it is begun", "where it is written"],
)
@pytest.mark.parametrize("alone", [False, True])
def test_4_2_an_answer_without_a_value_is_a_nack_with_the_reason(
    answer: str, args: str, alone: bool
) -> None:
    documents = eye(answer.replace(", {raise: seen}", "") if alone else answer, args)
    if alone:
        before, rest = documents.split("  accepts:")
        own = rest.split("  answers:")[1].replace("{raise: seen}", "{set: {said: x}}")
        documents = (
            before
            + "  answers:"
            + own.replace("    turn: {done: turned, virtual: {latency: {constant: 100ms}}}\n", "")
        )
    result = go(documents)
    ended = verdicts(result)
    assert ended["at_1"].verdict == "accepted"
    assert (ended["at_0"].verdict, ended["at_0"].attempts) == ("nack", 1)
    assert ended["at_0"].received["reason"] == "division by zero"
    assert result.outcome["cells"]["eye"]["data"]["faults"] == 0
    assert result.run.hosts["cell/eye"].snapshot.serving is None


def test_4_2_faults_of_the_machine_are_its_own() -> None:
    result = go(eye().replace('"${turns + 1}"', '"${turns + round(10 / turns)}"'))
    assert {one.verdict for one in verdicts(result).values()} == {"accepted"}
    assert result.outcome["cells"]["eye"]["data"]["said"] == "division by zero"
    assert result.outcome["cells"]["eye"]["data"]["faults"]


def test_1_8_asks_and_requests_are_served_one_after_the_other() -> None:
    asker = """
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: hand}
spec:
  data: {turns: int, at: duration}
  machine:
    initial: waiting
    states:
      waiting: {timers: [{after: 200ms, to: asking}]}
      asking:
        enter: [{work: ask}]
        transitions: [{event: told, to: over, do: [{set: {turns: "${event.turns}", at: "${now}"}}]}, {event: failed, to: over}]
      over: {final: true}
  work: {ask: {ask: {to: eye, event: may}, timeout: 5s, done: told}}
"""
    result = go(eye(cells="cells: [eye, hand], ") + asker)
    hand = result.outcome["cells"]["hand"]["data"]
    assert hand["at"] >= 10**9, "the request came first, and takes a second"
    assert {one.verdict for one in verdicts(result).values()} == {"accepted"}
    assert told(result, records.Deferred)[0].body.event == "may"


def test_an_answer_can_depend_on_the_state_of_the_machine() -> None:
    """A motor that turns declines what else it is told to do."""
    busy = "{request: look.v1, reply: look.ack.v1, status: NACK, reason: it turns}"
    text = eye(ANSWER.replace("work: focus,", "if: 'state == \"turning\"', work: focus,"))
    text = text.replace("  work:\n", f"    busy: {busy}\n  work:\n")
    ended = verdicts(go(text))
    assert [(one.verdict, (one.received or {}).get("reason")) for one in ended.values()] == [
        ("nack", "it turns"),
        ("nack", "it turns"),
    ]
    turning = text.replace("initial: resting", "initial: turning")
    assert next(one.verdict for one in verdicts(go(turning)).values()) == "accepted"


@pytest.mark.parametrize("name", ["focus.done", "look.fault", "look.answer"])
def test_what_an_answer_comes_to_nobody_else_can_say(name: str) -> None:
    """An event of such a name is one like others; that of the answer cannot be written."""
    text = eye(ANSWER, cells="cells: [eye], ").replace(
        "accepts: {may: {}}", f"accepts: {{may: {{}}, {name}: {{}}}}"
    )
    text = text.replace(
        "{event: may, internal", f"{{event: {name}, internal: true}}\n      - {{event: may, internal"
    )
    forged = f"horizon: 1min, stimuli: [{{at: 500ms, to: eye, event: {name}}}]"
    result = go(text.replace("horizon: 1min", forged))
    plain = go(eye())
    assert [one.received for one in verdicts(result).values()] == [
        one.received for one in verdicts(plain).values()
    ]
    assert [one.at_ns for one in told(result, records.Replied)] == [
        one.at_ns for one in told(plain, records.Replied)
    ]
