"""Whoever asks for JSON reads JSON, also why there is no result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nimdsl.base.errors import InternalError, TemporaryPortError
from nimdsl.commands import options, run
from nimdsl.commands.output import wants_json
from tests.support.texts import HELLO

BROKEN = HELLO.replace("opening", "openning", 1)
MISSING = "NIM0101"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("hello.yaml").write_text(HELLO)
    Path("broken.yaml").write_text(BROKEN)
    Path("garden").mkdir()
    return tmp_path


def failed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code = run([*words, "--format", "json"])
    shown = capsys.readouterr()
    found: dict[str, Any] = json.loads(shown.out)
    assert found["ok"] is False
    assert found["exit_code"] == code != 0
    assert found["error"]
    assert shown.err == ""
    return found


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("simulate", "broken.yaml"), "NIM0203"),
        (("simulate", "--specs", "broken.yaml"), "NIM0203"),
        (("run", "broken.yaml"), "NIM0203"),
        (("show", "hello", "--specs", "broken.yaml"), "NIM0203"),
        (("show", "nobody", "--specs", "hello.yaml"), "NIM0301"),
        (("simulate", "nobody", "--specs", "hello.yaml"), "NIM0301"),
        (("run", "nobody", "--specs", "hello.yaml"), "NIM0301"),
        (("run", "hello", "--specs", "hello.yaml", "--garden", "nowhere"), "NIM0301"),
        (("simulate", "nowhere.yaml"), MISSING),
        (("run", "nowhere.yaml"), MISSING),
        (("status", "--specs", "nowhere.yaml"), MISSING),
        (("simulate", "hello.yaml", "--set", "nonsense"), "NIM0507"),
    ],
)
def test_what_is_wrong_with_documents(
    words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = failed(capsys, *words)
    assert found["exit_code"] == 1
    assert code in [one["code"] for one in found["diagnostics"]]
    assert found["error"].partition(", and ")[0] in [one["message"] for one in found["diagnostics"]]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("simulate", "--sed", "3"), 2, "did you mean `--seed`"),
        (("simulate", "--seed", "x"), 2, "whole number"),
        (("show",), 2, "missing argument"),
        (("validate", "--specs", "x"), 2, "no such option"),
        (("compare", "nowhere.sqlite"), 2, "there is no such journal"),
        (("replay", "nowhere.sqlite"), 2, "there is no such journal"),
        (("seance", "nowhere", "--actor", "a"), 2, "as `nimdsl simulate --out nowhere`"),
        (("simulate", "hello.yaml", "--out", "hello.yaml"), 2, "it is a file, name a folder"),
        (("simulate", "hello.yaml", "--report", "garden"), 2, "it is a folder"),
    ],
)
def test_what_could_not_run(
    words: tuple[str, ...], code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = failed(capsys, *words)
    assert (found["exit_code"], found["diagnostics"]) == (code, [])
    assert text in found["error"]


@pytest.mark.parametrize(
    ("problem", "code"), [(InternalError("x"), 70), (TemporaryPortError("x"), 2), (ValueError("x"), 70)]
)
def test_what_went_wrong_within(
    problem: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(options, "check", fail)
    assert failed(capsys, "simulate", "hello.yaml")["exit_code"] == code


def test_what_ran_and_failed_is_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hello.yaml").write_text(HELLO.replace("lifeforce.final == 12.4LF", "1 == 2"))
    assert run(["simulate", "hello.yaml", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert run(["validate", "broken.yaml", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["code"] == "NIM0203"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["simulate", "--format", "json"], True),
        (["simulate", "--format=json", "--sed"], True),
        (["simulate", "--format", "text"], False),
        (["simulate", "--format", "json", "--format", "text"], False),
        (["simulate", "--", "--format", "json"], False),
        (["simulate", "--format"], False),
        ([], False),
    ],
)
def test_what_asks_for_json(words: list[str], wanted: bool) -> None:
    assert wants_json(words) is wanted
