"""``--out``: the journal as SQLite and the records as JSON Lines, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nimdsl import canonical
from nimdsl.errors import PermanentPortError
from runtime.report.result import Result
from runtime.run import COMPLETE, ORIGIN
from runtime.sqlite_journal import SqliteJournal

JOURNAL, RECORDS, SUMMARY = "journal.sqlite", "records.jsonl", "summary.json"


def journal_in(folder: Path) -> SqliteJournal:
    """A fresh journal in ``folder``, under a temporary name until :func:`export`.

    Raises PermanentPortError when the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _partial(folder, JOURNAL).unlink(missing_ok=True)
    except OSError as problem:
        raise PermanentPortError(f"cannot write to {folder}: {problem.strerror}") from None
    return SqliteJournal(_partial(folder, JOURNAL))


def export(result: Result, folder: Path, journal: SqliteJournal) -> None:
    """Writes records and summary beside the journal, and gives all three their names."""
    journal.set_meta(ORIGIN, result.origin)
    journal.set_meta(COMPLETE, journal.counts())
    journal.close()
    try:
        with _partial(folder, RECORDS).open("wb") as file:
            file.writelines(canonical.encode(record) + b"\n" for record in result.records())
        text = json.dumps(result.summary, indent=2, ensure_ascii=False) + "\n"
        _partial(folder, SUMMARY).write_text(text, encoding="utf-8")
        for name in (JOURNAL, RECORDS, SUMMARY):
            os.replace(_partial(folder, name), folder / name)
    except OSError as problem:
        raise PermanentPortError(f"cannot write to {folder}: {problem.strerror}") from None


def discard(folder: Path) -> None:
    """Removes what an interrupted run left half written."""
    for name in (JOURNAL, RECORDS, SUMMARY):
        _partial(folder, name).unlink(missing_ok=True)


def _partial(folder: Path, name: str) -> Path:
    return folder / f".{name}.partial"
