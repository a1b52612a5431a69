"""``--report`` and ``--perfetto`` as a user meets them: written whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nimdsl.base.atomic_file import whole
from nimdsl.base.errors import PermanentPortError
from tests.support.patience import finished


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nimdsl", "simulate", *arguments]
    return finished(command)


def test_a_file_is_there_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.html"
    with whole(path) as file:
        file.write("all of it")
        assert not path.exists()
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def fail() -> None:
        with whole(path) as file:
            file.write("new")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes that are files")
def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(PermanentPortError, match="it is no file"), whole(pipe):
        raise AssertionError("nothing was opened")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.slow
def test_a_path_that_cannot_be_written_is_one_clear_line_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, reason in ((tmp_path / "file" / "x.html", ""), (tmp_path, "it is a folder, name a file")):
        for option in ("--report", "--perfetto"):
            done = simulate("voice", option, str(path))
            assert done.returncode == 2
            assert f"cannot write to {path}" in done.stderr.replace("\n", "")
            assert reason in done.stderr
            assert "Traceback" not in done.stderr
            assert not done.stdout


@pytest.mark.slow
def test_both_are_written_and_told(tmp_path: Path) -> None:
    page, trace = tmp_path / "out" / "voice.html", tmp_path / "voice.json"
    done = simulate(
        "voice", "--report", str(page), "--perfetto", str(trace), "--out", str(tmp_path / "run")
    )
    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    assert f"report in {page}" in done.stdout
    assert f"trace in {trace}" in done.stdout
    assert "beat 0  ddd" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run", "voice.json"]


@pytest.mark.slow
def test_json_stays_json(tmp_path: Path) -> None:
    done = simulate("spark", "--report", str(tmp_path / "spark.html"), "--format", "json")
    assert json.loads(done.stdout)["scenario"] == "spark"
    assert "Phases" in (tmp_path / "spark.html").read_text(encoding="utf-8")


def test_a_mistake_in_the_documents_leaves_no_file(tmp_path: Path) -> None:
    done = simulate("voice", "--report", str(tmp_path / "x.html"), "--set", "economy/household.openning=3")
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_overrides_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    done = simulate("quiet-study", "--report", str(page), "--set", "scenario/quiet-study.horizon=70s")
    assert "3 beats" in done.stdout
    assert "the last one cut short" in page.read_text(encoding="utf-8")
