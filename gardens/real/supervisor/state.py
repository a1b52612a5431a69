"""The folder of a garden on this machine: who runs it, what it runs, how it is doing.

The laws: at most one process holds a folder, and death releases it; only the
holder writes, anybody may read; a reader sees a whole file or the one before it;
reading makes nothing.

What stands in the manifest and in the status is their writers' affair; the
journal and the bus server only have their places here.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nimdsl.base.errors import PermanentPortError

FORMAT = 1
"""Stands in every file that is written here; what has another one is not ours to read."""
PID_READ_COUNT_MAX = 20
PID_READ_PAUSE_S = 0.005
NS_PER_S = 1_000_000_000


class StateFolder:
    """One such folder.  Nothing is made before something is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self.journal = self.folder / "journal.sqlite"
        self.store = self.folder / "store"
        """For the bus server."""
        self._lock_file = self.folder / "lock"
        self._lock: int | None = None

    def lock(self) -> None:
        """Makes this process the holder, and the folders; PermanentPortError when another holds it."""
        self._make_folder()
        with _naming(self.logs):
            self.logs.mkdir(exist_ok=True)
        with _naming(self.store):
            self.store.mkdir(exist_ok=True)
        with _naming(self._lock_file):
            number = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if not _take(number):
                    raise self._up_already()
                os.ftruncate(number, 0)
                os.pwrite(number, f"{os.getpid()}\n".encode(), 0)
            except BaseException:
                os.close(number)
                raise
        self._lock = number

    def holder(self) -> int | None:
        """The pid that holds the folder now; None when nobody does.  Takes nothing, not even briefly."""
        for _ in range(PID_READ_COUNT_MAX):
            pid = self._holder_now()
            if pid != 0:
                return pid
            time.sleep(PID_READ_PAUSE_S)  # it holds the lock, and is about to write its pid
        raise PermanentPortError(f"{self._lock_file} is held, but the pid of no live process is in it")

    def unlock(self) -> None:
        """Lets go, if this process holds the folder."""
        if self._lock is not None:
            number, self._lock = self._lock, None
            # In words, since a child that is just being started may have a copy of the descriptor.
            fcntl.fcntl(number, fcntl.F_OFD_SETLK, _lock_record(fcntl.F_UNLCK))
            os.close(number)

    def write_manifest(self, data: Mapping[str, Any]) -> None:
        """What this garden runs; survives a power failure once this returned."""
        self._write("manifest", data, durable=True)

    def read_manifest(self) -> dict[str, Any] | None:
        """What was written last; None before that; PermanentPortError for a file that is not ours."""
        found = self._read("manifest")
        return None if found is None else found[0]

    def write_status(self, data: Mapping[str, Any]) -> None:
        """How the garden is doing now."""
        self._write("status", data, durable=False)

    def read_status(self) -> tuple[dict[str, Any], float] | None:
        """What was written last, and how many seconds ago by the wall clock (0 if it was set back)."""
        found = self._read("status")
        return None if found is None else (found[0], max(0, time.time_ns() - found[1]) / NS_PER_S)

    def _make_folder(self) -> None:
        with _naming(self.folder):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)

    def _holder_now(self) -> int | None:
        """The holder's pid, None without a holder, 0 with one whose pid cannot be read yet."""
        try:
            number = os.open(self._lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise _failed(self._lock_file, problem) from problem
        try:
            if not _is_held(number):
                return None
            text = os.pread(number, 32, 0)
        finally:
            os.close(number)
        pid = int(text) if text.endswith(b"\n") and text[:-1].isdigit() else 0
        return pid if pid and Path(f"/proc/{pid}").exists() else 0

    def _up_already(self) -> PermanentPortError:
        pid = self.holder()
        if pid is None:
            return PermanentPortError(f"the garden in {self.folder} is just going down: try again")
        return PermanentPortError(
            f"garden is up already (pid {pid}, in {self.folder}): `nimdsl down` ends it"
        )

    def _write(self, name: str, data: Mapping[str, Any], durable: bool) -> None:
        self._make_folder()
        whole = {"nimdsl": name, "format": FORMAT, "written_ns": time.time_ns(), "data": dict(data)}
        text = json.dumps(whole, indent=1) + "\n"
        file = self.folder / f"{name}.json"
        new = self.folder / f"{name}.json.{os.getpid()}"
        with _naming(file):
            try:
                new.write_text(text, encoding="ascii")
                if durable:
                    _sync(new)
                new.replace(file)
                if durable:
                    _sync(self.folder)
            finally:
                new.unlink(missing_ok=True)

    def _read(self, name: str) -> tuple[dict[str, Any], int] | None:
        file = self.folder / f"{name}.json"
        try:
            whole = json.loads(file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise _failed(file, problem) from problem
        except (ValueError, RecursionError) as problem:
            raise PermanentPortError(f"{file} is torn: {problem}; delete it") from problem
        match whole:
            case {"nimdsl": mark, "format": int(form), "written_ns": int(written_ns), "data": dict(data)}:
                if (mark, form) == (name, FORMAT):
                    return data, written_ns
        raise PermanentPortError(f"{file} is no {name} that this nimdsl wrote; move it away or delete it")


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _lock_record(kind: int) -> bytes:
    """``struct flock`` for the whole file, as 64-bit Linux lays it out."""
    return struct.pack("hhqqi0q", kind, os.SEEK_SET, 0, 0, 0)


def _take(number: int) -> bool:
    """Locks an open file without waiting.

    A lock of the open file description: like ``flock``'s it ends with the last copy of the
    descriptor (exec closes those of children), but others can ask for it without taking it.
    """
    try:
        fcntl.fcntl(number, fcntl.F_OFD_SETLK, _lock_record(fcntl.F_WRLCK))
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, says POSIX
        return False
    return True


def _is_held(number: int) -> bool:
    answer = fcntl.fcntl(number, fcntl.F_OFD_GETLK, _lock_record(fcntl.F_WRLCK))
    return bool(struct.unpack_from("h", answer)[0] != fcntl.F_UNLCK)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turns what the system refuses into one line that names the path."""
    try:
        yield
    except OSError as problem:
        raise _failed(path, problem) from problem


def _failed(path: Path, problem: OSError) -> PermanentPortError:
    return PermanentPortError(f"{problem.filename or path}: {problem.strerror}")
