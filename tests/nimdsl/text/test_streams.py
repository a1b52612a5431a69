"""Documents from pipes and from text, and which files they may name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import nimdsl
from nimdsl.base.errors import NimdslError
from nimdsl.text.source import FILE_BYTES_MAX, read_sources

SPEC = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  accepts: {press: {}}
  machine: {initial: a, states: {a: {transitions: [{event: press, to: a}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 60s, stimuli: [{recording: {file: "FILE"}, to: lamp, event: press}]}
"""
SECRET = "root:x:0:0\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors are files only there")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("garden", "beside", "garden/below"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "times.csv").write_text("at\n1s\n")
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "garden/link.csv").symlink_to(tmp_path / "beside/times.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(file: str, name: str = "garden/a.yaml") -> str:
    Path(name).write_text(SPEC.replace("FILE", file))
    return name


def problems(report: nimdsl.Report) -> list[str]:
    return [f"{one.code} {one.message}; {one.fix}" for one in report.diagnostics]


def nimdsl_with(text: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nimdsl", *words]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


@contextmanager
def piped(text: str) -> Iterator[Path]:
    """What a shell makes of ``<(...)``."""
    out, into = os.pipe()
    os.write(into, text.encode())
    os.close(into)
    try:
        yield Path(f"/dev/fd/{out}")
    finally:
        os.close(out)


@pytest.mark.parametrize("path", ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
@pytest.mark.parametrize(
    "words", [("validate",), ("simulate",), ("simulate", "s", "--specs"), ("show", "lamp", "--specs")]
)
def test_every_verb_reads_standard_input(path: str, words: tuple[str, ...]) -> None:
    done = nimdsl_with(SPEC.replace("FILE", "times.csv"), *words, path, "--root", "garden")
    assert (done.returncode, done.stderr) == (0, "")


def test_standard_input_may_be_a_file() -> None:
    with open(document("times.csv")) as file:
        command = [sys.executable, "-m", "nimdsl", "graph", "lamp", "--specs", "-", "--root", "garden"]
        assert b"press" in subprocess.run(command, stdin=file, capture_output=True, check=True).stdout


def test_a_pipe_of_the_shell_is_read_once_and_called_by_its_number() -> None:
    with piped("kind: [") as path:
        (broken,) = nimdsl.check([path, path]).diagnostics
    assert broken.place.file == f"<fd {path.name}>"


def test_a_stream_has_bounds() -> None:
    with open("/dev/zero", "rb") as endless:
        sources, (problem,) = read_sources([Path(f"/dev/fd/{endless.fileno()}")])
    assert sources == ()
    assert problem.code == "NIM0104"
    assert f"{FILE_BYTES_MAX:,}" in problem.message


def test_a_closed_standard_input_is_said() -> None:
    command = f"{sys.executable} -m nimdsl validate - <&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error NIM0114: `-` cannot be read" in done.stdout


@pytest.mark.parametrize("words", [("validate", "--watch", "-"), ("up", "--specs", "-")])
def test_what_reads_again_wants_files(words: tuple[str, ...]) -> None:
    done = nimdsl_with(SPEC, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "file" in done.stderr


def test_documents_without_a_folder_say_how_to_name_one() -> None:
    text = SPEC.replace("FILE", "times.csv")
    (problem,) = problems(nimdsl.check_text(text))
    assert problem.startswith("NIM0101 `times.csv` cannot be found")
    assert "`--root DIR`" in problem
    assert "`root=DIR`" in problem
    assert nimdsl.load_text(text, root="garden").scenarios
    assert problem in problems(nimdsl.check_text(text)) != problems(nimdsl.check_text(text, root="garden"))


@pytest.mark.parametrize("root", ["nowhere", "secret", 3])
def test_a_root_is_a_folder(root: str) -> None:
    with pytest.raises(NimdslError, match="`root`"):
        nimdsl.check_text(SPEC, root=root)


@pytest.mark.parametrize(
    "file", ["../secret", "../beside/times.csv", "link.csv", "below/../../secret", "ABSOLUTE"]
)
def test_no_file_outside_the_folder_of_its_document_is_read(file: str, folder: Path) -> None:
    name = document(file.replace("ABSOLUTE", str(folder / "secret")))
    for path in (name, "garden"):
        (problem,) = problems(nimdsl.check(path))
        assert "is not read: it lies outside the folder of its document" in problem
        assert SECRET.strip() not in problem


def test_what_the_root_holds_may_be_named(folder: Path) -> None:
    name = document("../beside/times.csv")
    (problem,) = problems(nimdsl.check(name))
    root = problem.partition("--root ")[2].partition("`")[0]
    assert nimdsl.load(name, root=root).scenarios, "the fix works"
    assert nimdsl.load(document("link.csv"), root="beside").scenarios
    assert nimdsl.load(document(str(folder / "beside/times.csv")), root=".").scenarios
    assert nimdsl.check(name, root="garden/below").program is None


def test_a_folder_that_was_named_is_the_folder_of_all_its_documents() -> None:
    document("../times.csv", "garden/below/b.yaml")
    assert nimdsl.load("garden").scenarios
    assert nimdsl.check("garden/below").program is None
