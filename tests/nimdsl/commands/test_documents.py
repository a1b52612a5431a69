"""Which documents a command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from nimdsl.base.errors import SpecError
from nimdsl.commands import run
from nimdsl.commands.options import chosen, holds_documents, meant
from tests.support.texts import HELLO

COMPOSE = "services:\n  web: {image: nginx}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hello(folder: Path) -> Path:
    (folder / "hello.yaml").write_text(HELLO)
    return folder


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.yaml", HELLO, True),
        ("a.yml", "kind: Cell\n", True),
        ("a.yml", 'kind: "Cell"\n', True),
        ("a.yaml", "apiVersion: nimdsl.dev/v2\n", True),
        ("a.yaml", COMPOSE, False),
        ("a.yaml", "kind: Deployment\n", False),
        ("a.txt", HELLO, False),
        (".a.yaml", HELLO, False),
        ("below/a.yaml", HELLO, False),
    ],
)
def test_a_folder_holds_documents_when_a_file_in_it_is_ours(
    name: str, text: str, found: bool, folder: Path
) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    assert holds_documents(Path()) is found


def test_without_documents_here_it_is_the_shipped_ones(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text(COMPOSE)
    assert meant("", None).paths == (nimdsl.shipped_specs(),)
    assert chosen(None)[1] == "the shipped specs"
    assert capsys.readouterr().err == ""


def test_documents_here_are_taken_and_said_in_one_line(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given in ("", "hello"):
        assert set(meant(given, None).program.scenarios) == {"hello"}
        assert capsys.readouterr().err == "documents of ./\n"
    assert meant("", None, quiet=True).paths == (Path(),)
    assert chosen(None, quiet=True) == ([Path()], "this folder")
    assert capsys.readouterr().err == ""


def test_a_shipped_scenario_runs_from_anywhere(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert meant("danger", None).paths == (nimdsl.shipped_specs(),)
    assert capsys.readouterr().err == (
        "documents of the shipped specs: those of ./ have no scenario `danger`\n"
    )


@pytest.mark.parametrize("given", ["hello.yaml", "./hello.yaml", ".", "garden", "garden/", "./garden"])
def test_a_path_is_its_documents(given: str, hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (hello / "garden").mkdir()
    (hello / "garden/one.yaml").write_text(HELLO.replace("hello", "hallo"))
    if given == ".":
        (hello / "garden/one.yaml").unlink()
    found = meant(given, None)
    assert (found.scenario, found.paths) == ("", (Path(given),))
    assert set(found.program.scenarios) == {"hallo" if "garden" in given else "hello"}
    assert capsys.readouterr().err == ""


def test_a_name_wins_over_a_path_and_that_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "spark").mkdir()
    (folder / "spark/hello.yaml").write_text(HELLO)
    found = meant("spark", None)
    assert (found.scenario, found.paths) == ("spark", (nimdsl.shipped_specs(),))
    assert capsys.readouterr().err == "`spark` is a scenario, and a path: `--specs spark` takes that\n"
    assert set(meant("./spark", None).program.scenarios) == {"hello"}


@pytest.fixture
def wrong(hello: Path) -> Path:
    (hello / "bad.yaml").write_text("kind: Cell\n")
    (hello / "garden").mkdir()
    (hello / "garden/hallo.yaml").write_text(HELLO.replace("hello", "hallo"))
    return hello


HOW = "`--specs DIR`, or a path, names others\n"


@pytest.mark.parametrize("given", ["", "hello", "hallo"])
def test_documents_here_that_are_wrong_are_shown_and_that_nobody_named_them(
    given: str, wrong: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["simulate", *filter(None, [given])]) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        f"no documents were named, so ./ was read, with `garden/` below it: {HOW}bad.yaml:1:1: "
    )


def test_of_many_folders_below_only_some_are_named(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "abcde":
        (hello / name).mkdir()
        (hello / name / "hello.yaml").write_text(HELLO)
    assert run(["show", "greeter"]) == 1
    said = capsys.readouterr().err
    assert "with `a/`, `b/`, `c/`, 2 more below it: `--specs DIR` names others\n" in said
    assert said.startswith("no documents were named")


def test_a_quiet_verb_says_it_too(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpecError):
        meant("", None, quiet=True)
    assert capsys.readouterr().err.startswith("no documents were named")


def test_validate_says_whose_documents_are_wrong(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate"]) == 1
    assert capsys.readouterr().err.endswith("below it: `nimdsl validate PATH` names others\n")
    assert run(["validate", "."]) == 1
    assert capsys.readouterr().err == ""


def test_documents_here_that_are_wrong_hide_no_path_and_no_shipped_scenario(
    wrong: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert meant("garden", None).paths == (Path("garden"),)
    assert capsys.readouterr().err == ""
    assert meant("danger", None).paths == (nimdsl.shipped_specs(),)
    assert "shipped specs: those of ./ have no scenario `danger`" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        HELLO.replace("hello", "danger"),
        "apiVersion: nimdsl.dev/v1\nkind: Scenario\nmetadata: {name: danger}\nspec: {horizn: 1s}\n",
        "kind: Scenario\nmetadata: {name: danger}\nspec: {horizon: [}\n",
    ],
)
def test_a_scenario_that_is_declared_here_is_not_taken_from_the_shipped(text: str, wrong: Path) -> None:
    (wrong / "danger.yaml").write_text(text)
    with pytest.raises(SpecError):
        meant("danger", None)


def test_an_unknown_name_is_looked_for_among_those_here(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["simulate", "hallo"]) == 1
    assert "did you mean `hello`?" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["nowhere/x.yaml", "hallo.yaml", "nowhere/"])
def test_a_path_that_is_not_there_is_no_scenario(
    given: str, hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["simulate", given]) == 1
    said = capsys.readouterr().err
    assert f"no such file: `{given.rstrip('/')}`" in said
    assert said.count("error") == 1


@pytest.mark.parametrize("verb", ["simulate", "run"])
def test_a_scenario_beside_its_documents_is_told_how(
    verb: str, hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([verb, "hello.yaml", "hello"]) == 2
    assert f"did you mean `nimdsl {verb} hello --specs hello.yaml`?" in capsys.readouterr().err


def test_show_and_graph_say_what_they_read(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "scenario/hello"]) == 0
    assert run(["graph", "greeter"]) == 0
    assert capsys.readouterr().err == "documents of ./\n" * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("simulate", "m9"), "`m9` is neither a path nor a scenario"),
        (("schema", "Cel"), "there is neither a kind nor a Schema named `Cel`"),
        (("show", "gretter"), "there is no document named `gretter`"),
        (("graph", "cell/gretter"), "there is no document named `cell/gretter`"),
    ],
)
def test_a_name_that_nobody_has_is_not_lost_in_what_is_wrong_with_the_documents(
    arguments: tuple[str, ...], said: str, hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = HELLO.replace("accept:", "acept:")
    assert wrong != HELLO
    (hello / "hello.yaml").write_text(wrong)
    assert run(arguments) == 1
    told = capsys.readouterr().err
    assert f"error NIM0301: {said}" in told
    assert "`nimdsl validate` says what is wrong" in told
    assert told.count("error ") == 1


def test_a_scenario_in_documents_that_are_wrong_is_theirs(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hello / "hello.yaml").write_text(HELLO.replace("accept:", "acept:"))
    assert run(["simulate", "hello"]) == 1
    assert "NIM0203" in capsys.readouterr().err
