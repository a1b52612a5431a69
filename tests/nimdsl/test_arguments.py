"""What the library is handed: paths and texts, and in words what is neither."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import nimdsl
from nimdsl.base.errors import NimdslError
from tests.support.texts import HELLO

check: Any = nimdsl.check
check_text: Any = nimdsl.check_text
load: Any = nimdsl.load
load_text: Any = nimdsl.load_text


def test_check_takes_one_path_or_several(tmp_path: Path) -> None:
    path = tmp_path / "hello.yaml"
    path.write_text(HELLO, encoding="utf-8")
    for given in (path, str(path), [path], (str(path),), tmp_path.glob("*.yaml"), *os.scandir(tmp_path)):
        report = check(given)
        assert report.program is not None, report.diagnostics
    assert [found.code for found in nimdsl.check("no-such.yaml").diagnostics] == ["NIM0101"]


@pytest.mark.parametrize("given", [None, 3, b"x", {"a": 1}, [3]])
def test_check_says_what_is_no_path(given: Any) -> None:
    shown = repr(given[0] if isinstance(given, list) else given)
    with pytest.raises(NimdslError) as caught:
        check(given)
    assert str(caught.value) == (
        f'`paths`: a path or several are wanted, this is `{shown}`: write `check("garden.yaml")`'
    )


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        (["."], 'write `load(".")`'),
        (["a", Path("b")], 'write `load("a", "b")`'),
        (["a", "b", "c", "d"], "write `load(*paths)`"),
        (iter("ab"), "write `load(*paths)`"),
        (None, 'write `load("garden.yaml")`'),
        (3, 'write `load("garden.yaml")`'),
        (b"x", 'write `load("garden.yaml")`'),
    ],
)
def test_load_says_what_is_no_path(given: Any, fix: str) -> None:
    with pytest.raises(NimdslError) as caught:
        load(given)
    said = str(caught.value)
    assert said.startswith("`paths`: each argument is a path, this is `")
    assert said.endswith(f"`: {fix}")


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        (b"x", "decode it first: `data.decode()`"),
        (3, "write `{}(text)` with a text"),
        (None, "write `{}(text)` with a text"),
        (Path("x"), "to read a file write `{}(path)`"),
    ],
)
def test_what_is_no_text_is_said(given: Any, fix: str) -> None:
    for function, name in ((check_text, "check_text"), (load_text, "load_text")):
        with pytest.raises(NimdslError) as caught:
            function(given)
        reader = name.removesuffix("_text") if isinstance(given, Path) else name
        wanted = f"`text`: text is wanted, this is `{given!r}`: {fix.format(reader)}"
        assert str(caught.value) == wanted
        with pytest.raises(NimdslError, match="`name`: text is wanted"):
            function("", given)
