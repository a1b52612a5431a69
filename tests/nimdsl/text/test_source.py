"""Reading files: one clear diagnostic for each file that cannot be used, in bounded time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nimdsl.text.source as module
from nimdsl.base.diagnostics import Diagnostic, Severity
from nimdsl.base.printable import is_visible
from nimdsl.text.source import FILE_BYTES_MAX, Source, read_sources

posix_only = pytest.mark.skipif(os.name != "posix", reason="devices, pipes and permissions are POSIX's")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def one_problem(path: str | Path) -> Diagnostic:
    sources, diagnostics = read_sources([Path(path)])
    assert sources == ()
    assert len(diagnostics) == 1
    return diagnostics[0]


def names(*paths: str | Path) -> list[str]:
    sources, diagnostics = read_sources([Path(path) for path in paths])
    assert diagnostics == ()
    return [source.name for source in sources]


def test_a_file_is_named_relative_to_the_working_folder(folder: Path) -> None:
    (folder / "a.yaml").write_text("a: 1\n")
    sources, diagnostics = read_sources([folder / "a.yaml"])
    assert diagnostics == ()
    assert sources == (Source("a.yaml", "a: 1\n"),)


def test_a_file_elsewhere_keeps_its_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "below").mkdir()
    (folder / "a.yaml").write_text("a: 1\n")
    monkeypatch.chdir(folder / "below")
    assert names(folder / "a.yaml") == [str(folder / "a.yaml")]


def test_a_folder_is_read_sorted_without_hidden_ones(folder: Path) -> None:
    for name in (
        "s/b.yml",
        "s/a/z.yaml",
        "s/a.yaml",
        "s/.git/x.yaml",
        "s/.x.yaml",
        "s/readme.txt",
        "s/C.YAML",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a: 1\n")
    expected = ["s/C.YAML", "s/a/z.yaml", "s/a.yaml", "s/b.yml"]
    assert [Path(name).as_posix() for name in names("s")] == expected


def test_a_file_named_twice_is_read_once(folder: Path) -> None:
    (folder / "a.yaml").write_text("a: 1\n")
    assert names("a.yaml", ".", "./a.yaml") == ["a.yaml"]


@posix_only
def test_loops_of_links_are_harmless(folder: Path) -> None:
    (folder / "a.yaml").write_text("a: 1\n")
    (folder / "loop").symlink_to(folder)
    assert names(".") == ["a.yaml"]
    (folder / "self.yaml").symlink_to("self.yaml")
    assert one_problem("self.yaml").code == "NIM0114"


def test_nim0101_no_such_file_names_a_sibling(folder: Path) -> None:
    (folder / "distance.yaml").write_text("a: 1\n")
    problem = one_problem("distence.yaml")
    assert problem.code == "NIM0101"
    assert problem.fix == "did you mean `distance.yaml`?"
    assert one_problem("no/such/folder.yaml").code == "NIM0101"
    assert one_problem("nul\0.yaml").code == "NIM0101"
    assert one_problem("distance.yaml/below").code == "NIM0101"


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        ("a: ü\n".encode("utf-16"), "UTF-16"),
        ("a: 1\n".encode("utf-16-le"), "UTF-16LE"),
        ("a: 1\n".encode("utf-16-be"), "UTF-16BE"),
        ("a: 1\n".encode("utf-32"), "UTF-32"),
        ("a: 1\nname: grün\n".encode("latin-1"), "Latin-1"),
        ("a: “quoted”\n".encode("cp1252"), "Windows-1252"),
    ],
)
def test_nim0102_another_encoding_is_named_with_its_fix(folder: Path, data: bytes, looks: str) -> None:
    (folder / "a.yaml").write_bytes(data)
    problem = one_problem("a.yaml")
    assert problem.code == "NIM0102"
    assert f"looks like {looks}" in problem.message
    assert "iconv -f" in problem.fix


def test_nim0102_gives_the_byte_and_the_place(folder: Path) -> None:
    (folder / "a.yaml").write_bytes("a: 1\nname: grün\n".encode("latin-1"))
    problem = one_problem("a.yaml")
    assert "byte 13" in problem.message
    assert (problem.place.line, problem.place.column) == (2, 9)
    assert problem.place.excerpt.startswith("name: gr")


@pytest.mark.parametrize(
    "data", [b"\x1f\x8b\x08rest", b"a: 1\0b", bytes(range(256)), b"\x80\x01\x02\x03\x04", b"%PDF-1.7"]
)
def test_nim0102_binary_data(folder: Path, data: bytes) -> None:
    (folder / "a.yaml").write_bytes(data)
    problem = one_problem("a.yaml")
    assert problem.code == "NIM0102"
    assert "not text" in problem.message


def test_nim0102_a_file_that_was_cut_off(folder: Path) -> None:
    (folder / "a.yaml").write_bytes("a: ü".encode()[:-1])
    assert "cut off" in one_problem("a.yaml").message


@pytest.mark.parametrize("data", ["a: ü 🌱\r\n".encode(), b"\xef\xbb\xbfa: 1\r\nb: 2", b"", b"a: \x1b"])
def test_nim0102_leaves_utf_8_alone(folder: Path, data: bytes) -> None:
    (folder / "a.yaml").write_bytes(data)
    sources, diagnostics = read_sources([Path("a.yaml")])
    assert diagnostics == ()
    assert sources[0].text == data.decode("utf-8-sig")


def test_nim0104_a_large_file_is_refused_at_once(folder: Path) -> None:
    with (folder / "a.yaml").open("wb") as file:
        file.truncate(50_000_000)
    assert one_problem("a.yaml").code == "NIM0104"


def test_nim0104_leaves_the_largest_file_alone(folder: Path) -> None:
    (folder / "a.yaml").write_bytes(b"#" * FILE_BYTES_MAX)
    assert names("a.yaml") == ["a.yaml"]


@pytest.mark.parametrize(
    ("limit", "value"), [("FILE_COUNT_MAX", 2), ("TOTAL_BYTES_MAX", 14), ("ENTRY_COUNT_MAX", 2)]
)
def test_nim0104_too_much_in_all_is_said_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    for index in range(4):
        (folder / f"{index}.yaml").write_text("a: 1\n")
    monkeypatch.setattr(module, limit, value)
    _, diagnostics = read_sources([Path("."), Path("3.yaml")])
    assert [diagnostic.code for diagnostic in diagnostics] == ["NIM0104"]


def test_nim0105_a_folder_without_yaml(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "empty" / "a.txt").write_text("a")
    assert one_problem("empty").code == "NIM0105"


@posix_only
def test_nim0114_a_device_and_a_pipe(folder: Path) -> None:
    assert one_problem("/dev/zero").code == "NIM0114"
    os.mkfifo(folder / "a.yaml")
    assert "a pipe" in one_problem("a.yaml").message


@posix_only
def test_nim0114_without_permission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.yaml").write_text("a: 1\n")
    (folder / "b.yaml").write_text("b: 1\n")
    (folder / "a.yaml").chmod(0)
    if os.access(folder / "a.yaml", os.R_OK):
        _refuse_to_open(monkeypatch)
    sources, diagnostics = read_sources([folder])
    assert [source.name for source in sources] == ["b.yaml"]
    assert [diagnostic.code for diagnostic in diagnostics] == ["NIM0114"]
    assert "permission denied" in diagnostics[0].message


def _refuse_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may read everything: refuse what the mode forbids."""
    really = module._bytes_of

    def refuse(path: Path, bytes_max: int) -> bytes:
        if not path.stat().st_mode & stat.S_IRUSR:
            raise PermissionError(13, "Permission denied")
        return really(path, bytes_max)

    monkeypatch.setattr(module, "_bytes_of", refuse)


