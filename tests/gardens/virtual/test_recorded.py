"""L1 parity (SEMANTICS 8.4): virtual journals hold it; every seeded defect is found by its name."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace as with_changes

import nimdsl
from gardens.report.result.result import Result
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Driver, Options
from gardens.virtual.recorded import Parity, parity
from nimdsl.base.units import SECOND_NS
from nimdsl.loading import with_overrides
from nimdsl.program import Program
from runtime.kernel.effects import AnyEffect, Book, Deliver, SendMessage, SetTimer
from runtime.kernel.step import PriceDecision
from runtime.ledger.accounts import Answer, Question, Settle
from runtime.ledger.economy import Ledger
from runtime.run.audit import ParityMismatch
from runtime.run.host import Host
from runtime.run.inbox import ReplayMismatch
from runtime.run.lines import LEDGER
from runtime.run.recording import Recording
from runtime.run.replay import replay
from runtime.run.run import find_scenario
from simulate import run
from tests.properties.worlds import World, worlds
from tests.support.doctored import (
    CELL,
    PROTOCOL,
    Lines,
    find,
    groups_of,
    lines_of,
    recording_of,
)
from tests.support.effort import examples
from tests.support.texts import HELLO, cell

TELLER, HEARER = "cell/c", "cell/hearer"
_MACHINE = """
    initial: a
    states:
      a:
        transitions:
          - event: push
            to: a
            cost: 1
            do: [{send: {to: hearer, event: note, payload: {m: "${event.m}"}}}]
          - {event: refused, to: a}"""
_HEARER = """---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: hearer}
spec:
  accepts: {note: {m: int}}
  machine: {initial: a, states: {a: {transitions: [{event: note, to: a}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario"""
NOTES = cell(
    _MACHINE,
    "  accepts: {push: {m: int}}\n",
    "{opening: 10, incomes: {sun: 0.1}}",
    "  stimuli: [{at: 1s, every: 10s, times: 5, to: c, event: push, payload: {m: 7}}]\n",
).replace("---\napiVersion: nimdsl.dev/v1\nkind: Scenario", _HEARER)
"""A cell that is pushed five times tells another one, which only listens: nothing else shows a loss."""

Entries = list[tuple[str, Any]]


@pytest.fixture(scope="module")
def shipped() -> Program:
    return nimdsl.load()


@pytest.fixture(scope="module")
def hello() -> Result:
    return run(nimdsl.load_text(HELLO), "hello", journal=MemoryJournal())


@pytest.fixture(scope="module")
def notes() -> Result:
    return run(nimdsl.load_text(NOTES), "s", journal=MemoryJournal())


def found(one: Parity) -> list[tuple[str, str]]:
    json.dumps(one.summary)
    return [(difference.actor, difference.what) for difference in one.differences]


# What a virtual garden did is what a virtual garden does


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


def test_stimuli_rates_and_plain_messages_hold_parity(notes: Result) -> None:
    held = parity(recording_of(notes))
    assert held.holds
    assert (held.message_count, held.explained) == (10, {})
    assert held.entry_count > 6


# Doctored journals


def body_of(entries: Entries, kind: str, number: int = 0) -> Any:
    return entries[find(entries, kind, number)][1]


def without(kind: str, number: int = 0) -> Callable[[Entries], None]:
    """An accepted event with everything that came of it is missing."""

    def doctor(entries: Entries) -> None:
        groups = groups_of(entries)
        at = [i for i, group in enumerate(groups) if group[0][1]["event"]["kind"] == kind][number]
        entries[:] = [entry for group in groups[:at] + groups[at + 1 :] for entry in group]

    doctor.__name__ = f"without_{kind}"
    return doctor


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
    actor: str, doctor: Callable[[Entries], None], first: tuple[str, str], hello: Result
) -> None:
    lines = lines_of(hello.journal)
    doctor(lines[actor])
    assert found(parity(recording_of(hello, lines)))[0] == first


def test_an_outcome_that_is_flipped_whole_is_not_the_ledger_s(notes: Result) -> None:
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


def test_a_message_that_came_to_somebody_else(notes: Result) -> None:
    lines = lines_of(notes.journal)
    body_of(lines[HEARER], "message")["event"]["sender"] = TELLER
    stimulus = body_of(lines[TELLER], "stimulus")["event"]
    note = body_of(lines[HEARER], "message", 4)["event"]
    stimulus["sender"], stimulus["number"] = note["sender"], note["number"]
    assert (TELLER, ParityMismatch.UNSENT) in found(parity(recording_of(notes, lines)))


def test_a_stimulus_that_the_scenario_does_not_have(notes: Result) -> None:
    lines = lines_of(notes.journal)
    body_of(lines[TELLER], "stimulus")["event"]["payload"]["m"] = 8
    assert found(parity(recording_of(notes, lines)))[0] == (TELLER, ParityMismatch.MESSAGE)
    body_of(lines[TELLER], "stimulus")["event"]["number"] = 6
    assert found(parity(recording_of(notes, lines)))[0] == (TELLER, ParityMismatch.UNSENT)


def test_a_message_to_another_receiver(notes: Result) -> None:
    lines = lines_of(notes.journal)
    group = groups_of(lines[TELLER])[-1]
    lines[HEARER] += [("accepted", copy.deepcopy(group[0][1])), ("records", {"records": []})]
    del lines[TELLER][-len(group) :]
    assert (HEARER, ParityMismatch.RECEIVER) in found(parity(recording_of(notes, lines)))


def test_a_timer_before_its_time_and_a_message_before_it_was_sent(hello: Result, notes: Result) -> None:
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


def test_a_lost_line_that_nothing_else_shows_is_an_unexplained_loss(notes: Result) -> None:
    lines = lines_of(notes.journal)
    without("message", 2)(lines[HEARER])
    held = parity(recording_of(notes, lines))
    assert replay(recording_of(notes, lines)).identical
    assert (found(held), held.holds) == ([], False)
    assert [(one.sender, one.to) for one in held.losses] == [(TELLER, HEARER)]
    assert "message `note` 6 of cell/c to cell/hearer, sent at 21.000000 s" in str(held.losses[0])


def test_an_actor_without_a_journal(notes: Result) -> None:
    lines = lines_of(notes.journal)
    del lines[HEARER]
    assert found(parity(recording_of(notes, lines))) == [(HEARER, ParityMismatch.SILENT)]


# A doctored ledger


def doubled(entries: Entries) -> None:
    entries.insert(5, copy.deepcopy(entries[4]))


def doubled_and_numbered(entries: Entries) -> None:
    doubled(entries)
    renumber(entries)


def renumber(entries: Entries) -> None:
    for index, (_, body) in enumerate(entries):
        body["entry"]["index"] = index


def dropped(entries: Entries) -> None:
    del entries[4]


def dropped_and_numbered(entries: Entries) -> None:
    del entries[4]
    renumber(entries)


def last_dropped(entries: Entries) -> None:
    del entries[-1]


def exchanged(entries: Entries) -> None:
    entries[2], entries[3] = entries[3], entries[2]
    renumber(entries)


def of_cause(entries: Entries, cause: str) -> Any:
    return next(body["entry"] for _, body in entries if body["entry"]["cause"] == cause)


def more_paid(entries: Entries) -> None:
    of_cause(entries, "settle")["amount"] += 1


def other_account(entries: Entries) -> None:
    of_cause(entries, "settle")["target"] = "cost:nothing"


def invented(entries: Entries) -> None:
    again = {"key": "protocol/hello/met/again", "index": len(entries)}
    again["time_ns"] = entries[-1][1]["entry"]["time_ns"]
    entries.append(("entry", {"entry": {**of_cause(entries, "reward"), **again}}))


def overdrawn(entries: Entries) -> None:
    of_cause(entries, "reserve")["amount"] = 11_000_000


def hold_overdrawn(entries: Entries) -> None:
    of_cause(entries, "settle")["amount"] = 2_000_000


def time_back(entries: Entries) -> None:
    entries[6][1]["entry"]["time_ns"] = 1


def no_opening(entries: Entries) -> None:
    del entries[0]


def emptied(entries: Entries) -> None:
    entries.clear()


def no_entry(entries: Entries) -> None:
    entries[3] = ("entry", {"entry": {"kind": "transfer"}})


def no_kind(entries: Entries) -> None:
    entries[3] = ("gift", entries[3][1])


def an_actor_s_line(entries: Entries) -> None:
    entries[3] = ("outcome", {"granted": True, "balance": 1})


def a_field_too_many(entries: Entries) -> None:
    entries[3][1]["entry"]["detail"] = {}


@pytest.mark.parametrize(
    ("doctor", "what"),
    [
        (doubled, ParityMismatch.TWICE),
        (doubled_and_numbered, ParityMismatch.TWICE),
        (dropped, ParityMismatch.UNPAID),
        (dropped_and_numbered, ParityMismatch.UNPAID),
        (last_dropped, ParityMismatch.UNPAID),
        (exchanged, ParityMismatch.LEDGER),
        (more_paid, ParityMismatch.LEDGER),
        (other_account, ParityMismatch.LEDGER),
        (invented, ParityMismatch.UNASKED),
        (overdrawn, ParityMismatch.LEDGER),
        (hold_overdrawn, ParityMismatch.LEDGER),
        (time_back, ParityMismatch.LEDGER),
        (no_opening, ParityMismatch.UNPAID),
        (emptied, ParityMismatch.UNPAID),
        (no_entry, ReplayMismatch.DAMAGED),
        (no_kind, ReplayMismatch.DAMAGED),
        (an_actor_s_line, ReplayMismatch.DAMAGED),
        (a_field_too_many, ReplayMismatch.DAMAGED),
    ],
)
def test_a_doctored_ledger_is_found_by_name(
    doctor: Callable[[Entries], None], what: str, hello: Result
) -> None:
    lines = lines_of(hello.journal)
    doctor(lines["economy"])
    held = parity(recording_of(hello, lines))
    assert [name for _, name in found(held)] == [what]
    assert {one.actor for one in replay(recording_of(hello, lines)).differences} <= {LEDGER}


def test_a_rate_that_was_not_settled_is_missing(notes: Result) -> None:
    lines = lines_of(notes.journal)
    place = [body["entry"]["cause"] for _, body in lines["economy"]].index("income")
    del lines["economy"][place]
    renumber(lines["economy"])
    assert found(parity(recording_of(notes, lines))) == [("economy", ParityMismatch.UNPAID)]


def test_without_an_economy_nothing_is_written_and_all_is_granted(notes: Result) -> None:
    recording = recording_of(notes)
    scenario = replace(recording.scenario, economy="")
    assert found(parity(replace(recording, scenario=scenario))) == [
        ("economy", ParityMismatch.UNASKED),
        (TELLER, ParityMismatch.OUTCOME),
    ]


def overspend(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "affords", lambda self, amount: True)


def keep_holds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "_release", lambda self, hold, keep: Answer(True, 0, self.balance))


def settle_more_than_is_held(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "_settle", _settle_twice_the_hold)


def _settle_twice_the_hold(ledger: Any, command: Settle) -> Answer:
    held = f"hold:{command.hold}"
    amount = 2 * ledger.balances().get(held, 0)
    answer: Answer = ledger._once("settle", command.key, held, f"cost:{command.name}", amount, "")
    return answer


@pytest.mark.parametrize("defect", [overspend, keep_holds, settle_more_than_is_held])
def test_a_ledger_that_is_wrong_in_the_run_and_here_breaks_the_law(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    monkeypatch.setattr(Ledger, "_check_law", lambda *_: None)  # it would stop at the first such entry
    poor = {"economy/purse.opening": 1.4, "economy/purse.rewards.met": 0}
    result = run(nimdsl.load_text(HELLO), "hello", set=poor, journal=MemoryJournal())
    assert found(parity(recording_of(result))) == [("economy", ParityMismatch.LAW)]


# Drivers that are wrong


class LosingBus(Driver):
    """Every third note is forgotten."""

    def _send(self, host: Host, effect: Deliver) -> None:
        if effect.number % 3:
            super()._send(host, effect)


class GarblingBus(Driver):
    """Says something else than the actor did."""

    def _send(self, host: Host, effect: Deliver) -> None:
        assert isinstance(effect, SendMessage)
        assert isinstance(effect.payload, dict)
        assert isinstance(effect.payload["m"], int)
        super()._send(host, with_changes(effect, payload={"m": effect.payload["m"] + 1}))


class InventiveBus(Driver):
    """Sends a message of its own besides."""

    def _send(self, host: Host, effect: Deliver) -> None:
        super()._send(host, effect)
        super()._send(host, with_changes(effect, number=effect.number + 1_000))


class Generous(Driver):
    """Grants what it never asks the economy for."""

    def _ask(self, command: Question) -> PriceDecision:
        return PriceDecision(True, 10_000_000)


class Careless(Driver):
    """Forgets what an actor books."""

    def _carry_out(self, host: Host, effects: tuple[AnyEffect, ...]) -> None:
        super()._carry_out(host, tuple(one for one in effects if not isinstance(one, Book)))


class Hasty(Driver):
    """Timers fire half a second early."""

    def _set_timer(self, host: Host, effect: SetTimer) -> None:
        due_ns = max(self.now_ns, effect.deadline_ns - SECOND_NS // 2)
        super()._set_timer(host, SetTimer(effect.timer, effect.generation, due_ns))


@pytest.mark.parametrize(
    ("text", "driver", "what"),
    [
        (NOTES, GarblingBus, ParityMismatch.MESSAGE),
        (NOTES, InventiveBus, ParityMismatch.UNSENT),
        (NOTES, Generous, ParityMismatch.UNPAID),
        (HELLO, Careless, ParityMismatch.UNPAID),
        (HELLO, Hasty, ParityMismatch.EARLY),
        (NOTES, LosingBus, ""),
    ],
)
def test_a_wrong_driver_is_found(text: str, driver: type[Driver], what: str) -> None:
    slow = {"cell/greeter.work.recall.virtual.latency": {"constant": "3s"}}
    program = with_overrides(nimdsl.load_text(text), slow if text is HELLO else {})
    scenario = find_scenario(program)
    for kind in (Driver, driver):
        journal = MemoryJournal()
        kind(program, scenario, Options(seed=1), journal).run()
        recording = Recording(journal, program, scenario, "", 1, "")
        held = parity(recording)
        assert replay(recording).identical, "what the actors did with it is right"
        assert held.holds is (kind is Driver)
    assert {one.what for one in held.differences} == ({what} if what else set())
    assert bool(held.losses) is not bool(what)


# Journals of real gardens


def real(notes: Result, lines: Lines) -> Parity:
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
    noted: Entries, explanation: str, notes: Result
) -> None:
    lines = lines_of(notes.journal)
    without("message", 2)(lines[HEARER])
    lines["garden/cells"] = noted
    held = real(notes, lines)
    assert held.differences == ()
    assert dict(held.explained) == ({explanation: 1} if explanation else {})
    assert held.holds is bool(explanation)


def test_what_was_on_its_way_when_a_real_journal_ends_is_no_loss(notes: Result) -> None:
    lines = lines_of(notes.journal)
    without("message", 4)(lines[HEARER])
    assert real(notes, lines).explained == {"on its way when the receiver's journal ends": 1}
    without("message", 3)(lines[HEARER])
    assert real(notes, lines).explained == {"on its way when the receiver's journal ends": 2}


def test_declared_faults_explain_what_they_draw(notes: Result) -> None:
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


def test_clocks_that_disagree_are_noted_and_change_no_verdict(notes: Result, hello: Result) -> None:
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


def test_a_real_journal_may_be_cut_short_on_any_side(notes: Result) -> None:
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


def test_a_complete_journal_of_a_real_garden_is_not_cut_short(notes: Result) -> None:
    lines = lines_of(notes.journal)

    def complete(lines: Lines) -> Parity:
        return parity(replace(recording_of(notes, lines, "somewhere"), lines={}))

    assert complete(lines).holds
    assert complete(lines).notes == ()
    shorter = {**lines, TELLER: lines[TELLER][:5], "economy": lines["economy"][:3]}
    assert {what for _, what in found(complete(shorter))} == {ParityMismatch.UNSENT}
    shorter = {**lines, "economy": lines["economy"][:6]}
    assert found(complete(shorter)) == [(TELLER, ParityMismatch.UNPAID)]


def test_a_command_without_transfer_is_missing_when_the_economy_went_on(notes: Result) -> None:
    lines = lines_of(notes.journal)
    places = [i for i, (_, body) in enumerate(lines["economy"]) if body["entry"]["cause"] == "charge"]
    del lines["economy"][places[1]]
    renumber(lines["economy"])
    assert found(real(notes, lines)) == [(TELLER, ParityMismatch.UNPAID)]


def answered(result: Result) -> Lines:
    """The journal of ``hello`` with the answers that a real economy writes after each command."""
    lines = lines_of(result.journal)
    position = find(lines[PROTOCOL], "timer", 1)
    said = lines[PROTOCOL][position + 1][1]
    item = {"actor": PROTOCOL, "item": [position, 0], **said}
    lines["economy"].insert(2, ("answer", item))
    lines["economy"].insert(4, ("answer", {**item, "item": [position, 1_000_000]}))
    return lines


def test_the_economy_answers_each_question_once_and_says_what_was_heard(hello: Result) -> None:
    lines = answered(hello)
    assert parity(recording_of(hello, lines, "somewhere")).holds
    lines["economy"].insert(5, copy.deepcopy(lines["economy"][2]))
    assert found(parity(recording_of(hello, lines, "somewhere"))) == [("economy", ParityMismatch.ANSWERED)]
    lines = answered(hello)
    lines["economy"][2][1].update({"granted": False, "balance": 1})
    assert found(parity(recording_of(hello, lines, "somewhere"))) == [("economy", ParityMismatch.OUTCOME)]


def test_a_cell_that_a_program_outside_answers_for_needs_no_journal(hello: Result) -> None:
    lines = lines_of(hello.journal)
    del lines[CELL]
    for kind, body in lines[PROTOCOL]:
        if kind == "accepted" and body["event"]["kind"] == "reply":
            body["event"] |= {"sender": "", "number": 0}
    held = parity(recording_of(hello, lines, "somewhere"))
    assert held.holds, [str(one) for one in held.differences]
    assert held.explained == {"the receiver has no journal here": 2}
    assert "cell/greeter has no journal here" in held.notes
