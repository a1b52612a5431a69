"""A journal in one SQLite file.

The law is that of :class:`runtime.ports.journal.Journal`.  The file uses a rollback
journal (DELETE mode), so that between commits and after ``close`` it is one
file that can be handed around, and a crash leaves what the last ``commit`` had.
Appends are batched until ``commit``.  Equal runs give equal rows; the bytes of
the file may differ.  A file that is absent, foreign, of another version or torn
is a PermanentPortError that says which; a locked one is a TemporaryPortError.
A line or a value of another type than it was written with is damage: a ValueError.

Not here: what the bodies mean, and export (Parquet).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType

from nimdsl.base import canonical
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import PermanentPortError, PortError, TemporaryPortError
from nimdsl.base.words import shown
from runtime.ports.journal import RESTORE, JournalEntry, encoded

APPLICATION_ID = 0x6E696D64  # "nimd"
VERSION = 1
BATCH_COUNT_MAX = 10_000
BUSY_TIMEOUT_S = 5.0

_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE entry (actor TEXT NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL,"
    " body BLOB NOT NULL, PRIMARY KEY (actor, position)) WITHOUT ROWID",
)
_WAITING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_FOREIGN = "no journal of nimdsl: name the `journal.sqlite` that a run wrote, or its folder"
_FIRST = -(1 << 63)


class SqliteJournal:
    """A :class:`runtime.ports.journal.Journal` in the file ``path``, which is created when absent.

    With ``read_only`` the file must exist and stays untouched.  One writer at a time.
    As a context manager it is closed at the end, which commits.
    """

    def __init__(self, path: str | PathLike[str], read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._pending: list[tuple[str, int, str, bytes]] = []
        self._flushing = False
        """Some of the batch may be in the file: whoever interrupted it had no time to say so."""
        self._counts: dict[str, int] = {}
        self._connection: sqlite3.Connection | None = None
        if read_only and not self.path.is_file():
            raise PermanentPortError(f"{self.path}: there is no such journal")
        with self._translated():
            self._connection = self._connect()
        try:
            with self._translated():
                self._prepare()
                self._counts = self._counted()
        except BaseException:
            self._connection.close()
            raise

    # -- the port

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self.path)

    def append(self, actor: str, kind: str, body: Plain) -> int:
        """Add a line to the batch and return its position within ``actor``."""
        self._writable()
        data = encoded(body)
        position = self._counts.get(actor, 0)
        self._pending.append((actor, position, kind, data))
        self._counts[actor] = position + 1
        if len(self._pending) >= BATCH_COUNT_MAX:
            self._flush()
        return position

    def read(self, actor: str, start: int = 0) -> Iterator[JournalEntry]:
        """What ``actor`` has at the time of the call, oldest first, from position ``start`` on."""
        self._flush()
        return self._rows(actor, start, self._counts.get(actor, 0))

    def actors(self) -> tuple[str, ...]:
        """Every actor that has an entry, sorted."""
        self._usable()
        return tuple(sorted(self._counts))

    def counts(self) -> dict[str, int]:
        """How many entries every actor has."""
        self._usable()
        return dict(sorted(self._counts.items()))

    def commit(self) -> None:
        """Write the batch and wait until the file system has it."""
        self._flush()
        connection = self._usable()
        with self._translated():
            if connection.in_transaction:
                connection.execute("COMMIT")

    def close(self) -> None:
        """Commit, and close the file; closing twice is allowed."""
        if self._connection is not None:
            try:
                self.commit()
            finally:
                connection, self._connection = self._connection, None
                connection.close()

    def __enter__(self) -> SqliteJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- what a run says of itself

    def set_meta(self, key: str, value: Plain) -> None:
        """Keep a plain value beside the entries; durable with the next ``commit``."""
        self._writable()
        with self._transaction():
            self._sql("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, encoded(value)))

    def meta(self, key: str) -> Plain | None:
        """What ``set_meta`` kept under ``key``; None when there is nothing."""
        self._usable()
        with self._translated():
            row = self._sql("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else _decoded(row[0])

    # -- the file

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self.read_only else "rwc"
        uri = f"{self.path.resolve().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
        connection.text_factory = _text
        return connection

    def _prepare(self) -> None:
        identity = self._pragma("application_id"), self._pragma("user_version")
        if identity == (0, 0) and not self.read_only and not self._pragma("schema_version"):
            self._create()
        elif identity[0] != APPLICATION_ID:
            raise PermanentPortError(f"{self.path}: a database, but {_FOREIGN}")
        elif identity[1] != VERSION:
            raise PermanentPortError(f"{self.path}: journal version {identity[1]}; this is {VERSION}")

    def _create(self) -> None:
        self._sql("PRAGMA journal_mode = DELETE")
        self._sql("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            self._sql(statement)
        self._sql(f"PRAGMA application_id = {APPLICATION_ID}")
        self._sql(f"PRAGMA user_version = {VERSION}")
        self._sql("COMMIT")

    def _counted(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for actor, count, first in self._sql(
            "SELECT actor, count(*), min(position) FROM entry GROUP BY actor"
        ):
            if not isinstance(actor, str):
                where = f"{self.path}: {shown(actor)}, line {first}"
                raise PermanentPortError(f"{where}: damaged: the name of an actor is text: {RESTORE}")
            counts[actor] = count
        return counts

    def _pragma(self, name: str) -> int:
        return int(self._sql(f"PRAGMA {name}").fetchone()[0])

    def _flush(self) -> None:
        connection = self._usable()
        if self._pending:
            known = "OR IGNORE " if self._flushing else ""
            self._flushing = True
            try:
                with self._transaction():
                    connection.executemany(f"INSERT {known}INTO entry VALUES (?, ?, ?, ?)", self._pending)
            except PortError:
                self._flushing = False
                raise
            self._pending.clear()
            self._flushing = False

    def _rows(self, actor: str, start: int, count: int) -> Iterator[JournalEntry]:
        query = (
            "SELECT position, kind, body FROM entry"
            " WHERE actor = ? AND position >= ? ORDER BY position LIMIT ?"
        )
        with self._translated():
            for position, kind, body in self._sql(query, (actor, start or _FIRST, max(0, count - start))):
                yield _entry(actor, position, kind, body)

    def _sql(self, statement: str, parameters: tuple[str | int | bytes, ...] = ()) -> sqlite3.Cursor:
        return self._usable().execute(statement, parameters)

    # -- failures

    def _usable(self) -> sqlite3.Connection:
        if self._connection is None:
            raise PermanentPortError(f"{self.path}: the journal is closed")
        return self._connection

    def _writable(self) -> None:
        self._usable()
        if self.read_only:
            raise PermanentPortError(f"{self.path}: the journal was opened for reading only")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translated():
            if not self._usable().in_transaction:
                self._sql("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            kind = TemporaryPortError if _code(error) in _WAITING else PermanentPortError
            raise kind(f"{self.path}: {_said(error)}") from error


def _said(error: sqlite3.Error) -> str:
    """What SQLite reports, for people: a file of something else, a damaged one, or its own words."""
    match _code(error):
        case sqlite3.SQLITE_NOTADB:
            return _FOREIGN
        case sqlite3.SQLITE_CORRUPT:
            return f"damaged: it was cut short or written over: {RESTORE}"
        case sqlite3.SQLITE_ERROR:
            return f"damaged: {error}: {RESTORE}"
    return str(error)


def _entry(actor: str, position: object, kind: object, body: object) -> JournalEntry:
    """A row as it was read.  Raises ValueError for a column of another type."""
    if not isinstance(position, int):
        raise ValueError(f"the position of a line is a whole number, this is {shown(position)}")
    if not isinstance(kind, str):
        raise ValueError(f"the kind of a line is text, this is {shown(kind)}")
    return JournalEntry(actor, position, kind, _decoded(body))


def _decoded(data: object) -> Plain:
    """Plain data from its bytes.  Raises ValueError for what is none."""
    if isinstance(data, str):  # whoever looks into a journal may have written so
        data = data.encode()
    if not isinstance(data, bytes):
        raise ValueError(f"JSON is wanted, this is {shown(data)}")
    return canonical.decode(data)


def _text(data: bytes) -> str | bytes:
    """Text of a row; bytes that are none stay what they are."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
