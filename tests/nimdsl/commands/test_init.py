"""``nimdsl init``: projects that validate at once, and folders that are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from nimdsl.commands import run
from nimdsl.commands.init import Template, make


@pytest.mark.parametrize("template", list(Template))
def test_a_project_validates_at_once(template: Template, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "garden"
    files = make(folder, template)
    report = nimdsl.check([folder])
    assert report.diagnostics == ()
    assert report.program is not None
    assert report.program.scenarios
    for file in files:
        text = (folder / file).read_text("utf-8")
        schema = text.split("$schema=")[1].split("\n")[0]
        assert text.startswith("# yaml-language-server: ")
        assert (folder / file).parent.joinpath(schema).resolve().is_file()


def test_the_first_cell_reaches_what_it_expects(tmp_path: Path) -> None:
    simulate = pytest.importorskip("simulate")
    make(tmp_path / "garden", Template.CELL)
    result = simulate.run(nimdsl.load(tmp_path / "garden"), "evening")
    assert result.ok


def test_the_next_steps_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "my garden"
    assert run(["init", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert f'nimdsl validate "{folder}"' in shown
    assert f'nimdsl simulate "{folder}"' in shown


def test_a_folder_that_holds_something_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert run(["init", str(tmp_path)]) == 1
    assert "is not empty (it holds `notes.txt`)" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert run(["init", str(tmp_path / "notes.txt")]) == 1
    assert "is a file" in capsys.readouterr().err
    assert run(["init", str(tmp_path / "notes.txt" / "below")]) in (1, 2)
