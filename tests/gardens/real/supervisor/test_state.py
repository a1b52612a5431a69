"""A garden's folder: one holder at a time, whole files, and nothing made by reading."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gardens.real.supervisor.state import StateFolder
from nimdsl.base.errors import PermanentPortError

ROOT = Path(__file__).parents[4]
HOLDER = """
import sys
from pathlib import Path
from gardens.real.supervisor.state import StateFolder

state = StateFolder(Path(sys.argv[1]))
state.lock()
print("held", flush=True)
sys.stdin.read()
"""


def test_one_process_holds_a_folder_and_death_releases_it(tmp_path: Path) -> None:
    folder = tmp_path / "garden"
    state = StateFolder(folder)
    assert state.holder() is None
    with subprocess.Popen(
        (sys.executable, "-c", HOLDER, str(folder)),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert state.holder() == other.pid
        with pytest.raises(PermanentPortError) as caught:
            state.lock()
        assert str(caught.value) == (
            f"garden is up already (pid {other.pid}, in {folder}): `nimdsl down` ends it"
        )
        other.kill()
    assert (folder / "lock").read_text() == f"{other.pid}\n"
    assert state.holder() is None
    state.lock()
    assert state.holder() == os.getpid()
    state.unlock()
    state.unlock()
    assert state.holder() is None


def test_asking_neither_takes_nor_releases(tmp_path: Path) -> None:
    holder, other = StateFolder(tmp_path), StateFolder(tmp_path)
    holder.lock()
    assert other.holder() == os.getpid()
    with pytest.raises(PermanentPortError, match="up already"):
        other.lock()
    with pytest.raises(PermanentPortError, match="up already"):
        holder.lock()
    assert StateFolder(tmp_path).holder() == os.getpid()
    other.unlock()
    assert other.holder() == os.getpid()
    holder.unlock()
    other.lock()
    other.unlock()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.lock()
    arguments = ("/bin/sh", "-c", "echo up; read line")
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        opened = {os.readlink(link) for link in Path(f"/proc/{child.pid}/fd").iterdir()}
        assert str(tmp_path / "lock") not in opened
    state.unlock()


def test_letting_go_does_not_wait_for_copies_of_the_descriptor(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.lock()
    assert state._lock is not None
    copy = os.dup(state._lock)
    state.unlock()
    assert state.holder() is None
    os.close(copy)


@pytest.mark.parametrize("text", ["", "12", "no pid\n", "999999999\n"])
def test_a_pid_that_cannot_be_read_is_no_holder_that_can_be_named(tmp_path: Path, text: str) -> None:
    state = StateFolder(tmp_path)
    state.lock()
    (tmp_path / "lock").write_text(text)
    with pytest.raises(PermanentPortError, match="lock is held, but the pid of no live process is in it"):
        StateFolder(tmp_path).holder()
    state.unlock()


def test_reading_makes_nothing_and_locking_makes_the_folders(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "deep" / "garden")
    assert (state.holder(), state.read_manifest(), state.read_status()) == (None, None, None)
    assert not list(tmp_path.iterdir())
    state.lock()
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    assert state.logs.is_dir()
    assert state.store.is_dir()
    assert state.journal.parent == state.folder
    state.unlock()


def test_the_manifest_is_the_one_written_last(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "garden")
    state.write_manifest({"a": 1})
    state.write_manifest({"wörter": ["\udcff", None, 1.5], "a": {"b": True}})
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    assert StateFolder(state.folder).read_manifest() == {"wörter": ["\udcff", None, 1.5], "a": {"b": True}}
    assert [file.name for file in state.folder.iterdir()] == ["manifest.json"]


def test_a_failed_write_leaves_the_former_file_alone(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.write_manifest({"a": 1})
    with pytest.raises(TypeError):
        state.write_manifest({"a": object()})
    assert state.read_manifest() == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]


def test_the_status_tells_its_age_by_what_is_written_in_it(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.write_status({"cells": 3})
    file = tmp_path / "status.json"
    os.utime(file, (0, 0))
    found = state.read_status()
    assert found is not None
    assert found[0] == {"cells": 3}
    whole = json.loads(file.read_text())
    for shift_s, least_s in ((-3600, 3600.0), (3600, 0.0)):
        shifted = whole | {"written_ns": time.time_ns() + shift_s * 1_000_000_000}
        file.write_text(json.dumps(shifted))
        found = state.read_status()
        assert found is not None
        assert found[1] >= least_s
        assert found[1] == 0.0 or shift_s < 0


def test_a_torn_or_foreign_file_is_refused(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.write_manifest({"a": "ä"})
    file = tmp_path / "manifest.json"
    whole = file.read_text()
    for end in range(len(whole) - 1):
        file.write_text(whole[:end])
        with pytest.raises(PermanentPortError, match=r"manifest\.json is torn"):
            state.read_manifest()
    foreign = ("[]", "null", "{}", '{"name": "x"}', whole.replace('"format": 1', '"format": 2'))
    for text in foreign:
        file.write_text(text)
        with pytest.raises(
            PermanentPortError, match=r"manifest\.json is no manifest that this nimdsl wrote"
        ):
            state.read_manifest()
    file.write_bytes(b"\xff\xfe{")
    with pytest.raises(PermanentPortError, match="torn"):
        state.read_manifest()
    state.write_status({})
    (tmp_path / "status.json").rename(file)
    with pytest.raises(PermanentPortError, match="no manifest"):
        state.read_manifest()


def test_what_the_system_refuses_is_said_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = StateFolder(tmp_path / "file" / "garden")
    for write in (state.lock, lambda: state.write_manifest({}), lambda: state.write_status({})):
        with pytest.raises(PermanentPortError, match=r"file: (File exists|Not a directory)"):
            write()
    state = StateFolder(tmp_path / "file")
    for refused in (state.lock, lambda: state.write_manifest({}), state.holder, state.read_manifest):
        with pytest.raises(PermanentPortError, match=r"file.*: (File exists|Not a directory)"):
            refused()
