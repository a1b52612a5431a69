"""The documentation is true: its YAML validates, its Python runs, its commands print what it shows.

``pytest --update-golden`` writes new outputs into the pages, but for those in which lines are left out.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import nimdsl
import simulate
from docs.generate import PAGE, page
from tests.docs.pages import (
    DOCS,
    EXAMPLES,
    PAGES,
    ROOT,
    Block,
    Command,
    blocks,
    commands,
    matches,
    patched,
    showable,
)
from tests.support.patience import finished, growth_of

NAMES = {
    "nimdsl": {
        "Diagnostic",
        "InternalError",
        "NimdslError",
        "PermanentPortError",
        "Place",
        "PortError",
        "Program",
        "Report",
        "Severity",
        "SpecError",
        "TemporaryPortError",
        "check",
        "check_text",
        "load",
        "load_text",
        "shipped_specs",
    },
    "simulate": {"Options", "Result", "compare", "find_scenario", "replay", "run"},
}
PACKAGES = ("nimdsl", "runtime", "gardens", "simulate")


def _found(language: str) -> list[object]:
    return [
        pytest.param(block, id=f"{path.relative_to(ROOT)}:{block.line}")
        for path in PAGES
        for block in blocks(path.read_text(encoding="utf-8"))
        if block.language == language
    ]


# YAML


@pytest.mark.parametrize("block", _found("yaml"))
def test_yaml_blocks_say_what_they_claim(block: Block) -> None:
    list(yaml.safe_load_all(block.text))
    if "part" in block.marks:
        assert "apiVersion" not in block.text, "a whole document needs no `part`"
        return
    assert "apiVersion" in block.text, "mark a part of a document with <!-- part -->"
    diagnostics = nimdsl.check_text(block.text).diagnostics
    if "wrong" in block.marks:
        assert block.marks["wrong"] in {diagnostic.code for diagnostic in diagnostics}
    else:
        assert diagnostics == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_validate(path: Path) -> None:
    assert nimdsl.check([path]).diagnostics == ()


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path in EXAMPLES for name in nimdsl.load(path).scenarios]
)
def test_scenarios_of_the_examples_meet_their_expectations(path: Path, name: str) -> None:
    result = simulate.run(nimdsl.load(path), name)
    assert [verdict for verdict in result.expectations if not verdict.held] == []
    assert result.expectations


@pytest.mark.parametrize("block", _found("yaml"))
def test_scenarios_of_the_pages_meet_their_expectations(block: Block) -> None:
    if block.marks.keys() & {"wrong", "part"}:
        return
    program = nimdsl.load_text(block.text)
    for name in program.scenarios:
        assert [verdict for verdict in simulate.run(program, name).expectations if not verdict.held] == []


# Python and commands


@pytest.mark.parametrize("block", _found("python"))
def test_python_blocks_run(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    if "here" in block.marks:
        return  # with the commands of its page
    monkeypatch.chdir(ROOT)
    exec(compile(block.text, f"line {block.line}", "exec"), {"__name__": "docs"})


class _Folder:
    """The folder of one page: what its blocks write, edit and run."""

    def __init__(self, root: Path, update: bool) -> None:
        self.root = root
        self.update = update
        self.kept: dict[str, str] = {}
        self.changes: list[tuple[str, str]] = []
        self.printed = ""

    def take(self, block: Block) -> None:
        marks = block.marks
        if "file" in marks:
            self._write(marks["file"], block.text)
        elif "edit" in marks:
            self.kept[marks["edit"]] = self._read(marks["edit"])
            self._write(marks["edit"], patched(self.kept[marks["edit"]], block.text))
        elif "undo" in marks:
            self._write(marks["undo"], self.kept[marks["undo"]])
        elif "here" in marks:
            self.printed = self._python(block)
        elif "prints" in marks:
            assert matches(block.text.splitlines(), self.printed), f"line {block.line}\n{self.printed}"
        elif block.language == "console":
            for command in commands(block):
                self._run(command, block.line)

    def _read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def _write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def _python(self, block: Block) -> str:
        done = subprocess.run(
            [sys.executable, "-c", block.text], cwd=self.root, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"line {block.line}\n{done.stderr}"
        return done.stdout

    def _run(self, command: Command, line: int) -> None:
        program, *arguments = shlex.split(command.line)
        if program == "make":
            return
        assert program == "nimdsl", f"line {line}: the tests run nothing but nimdsl"
        done = finished(
            [sys.executable, "-m", "nimdsl", *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            stderr=subprocess.STDOUT,
            mark=lambda: growth_of(self.root),
        )
        where = f"line {line}: {command.line}"
        assert done.returncode == command.code, f"{where}\n{done.stdout}"
        if not command.output or matches(command.output, done.stdout):
            return
        shown = "\n".join(command.output)
        assert self.update, f"{where}\n{done.stdout}\n`pytest --update-golden` changes the page"
        assert "..." not in command.output, f"{where}: left-out lines are yours to choose\n{done.stdout}"
        self.changes.append((f"$ {command.line}\n{shown}", f"$ {command.line}\n{showable(done.stdout)}"))


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_print_what_the_page_shows(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = path.read_text(encoding="utf-8")
    folder = _Folder(tmp_path, bool(request.config.getoption("--update-golden")))
    for block in blocks(text):
        folder.take(block)
    for old, new in folder.changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    if folder.changes:
        path.write_text(text, encoding="utf-8", newline="\n")


def test_readme_shows_what_simulate_prints(capsys: pytest.CaptureFixture[str]) -> None:
    from gardens.report.terminal.text import report

    shown = next(
        b for b in blocks((ROOT / "README.md").read_text(encoding="utf-8")) if b.language == "text"
    )
    report(simulate.run(nimdsl.load(), "spark"))
    assert matches(shown.text.splitlines(), capsys.readouterr().out)


def test_wildcards_match_no_more_than_they_should() -> None:
    assert matches(["one", "...", "four"], "one  \ntwo\nthree\nfour\n\n")
    assert matches(["seed 1 · ..."], "seed 1 · 82aa")
    assert matches(["one", "...", "two"], "one\ntwo")
    assert not matches(["one", "four"], "one\ntwo\nfour")
    assert not matches(["one"], "one\ntwo")
    assert not matches(["o.e"], "one")


# Names and reference


def test_reference_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python docs/generate.py`"


def test_public_names_are_those_that_the_docs_list() -> None:
    assert set(nimdsl.__all__) == NAMES["nimdsl"]
    assert set(simulate.__all__) == NAMES["simulate"]
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    missing = [f"{p}.{name}" for p, names in NAMES.items() for name in names if f"`{p}.{name}`" not in text]
    assert missing == []


def test_every_function_and_macro_of_expressions_is_in_the_reference() -> None:
    from nimdsl.expression.functions import FUNCTIONS
    from nimdsl.expression.syntax import MACROS

    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*FUNCTIONS, *MACROS) if f"{name}(" not in text] == []


def _undocumented(node: ast.AST, where: str) -> list[str]:
    missing: list[str] = []
    for child in getattr(node, "body", ()):
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            continue
        if child.name.startswith(("_", "test_")) or any(_is_overload(d) for d in child.decorator_list):
            continue
        name = f"{where}.{child.name}"
        if ast.get_docstring(child) is None:
            missing.append(name)
        if isinstance(child, ast.ClassDef):
            missing += _undocumented(child, name)
    return missing


def _is_overload(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Name) and decorator.id == "overload"


def test_everything_public_has_a_docstring() -> None:
    missing: list[str] = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            module = str(path.relative_to(ROOT))
            if tree.body and ast.get_docstring(tree) is None:
                missing.append(module)
            missing += _undocumented(tree, module)
    assert missing == []


def test_no_field_of_the_language_is_a_word_that_yaml_1_1_reads_as_a_boolean() -> None:
    from nimdsl.kinds.schemas import any_schema

    def names(schema: object) -> set[str]:
        if isinstance(schema, list):
            return {name for item in schema for name in names(item)}
        if not isinstance(schema, dict):
            return set()
        own = schema.get("properties", {})
        return set(own) | {name for item in schema.values() for name in names(item)}

    assert names(dict(any_schema())) & {"on", "off", "yes", "no", "y", "n"} == set()


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in PAGES
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []
