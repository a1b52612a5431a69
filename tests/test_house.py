"""The shape of the house: what keeps its rooms small enough to be read in one sitting."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULE_LINES_MAX = 500
MODULE_LINES_MEDIAN_MAX = 150
FUNCTION_LINES_MAX = 50
MODULES = sorted(
    path
    for package in ("nimdsl", "runtime", "gardens", "simulate")
    for path in (ROOT / package).rglob("*.py")
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without those of the docstring."""
    text = ast.get_docstring(function, clean=False)
    return (function.end_lineno or 0) - function.lineno + 1 - (text.count("\n") + 1 if text else 0)


def chooses(function: ast.AST) -> bool:
    """Whether it covers a closed union, one branch after another."""
    return any(isinstance(node, ast.Match) for node in ast.walk(function))


def test_modules_are_short() -> None:
    assert [path for path in (*MODULES, *TESTS) if lines(path) > MODULE_LINES_MAX] == []
    assert statistics.median(map(lines, MODULES)) <= MODULE_LINES_MEDIAN_MAX


def test_a_public_class_has_a_name_of_its_own() -> None:
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_are_short_unless_they_cover_a_union(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not chooses(node):
            assert length(node) <= FUNCTION_LINES_MAX, f"{node.name} on line {node.lineno}"
