"""What a terminal gets to see: nothing raw of others, signs that it can show, and readers that leave."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.markup import escape as markup_only
from rich.text import Text

import gardens
from gardens.report.terminal.columns import Column, print_table
from gardens.report.terminal.console import Terminal, escape
from gardens.report.terminal.narration import line_of
from nimdsl.base.diagnostics import Diagnostic, Place, Severity
from nimdsl.base.printable import is_visible
from nimdsl.commands import output, run, streams
from runtime.records import Broken, Faulted, Record
from tests.support.texts import HELLO, cell

ROOT = Path(gardens.__file__).parents[1]
NASTY = "\x1b]0;owned\x07\u202e\u2028\x9b2J\ud800"
STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Screen(io.StringIO):
    """A terminal that shows colours."""

    def isatty(self) -> bool:
        return True


def unseen(text: str) -> list[str]:
    """What is neither visible nor an end of a line nor a colour of ours."""
    return [char for char in STYLE.sub("", text) if char != "\n" and not is_visible(char)]


@given(st.text())
def test_nothing_raw_is_told(text: str) -> None:
    for stream in (io.StringIO(), Screen()):
        streams.tell(f"{text}{streams.styled(text, 'red')}{text}", stream)
        output.print_diagnostics(
            [Diagnostic("NIM0100", Severity.ERROR, text, Place(text, 1, 1, 1, text), text)], stream
        )
        assert unseen(stream.getvalue()) == []
    assert "\x1b[31m" in stream.getvalue()


@given(st.text())
def test_nothing_raw_is_laid_out(text: str) -> None:
    for stream in (io.StringIO(), Screen()):
        console = Terminal(stream, 60)
        console.print(Text(text), Text(text, "red"), markup_only(text), f"[red]{escape(text)}[/]")
        print_table(console, [Column("a", name=True), Column("b")], [[escape(text), markup_only(text)]])
        assert unseen(stream.getvalue()) == []


@given(st.text())
def test_nothing_raw_is_narrated(text: str) -> None:
    for body in (Faulted("a", text), Broken(text)):
        assert unseen(line_of(Record("cell/a", 0, 0, body, None))) == []


@given(st.dictionaries(st.text(), st.text()))
def test_json_is_exact_and_has_nothing_raw(data: dict[str, str]) -> None:
    for encoding in ("utf-8", "ascii", "cp1252"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding, errors="strict")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            output.print_json(data)
        stream.seek(0)
        shown = stream.read()
        assert unseen(shown) == []
        assert json.loads(shown) == data


def test_all_text_goes_through_one_place() -> None:
    """`print` and rich's own console are used where text is made visible, and nowhere else."""
    allowed = {"nimdsl/commands/streams.py", "gardens/report/terminal/console.py"}
    found = []
    for package in ("nimdsl", "gardens", "simulate", "runtime"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                name = called.id if isinstance(called, ast.Name) else ""
                where = path.relative_to(ROOT).as_posix()
                if name in ("print", "Console") and where not in allowed:
                    found.append(f"{where}:{node.lineno}")  # type: ignore[attr-defined]
    assert found == []


def nasty(tmp_path: Path) -> Path:
    """A program whose texts and whose file are of the worst kind."""
    text = json.dumps(NASTY[:-1])
    spec = cell(
        "{initial: a, states: {a: {transitions: [{event: go, to: a, do: [{set: {word: '${event.word}'}}]}]"
        "}}}",
        "  data: {word: string}\n  accepts: {go: {word: string}}",
        scenario=f"  description: {text}\n"
        f"  stimuli: [{{at: 1s, to: c, event: go, payload: {{word: {text}}}}}]\n"
        f"  expect: ['cells.c.data.word == \"\"']",
    )
    path = tmp_path / "a\x1b[2Jb\u202e.yaml"
    path.write_text(spec, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["validate"], 0),
        (["simulate"], 1),
        (["simulate", "--verbose"], 1),
        (["simulate", "--format", "json"], 1),
        (["show", "s", "--specs"], 0),
        (["show", "no\x1b[2J", "--specs"], 1),
        (["graph", "c", "--specs"], 0),
        (["explain", "\x1b[2J"], 1),
        (["validate", "\x1b[2J.yaml"], 1),
        (["simulate", "--bad\x1b[2J"], 2),
    ],
)
def test_no_verb_lets_text_of_others_through(
    words: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = words if words[0] == "explain" else [*words, str(nasty(tmp_path))]
    assert run(arguments) == code
    shown = capsys.readouterr()
    assert unseen(shown.out + shown.err) == []


def test_a_document_that_is_shown_means_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", "s", "--specs", str(nasty(tmp_path))]) == 0
    import yaml

    assert yaml.safe_load(capsys.readouterr().out)["spec"]["description"] == NASTY[:-1]


# Encodings


def nimdsl_in(encoding: str, *words: str) -> str:
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "nimdsl", *words]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    return (done.stdout + done.stderr).decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_verdicts_are_told_apart_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    specs = tmp_path / "hello.yaml"
    specs.write_text(HELLO.replace("lifeforce.final == 12.4LF", "1 == 2"))
    shown = nimdsl_in(encoding, "simulate", str(specs), "--verbose", "--out", str(tmp_path / "out"))
    assert re.findall(r"^  (\S+) (completed|1 == 2)$", shown, re.MULTILINE) == [
        ("ok", "completed"),
        ("x", "1 == 2"),
    ]
    assert re.search(r"10\S* -> 12\.4", shown)
    shown += nimdsl_in(encoding, "compare", str(tmp_path / "out"))
    assert "ok replay" in shown
    assert "?" not in shown


def test_every_sign_of_the_shipped_runs_has_another_in_ascii() -> None:
    shown = nimdsl_in("ascii", "simulate", "busy-hour", "--verbose") + nimdsl_in(
        "ascii", "simulate", "spark-lossy"
    )
    assert "?" not in shown
    assert not re.search(r"\\[xuU][0-9a-f]", shown)


# Readers that leave


@pytest.mark.skipif(os.name != "posix", reason="a shell is needed")
@pytest.mark.parametrize("more", [[], ["--verbose"], ["--format", "json"]])
@pytest.mark.parametrize(("expected", "code"), [("completed", 0), ("1 == 2", 1)])
def test_a_reader_that_leaves_takes_no_file_along(
    more: list[str], expected: str, code: int, tmp_path: Path
) -> None:
    specs = tmp_path / "hello.yaml"
    specs.write_text(HELLO.replace("lifeforce.final == 12.4LF", expected))
    out, into = os.pipe()
    os.close(out)
    words = [
        "simulate",
        str(specs),
        "--out",
        str(tmp_path / "out"),
        "--report",
        str(tmp_path / "page.html"),
    ]
    command = [sys.executable, "-m", "nimdsl", *words, *more]
    done = subprocess.run(command, stdout=into, stderr=subprocess.PIPE, check=False)
    os.close(into)
    assert (done.returncode, done.stderr) == (code, b"")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "hello.yaml",
        "journal.sqlite",
        "page.html",
        "records.jsonl",
        "summary.json",
    ]
