"""Ctrl-C at any instant of a run: it ends as interrupted, and no file is half written or of another run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from gardens.report import outputs, pictures
from gardens.report.result import export
from gardens.report.result.export import JOURNAL, RECORDS, SUMMARY
from gardens.stores import sqlite
from nimdsl.base import atomic_file
from nimdsl.base.atomic_file import uninterrupted
from nimdsl.commands import run
from runtime.run.run import ORIGIN
from simulate.commands import simulate
from tests.support.texts import HELLO

WATCHED = {str(one.__file__) for one in (outputs, pictures, export, sqlite, atomic_file, simulate)}
"""The modules whose every line is an instant."""


class Instants:
    """Sends SIGINT at the line with the given number, of those of the watched modules; counts them."""

    def __init__(self, at: int = -1) -> None:
        self.count, self._at = 0, at

    def __enter__(self) -> Instants:
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _called(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._line if frame.f_code.co_filename in WATCHED else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self._at:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return self._line


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "hello.yaml").write_text(HELLO)
    files = ["--report", str(tmp_path / "page.html"), "--perfetto", str(tmp_path / "trace.json")]
    return ["simulate", str(tmp_path / "hello.yaml"), "--out", str(tmp_path / "out"), *files]


def instants(words: list[str]) -> Iterator[int]:
    """All of the beginning and the end of a run, and some of what is between."""
    with Instants() as counting:
        assert run(words) == 0
    begin, end = 40, counting.count - 90
    yield from [
        *range(1, begin, 3),
        *range(begin, end, (end - begin) // 20),
        *range(end, counting.count, 2),
    ]


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()} - {"hello.yaml"}


def check_whole(folder: Path) -> int:
    """The seed of the run whose files these are, 0 without any; none is torn or of another run."""
    if (folder / "page.html").exists():
        assert (folder / "page.html").read_text().rstrip().endswith("</html>")
    if (folder / "trace.json").exists():
        json.loads((folder / "trace.json").read_text())
    out = folder / "out"
    if not (out / SUMMARY).exists():
        assert written(out) == set()
        return 0
    summary = json.loads((out / SUMMARY).read_text())
    with sqlite.SqliteJournal(out / JOURNAL, read_only=True) as journal:
        origin: Any = journal.meta(ORIGIN)
    assert origin["seed"] == summary["seed"]
    assert json.loads((out / RECORDS).read_text().splitlines()[-1])
    return int(summary["seed"])


UNASSIGNED = "ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning"
"""An interrupt between the opening of a file and its name: Python closes it, and says so."""


@pytest.mark.slow
@pytest.mark.filterwarnings(UNASSIGNED)
def test_an_interrupted_run_leaves_nothing_half_written(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for at in instants(words):
        for path in (*(tmp_path / "out").glob("*"), *tmp_path.glob("*.html"), *tmp_path.glob("*.json")):
            path.unlink()
        with Instants(at):
            assert run(words) == 130, at
        check_whole(tmp_path)
        assert not [name for name in written(tmp_path) if name.startswith(".")], at
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.filterwarnings(UNASSIGNED)
def test_an_interrupted_run_leaves_those_of_the_run_before(words: list[str], tmp_path: Path) -> None:
    seeds = set()
    for at in instants(words):
        assert run([*words, "--seed", "7"]) == 0
        with Instants(at):
            assert run([*words, "--seed", "8"]) == 130, at
        seeds.add(check_whole(tmp_path))
        assert written(tmp_path) == {JOURNAL, RECORDS, SUMMARY, "page.html", "trace.json"}, at
    assert seeds == {7, 8}


def test_a_journal_that_was_interrupted_can_be_closed(tmp_path: Path) -> None:
    """At every line of a flush; what it held is there once."""
    lines, at = 1, 0
    while at < lines:
        path = tmp_path / f"{at}.sqlite"
        journal = sqlite.SqliteJournal(path)
        for number in range(5):
            journal.append("cell/a", "k", number)
        with Instants(at) as counting:
            try:
                journal.commit()
            except KeyboardInterrupt:
                lines = at + 2
        lines = max(lines, counting.count if at == 0 else lines)
        journal.close()
        with sqlite.SqliteJournal(path, read_only=True) as again:
            assert [one.body for one in again.read("cell/a")] == list(range(5))
        at += 1


def test_what_is_uninterrupted_is_done_to_its_end() -> None:
    done = []

    def work() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_process_ends_with_130_wherever_it_was_interrupted() -> None:
    """Also within code that is made of text, after which the interpreter ends in its own way."""
    code = (
        "import signal; from nimdsl import commands\n"
        "commands.run = lambda words: eval('signal.raise_signal(signal.SIGINT)', {'signal': signal})\n"
        "commands.main([])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"")
