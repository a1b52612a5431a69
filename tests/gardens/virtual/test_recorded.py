"""L1 parity (SEMANTICS 8.4): virtual journals hold it; every seeded defect is found by its name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Options
from gardens.virtual.recorded import parity
from nimdsl.compile.garden import PERFECT_GARDEN
from nimdsl.program import Program
from runtime.run.audit import ParityMismatch
from runtime.run.inbox import ReplayMismatch
from runtime.run.recording import opened
from runtime.run.replay import replay
from simulate import replay as simulated_again
from simulate import run
from tests.properties.worlds import World, worlds
from tests.support.doctored import (
    CELL,
    PROTOCOL,
    find,
    groups_of,
    lines_of,
    recording_of,
)
from tests.support.effort import examples
from tests.support.recorded import HEARER, NOTES, TELLER, Entries, found, without
from tests.support.texts import HELLO


@pytest.mark.parametrize(
    ("scenario", "lost"),
    [
        ("spark-lossy", "lost by the bus, as declared"),
        ("spark-crash", "the receiver crashes, as declared"),
    ],
)
def test_what_the_virtual_garden_loses_on_purpose_is_explained(
    scenario: str, lost: str, shipped: Program
) -> None:
    held = parity(recording_of(run(shipped, scenario, journal=MemoryJournal())))
    assert held.holds, [str(one) for one in (*held.differences, *held.losses)]
    assert set(held.explained) == {lost}
    assert held.notes == ()


@given(worlds())
@settings(max_examples=examples(30))
def test_random_worlds_replay_and_hold_parity(world: World) -> None:
    result = run(world.program(), "world", seed=world.seed, journal=MemoryJournal())
    recording = recording_of(result)
    replayed, held = replay(recording), parity(recording)
    assert [str(one) for one in (*replayed.differences, *held.differences, *held.losses)] == []
    assert replayed.trace_sha256 == result.summary["trace_sha256"]
    assert held.event_count == sum(one.step_count for one in replayed.actors)


def test_stimuli_rates_and_plain_messages_hold_parity(notes: RunResult) -> None:
    held = parity(recording_of(notes))
    assert held.holds
    assert (held.message_count, held.explained) == (10, {})
    assert held.entry_count > 6


def body_of(entries: Entries, kind: str, number: int = 0) -> Any:
    return entries[find(entries, kind, number)][1]


def accepted_twice(entries: Entries) -> None:
    at = find(entries, "reply")
    entries[at + 2 : at + 2] = copy.deepcopy(entries[at : at + 2])


def payload_changed(entries: Entries) -> None:
    body_of(entries, "request")["event"]["message"]["payload"]["who"] = "bob"


def hold_changed(entries: Entries) -> None:
    body_of(entries, "request")["event"]["hold"] = "protocol/hello/99"


def kind_changed(entries: Entries) -> None:
    body = body_of(entries, "reply")
    said = {key: body["event"][key] for key in ("sender", "number")}
    body["event"] = {"kind": "message", "name": "reply", "payload": body["event"]["message"], **said}


def number_changed(entries: Entries) -> None:
    body_of(entries, "reply", 1)["event"]["number"] = 77


def timer_early(entries: Entries) -> None:
    for one in entries:
        if one[0] == "accepted":
            one[1]["time_ns"] = 0


def outcome_flipped(entries: Entries) -> None:
    next(body for kind, body in entries if kind == "outcome")["granted"] = False


def balance_changed(entries: Entries) -> None:
    next(body for kind, body in entries if kind == "outcome")["balance"] += 1


def outcome_twice(entries: Entries) -> None:
    at = [kind for kind, _ in entries].index("outcome")
    entries.insert(at, copy.deepcopy(entries[at]))


def record_changed(entries: Entries) -> None:
    entries[find(entries, "reply") + 1][1]["records"][0]["attempts"] = 2


@pytest.mark.parametrize(
    ("actor", "doctor", "first"),
    [
        (CELL, without("request"), (CELL, ReplayMismatch.UNAWAITED)),
        (CELL, without("finished"), (PROTOCOL, ParityMismatch.UNSENT)),
        (PROTOCOL, without("reply"), (PROTOCOL, ReplayMismatch.UNAWAITED)),
        (PROTOCOL, without("timer"), (PROTOCOL, ReplayMismatch.UNAWAITED)),
        (PROTOCOL, without("begin"), (PROTOCOL, ReplayMismatch.UNAWAITED)),
        (PROTOCOL, accepted_twice, (PROTOCOL, ReplayMismatch.AGAIN)),
        (PROTOCOL, outcome_flipped, (PROTOCOL, ReplayMismatch.RECORDS)),
        (PROTOCOL, balance_changed, (PROTOCOL, ParityMismatch.OUTCOME)),
        (PROTOCOL, outcome_twice, (PROTOCOL, ReplayMismatch.OVERANSWERED)),
        (PROTOCOL, record_changed, (PROTOCOL, ReplayMismatch.RECORDS)),
        (PROTOCOL, number_changed, (PROTOCOL, ParityMismatch.UNSENT)),
        (PROTOCOL, kind_changed, (PROTOCOL, ParityMismatch.MESSAGE)),
        (CELL, payload_changed, (CELL, ParityMismatch.MESSAGE)),
        (CELL, hold_changed, (CELL, ParityMismatch.MESSAGE)),
    ],
)
def test_a_doctored_inbox_is_found_by_name(
    actor: str, doctor: Callable[[Entries], None], first: tuple[str, str], hello: RunResult
) -> None:
    lines = lines_of(hello.journal)
    doctor(lines[actor])
    assert found(parity(recording_of(hello, lines)))[0] == first


def test_an_outcome_that_is_flipped_whole_is_not_the_ledger_s(notes: RunResult) -> None:
    """The teller wrote down what follows from its refusal, and the ledger says that it was granted."""
    lines = lines_of(notes.journal)
    group = groups_of(lines[TELLER])[1]
    group[1][1]["granted"] = False
    refused = {"type": "refused", "event": "push", "state": "a", "price": 1_000_000, "balance": 9_100_000}
    moved = {"type": "transition", "event": "refused", "from": "a", "to": "a"}
    group[2][1]["records"] = [refused, moved]
    held = parity(recording_of(notes, {**lines, TELLER: lines[TELLER][:2] + group, HEARER: []}))
    assert (TELLER, ParityMismatch.OUTCOME) in found(held)
    (said,) = (one.text for one in held.differences if one.what is ParityMismatch.OUTCOME)
    assert said == "charge 1.0 LF for `c` (`cell/c/1`)"


def test_a_message_that_came_to_somebody_else(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    body_of(lines[HEARER], "message")["event"]["sender"] = TELLER
    stimulus = body_of(lines[TELLER], "stimulus")["event"]
    note = body_of(lines[HEARER], "message", 4)["event"]
    stimulus["sender"], stimulus["number"] = note["sender"], note["number"]
    assert (TELLER, ParityMismatch.UNSENT) in found(parity(recording_of(notes, lines)))


def test_a_stimulus_that_the_scenario_does_not_have(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    body_of(lines[TELLER], "stimulus")["event"]["payload"]["m"] = 8
    assert found(parity(recording_of(notes, lines)))[0] == (TELLER, ParityMismatch.MESSAGE)
    body_of(lines[TELLER], "stimulus")["event"]["number"] = 6
    assert found(parity(recording_of(notes, lines)))[0] == (TELLER, ParityMismatch.UNSENT)


def test_a_message_to_another_receiver(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    group = groups_of(lines[TELLER])[-1]
    lines[HEARER] += [("accepted", copy.deepcopy(group[0][1])), ("records", {"records": []})]
    del lines[TELLER][-len(group) :]
    assert (HEARER, ParityMismatch.RECEIVER) in found(parity(recording_of(notes, lines)))


@pytest.mark.parametrize("kind", ["timer", "request", "reply"])
def test_a_virtual_garden_is_never_late(kind: str, hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    name = CELL if kind == "request" else PROTOCOL
    accepted = [body for line, body in lines[name] if line == "accepted" and body["event"]["kind"] == kind]
    accepted[-1]["time_ns"] += 1
    assert (name, ParityMismatch.LATE) in found(parity(recording_of(hello, lines)))


@pytest.mark.parametrize("cause", ["opening", "reserve", "settle", "release"])
def test_a_virtual_ledger_books_at_once(cause: str, hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    entries = [body["entry"] for _, body in lines["economy"]]
    at = [entry["cause"] for entry in entries].index(cause)
    for entry in entries[at:]:
        entry["time_ns"] += 1
    assert [who for who, _ in found(parity(recording_of(hello, lines)))] == ["economy"]


def test_what_the_bus_lost_was_not_heard(notes: RunResult) -> None:
    """The journal is that of a bus that loses nothing, the garden's loses everything."""
    lossy = run(nimdsl.load_text(NOTES), "s", journal=MemoryJournal())
    garden = replace(PERFECT_GARDEN, bus=replace(PERFECT_GARDEN.bus, loss=1_000_000))
    program = lossy.program.with_parts("Garden", {"g": garden})
    scenario = replace(lossy.scenario, garden="g")
    recording = replace(recording_of(lossy), program=program, scenario=scenario)
    assert (HEARER, ParityMismatch.LATE) in found(parity(recording))


