"""What an attention does with what comes from outside, and what her modes do in time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from nimdsl.base import canonical
from nimdsl.base.values import Value
from nimdsl.program import Program
from runtime.kernel.attention import GATE_COUNT_MAX
from runtime.kernel.events import BEGIN, Received, Stimulus
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.kernel import Kernel
from runtime.kernel.snapshot import Snapshot
from runtime.records import Arrived, Ignored, Moved, Rewarded
from runtime.run.host import Host
from simulate import run

S = 1_000_000_000


def program(levels: str, modes: str = "", more: str = "", scenario: str = "horizon: 10s") -> Program:
    return nimdsl.load_text(
        f"""
apiVersion: nimdsl.dev/v1
kind: Attention
metadata: {{name: a}}
spec:
  beat: 10s
  levels: {levels}
  {modes}
  {more}
---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {{name: purse}}
spec: {{opening: 100, rewards: {{seen: 1}}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: s}}
spec: {{attention: a, economy: purse, {scenario}}}
"""
    )


TALK = "[{name: talk, take: all, takes: 6s, stages: {listen: 50%, think: 10%, answer: 40%}}]"


def ways(result: RunResult) -> list[tuple[float, str]]:
    """When which mode was entered."""
    moves = ((record, record.body) for record in result.records())
    return [(record.at_ns / S, body.target) for record, body in moves if isinstance(body, Moved)]


def arrival_count(of: Host) -> int:
    return sum(isinstance(record.body, Arrived) for record in of.records)


def host(of: Program) -> Host:
    actor = of.attentions["a"]
    one = Host(Kernel(actor, PlainInterpreter(actor.table), {}), MemoryJournal())
    one.accept(BEGIN, 0)
    return one


# Strangers

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "level": st.sampled_from(["talk", "nobody"]) | ANYTHING,
        "takes": st.integers() | ANYTHING,
        "timer": ANYTHING,
        "gate": ANYTHING,
        "tier": st.integers(-2, 8) | ANYTHING,
        "payload": ANYTHING,
    },
)


@given(
    payload=NEARLY | ANYTHING,
    name=st.sampled_from(["opened", "closed", "hello", ""]),
    kind=st.sampled_from([Received, Stimulus]),
)
def test_a_stranger_can_say_anything(
    payload: Any, name: str, kind: type[Received] | type[Stimulus]
) -> None:
    own = host(STRANGE)
    assert own.accept(kind(name, payload, sender="stranger", number=1), S) is not None
    after = own.snapshot
    own.restore(own.journal.read(own.id))  # type: ignore[attr-defined]
    assert own.snapshot == after
    assert Snapshot.from_data(canonical.decode(canonical.encode(after.to_data()))) == after


STRANGE = program(TALK.replace("takes: 6s", "takes: 6s, tiers: [1]"))


def test_what_an_attention_cannot_use_is_ignored() -> None:
    own = host(STRANGE)
    payloads: list[Any] = [
        {"level": "nobody"},
        {"level": "talk", "takes": -1},
        {"level": "talk", "takes": 1 << 63},
        {"level": "talk", "takes": True},
        {"timer": -1},
        [1],
    ]
    for number, payload in enumerate(payloads, start=1):
        own.accept(Received("hello", payload, sender="stranger", number=number), S)
    own.accept(Received("opened", {"gate": "g", "tier": 4}, sender="stranger", number=99), S)
    assert sum(isinstance(record.body, Ignored) for record in own.records) == 7
    assert arrival_count(own) == 0


def test_gates_are_bounded_and_open_once() -> None:
    own = host(STRANGE)
    for number in range(1, GATE_COUNT_MAX + 20):
        gate: dict[str, Value] = {"gate": f"gate-{number}", "tier": 1}
        own.accept(Received("opened", gate, sender="gates", number=number), S)
    assert own.snapshot.beat is not None
    assert len(own.snapshot.beat.gates) == GATE_COUNT_MAX
    came = arrival_count(own)
    gate = {"gate": "gate-1", "tier": 1}
    own.accept(Received("opened", gate, sender="gates", number=5_000), S)
    assert came == arrival_count(own) == GATE_COUNT_MAX


# Modes in time


def modes(states: str, any_: str = "{event: talk, to: talk}, {event: idle, to: idle}") -> str:
    return f"modes: {{initial: idle, any: [{any_}], states: {states}}}"


STAGES = """{
    idle: {},
    talk: {initial: listen, states: {
      listen: {transitions: [{event: think, to: think}]},
      think: {THINK transitions: [{event: answer, to: answer}]},
      answer: {}}},
    late: {transitions: [{event: answer, to: talk/answer}]}}"""
SPEAK = "horizon: 10s, stimuli: [{at: 0s, level: talk}]"


def test_a_timer_of_a_stage_fires_in_time() -> None:
    timed = STAGES.replace("THINK", "timers: [{after: 500ms, to: late}],")
    result = run(program(TALK, modes(timed), scenario=SPEAK), "s")
    assert ways(result)[:4] == [
        (0.1, "talk/listen"),
        (3.1, "talk/think"),
        (3.6, "late"),
        (3.7, "talk/answer"),
    ]


def test_what_a_stage_does_happens_in_time() -> None:
    acting = STAGES.replace("THINK", "enter: [{reward: {name: seen}}],").replace(
        "late: {", "late: {final: true, "
    )
    acting = acting.replace("answer: {}}}", "answer: {timers: [{after: 9s, to: late}]}}}")
    result = run(program(TALK, modes(acting), scenario=SPEAK), "s")
    (rewarded,) = (record for record in result.records() if isinstance(record.body, Rewarded))
    assert rewarded.moment is not None
    assert rewarded.time_ns == rewarded.moment.at_ns == 3_100_000_000


def test_a_stage_of_no_length_is_passed_through() -> None:
    levels = "[{name: talk, take: all, takes: 6s, stages: {listen: 0%, think: 0%, answer: 100%}}]"
    acting = STAGES.replace("THINK", "enter: [{reward: {name: seen}}],").replace(
        "late: {", "late: {final: true, "
    )
    acting = acting.replace("answer: {}}}", "answer: {timers: [{after: 9s, to: late}]}}}")
    result = run(program(levels, modes(acting), scenario=SPEAK), "s")
    assert ways(result)[:3] == [(0.1, "talk/listen"), (0.1, "talk/think"), (0.1, "talk/answer")]
    assert result.run.stopped == "horizon"


def test_a_timer_that_time_itself_disarms_is_no_event() -> None:
    timed = STAGES.replace("THINK", "").replace("listen: {", "listen: {timers: [{after: 3s, to: late}], ")
    result = run(program(TALK, modes(timed), scenario=SPEAK), "s")
    assert ways(result)[:2] == [(0.1, "talk/listen"), (3.1, "talk/think")]


def test_a_state_of_its_own_decides_before_any_state() -> None:
    own = STAGES.replace("THINK", "").replace("idle: {}", "idle: {transitions: [{event: talk, to: late}]}")
    result = run(program(TALK, modes(own), scenario=SPEAK), "s")
    assert ways(result)[0] == (0.1, "late")


def test_a_guard_that_is_false_leaves_it_to_the_next_way() -> None:
    own = STAGES.replace("THINK", "")
    any_ = "{event: talk, if: event.remaining < 1s, to: talk}, {event: talk, to: late}"
    result = run(program(TALK, modes(own, any_), scenario=SPEAK), "s")
    assert ways(result)[0] == (0.1, "late")


# The end


def test_a_run_that_ends_in_settle_says_what_it_saw() -> None:
    result = run(program("[{name: v, take: rest, baseline: 10s}]", scenario="horizon: 9.85s"), "s")
    (beat,) = result.summary["beats"]
    assert not beat["settled"]
    assert beat["settle_s"] == pytest.approx(0.05)
    assert beat["overhead_s"] + beat["levels"]["v"]["spent_s"] + beat["settle_s"] == pytest.approx(9.85)


def test_the_end_of_a_run_grants_nothing() -> None:
    dear = "[{name: v, take: rest, baseline: 10s, cost: {fixed: 500}}]"
    for horizon in ("100ms", "5s"):
        result = run(program(dear, scenario=f"horizon: {horizon}"), "s")
        (beat,) = result.summary["beats"]
        assert beat["levels"]["v"] == {
            "spent_s": 0.0,
            "granted_s": 0.0,
            "started_s": None,
            "preempted": 0,
            "dropped": 0,
            "done": 0,
        }


def test_what_a_reflex_tells_at_the_end_of_a_beat_belongs_to_the_next() -> None:
    reflex = "name: r, reflex: true, take: {each: 50ms}, max_per_beat: 9, tells: {level: low, takes: 1s}"
    levels = f"[{{{reflex}}}, {{name: low, take: all}}]"
    result = run(program(levels, scenario="horizon: 20s, stimuli: [{at: 9.95s, level: r}]"), "s")
    assert [beat["levels"]["low"]["spent_s"] for beat in result.summary["beats"]] == [0.0, 1.0]
