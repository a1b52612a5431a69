"""L1 replay (SEMANTICS 8.4): a journal gives its run's records again; what a wrong driver does is found."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_changes

import nimdsl
from gardens.report.result.result import RunResult
from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Driver, Options
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import NimdslError
from nimdsl.program import Actor
from runtime.kernel.effects import AnyEffect
from runtime.kernel.events import Answered, AnyEvent
from runtime.kernel.step import Kernel, Step
from runtime.run.host import Host
from runtime.run.inbox import ReplayMismatch
from runtime.run.lines import LEDGER, Accepted, Witness, write
from runtime.run.recording import Recording
from runtime.run.replay import replay
from runtime.run.run import find_scenario
from simulate import run
from tests.support.doctored import (
    CELL,
    PROTOCOL,
    find,
    groups_of,
    lines_of,
    recording_of,
)
from tests.support.texts import HELLO


@pytest.fixture(scope="module")
def hello() -> RunResult:
    return run(nimdsl.load_text(HELLO), "hello", journal=MemoryJournal())


def test_a_virtual_journal_gives_the_records_of_its_run() -> None:
    result = run(nimdsl.load(), "spark", journal=MemoryJournal())
    replayed = replay(recording_of(result))
    assert replayed.differences == ()
    assert replayed.trace_sha256 == result.summary["trace_sha256"]
    assert replayed.summary["records"] == len(result.records())
    assert all(one.witnessed_count == len(one.records) for one in replayed.actors)


def swapped(entries: list[tuple[str, Any]]) -> None:
    groups = groups_of(entries)
    groups[3], groups[4] = groups[4], groups[3]
    entries[:] = [entry for group in groups for entry in group]


def stepped_twice(entries: list[tuple[str, Any]]) -> None:
    reply = find(entries, "reply")
    entries[reply + 1 : reply + 1] = [entries[reply + 1], copy.deepcopy(entries[reply])]


def another_number(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "finished")][1]["event"]["work"] = 99


def another_arming(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "timer", 1)][1]["event"]["generation"] = 1


def another_program(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "reply")][1]["program"] = "0" * 64


def earlier(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "reply", 1)][1]["time_ns"] = 1


def without_outcome(entries: list[tuple[str, Any]]) -> None:
    del entries[[kind for kind, _ in entries].index("outcome")]


def outcome_twice(entries: list[tuple[str, Any]]) -> None:
    outcome = [kind for kind, _ in entries].index("outcome")
    entries.insert(outcome, copy.deepcopy(entries[outcome]))


def outcome_flipped(entries: list[tuple[str, Any]]) -> None:
    entries[[kind for kind, _ in entries].index("outcome")][1]["granted"] = False


def without_records(entries: list[tuple[str, Any]]) -> None:
    del entries[[kind for kind, _ in entries].index("records")]


def a_record_less(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "reply") + 1][1]["records"].pop()


def a_record_changed(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "reply") + 1][1]["records"][0]["verdict"] = "rejected"


def an_int_for_a_real(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "reply") + 1][1]["records"][0]["received"]["lifeforce_delta"] = 2


def records_twice(entries: list[tuple[str, Any]]) -> None:
    records = [kind for kind, _ in entries].index("records")
    entries.insert(records, copy.deepcopy(entries[records]))


def never_accepted(entries: list[tuple[str, Any]]) -> None:
    del entries[find(entries, "reply")]


def another_payload(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "reply")][1]["event"]["message"]["payload"]["text"] = "no"


def no_such_outcome(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "finished")][1]["event"]["outcome"] = "exploded"


def no_such_kind(entries: list[tuple[str, Any]]) -> None:
    entries[3] = ("thought", {})


def no_event(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "reply")] = ("accepted", {"event": {"kind": "reply"}, "time_ns": 3})


def not_begun(entries: list[tuple[str, Any]]) -> None:
    del entries[:2]


def text_for_a_time(entries: list[tuple[str, Any]]) -> None:
    entries[find(entries, "reply")][1]["time_ns"] = "3"


DEFECTS: list[tuple[Callable[[list[tuple[str, Any]]], None], ReplayMismatch]] = [
    (swapped, ReplayMismatch.RECORDS),
    (stepped_twice, ReplayMismatch.AGAIN),
    (another_number, ReplayMismatch.UNAWAITED),
    (another_arming, ReplayMismatch.UNAWAITED),
    (another_program, ReplayMismatch.PROGRAM),
    (earlier, ReplayMismatch.TIME),
    (without_outcome, ReplayMismatch.UNANSWERED),
    (outcome_twice, ReplayMismatch.OVERANSWERED),
    (outcome_flipped, ReplayMismatch.RECORDS),
    (without_records, ReplayMismatch.UNWITNESSED),
    (a_record_less, ReplayMismatch.RECORDS),
    (a_record_changed, ReplayMismatch.RECORDS),
    (an_int_for_a_real, ReplayMismatch.RECORDS),
    (records_twice, ReplayMismatch.PLACE),
    (never_accepted, ReplayMismatch.PLACE),
    (another_payload, ReplayMismatch.RECORDS),
    (no_such_outcome, ReplayMismatch.IMPOSSIBLE),
    (no_such_kind, ReplayMismatch.DAMAGED),
    (no_event, ReplayMismatch.DAMAGED),
    (not_begun, ReplayMismatch.UNAWAITED),
    (text_for_a_time, ReplayMismatch.DAMAGED),
]


@pytest.mark.parametrize(("doctor", "what"), DEFECTS)
def test_a_doctored_journal_is_found_by_name(doctor: Any, what: ReplayMismatch, hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    doctor(lines[PROTOCOL])
    replayed = replay(recording_of(hello, lines))
    assert [(one.actor, one.what) for one in replayed.differences] == [(PROTOCOL, what)]
    json.dumps(replayed.summary)


def test_a_difference_says_where_and_what_both_sides_have(hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    a_record_changed(lines[PROTOCOL])
    (difference,) = replay(recording_of(hello, lines)).differences
    reply = find(lines[PROTOCOL], "reply")
    assert difference.position == reply
    assert difference.time_ns == lines[PROTOCOL][reply][1]["time_ns"]
    assert difference.event == "reply 3 of cell/greeter"
    was, should = difference.journal, difference.expected
    assert isinstance(was, dict)
    assert isinstance(should, dict)
    assert (was["verdict"], should["verdict"]) == ("rejected", "accepted")
    assert {**was, "verdict": ""} == {**should, "verdict": ""}


def test_the_first_difference_of_each_actor_is_told_in_the_order_of_their_names(hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    a_record_changed(lines[PROTOCOL])
    another_program(lines[PROTOCOL])
    without_outcome(lines[CELL])
    found = replay(recording_of(hello, lines)).differences
    assert [(one.actor, one.what) for one in found] == [
        (CELL, ReplayMismatch.UNANSWERED),
        (PROTOCOL, ReplayMismatch.PROGRAM),
    ]


def test_lines_of_an_unknown_actor_are_told(hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    lines["cell/stranger"] = lines[CELL]
    found = replay(recording_of(hello, lines)).differences
    assert [(one.actor, one.what) for one in found] == [("cell/stranger", ReplayMismatch.STRANGER)]


def test_lines_that_were_lost_are_told_whoever_they_are_of(hello: RunResult) -> None:
    whole = lines_of(hello.journal)
    counts = {name: len(lines) for name, lines in whole.items()}
    for name, lines in whole.items():
        for left in (
            {**whole, name: lines[:-1]},
            {other: whole[other] for other in whole if other != name},
        ):
            replayed = replay(replace(recording_of(hello, left), lines=counts))
            assert (name, ReplayMismatch.PLACE) in {(one.actor, one.what) for one in replayed.differences}


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": -1},
        {"amount": "much"},
        {"source": "nobody"},
        {"cause": "income"},
        {"index": 0},
        {"unknown": 1},
    ],
)
def test_a_line_that_no_ledger_wrote_is_told_with_its_place(
    changes: dict[str, Plain], hello: RunResult
) -> None:
    lines = lines_of(hello.journal)
    at = max(at for at, (kind, _) in enumerate(lines[LEDGER]) if kind == "entry")
    kind, body = lines[LEDGER][at]
    lines[LEDGER][at] = (kind, {**body, **changes})
    (difference,) = replay(recording_of(hello, lines)).differences
    assert (difference.actor, difference.what) == (LEDGER, ReplayMismatch.DAMAGED)
    assert difference.position == at


class Careless(Host):
    """Steps what it has accepted before."""

    def accept(self, event: AnyEvent, now_ns: int, ask: Any = None) -> Any:
        self.snapshot = with_changes(self.snapshot, accepted={})
        return super().accept(event, now_ns, ask)


class Forgetful(Host):
    """Writes down all records of a step but the last."""

    def _take(self, taken: Step, now_ns: int) -> tuple[AnyEffect, ...]:
        return super()._take(Step(taken.snapshot, taken.effects, taken.records[:-1]), now_ns)


class Silent(Host):
    """Steps replies without accepting them."""

    def accept(self, event: AnyEvent, now_ns: int, ask: Any = None) -> Any:
        before, self.journal = self.journal, _Deaf(self.journal, isinstance(event, Answered))
        try:
            return super().accept(event, now_ns, ask)
        finally:
            self.journal = before


class _Deaf:
    def __init__(self, journal: Any, on: bool) -> None:
        self.journal, self.on = journal, on

    def append(self, actor: str, kind: str, body: Plain) -> int:
        if self.on and kind == "accepted":
            return 0
        return int(self.journal.append(actor, kind, body))


class Twice(Host):
    """Steps every reply two times."""

    def accept(self, event: AnyEvent, now_ns: int, ask: Any = None) -> Any:
        taken = super().accept(event, now_ns, ask)
        if isinstance(event, Answered) and isinstance(taken, tuple):
            write(self.journal, self.id, Accepted(event, now_ns, self.kernel.program))
            write(self.journal, self.id, Witness([]))
        return taken


class Late(Host):
    """Writes its fourth event down after its fifth."""

    def __init__(self, kernel: Kernel, journal: Any, *rest: Any, **named: Any) -> None:
        super().__init__(kernel, _Late(journal), *rest, **named)


class _Late:
    def __init__(self, journal: Any) -> None:
        self.journal = journal
        self.groups: list[list[tuple[str, str, Plain]]] = []

    def append(self, actor: str, kind: str, body: Plain) -> int:
        if kind == "accepted":
            self.groups.append([])
            if len(self.groups) == 6:
                for line in (*self.groups[4], *self.groups[3]):
                    self.journal.append(*line)
        if len(self.groups) in (4, 5):
            self.groups[-1].append((actor, kind, copy.deepcopy(body)))
            return 0
        return int(self.journal.append(actor, kind, body))


def driven(host: type[Host], scenario: str = "hello", changes: dict[str, Plain] | None = None) -> Recording:
    program = nimdsl.loading.with_overrides(nimdsl.load_text(HELLO), changes or {})
    found = find_scenario(program, scenario)
    journal = MemoryJournal()

    class Wrong(Driver):
        def _host(self, actor: Actor) -> Host:
            kernel = Kernel(actor, self.options.interpreter(actor.table), program.schemas, program.sha256)
            return host(kernel, self.journal, self.options.checks, witness=True)

    Wrong(program, found, Options(seed=1), journal).run()
    return Recording(journal, program, found, "", 1, "")


def test_a_driver_that_takes_a_duplicate_again_is_found() -> None:
    recording = driven(Careless, changes={"garden/g.bus.duplicate": "100%"})
    assert {one.what for one in replay(recording).differences} == {ReplayMismatch.AGAIN}


@pytest.mark.parametrize(
    ("host", "what"),
    [
        (Forgetful, ReplayMismatch.RECORDS),
        (Silent, ReplayMismatch.PLACE),
        (Twice, ReplayMismatch.AGAIN),
        (Late, ReplayMismatch.RECORDS),
    ],
)
def test_a_wrong_driver_is_found(host: type[Host], what: ReplayMismatch) -> None:
    assert replay(driven(Host)).identical
    assert what in {one.what for one in replay(driven(host)).differences}


def test_a_journal_may_end_anywhere(hello: RunResult) -> None:
    whole = lines_of(hello.journal)
    traces = set()
    for name in (PROTOCOL, CELL):
        for length in range(len(whole[name]) + 1):
            lines = {**whole, name: whole[name][:length]}
            replayed = replay(recording_of(hello, lines))
            assert replayed.identical, (name, length, [str(one) for one in replayed.differences])
            traces.add(replayed.trace_sha256)
    assert hello.summary["trace_sha256"] in traces


def test_each_restart_may_have_cost_the_witness_of_one_step(hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    without_records(lines[PROTOCOL])
    clock = ("clock", {"time_ns": 0, "wall_ns": 0, "rate": "1.0", "start": 0})
    lines["garden/controller"] = [clock]
    assert not replay(recording_of(hello, lines, "local")).identical
    lines["garden/controller"] = [clock, clock]
    assert replay(recording_of(hello, lines, "local")).identical
    without_records(lines[PROTOCOL])
    assert not replay(recording_of(hello, lines, "local")).identical


def test_a_line_of_the_garden_that_cannot_be_read_is_told(hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    lines["garden/controller"] = [("clock", ["when?"])]
    with pytest.raises(NimdslError, match="garden/controller, line 0: a damaged line"):
        replay(recording_of(hello, lines, "local"))
