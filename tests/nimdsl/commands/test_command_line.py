"""The command line: exit codes, what goes where, JSON shapes, and failures in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from nimdsl import __version__
from nimdsl.base.errors import InternalError, TemporaryPortError
from nimdsl.commands import run, verbs
from tests.support.patience import SILENCE_S

GOOD = "apiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: purse}\nspec: {opening: 10}\n"
BAD = GOOD.replace("opening", "openning")


class Outcome:
    """What a command line printed, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        self.code = run(arguments)
        self.out, self.err = capsys.readouterr()


@pytest.fixture
def garden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    return tmp_path


def test_help_lists_every_verb_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    done = Outcome(capsys, "--help")
    assert done.code == 0
    for verb in verbs.OWN:
        line = next(line for line in done.out.split("\n") if line.strip().startswith(verb))
        assert len(line.split()) > 3


def test_help_groups_verbs_and_those_of_other_packages_come_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = [
        EntryPoint(name, "nowhere:command", verbs.GROUP) for name in ("zap", "up", "simulate", "init")
    ]
    monkeypatch.setattr(verbs, "entry_points", lambda group: points)
    shown = Outcome(capsys, "--help").out
    words = [line.split()[0] for line in shown.partition("Write:")[2].split("\n") if line.strip()][:-1]
    assert words == ["init", "Run:", "simulate", "Operate:", "up", "From", "zap"]