@posix_only
def test_a_name_with_control_characters_stays_on_one_line(folder: Path) -> None:
    (folder / "a\n\x1b.yaml").write_text("a: 1\n")
    assert names(".") == ["a\\n\\x1b.yaml"]


@given(st.text(), st.integers(-5, 10), st.integers(-5, 300), st.integers(0, 300))
def test_a_place_lies_inside_the_file(text: str, line: int, column: int, length: int) -> None:
    source = Source("a.yaml", text)
    place = source.place(line, column, length)
    assert 1 <= place.line <= len(source.lines)
    assert 1 <= place.column <= len(source.lines[place.line - 1]) + 1
    assert place.length >= 1
    assert source.lines[place.line - 1].startswith(place.excerpt)
    head, *shown = Diagnostic("NIM0100", Severity.ERROR, text, place).to_text().rsplit("\n", 2)
    assert all(is_visible(line) for line in shown)
    assert all(is_visible(line) for line in head.split("\n"))


def test_a_place_on_a_very_long_line_stays_small() -> None:
    source = Source("a.yaml", "x" * 1_000_000)
    assert len(source.place(1, 5).excerpt) == 160
    assert source.place(1, 500_000).excerpt == ""


@given(st.binary(max_size=200))
def test_any_bytes_give_a_source_or_a_diagnostic(data: bytes) -> None:
    path = Path("any.yaml")
    path.write_bytes(data)
    sources, diagnostics = read_sources([path])
    assert len(sources) + len(diagnostics) == 1
