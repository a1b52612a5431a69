"""The catalogue: complete, nothing else in it, and its examples say what it says."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

import pytest

import nimdsl
from nimdsl.base.catalogue import CatalogueEntry, catalogue, words
from nimdsl.commands import explain
from nimdsl.kinds import kind_names

ROOT = Path(nimdsl.__file__).parents[1]
PACKAGES = ("nimdsl", "runtime", "gardens", "simulate")


def reported_codes(text: str) -> set[str]:
    """The codes that a module hands to somebody: not what it only mentions, or compares with."""
    tree = ast.parse(text)
    compared = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in compared
        if re.fullmatch(r"NIM\d{4}", node.value)
    }


def test_every_code_that_is_reported_is_explained_and_no_other() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    reported = {code for file in files for code in reported_codes(file.read_text("utf-8"))}
    assert set(catalogue()) == reported


def test_a_code_that_is_only_spoken_of_is_not_reported() -> None:
    said = '''
    """Finds NIM0901."""
    def check(found):
        """NIM0902."""
        # NIM0903
        if found.code == "NIM0904" or found.code in ("NIM0905",):
            found.report("NIM0906", "see NIM0907", fix=f"nimdsl explain {'NIM0908 '}")
        return {"const": "NIM0909"}
    '''
    assert reported_codes(textwrap.dedent(said)) == {"NIM0906", "NIM0909"}


RUNNING = [entry for entry in catalogue().values() if entry.runs]


def codes(entry: CatalogueEntry, example: str) -> set[str]:
    text = f"{entry.stage}\n---\n{example}" if entry.stage else example
    return {diagnostic.code for diagnostic in nimdsl.check_text(text).diagnostics}


@pytest.mark.parametrize("entry", RUNNING, ids=lambda entry: entry.code)
def test_the_wrong_example_yields_its_code_alone(entry: CatalogueEntry) -> None:
    assert codes(entry, entry.wrong) == {entry.code}


@pytest.mark.parametrize("entry", RUNNING, ids=lambda entry: entry.code)
def test_the_right_example_yields_nothing(entry: CatalogueEntry) -> None:
    assert codes(entry, entry.right) == set()


def test_most_examples_are_documents() -> None:
    assert len(RUNNING) >= 0.8 * len(catalogue())


def test_a_field_without_its_kind_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    explain.command("upkeep")
    assert "`nimdsl explain Economy.upkeep` says more" in capsys.readouterr().out
    explain.command("Economy.upkeep")
    assert "upkeep" in capsys.readouterr().out


def test_a_word_is_no_kind_and_stands_once() -> None:
    names = [name.lower() for one in words().values() for name in (one.name, *one.also)]
    assert len(names) == len(set(names))
    assert not set(names) & {kind.lower() for kind in kind_names()}
    assert all(one.text.strip().endswith(".") for one in words().values())
