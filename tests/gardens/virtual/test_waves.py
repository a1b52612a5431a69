"""Waves in the virtual garden: who hears them, in which order, and that its journal shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Driver, Options
from gardens.virtual.recorded import parity
from gardens.virtual.verdict import Parity
from nimdsl.base.units import SECOND_NS
from nimdsl.compile.garden import PERFECT_BUS
from nimdsl.program import Program
from runtime.ports.journal import Journal
from runtime.run.audit import ParityMismatch
from runtime.run.inbox import ReplayMismatch
from runtime.run.replay import replay
from simulate import run
from tests.support.doctored import Lines, groups_of, lines_of, recording_of
from tests.support.waves import HEARERS, waves

BELL, CLOCK, ALL, EAR, WATCH = "cell/bell", "cell/clock", "cell/all", "cell/ear", "cell/watch"


def lived(program: Program, seed: int = 1) -> RunResult:
    return run(program, "s", seed=seed, journal=MemoryJournal())


def heard(journal: Journal, name: str) -> list[tuple[int, str, int]]:
    """When, whose, which number."""
    bodies = [line.body for line in journal.read(name) if line.kind == "accepted"]
    events = [(body["time_ns"], body["event"]) for body in bodies]
    return [(at_ns, e["sender"], e["number"]) for at_ns, e in events if e["kind"] == "message"]


@pytest.fixture(scope="module")
def result() -> RunResult:
    return lived(waves())


def test_whoever_hears_a_domain_hears_each_wave_once(result: RunResult) -> None:
    senders = {name: [who for _, who, _ in heard(result.journal, name)] for name in (ALL, EAR, WATCH, BELL)}
    assert senders == {ALL: [BELL, CLOCK] * 10, EAR: [BELL, CLOCK] * 10, WATCH: [CLOCK] * 10, BELL: []}
    assert result.run.incidents == ()


def test_a_wave_is_a_message_with_domain_confidence_and_content(result: RunResult) -> None:
    first = next(line.body["event"] for line in result.journal.read(WATCH) if line.position > 1)
    payload = {"domain": "time", "confidence": 0.5, "content": {"ticks": 1}}
    assert first == {"kind": "message", "name": "wave", "payload": payload, "sender": CLOCK, "number": 1}


def test_nobody_hears_itself() -> None:
    journal = lived(waves({"bell": ("wave/*",), "clock": ("wave/time", "wave/sound.*")})).journal
    assert {who for _, who, _ in heard(journal, BELL)} == {CLOCK}
    assert {who for _, who, _ in heard(journal, CLOCK)} == {BELL}


def test_2_2_at_one_instant_copies_go_by_emitter_number_and_subscriber() -> None:
    program, journal = waves({**HEARERS, "bell": ("wave/*",)}), MemoryJournal()
    order: list[tuple[int, str, int, str]] = []

    class Watched(Driver):
        def _deliver(self, name: str, event: Any) -> None:
            if event.kind == "message":
                order.append((self.now_ns, event.sender, event.number, name))
            super()._deliver(name, event)

    Watched(program, program.scenarios["s"], Options(), journal).run()
    assert len(order) == 10 * (2 + 4)
    assert order == sorted(order)


@given(st.sampled_from(["{}", "{loss: 30%, duplicate: 30%}", "{latency: {uniform: [0ms, 3s]}, loss: 20%}"]))
def test_2_4_who_else_hears_changes_nothing(bus: str) -> None:
    alone = lived(waves({"watch": HEARERS["watch"]}, bus))
    crowd = lived(waves(HEARERS, bus))
    for name in (WATCH, BELL, CLOCK):
        assert said(alone.journal, name) == said(crowd.journal, name)


def said(journal: Journal, name: str) -> list[Any]:
    """The lines of a journal but for the program, which says who hears."""
    return [
        (one.kind, {key: value for key, value in one.body.items() if key != "program"})
        for one in journal.read(name)
    ]


def test_what_befalls_a_copy_is_told_of_its_sender_and_says_whose_copy() -> None:
    incidents = lived(waves(bus="{loss: 30%}")).run.incidents
    assert {incident.actor for incident in incidents} == {BELL, CLOCK}
    assert all(incident.what.endswith("was lost") for incident in incidents)
    assert any("on wave/time to cell/watch" in incident.what for incident in incidents)


def test_a_wave_that_is_too_large_is_told_to_its_emitter_and_nobody_hears_it() -> None:
    program = waves()
    narrow = replace(program.gardens["g"], bus=replace(PERFECT_BUS, payload_bytes_max=20))
    result = lived(program.with_parts("Garden", {"g": narrow}))
    assert heard(result.journal, ALL) == []
    assert {i.what.partition(":")[0] for i in result.run.incidents} == {
        "could not publish to wave/time",
        "could not publish to wave/sound.near",
    }
    held = parity(recording_of(result))
    assert (held.holds, held.explained) == (True, {"too large for the bus": 50})


# The journal again


def found(one: Parity) -> list[tuple[str, str]]:
    return [(difference.actor, difference.what) for difference in one.differences]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bus", ["{}", "{loss: 30%, duplicate: 30%}", "{latency: {uniform: [0ms, 3s]}}"])
def test_8_4_a_journal_with_waves_replays_and_holds_parity(bus: str, seed: int) -> None:
    result = lived(waves(bus=bus), seed)
    held = parity(recording_of(result))
    assert replay(recording_of(result)).identical
    assert held.holds, [str(one) for one in (*held.differences, *held.losses)]
    assert held.message_count == 50
    assert set(held.explained) == ({"lost by the bus, as declared"} if "loss" in bus else set())


def groups(lines: Lines, name: str) -> list[list[tuple[str, Any]]]:
    return groups_of(lines[name])


def test_a_copy_that_nobody_lost_is_an_unexplained_loss(result: RunResult) -> None:
    lines = lines_of(result.journal)
    lines[WATCH] = [
        line for group in groups(lines, WATCH)[:-3] + groups(lines, WATCH)[-2:] for line in group
    ]
    held = parity(recording_of(result, lines))
    assert [(one.sender, one.to, one.topic) for one in held.losses] == [(CLOCK, WATCH, "wave/time")]


def test_a_wave_that_was_accepted_must_have_been_published(result: RunResult) -> None:
    lines = lines_of(result.journal)
    groups(lines, WATCH)[-1][0][1]["event"]["number"] = 77
    assert (WATCH, ParityMismatch.UNSENT) in found(parity(recording_of(result, lines)))


def test_a_wave_must_be_what_was_published(result: RunResult) -> None:
    lines = lines_of(result.journal)
    groups(lines, WATCH)[-1][0][1]["event"]["payload"]["confidence"] = 0.75
    assert found(parity(recording_of(result, lines))) == [(WATCH, ParityMismatch.MESSAGE)]


def test_who_accepted_a_wave_hears_its_domain(result: RunResult) -> None:
    lines = lines_of(result.journal)
    event = groups(lines, WATCH)[-1][0][1]["event"]
    event["sender"] = BELL
    assert (WATCH, ParityMismatch.RECEIVER) in found(parity(recording_of(result, lines)))


def test_a_wave_cannot_be_heard_before_it_was_published(result: RunResult) -> None:
    lines = lines_of(result.journal)
    groups(lines, WATCH)[-1][0][1]["time_ns"] -= 1
    assert found(parity(recording_of(result, lines))) == [(WATCH, ParityMismatch.EARLY)]


def test_a_wave_is_accepted_once(result: RunResult) -> None:
    lines = lines_of(result.journal)
    lines[WATCH] += groups(lines, WATCH)[-1]
    assert (WATCH, ReplayMismatch.AGAIN) in found(parity(recording_of(result, lines)))


def test_a_real_garden_s_lost_copy_wants_an_explanation(result: RunResult) -> None:
    lines = lines_of(result.journal)
    lines[WATCH] = [line for group in groups(lines, WATCH)[:3] + groups(lines, WATCH)[4:] for line in group]
    assert len(parity(recording_of(result, lines, "somewhere")).losses) == 1
    noted = {"time_ns": 3 * SECOND_NS, "actor": WATCH, "what": "lost a message: a slow consumer"}
    lines["garden/cells"] = [("incident", noted)]
    held = parity(recording_of(result, lines, "somewhere"))
    assert (held.holds, held.explained) == (True, {"an incident was noted": 1})


BOTH = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: bell}
spec:
  domain: sound
  accepts: {ring: {}}
  machine:
    initial: a
    states:
      a:
        transitions:
          - event: ring
            to: a
            do: [{emit: {confidence: 0.5, content: {count: 1}}}, {send: {to: ear, event: rung}}]
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: ear}
spec:
  accepts: {rung: {}, wave: {confidence: real}}
  machine: {initial: a, states: {a: {transitions: [{event: rung, to: a}, {event: wave, to: a}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 60s, stimuli: [{at: 1s, every: 1s, times: 3, to: bell, event: ring}]}
"""


def test_between_what_is_sent_and_what_is_published_there_is_no_order() -> None:
    """The last wave may still be on its way in a real garden, whatever was sent after it."""
    program = nimdsl.load_text(BOTH)
    cells = {**program.cells, "ear": replace(program.cells["ear"], hears=("wave/sound",))}
    result = lived(program.with_parts("Cell", cells), 1)
    lines = lines_of(result.journal)
    kinds = [group[0][1]["event"].get("name", "begin") for group in groups(lines, "cell/ear")]
    assert kinds == ["begin", *["wave", "rung"] * 3]
    for place, losses in ((-2, 0), (-4, 1)):
        kept = groups(lines, "cell/ear")
        del kept[place]
        shorter = {**lines, "cell/ear": [line for group in kept for line in group]}
        held = parity(recording_of(result, shorter, "somewhere"))
        assert (held.differences, len(held.losses)) == ((), losses)
