"""The shipped documents: sound, and known to editors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import nimdsl
from nimdsl.kinds.schemas import any_schema
from nimdsl.text.source import read_sources
from nimdsl.text.tree import parse

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "specs" / "schemas" / "document.json"
FILES = sorted([*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "examples").glob("*.yaml")])


def test_the_schema_for_editors_is_up_to_date() -> None:
    """`nimdsl schema --out specs/schemas` writes it anew (keep document.json)."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == any_schema()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_names_the_schema_and_satisfies_it(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)
    assert found
    assert (path.parent / found[1]).resolve() == SCHEMA
    validator = Draft202012Validator(any_schema())
    for root in parse(read_sources([path])[0][0])[0]:
        assert list(validator.iter_errors(root.plain())) == []


def test_the_shipped_specs_have_not_even_a_note() -> None:
    assert nimdsl.check([nimdsl.shipped_specs()]).diagnostics == ()
