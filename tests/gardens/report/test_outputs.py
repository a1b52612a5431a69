"""No file that a verb writes replaces one that its run reads, or another of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import nimdsl
from gardens.report.outputs import Outputs
from nimdsl.base.errors import PermanentPortError
from nimdsl.commands import run as nimdsl_command
from tests.support.texts import HELLO

RECORDED = """
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: bell}
spec:
  accepts: {press: {}}
  machine: {initial: quiet, states: {quiet: {transitions: [{event: press, internal: true}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 1min, stimuli: [{to: bell, event: press, recording: {file: presses.csv}}]}
"""


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hello.yaml"
    path.write_text(HELLO, encoding="utf-8")
    return path


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error of a command line that cannot be run."""
    assert nimdsl_command(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.removesuffix("\n")


@pytest.mark.parametrize("verb", ["simulate", "run"])
@pytest.mark.parametrize("option", ["--report", "--perfetto"])
@pytest.mark.parametrize(
    "name", ["hello.yaml", "./hello.yaml", "a/../hello.yaml", "link.yaml", "hard.yaml"]
)
def test_a_document_is_not_replaced(
    verb: str, option: str, name: str, hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hello.parent / "a").mkdir()
    (hello.parent / "link.yaml").symlink_to(hello)
    (hello.parent / "hard.yaml").hardlink_to(hello)
    told = f"cannot write to {Path(name)}: it is a document of this run, choose another name"
    assert said([verb, "--specs", "hello.yaml", option, name], capsys) == told
    assert hello.read_text(encoding="utf-8") == HELLO


def test_a_recording_is_not_replaced_either(hello: Path) -> None:
    hello.write_text(RECORDED, encoding="utf-8")
    presses = hello.parent / "presses.csv"
    presses.write_text("at\n1\n", encoding="utf-8")
    program = nimdsl.load(hello)
    for outputs in (Outputs(report=presses), Outputs(perfetto=Path("presses.csv"))):
        with pytest.raises(PermanentPortError, match="it is a recording of this run, choose another name"):
            outputs.check(program)
    Outputs(hello.parent / "presses.html", hello.parent / "presses.json", hello.parent).check(program)


def test_a_recording_that_an_override_names_is_not_replaced(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hello.write_text(RECORDED, encoding="utf-8")
    for name in ("presses.csv", "others.csv"):
        (hello.parent / name).write_text("at\n1\n", encoding="utf-8")
    change = "scenario/s.stimuli.0.recording.file=others.csv"
    told = "cannot write to others.csv: it is a recording of this run, choose another name"
    assert (
        said(["simulate", "--specs", str(hello), "--set", change, "--report", "others.csv"], capsys) == told
    )
    assert (hello.parent / "others.csv").read_text(encoding="utf-8") == "at\n1\n"
    assert len(list(hello.parent.iterdir())) == 3


@pytest.mark.parametrize(
    "name", ["journal.sqlite", "records.jsonl", "summary.json", ".summary.json.partial"]
)
def test_a_folder_of_results_holds_no_input(
    name: str, hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = hello.parent / "out" / name
    document.parent.mkdir()
    hello.rename(document)
    told = f"cannot write to {Path('out', name)}: it is a document of this run, choose another folder"
    assert said(["simulate", "--specs", str(document), "--out", "out"], capsys) == told
    assert os.listdir("out") == [name]


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        (Outputs(Path("a"), Path("b/../a")), "--report and --perfetto both write to b/../a"),
        (Outputs(Path("out/summary.json"), None, Path("out")), "--out and --report both write to"),
        (Outputs(None, Path("out/records.jsonl"), Path("out")), "--out and --perfetto both write to"),
    ],
)
def test_one_file_for_two_things_is_refused(outputs: Outputs, told: str, hello: Path) -> None:
    with pytest.raises(PermanentPortError, match=f"{told}.*: choose another name"):
        outputs.check(nimdsl.load(hello))


@pytest.mark.parametrize("option", ["--report", "--perfetto"])
@pytest.mark.parametrize("name", [".", "/", ".."])
def test_a_folder_is_no_file(
    option: str, name: str, hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(["simulate", "--specs", str(hello), option, name], capsys)
    assert told == f"cannot write to {name}: it is a folder, name a file"


def test_a_page_is_not_written_where_it_would_be_read_as_a_document(
    hello: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    told = (
        "cannot write to page.YML: it would be read as a document, choose a name that does not end in .YML"
    )
    assert said(["simulate", "--specs", ".", "--report", "page.YML"], capsys) == told
    Outputs(tmp_path_factory.mktemp("elsewhere") / "page.yaml").check(nimdsl.load(hello))


WORKING = """
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: worker}
spec:
  accepts: {go: {}}
  work: {think: {real: {python: "brain.deep:think"}}}
  machine:
    initial: a
    any: [{event: done, internal: true}, {event: failed, internal: true}]
    states: {a: {transitions: [{event: go, to: a, do: [{work: think}]}]}}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: local}
spec: {real: {groups: {own: {cells: [worker], command: [bin/answer, fast]}}}}
"""


@pytest.mark.parametrize("name", ["brain/deep.py", "brain/deep/__init__.py", "bin/answer"])
def test_what_a_real_garden_runs_is_not_replaced(name: str, hello: Path) -> None:
    hello.write_text(HELLO + WORKING, encoding="utf-8")
    path = hello.parent / name
    path.parent.mkdir(parents=True)
    path.write_text("")
    with pytest.raises(PermanentPortError, match=r"it is a (module|program) of this run"):
        Outputs(report=path).check(nimdsl.load(hello))
    Outputs(report=path.with_suffix(".html")).check(nimdsl.load(hello))


def test_standard_input_from_a_file_is_not_replaced(hello: Path) -> None:
    with hello.open() as file:
        program = nimdsl.load(f"/dev/fd/{file.fileno()}")
        with pytest.raises(PermanentPortError, match="it is a document of this run"):
            Outputs(report=hello).check(program)


def test_schemas_replace_links_and_not_what_they_lead_to(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = hello.parent / "schemas"
    folder.mkdir()
    (folder / "cell.json").symlink_to(hello)
    (folder / "phase.json").hardlink_to(hello)
    assert nimdsl_command(["schema", "--out", str(folder)]) == 0
    assert hello.read_text(encoding="utf-8") == HELLO


def test_a_temporary_name_that_leads_elsewhere_is_not_followed(hello: Path) -> None:
    other = hello.parent / "other"
    other.write_text("mine")
    (hello.parent / ".page.html.partial").symlink_to(other)
    assert nimdsl_command(["simulate", str(hello), "--report", str(hello.parent / "page.html")]) == 0
    assert other.read_text() == "mine"
