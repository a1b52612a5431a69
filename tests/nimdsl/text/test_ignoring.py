"""What of a folder is read: not what git or `.nimdslignore` leave out, nor what other tools own."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from nimdsl.base.diagnostics import Severity
from nimdsl.loading import provenance, rebuilt
from nimdsl.text.source import read_sources

OURS = "apiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: purse}\nspec: {opening: 1}\n"
COMPOSE = "services:\n  web: {image: nginx, restart: on}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def names(*paths: str) -> list[str]:
    sources, problems = read_sources([Path(path) for path in paths])
    assert problems == ()
    return [source.name for source in sources]


def test_ignored_files_are_not_read() -> None:
    write(
        {
            ".gitignore": "node_modules/\n*.tmp.yaml\n",
            "a.yaml": OURS,
            "b.tmp.yaml": OURS,
            "node_modules/x/c.yaml": OURS,
            "sub/.nimdslignore": "/d.yaml\n!keep.tmp.yaml\n",
            "sub/d.yaml": OURS,
            "sub/keep.tmp.yaml": OURS,
            "sub/below/d.yaml": OURS,
        }
    )
    assert names(".") == ["a.yaml", "sub/below/d.yaml", "sub/keep.tmp.yaml"]


def test_what_is_named_is_read_all_the_same() -> None:
    write({".git/config": "", ".gitignore": "build/\n", "build/a.yaml": OURS, "b/build/c.yaml": OURS})
    assert names("build/a.yaml") == ["build/a.yaml"]
    assert names("build") == ["build/a.yaml"]
    assert read_sources([Path("b")])[0] == ()


def test_files_of_other_tools_are_left_out_with_a_note() -> None:
    write({"a.yaml": OURS, "docker-compose.yml": COMPOSE, "chart.yaml": "a: {{ .Values.b }}\n- c\n"})
    report = nimdsl.check(".")
    (note,) = report.diagnostics
    assert (note.code, note.severity) == ("NIM0201", Severity.NOTE)
    assert "`chart.yaml`, `docker-compose.yml`" in note.message
    assert report.program is not None
    assert [name for name, _ in provenance(report.program)["documents"]] == ["a.yaml"]
    write({".nimdslignore": "chart.yaml\ndocker-compose.yml\n"})
    assert not nimdsl.check(".").diagnostics


def test_a_file_of_another_tool_that_is_named_is_judged() -> None:
    write({"docker-compose.yml": COMPOSE})
    assert {one.code for one in nimdsl.check("docker-compose.yml").diagnostics} >= {"NIM0201"}


def test_documents_of_other_tools_among_ours_are_left_out_here_and_in_a_journal() -> None:
    write({"a.yaml": OURS + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"})
    program = nimdsl.load(".")
    assert [*program.economies] == ["purse"]
    assert [*rebuilt(provenance(program)).economies] == ["purse"]


def test_a_folder_with_nothing_of_ours_is_an_error() -> None:
    write({"docker-compose.yml": COMPOSE})
    assert [one.code for one in nimdsl.check(".").diagnostics] == ["NIM0105", "NIM0201"]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersin: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: p}\nspec: {opening: 1}\n",
        "apiVersion: nimdsl.dev/v1\nkinqz: Economy\nmetadata: {name: p}\nspec: {opening: 1}\n",
        "apiVersion: nimdls.dev/v1\nkind: Economy\nmetadata: {name: p}\nspec: {opening: 1}\n",
        "kind: Economy\nmetadata: {name: p}\nspec: {opening: 1}\n",
    ],
)
def test_ours_with_a_mistake_is_judged(text: str) -> None:
    write({"a.yaml": OURS, "b.yaml": text})
    assert nimdsl.check(".").program is None


def test_links_that_lead_nowhere_are_said_alone() -> None:
    write({"a.yaml": OURS})
    Path("loop").symlink_to("loop")
    Path("self.yaml").symlink_to("self.yaml")
    Path("gone.yaml").symlink_to("missing.yaml")
    sources, problems = read_sources([Path()])
    assert [source.name for source in sources] == ["a.yaml"]
    assert [(one.code, one.message) for one in problems] == [
        ("NIM0114", "`gone.yaml` is a link that leads nowhere"),
        ("NIM0114", "`self.yaml` is a link that leads to itself"),
    ]
    assert all(one.fix.startswith("remove the link") for one in problems)
