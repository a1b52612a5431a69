"""Journals of real gardens beside the program on a journal's bus (SEMANTICS 9)."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.virtual.recorded import parity
from gardens.virtual.verdict import Parity
from nimdsl.base.units import SECOND_NS
from runtime.run.audit import ParityMismatch
from simulate import run
from tests.support.doctored import (
    CELL,
    PROTOCOL,
    Lines,
    find,
    lines_of,
    recording_of,
)
from tests.support.recorded import HEARER, NOTES, TELLER, Entries, found, renumber, without


def real(notes: RunResult, lines: Lines) -> Parity:
    return parity(recording_of(notes, lines, "somewhere"))


def incident(at_s: float, actor: str, what: str = "lost a message: a slow consumer") -> tuple[str, Any]:
    return "incident", {"time_ns": int(at_s * SECOND_NS), "actor": actor, "what": what}


def clock(at_s: float, start: int) -> tuple[str, Any]:
    return "clock", {"time_ns": int(at_s * SECOND_NS), "wall_ns": 0, "rate": "1.0", "start": start}


@pytest.mark.parametrize(
    ("noted", "explanation"),
    [
        ([], ""),
        ([incident(21.2, HEARER)], "an incident was noted"),
        ([incident(21.2, f"{HEARER}/4")], "an incident was noted"),
        ([incident(21.2, "controller", "the bus is away")], "an incident was noted"),
        ([incident(21.2, "cell/other")], "an incident was noted"),
        ([incident(29, HEARER)], ""),
        ([incident(21.2, HEARER, "a message from cell/c was delayed")], ""),
        ([clock(0, 0)], ""),
        ([clock(0, 0), clock(25, 1)], "a process was away"),
        ([clock(0, 0), clock(31.5, 1)], ""),
        ([clock(0, 0), clock(20.5, 1)], "a process was away"),
    ],
)
def test_a_loss_in_a_real_garden_wants_an_explanation(
    noted: Entries, explanation: str, notes: RunResult
) -> None:
    lines = lines_of(notes.journal)
    without("message", 2)(lines[HEARER])
    lines["garden/cells"] = noted
    held = real(notes, lines)
    assert held.differences == ()
    assert dict(held.explained) == ({explanation: 1} if explanation else {})
    assert held.holds is bool(explanation)


def test_what_was_on_its_way_when_a_real_journal_ends_is_no_loss(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    without("message", 4)(lines[HEARER])
    assert real(notes, lines).explained == {"on its way when the receiver's journal ends": 1}
    without("message", 3)(lines[HEARER])
    assert real(notes, lines).explained == {"on its way when the receiver's journal ends": 2}


def test_declared_faults_explain_what_they_draw(notes: RunResult) -> None:
    faults = "---\napiVersion: nimdsl.dev/v1\nkind: Garden\nmetadata: {name: g}\nspec: {bus: {loss: 30%}}\n"
    program = nimdsl.load_text(NOTES + faults)
    result = run(program, "s", seed=1, journal=MemoryJournal())
    recording = recording_of(result, None, "g")
    count = sum(parity(recording).explained.values())
    assert parity(recording).explained == {"lost by the bus, as declared": count}
    assert count > 0
    lines = lines_of(result.journal)
    without("message", 0)(lines[HEARER])
    assert len(parity(recording_of(result, lines, "g")).losses) == 1


def test_clocks_that_disagree_are_noted_and_change_no_verdict(notes: RunResult, hello: RunResult) -> None:
    lines = lines_of(notes.journal)
    for kind, body in lines[HEARER]:
        if kind == "accepted":
            body["time_ns"] = max(0, body["time_ns"] - 100_000_000)
    held = real(notes, lines)
    assert held.holds
    assert any("100.0 ms before they left" in note for note in held.notes)
    lines = lines_of(hello.journal)
    for kind, body in lines[CELL]:
        if kind == "accepted":
            body["time_ns"] += 10 * SECOND_NS
    held = parity(recording_of(hello, lines, "somewhere"))
    assert held.differences == ()


def test_a_real_journal_may_be_cut_short_on_any_side(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    held = real(notes, {**lines, "economy": lines["economy"][:6]})
    assert held.holds
    assert held.notes == (
        "the journal is not complete: its garden lives, or did not go down in order",
        "the economy's journal ends before what the actors' commands lead to",
    )
    held = real(notes, {**lines, TELLER: lines[TELLER][:5], "economy": lines["economy"][:3]})
    assert held.holds
    assert "the journal of cell/c ends before messages that it sent (4 times)" in held.notes
    held = real(notes, {**lines, "economy": []})
    assert held.holds


def test_a_complete_journal_of_a_real_garden_is_not_cut_short(notes: RunResult) -> None:
    lines = lines_of(notes.journal)

    def complete(lines: Lines) -> Parity:
        return parity(replace(recording_of(notes, lines, "somewhere"), lines={}))

    assert complete(lines).holds
    assert complete(lines).notes == ()
    shorter = {**lines, TELLER: lines[TELLER][:5], "economy": lines["economy"][:3]}
    assert {what for _, what in found(complete(shorter))} == {ParityMismatch.UNSENT}
    shorter = {**lines, "economy": lines["economy"][:6]}
    assert found(complete(shorter)) == [(TELLER, ParityMismatch.UNPAID)]


def test_a_command_without_transfer_is_missing_when_the_economy_went_on(notes: RunResult) -> None:
    lines = lines_of(notes.journal)
    places = [i for i, (_, body) in enumerate(lines["economy"]) if body["entry"]["cause"] == "charge"]
    del lines["economy"][places[1]]
    renumber(lines["economy"])
    assert found(real(notes, lines)) == [(TELLER, ParityMismatch.UNPAID)]


def answered(result: RunResult) -> Lines:
    """The journal of ``hello`` with the answers that a real economy writes after each command."""
    lines = lines_of(result.journal)
    position = find(lines[PROTOCOL], "timer", 1)
    said = lines[PROTOCOL][position + 1][1]
    item = {"actor": PROTOCOL, "item": [position, 0], **said}
    lines["economy"].insert(2, ("answer", item))
    lines["economy"].insert(4, ("answer", {**item, "item": [position, 1_000_000]}))
    return lines


def test_the_economy_answers_each_question_once_and_says_what_was_heard(hello: RunResult) -> None:
    lines = answered(hello)
    assert parity(recording_of(hello, lines, "somewhere")).holds
    lines["economy"].insert(5, copy.deepcopy(lines["economy"][2]))
    assert found(parity(recording_of(hello, lines, "somewhere"))) == [("economy", ParityMismatch.ANSWERED)]
    lines = answered(hello)
    lines["economy"][2][1].update({"granted": False, "balance": 1})
    assert found(parity(recording_of(hello, lines, "somewhere"))) == [("economy", ParityMismatch.OUTCOME)]


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ({"actor": "cell/nobody"}, ParityMismatch.UNHEARD),
        ({"item": [0, 0]}, ParityMismatch.UNHEARD),
        ({"item": [0, 7], "granted": False}, ParityMismatch.UNHEARD),
        ({"balance": -777}, ParityMismatch.OUTCOME),
    ],
)
def test_an_answer_is_to_a_question_and_says_what_the_ledger_does(
    answer: dict[str, Any], what: str, hello: RunResult
) -> None:
    lines = answered(hello)
    lines["economy"][2][1].update(answer)
    assert found(parity(recording_of(hello, lines, "somewhere"))) == [("economy", what)]


def test_an_answer_may_go_ahead_of_a_journal_that_was_cut_short(hello: RunResult) -> None:
    lines = answered(hello)
    position = lines["economy"][2][1]["item"][0]
    del lines[PROTOCOL][position:]
    lines["economy"] = [lines["economy"][0], lines["economy"][2]]
    recording = recording_of(hello, lines, "somewhere")
    assert parity(recording).holds
    assert ("economy", ParityMismatch.UNHEARD) in found(parity(replace(recording, lines={})))


def test_a_booking_is_answered_with_what_the_ledger_says(hello: RunResult) -> None:
    lines = answered(hello)
    lines["economy"][4][1]["balance"] += 1
    assert [what for _, what in found(parity(recording_of(hello, lines, "somewhere")))] == [
        ParityMismatch.OUTCOME
    ]


def test_a_cell_that_a_program_outside_answers_for_needs_no_journal(hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    del lines[CELL]
    for kind, body in lines[PROTOCOL]:
        if kind == "accepted" and body["event"]["kind"] == "reply":
            body["event"] |= {"sender": "", "number": 0}
    held = parity(recording_of(hello, lines, "somewhere"))
    assert held.holds, [str(one) for one in held.differences]
    assert held.explained == {"the receiver has no journal here": 2}
    assert "cell/greeter has no journal here" in held.notes