@pytest.mark.parametrize("replication", [0, 1, 2])
def test_each_replication_holds_parity_with_itself(replication: int) -> None:
    journal = MemoryJournal()
    lossy = {"garden/g.bus.loss": "30%"}
    options = Options(replication=replication)
    result = run(nimdsl.load_text(HELLO), "hello", set=lossy, options=options, journal=journal)
    held = parity(opened(journal))
    assert held.holds, held.summary
    assert simulated_again(result).identical
    assert opened(journal).replication == replication


def test_a_timer_before_its_time_and_a_message_before_it_was_sent(
    hello: RunResult, notes: RunResult
) -> None:
    lines = lines_of(hello.journal)
    timer_early(lines[PROTOCOL])
    waits = {
        "phase/meet.request.timeout": "1s",
        "cell/greeter.work.recall.virtual.latency": {"constant": "2s"},
    }
    late = run(nimdsl.load_text(HELLO), "hello", set=waits, journal=MemoryJournal())
    lines = lines_of(late.journal)
    number = [b["event"]["kind"] for k, b in lines[PROTOCOL] if k == "accepted"].index("timer", 3)
    group = groups_of(lines[PROTOCOL])[number]
    group[0][1]["time_ns"] -= 1
    assert found(parity(recording_of(late, lines)))[0] == (PROTOCOL, ParityMismatch.EARLY)
    lines = lines_of(notes.journal)
    body_of(lines[HEARER], "message", 3)["time_ns"] -= 1
    assert found(parity(recording_of(notes, lines))) == [(HEARER, ParityMismatch.EARLY)]


def test_a_lost_line_that_nothing_else_shows_is_an_unexplained_loss(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    without("message", 2)(lines[HEARER])
    held = parity(recording_of(notes, lines))
    assert replay(recording_of(notes, lines)).identical
    assert (found(held), held.holds) == ([], False)
    assert [(one.sender, one.to) for one in held.losses] == [(TELLER, HEARER)]
    assert "message `note` 6 of cell/c to cell/hearer, sent at 21.000000 s" in str(held.losses[0])


def test_an_actor_without_a_journal(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    del lines[HEARER]
    assert found(parity(recording_of(notes, lines))) == [(HEARER, ParityMismatch.SILENT)]
