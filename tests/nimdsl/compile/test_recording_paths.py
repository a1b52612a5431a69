"""Where recordings may lie, how their paths are written, and mistakes in the recording itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from nimdsl.base.diagnostics import Diagnostic

GARDEN = """apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  accepts: {push: {size: real}}
  machine: {initial: a, states: {a: {transitions: [{event: push, to: a}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 60s, stimuli: [{recording: {file: FILE}, to: lamp, event: push}]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("specs", "specs/data", "data"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text("at,size\n1s,1.5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(file: str, path: str = "specs/garden.yaml") -> tuple[Diagnostic, ...]:
    Path("specs/garden.yaml").write_text(GARDEN.replace("FILE", file), encoding="utf-8")
    return nimdsl.check(path).diagnostics


def test_backslashes_are_answered_with_the_path_that_is_there() -> None:
    (found,) = said("data\\a.csv")
    assert (found.code, found.fix) == ("NIM0101", "divide folders by `/`: `data/a.csv`")
    assert not said("data/a.csv")


@pytest.mark.parametrize("file", ["../data/a.csv", "data/../../data/a.csv", "/etc/passwd"])
def test_a_recording_outside_is_not_read(file: str) -> None:
    (found,) = said(file)
    assert (found.code, found.place.line) == ("NIM0114", 11)
    assert "outside" in found.message
    assert "root:" not in found.message


def test_a_link_to_the_outside_is_not_followed() -> None:
    Path("specs/link.csv").symlink_to(Path("data/a.csv").absolute())
    assert [one.code for one in said("link.csv")] == ["NIM0114"]


def test_a_folder_around_both_that_is_named_lets_it_in() -> None:
    assert not said("../data/a.csv", ".")


def test_an_encoding_is_blamed_on_the_recording() -> None:
    Path("specs/a.csv").write_bytes("at,size\n1s,1.5\n".encode("utf-16"))
    (found,) = said("a.csv")
    assert (found.code, found.place.file) == ("NIM0102", "specs/a.csv")
    assert found.fix == "save it as text in UTF-8"


@pytest.mark.parametrize(
    ("rows", "fix"),
    [
        ('1s,"1,5"', "decimals have a point: `1.5`"),
        ('"1,5s",1.5', "decimals have a point: `1.5s`"),
        ("1s,1,5", "put values with commas into quotes; decimals have a point"),
    ],
)
def test_a_decimal_comma_is_named_where_it_stands(rows: str, fix: str) -> None:
    Path("specs/a.csv").write_text(f"at,size\n{rows}\n", encoding="utf-8")
    (found,) = said("a.csv")
    assert (found.place.file, found.place.line, found.fix) == ("specs/a.csv", 2, fix)
