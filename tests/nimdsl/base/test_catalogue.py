"""The catalogue: complete, nothing else in it, and its examples say what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nimdsl
from nimdsl.base.catalogue import Entry, catalogue, words
from nimdsl.base.errors import SpecError
from nimdsl.commands import explain
from nimdsl.kinds import kind_names

SOURCE = Path(nimdsl.__file__).parent


def reported_codes() -> set[str]:
    return {
        code for file in SOURCE.rglob("*.py") for code in re.findall(r"NIM0\d{3}", file.read_text("utf-8"))
    }


def test_every_code_that_is_reported_is_explained_and_no_other() -> None:
    assert set(catalogue()) == reported_codes()


RUNNING = [entry for entry in catalogue().values() if entry.runs]


def codes(entry: Entry, example: str) -> set[str]:
    text = f"{entry.stage}\n---\n{example}" if entry.stage else example
    return {diagnostic.code for diagnostic in nimdsl.check_text(text).diagnostics}


@pytest.mark.parametrize("entry", RUNNING, ids=lambda entry: entry.code)
def test_the_wrong_example_yields_its_code_alone(entry: Entry) -> None:
    assert codes(entry, entry.wrong) == {entry.code}


@pytest.mark.parametrize("entry", RUNNING, ids=lambda entry: entry.code)
def test_the_right_example_yields_nothing(entry: Entry) -> None:
    assert codes(entry, entry.right) == set()


def test_most_examples_are_documents() -> None:
    assert len(RUNNING) >= 0.8 * len(catalogue())


def test_a_field_without_its_kind_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpecError) as wrong:
        explain.command("upkeep")
    assert wrong.value.diagnostics[0].fix == "`nimdsl explain Economy.spec.upkeep`"
    explain.command("Economy.spec.upkeep")
    assert "upkeep" in capsys.readouterr().out


def test_a_word_is_no_kind_and_stands_once() -> None:
    names = [name.lower() for one in words().values() for name in (one.name, *one.also)]
    assert len(names) == len(set(names))
    assert not set(names) & {kind.lower() for kind in kind_names()}
    assert all(one.text.strip().endswith(".") for one in words().values())