def test_help_loads_no_verb_and_no_compiler() -> None:
    code = (
        "import sys; from nimdsl.commands import run; run(['--help']); "
        "heavy = ('nimdsl.commands.validate', 'nimdsl.loading', 'yaml', 'lark'); "
        "sys.exit(sum(name in sys.modules for name in heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.parametrize("verb", verbs.OWN)
def test_every_verb_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = Outcome(capsys, verb, "--help")
    assert done.code == 0
    assert f"Example: nimdsl {verb}" in done.out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    done = Outcome(capsys, "--version")
    assert (done.code, done.out) == (0, f"nimdsl {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["validat"], "did you mean `validate`?"),
        (["validate", "--formt", "json"], "did you mean `--format`?"),
        (["validate", "--format", "xml"], "json"),
        (["validate", "--format", "xml"], "`--format`: `xml` is not one of"),
        (["show"], "NAME"),
        (["show", "a", "b"], "one argument too many: `b`"),
        (["show", "a", "b", "c"], "too many arguments: `b c`"),
        (["simulate", "--seed", "x"], "invalid value for `--seed`: a whole number is wanted\n"),
        (["simulate", "--seed", "-1"], "invalid value for `--seed`: at least 0 is wanted\n"),
        (["run", "--rate", "20000"], "invalid value for `--rate`: at most 10000 is wanted\n"),
        (["run", "--rate", "fast"], "invalid value for `--rate`: a number is wanted\n"),
    ],
)
def test_a_wrong_command_line_is_exit_2_with_a_hint(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = Outcome(capsys, *arguments)
    assert done.code == 2
    assert hint in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["simulate", "--out", ""], "`--out` is empty: name a file or a folder, or leave it out"),
        (["simulate", "--report="], "`--report` is empty: name a file or a folder, or leave it out"),
        (["run", "--perfetto", ""], "`--perfetto` is empty: name a file or a folder, or leave it out"),
        (["show", "x", "--specs", "a", "--specs", ""], "`--specs` is empty: name a file or a folder"),
        (["schema", "--out", ""], "`--out` is empty: name a file or a folder"),
        (["validate", "a", ""], "`PATH` is empty: name a file or a folder, or leave it out"),
        (["replay", ""], "`JOURNAL` is empty: name a file or a folder"),
        (["init", ""], "`DIR` is empty: name a file or a folder"),
        (["up", "--specs", ""], "`--specs` is empty: name a file or a folder"),
    ],
)
def test_an_empty_path_is_no_folder(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(told)
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


def test_validate_says_ok_and_what_it_read(garden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = Outcome(capsys, "validate")
    assert (done.code, done.out) == (0, "ok: 1 document in this folder (1 economy)\n")


def test_validate_takes_the_shipped_specs_where_there_is_no_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = Outcome(capsys, "validate")
    assert done.code == 0
    assert "the shipped specs" in done.out


def test_validate_shows_place_caret_fix_and_summary(
    garden: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (garden / "bad.yaml").write_text(BAD)
    done = Outcome(capsys, "validate", "bad.yaml")
    assert done.code == 1
    assert "bad.yaml:4:8: error NIM0203" in done.out
    assert "        ^^^^^^^^" in done.out
    assert "did you mean `opening`?" in done.out
    assert done.out.rstrip().split("\n")[-1].startswith("1 error in 1 file")
    assert "\x1b" not in done.out


def test_validate_as_json(garden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (garden / "bad.yaml").write_text(BAD)
    done = Outcome(capsys, "validate", "bad.yaml", "--format", "json")
    found = json.loads(done.out)
    assert done.code == 1
    keys = ["code", "severity", "message", "file", "line", "column", "fix"]
    assert [list(item) for item in found] == [keys]
    assert [item["code"] for item in found] == ["NIM0203"]
    assert json.loads(Outcome(capsys, "validate", "good.yaml", "--format", "json").out) == []


def test_a_path_that_is_not_there(garden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = Outcome(capsys, "validate", "god.yaml")
    assert done.code == 1
    assert "did you mean `good.yaml`?" in done.out


@pytest.mark.parametrize("verb", ["show", "graph"])
def test_documents_that_are_wrong_are_shown_by_every_verb(
    verb: str, garden: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (garden / "bad.yaml").write_text(BAD)
    done = Outcome(capsys, verb, "purse", "--specs", "bad.yaml")
    assert done.code == 1
    assert "NIM0203" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    "arguments", [("show", "spork"), ("graph", "spork"), ("schema", "spork"), ("explain", "sell")]
)
def test_an_unknown_name_is_exit_1_with_a_hint(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    done = Outcome(capsys, *arguments)
    assert done.code == 1
    assert done.err.startswith("error NIM0301: ")
    assert "fix:" in done.err


@pytest.mark.parametrize(
    "word",
    ["reserve", "repeat", "defer", "ask", "marks", "jitter", "low", "elapsed", "origin", "now", "busy"],
)
def test_what_stands_in_documents_and_in_tables_is_explained(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = Outcome(capsys, "explain", word)
    assert (done.code, done.err) == (0, "")
    assert word in done.out


def test_show_as_json(garden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(Outcome(capsys, "show", "purse", "--format", "json").out)
    assert [item["kind"] for item in found] == ["Economy"]
    assert found[0]["document"]["spec"] == {
        "opening": 10, "floor": 0, "emergency": 0, "window": "60s",
        "prices": {"translation": 0, "publish": 0, "process": 0},
    }  # fmt: skip


def test_show_names_the_instances(garden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "lamp-${side}"}
spec:
  for: {side: [left, right]}
  accepts: {go: {}}
  machine: {initial: a, states: {a: {transitions: [{event: go, to: a, cost: 1}]}}}
"""
    (garden / "lamps.yaml").write_text(text)
    done = Outcome(capsys, "show", "lamp-left")
    assert "# one of 2 of `lamp-${side}`: lamp-left, lamp-right" in done.out
    assert "# at worst: the dearest transition, `a` on `go`: 1.0 LF" in done.out
    assert Outcome(capsys, "show", "lamp-${side}").out.count("kind: Cell") == 2
    (garden / "lamps.yaml").write_text(done.out)
    assert Outcome(capsys, "validate").code == 0


def test_schema_of_a_kind_of_a_message_and_of_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert json.loads(Outcome(capsys, "schema", "cell").out)["title"] == "Cell"
    wire = json.loads(Outcome(capsys, "schema", "spark.identity.v1").out)
    assert {"payload", "request_id", "timestamp"} <= set(wire["properties"])
    assert "spark.identity.v1" in Outcome(capsys, "schema").out
    assert Outcome(capsys, "schema", "--out", str(tmp_path / "a/b")).code == 0
    for file in (tmp_path / "a/b").iterdir():
        assert json.loads(file.read_text("utf-8"))["$schema"]


def test_the_schema_of_any_document_takes_what_is_right_and_refuses_what_is_not(tmp_path: Path) -> None:
    import jsonschema
    import yaml

    import nimdsl
    from nimdsl.kinds.schemas import any_schema

    validator = jsonschema.Draft202012Validator(any_schema())
    for file in nimdsl.shipped_specs().rglob("*.yaml"):
        for document in yaml.safe_load_all(file.read_text("utf-8")):
            assert [error.message for error in validator.iter_errors(document)] == []
    assert not validator.is_valid(yaml.safe_load(BAD))
    assert not validator.is_valid({"kind": "Sell"})


class Failing:
    """An entry point whose verb fails."""

    def __init__(self, problem: BaseException) -> None:
        self.problem = problem

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def command() -> None:
            raise self.problem

        point = EntryPoint("fail", "nowhere:command", verbs.GROUP)
        monkeypatch.setattr(verbs, "entry_points", lambda group: [point])
        monkeypatch.setattr(EntryPoint, "load", lambda self: command)


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (ModuleNotFoundError("no", name="simpy.core"), 2, "`nimdsl fail` needs `pip install"),
        (TemporaryPortError("no server at localhost"), 2, "no server at localhost\n"),
        (InternalError("broken promise"), 70, "a bug in nimdsl"),
        (ZeroDivisionError("x"), 70, "a bug in nimdsl"),
        (ModuleNotFoundError("no", name="nimdsl.lost"), 70, "a bug in nimdsl"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_how_failures_end(
    problem: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    Failing(problem).install(monkeypatch)
    monkeypatch.setattr("nimdsl.commands.forget", lambda stream: None)
    assert run(["fail"]) == code
    captured = capfd.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") <= 1
    assert "Traceback" not in captured.err


def test_the_traceback_of_a_bug_is_shown_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Failing(ZeroDivisionError("x")).install(monkeypatch)
    monkeypatch.setenv("NIMDSL_DEBUG", "1")
    assert run(["fail"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_the_extra_that_brings_a_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from nimdsl.commands import failures

    wanted = [
        "pyyaml",
        "nats-py; extra == 'real'",
        "simpy; extra == 'simulate'",
        'llama-cpp-python>=1; extra == "organs"',
    ]
    monkeypatch.setattr(failures, "requires", lambda name: wanted)
    assert failures.install_command("simpy") == "pip install nimdsl[simulate]"
    assert failures.install_command("llama_cpp_python.x") == "pip install nimdsl[organs]"
    assert failures.install_command("nats.aio") == "pip install nimdsl[real]"
    assert failures.install_command("other") == "pip install other"


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "nimdsl", "schema", "Cell"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (0, b"")


def test_watch_validates_again_and_ends_quietly(garden: Path) -> None:
    pytest.importorskip("watchfiles")
    import signal
    import time

    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "nimdsl", "validate", "--watch", "."],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=garden,
        env=environment,
    )
    assert process.stdout is not None
    try:
        while "watching" not in process.stdout.readline():
            pass
        time.sleep(0.5)
        (garden / "good.yaml").write_text(BAD)
        while "1 error" not in process.stdout.readline():
            pass
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=SILENCE_S)
    assert process.returncode in (0, 130)
    assert "Traceback" not in rest
