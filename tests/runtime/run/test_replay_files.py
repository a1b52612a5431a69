"""Replay of files: what its verb says of them, whole, damaged or of something else (SEMANTICS 8)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nimdsl
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import PermanentPortError
from nimdsl.commands import run as nimdsl_command
from runtime.ports.journal import RESTORE
from runtime.run.inbox import Difference
from runtime.run.recording import opened
from runtime.run.replay import ActorReplay, Replay
from runtime.run.run import COMPLETE, ORIGIN
from tests.support.doctored import (
    CELL,
    PROTOCOL,
)
from tests.support.texts import HELLO


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
