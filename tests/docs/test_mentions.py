"""Whatever docs and docstrings mention is there: modules, names in them, files."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT

PACKAGES = ("nimdsl", "runtime", "gardens", "simulate")
SOURCES = sorted(path for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py"))

_ROLE = re.compile(r":(?:mod|class|func|meth|data|attr):`([\w.]+)`")
_DOTTED = re.compile(r"`((?:nimdsl|runtime|gardens|simulate)(?:\.\w+)+)`")
_PATH = re.compile(r"`((?:nimdsl|runtime|gardens|simulate|specs|examples|docs|tests)/[\w./-]*)`")
_IMPORT = re.compile(
    r"^\s*from ((?:nimdsl|runtime|gardens|simulate)[\w.]*) import \(?([\w, ]+)", re.MULTILINE
)
_GROUPS = tuple(f"nimdsl.{one}" for one in ("commands", "kinds", "behaviours", "gardens", "presentations"))
"""Groups of entry points, which look like modules."""


def docstrings(path: Path) -> Iterator[str]:
    """The docstrings of a source file, those below assignments included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for child in node.body:
                if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                    yield str(child.value.value)


def found(name: str, where: str = "") -> bool:
    """Whether a dotted name leads to something, from the root or from within a module."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            thing: object = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        return has(thing, parts[count:])
    return bool(where) and has(importlib.import_module(where), parts)


def has(thing: object, parts: list[str]) -> bool:
    """Whether attributes lead on; a field without a default is one too."""
    for part in parts:
        fields = {**getattr(thing, "__annotations__", {}), **dict.fromkeys(getattr(thing, "__slots__", ()))}
        if not hasattr(thing, part):
            return part in fields or part in _set_in(thing)
        thing = getattr(thing, part)
    return True


def _set_in(thing: object) -> set[str]:
    """What methods set on ``self``."""
    names: set[str] = set()
    for method in vars(thing).values() if isinstance(thing, type) else ():
        names |= set(getattr(getattr(method, "__code__", None), "co_names", ()))
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_mention_what_is_there(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    where = module if module.split(".")[0] in PACKAGES else ""
    wrong = []
    for text in docstrings(path):
        names = [name for name in _DOTTED.findall(text) if name not in _GROUPS]
        wrong += [name for name in names if not found(name)]
        for name in _ROLE.findall(text):
            owners = [one for one in classes(path) if found(f"{one}.{name}", where)] if where else []
            if not found(name, where) and not owners and (where or "." in name):
                wrong.append(name)
        wrong += [name for name in _PATH.findall(text) if not (ROOT / name).exists()]
    assert wrong == []


def classes(path: Path) -> list[str]:
    """The classes of a source file: within one, its methods are meant without its name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_mention_what_is_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = [name for name in _DOTTED.findall(text) if name not in _GROUPS]
    wrong = [name for name in names if not found(name)]
    wrong += [name for name in _PATH.findall(text) if not (ROOT / name).exists()]
    assert wrong == []


def test_a_wrong_mention_would_be_found() -> None:
    assert found("runtime.run.host.Host.accept")
    assert found("Host.accept", "runtime.run.host")
    assert not found("runtime.run.host.Hots")
    assert not found("runtime.hots")
    assert not found("Host.acept", "runtime.run.host")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_programs_that_stand_in_texts_import_what_is_there(path: Path) -> None:
    """No type check sees them, and most are run in processes that a test waits for."""
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for module, names in _IMPORT.findall(node.value):
                wrong += [one for one in re.findall(r"\w+", names) if not found(f"{module}.{one}")]
    assert wrong == []
