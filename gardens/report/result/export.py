"""``--out``: the journal as SQLite and the records as JSON Lines, written whole or not at all.

Until :func:`export` all files have temporary names.  Records may be written
while the run goes on (:class:`RecordFile`): in the order of time, actor and
sequence, for which the records of one instant are held back, and no more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gardens.report.result.result import RunResult
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.atomic_file import partial_of, uninterrupted
from nimdsl.base.errors import InternalError, PermanentPortError
from runtime.ports.journal import Journal
from runtime.record_bytes import encode
from runtime.records import Record
from runtime.run.run import COMPLETE, ORIGIN

JOURNAL, RECORDS, SUMMARY = "journal.sqlite", "records.jsonl", "summary.json"
_ROLLBACK = f".{JOURNAL}.partial-journal"
"""What SQLite leaves beside a journal when its process is killed."""


def journal_in(folder: Path) -> SqliteJournal:
    """A fresh journal in ``folder``, under a temporary name until :func:`export`.

    Raises PermanentPortError when the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        discard(folder)
    except OSError as problem:
        raise _unwritable(folder, problem) from None
    return SqliteJournal(partial_of(folder / JOURNAL))


class RecordFile:
    """The records in ``folder``, under a temporary name until :func:`export`.

    Every call but ``close`` raises PermanentPortError when the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORDS
        """Where the records are once they are exported."""
        self._folder = folder
        self._file: BinaryIO | None = None
        self._held: list[tuple[str, int, bytes]] = []
        self._now_ns = 0

    def take(self, record: Record, data: bytes) -> None:
        """Takes a record and its canonical bytes; times never decrease."""
        if record.time_ns != self._now_ns:
            if record.time_ns < self._now_ns:
                raise InternalError(f"a record of {record.time_ns} ns after one of {self._now_ns} ns")
            self._write()
            self._now_ns = record.time_ns
        self._held.append((record.actor, record.sequence, data))

    def finish(self) -> None:
        """Writes what was held back and closes the file."""
        self._write()
        try:
            if self._file is not None:
                self._file.close()
        except OSError as problem:
            raise _unwritable(self._folder, problem) from None

    def close(self) -> None:
        """Lets go of the file, as it is; closing twice is allowed."""
        if self._file is not None:
            with suppress(OSError):  # whoever closes has no use for it
                self._file.close()

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = partial_of(self._folder / RECORDS).open("wb")
            self._held.sort()
            self._file.writelines(data + b"\n" for _, _, data in self._held)
        except OSError as problem:
            raise _unwritable(self._folder, problem) from None
        self._held.clear()


def seal(journal: Journal, result: RunResult) -> None:
    """Says in a journal what was run, and that it holds everything that happened."""
    journal.set_meta(ORIGIN, result.origin)
    journal.set_meta(COMPLETE, journal.counts())
    journal.commit()


def export(result: RunResult, folder: Path, journal: Journal, records: RecordFile | None = None) -> None:
    """Writes the summary beside journal and records, and gives all three their names.

    ``records`` have been written while the run went on; without, they are taken from the result.
    Raises PermanentPortError.
    """
    seal(journal, result)
    journal.close()
    (records or _written(result, folder)).finish()
    try:
        text = json.dumps(result.summary, indent=2, ensure_ascii=False) + "\n"
        partial_of(folder / SUMMARY).write_text(text, encoding="utf-8")
        with uninterrupted():  # or one of them would be of another run
            for name in (JOURNAL, RECORDS, SUMMARY):
                os.replace(partial_of(folder / name), folder / name)
    except OSError as problem:
        raise _unwritable(folder, problem) from None


def files_in(folder: Path) -> list[Path]:
    """What a run writes into ``folder``, also under temporary names."""
    names = (JOURNAL, RECORDS, SUMMARY)
    return [folder / name for name in names] + [partial_of(folder / name) for name in names]


@contextmanager
def discarding(folder: Path) -> Iterator[None]:
    """Whatever happens in it, nothing is left half written."""
    try:
        yield
    finally:
        with uninterrupted(), suppress(OSError):  # where nothing can be removed, nothing was written
            discard(folder)


def discard(folder: Path) -> None:
    """Removes what an interrupted run left half written."""
    for name in (JOURNAL, RECORDS, SUMMARY):
        partial_of(folder / name).unlink(missing_ok=True)
    (folder / _ROLLBACK).unlink(missing_ok=True)


def _written(result: RunResult, folder: Path) -> RecordFile:
    file = RecordFile(folder)
    try:
        for record in result.records():
            file.take(record, encode(record)[0])
    except BaseException:
        file.close()
        raise
    return file


def _unwritable(folder: Path, problem: OSError) -> PermanentPortError:
    if folder.is_file():
        return PermanentPortError(f"cannot write to {folder}: it is a file, name a folder")
    return PermanentPortError(f"cannot write to {folder}: {problem.strerror}")
