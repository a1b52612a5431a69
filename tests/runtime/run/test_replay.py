"""L1 replay (SEMANTICS 8.4): a journal gives its run's records again; what a wrong driver does is found."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as with_changes

import nimdsl
from gardens.report.result.result import Result
from gardens.stores.memory import MemoryJournal
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.driver import Driver, Options
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import NimdslError, PermanentPortError
from nimdsl.commands import run as nimdsl_command
from nimdsl.program import Actor
from runtime.kernel.effects import AnyEffect
from runtime.kernel.events import Answered, AnyEvent
from runtime.kernel.step import Kernel, Step
from runtime.ports.journal import RESTORE
from runtime.run.host import Host
from runtime.run.inbox import Difference, ReplayMismatch
from runtime.run.lines import LEDGER, Accepted, Witness, write
from runtime.run.recording import Recording, opened
from runtime.run.replay import ActorReplay, Replay, replay
from runtime.run.run import COMPLETE, ORIGIN, find_scenario
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
def hello() -> Result:
    return run(nimdsl.load_text(HELLO), "hello", journal=MemoryJournal())


def test_a_virtual_journal_gives_the_records_of_its_run() -> None:
    result = run(nimdsl.load(), "spark", journal=MemoryJournal())
    replayed = replay(recording_of(result))
    assert replayed.differences == ()
    assert replayed.trace_sha256 == result.summary["trace_sha256"]
    assert replayed.summary["records"] == len(result.records())
    assert all(one.witnessed_count == len(one.records) for one in replayed.actors)


# Doctored journals: each defect has a name


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
def test_a_doctored_journal_is_found_by_name(doctor: Any, what: ReplayMismatch, hello: Result) -> None:
    lines = lines_of(hello.journal)
    doctor(lines[PROTOCOL])
    replayed = replay(recording_of(hello, lines))
    assert [(one.actor, one.what) for one in replayed.differences] == [(PROTOCOL, what)]
    json.dumps(replayed.summary)


def test_a_difference_says_where_and_what_both_sides_have(hello: Result) -> None:
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


def test_the_first_difference_of_each_actor_is_told_in_the_order_of_their_names(hello: Result) -> None:
    lines = lines_of(hello.journal)
    a_record_changed(lines[PROTOCOL])
    another_program(lines[PROTOCOL])
    without_outcome(lines[CELL])
    found = replay(recording_of(hello, lines)).differences
    assert [(one.actor, one.what) for one in found] == [
        (CELL, ReplayMismatch.UNANSWERED),
        (PROTOCOL, ReplayMismatch.PROGRAM),
    ]


def test_lines_of_an_unknown_actor_are_told(hello: Result) -> None:
    lines = lines_of(hello.journal)
    lines["cell/stranger"] = lines[CELL]
    found = replay(recording_of(hello, lines)).differences
    assert [(one.actor, one.what) for one in found] == [("cell/stranger", ReplayMismatch.STRANGER)]


def test_lines_that_were_lost_are_told_whoever_they_are_of(hello: Result) -> None:
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
    changes: dict[str, Plain], hello: Result
) -> None:
    lines = lines_of(hello.journal)
    at = max(at for at, (kind, _) in enumerate(lines[LEDGER]) if kind == "entry")
    kind, body = lines[LEDGER][at]
    lines[LEDGER][at] = (kind, {**body, **changes})
    (difference,) = replay(recording_of(hello, lines)).differences
    assert (difference.actor, difference.what) == (LEDGER, ReplayMismatch.DAMAGED)
    assert difference.position == at


# Drivers that are wrong


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


# Ends and restarts


def test_a_journal_may_end_anywhere(hello: Result) -> None:
    whole = lines_of(hello.journal)
    traces = set()
    for name in (PROTOCOL, CELL):
        for length in range(len(whole[name]) + 1):
            lines = {**whole, name: whole[name][:length]}
            replayed = replay(recording_of(hello, lines))
            assert replayed.identical, (name, length, [str(one) for one in replayed.differences])
            traces.add(replayed.trace_sha256)
    assert hello.summary["trace_sha256"] in traces


def test_each_restart_may_have_cost_the_witness_of_one_step(hello: Result) -> None:
    lines = lines_of(hello.journal)
    without_records(lines[PROTOCOL])
    clock = ("clock", {"time_ns": 0, "wall_ns": 0, "rate": "1.0", "start": 0})
    lines["garden/controller"] = [clock]
    assert not replay(recording_of(hello, lines, "local")).identical
    lines["garden/controller"] = [clock, clock]
    assert replay(recording_of(hello, lines, "local")).identical
    without_records(lines[PROTOCOL])
    assert not replay(recording_of(hello, lines, "local")).identical


def test_a_line_of_the_garden_that_cannot_be_read_is_told(hello: Result) -> None:
    lines = lines_of(hello.journal)
    lines["garden/controller"] = [("clock", ["when?"])]
    with pytest.raises(NimdslError, match="garden/controller, line 0: a damaged line"):
        replay(recording_of(hello, lines, "local"))


# Files


def change(file: Path, statement: str, *values: Any) -> None:
    connection = sqlite3.connect(file)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def set_origin(file: Path, **values: Plain) -> None:
    with SqliteJournal(file) as journal:
        journal.set_meta(ORIGIN, {**(journal.meta(ORIGIN) or {}), **values})


def test_one_actor_and_one_difference_are_no_plural() -> None:
    one = ActorReplay("cell/c", 1, 1, 1, (), None)
    assert repr(Replay((one,), ())) == "<Replay of 1 actor: identical>"
    wrong = replace(one, difference=Difference("x", "cell/c", 0, "y"))
    assert repr(Replay((one, wrong), ())) == "<Replay of 2 actors: 1 difference>"


def test_the_verb_says_that_all_is_identical(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = json.loads((out / "summary.json").read_text(encoding="utf-8"))["trace_sha256"]
    assert nimdsl_command(["replay", str(out)]) == 0
    assert capsys.readouterr().out == f"identical: 2 actors, 34 lines, 29 records, trace {trace}\n"
    assert nimdsl_command(["replay", str(out / "journal.sqlite"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["trace_sha256"] == trace


def test_the_verb_shows_the_first_difference_with_both_sides(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = out / "journal.sqlite"
    change(file, "UPDATE entry SET body = replace(body, 'hi ann', 'hi bob') WHERE kind = 'records'")
    assert nimdsl_command(["replay", str(file)]) == 1
    text = capsys.readouterr().out
    assert "cell/greeter, line 4" in text
    assert [line.split() for line in text.splitlines() if "≠" in line] == [
        ["≠", "message.payload.text", '"hi', 'bob"', '"hi', 'ann"']
    ]
    assert "and 1 more, in protocol/hello" in text
    assert nimdsl_command(["replay", str(file), "--format", "json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["differences"]) == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda file: file.write_text("hello" * 50),
            "journal.sqlite: no journal of nimdsl: name the `journal.sqlite`",
        ),
        (
            lambda file: file.write_bytes(file.read_bytes()[:3000]),
            "journal.sqlite: damaged: it was cut short or written over: restore the journal",
        ),
        (
            lambda file: change(file, "DROP TABLE meta"),
            "journal.sqlite: damaged: no such table: meta: restore",
        ),
        (
            lambda file: change(file, "DROP TABLE entry"),
            "journal.sqlite: damaged: no such table: entry: restore",
        ),
        (
            lambda file: change(file, "UPDATE meta SET value = 5"),
            "its `origin` is damaged: JSON is wanted, this is `5`",
        ),
        (
            lambda file: change(file, "UPDATE meta SET value = 5 WHERE key = 'complete'"),
            "its `complete` is damaged: JSON is wanted, this is `5`",
        ),
        (
            lambda file: change(file, "UPDATE meta SET value = '[1]' WHERE key = 'complete'"),
            "its `complete` is damaged: an object is wanted, this is a list",
        ),
        (
            lambda file: change(file, "UPDATE meta SET value = 5 WHERE key = 'format'"),
            "its `format` is damaged: JSON is wanted, this is `5`",
        ),
        (
            lambda file: change(file, "UPDATE meta SET value = '[7]' WHERE key = 'origin'"),
            "its `origin` is damaged: an object is wanted, this is a list",
        ),
        (
            lambda file: change(file, "UPDATE meta SET value = '{}' WHERE key = 'origin'"),
            "its `origin` is damaged: `documents` is missing",
        ),
        (
            lambda file: change(
                file, "UPDATE entry SET actor = x'00ff' WHERE actor = 'economy' AND position = 2"
            ),
            "`b'\\x00\\xff'`, line 2: damaged: the name of an actor is text",
        ),
        (lambda file: file.unlink(), "no such journal"),
        (lambda file: change(file, "PRAGMA application_id = 7"), "no journal of nimdsl"),
        (lambda file: change(file, "DELETE FROM meta"), "does not say what was run"),
        (lambda file: change(file, "UPDATE meta SET value = '{'"), "`origin` is damaged"),
        (
            lambda file: change(file, "UPDATE meta SET value = '{' WHERE key = 'format'"),
            "`format` is damaged",
        ),
        (lambda file: change(file, "DELETE FROM meta WHERE key = 'format'"), "journal format 1, and this"),
        (lambda file: change(file, "UPDATE meta SET value = '3' WHERE key = 'format'"), "a newer nimdsl"),
        (
            lambda file: set_origin(file, documents=7),
            "`origin` is damaged: `documents`: a list is wanted, this is a whole number",
        ),
        (
            lambda file: set_origin(file, seed="many"),
            "`origin` is damaged: `seed`: a whole number is wanted, this is text",
        ),
        (lambda file: set_origin(file, scenario="goodbye"), "no Scenario named `goodbye`"),
        (lambda file: set_origin(file, documents=[["a.yaml", "x: ["]]), "does not accept its documents"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_one_clear_line(
    spoil: Callable[[Path], object], message: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(out / "journal.sqlite")
    assert nimdsl_command(["replay", str(out / "journal.sqlite")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_another_program_is_told_with_both_hashes(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_origin(out / "journal.sqlite", program_sha256="f" * 64)
    here = nimdsl.load_text(HELLO).sha256
    assert nimdsl_command(["replay", str(out)]) == 2
    error = capsys.readouterr().err
    assert "f" * 16 in error
    assert here[:16] in error
    assert "another version of nimdsl made the run" in error


def test_damaged_lines_are_one_clear_line(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = out / "journal.sqlite"
    change(file, "UPDATE entry SET body = ? WHERE actor = ? AND position = 4", b"\xff\xfe{", PROTOCOL)
    assert nimdsl_command(["replay", str(file)]) == 1
    assert "protocol/hello, line 4: a damaged line" in capsys.readouterr().out
    change(file, "UPDATE entry SET body = '[]' WHERE actor = ? AND position = 4", PROTOCOL)
    change(file, "DELETE FROM entry WHERE actor = ? AND position = 3", PROTOCOL)
    assert nimdsl_command(["replay", str(file)]) == 1
    assert "line 4 stands where line 3 should" in capsys.readouterr().out
    change(file, "UPDATE entry SET body = '[' WHERE actor = 'economy' AND position = 2")
    assert nimdsl_command(["replay", str(file)]) == 1
    place = (
        f"{file}: economy, line 2: a damaged line: no JSON: expecting value, at character 2: {RESTORE}\n"
    )
    assert capsys.readouterr().err == place


@pytest.mark.parametrize(
    ("change_of_it", "told"),
    [
        ("body = 5", "a damaged line: JSON is wanted, this is `5`"),
        ("body = 5.5", "a damaged line: JSON is wanted, this is `5.5`"),
        ("kind = x'01'", "a damaged line: the kind of a line is text, this is `b'\\x01'`"),
        ("kind = CAST(x'ff' AS TEXT)", "a damaged line: the kind of a line is text, this is `b'\\xff'`"),
        ("position = 'x'", "a line out of place: line 3 stands where line 2 should"),
        ("position = 2.5", "a damaged line: the position of a line is a whole number, this is `2.5`"),
        ("position = -1", "a line out of place: line -1 stands where line 0 should"),
    ],
)
@pytest.mark.parametrize("name", ["economy", PROTOCOL])
def test_no_type_of_any_column_is_a_bug(
    name: str, change_of_it: str, told: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = out / "journal.sqlite"
    change(file, f"UPDATE entry SET {change_of_it} WHERE actor = ? AND position = 2", name)
    assert nimdsl_command(["replay", str(file)]) == 1
    printed = capsys.readouterr()
    if name == PROTOCOL:
        assert told in " ".join(printed.out.split())
    else:
        assert printed.err.startswith(f"{file}: economy, line ")
        assert printed.err.count("\n") == 1
        assert "a damaged line: " in printed.err


def test_a_journal_knows_its_program_seed_and_scenario(out: Path) -> None:
    with SqliteJournal(out / "journal.sqlite", read_only=True) as journal:
        recording = opened(journal)
        assert (recording.seed, recording.scenario.name, recording.garden) == (1, "hello", "")
        assert recording.complete is bool(journal.meta(COMPLETE))
        assert recording.program.sha256 == nimdsl.load_text(HELLO).sha256
        assert sorted(recording.kernels) == [CELL, PROTOCOL]
    with pytest.raises(PermanentPortError):
        opened(journal)


def test_overrides_travel_with_the_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specs = tmp_path / "hello.yaml"
    specs.write_text(HELLO, encoding="utf-8")
    out = tmp_path / "changed"
    changes = ["--set", "economy/purse.rewards.met=1", "--set", "phase/meet.request.timeout=10ms"]
    changes += ["--set", "phase/meet.request.attempts=1"]
    assert nimdsl_command(["simulate", "--specs", str(specs), "--out", str(out), *changes]) == 1
    assert nimdsl_command(["replay", str(out)]) == 0
    assert "identical" in capsys.readouterr().out
    assert canonical.decode((out / "summary.json").read_bytes())["errors"] > 0
