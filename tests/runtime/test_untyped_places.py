"""The runtime is typed: where a value of any type may stand, and why."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import runtime

ROOT = Path(runtime.__file__).parent
UNTYPED = frozenset({"Any", "Plain"})
WHY = {
    "record_bytes.py": "it makes classes while it runs, of what the fields of records say",
    "kernel/interpreters.py": "what `transitions` calls back with has no types of its own",
    "kernel/actions.py": "a table by class: the class chosen is the type of what its function takes",
    "ports/journal.py": "a line is opaque to a store: any plain data",
    "ports/translator.py": "an intent is what a document says, for a model to read",
    "conformance/journal.py": "lines of any plain data, to prove a store with",
    "conformance/translator.py": "intents, as above",
    "conformance/bus/world.py": "messages of any plain data, to prove a bus with",
}
LINES_MAX = 40


def untyped(source: str) -> Iterator[int]:
    """The lines that name a type which says nothing; imports do not count."""
    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.Name) and node.id in UNTYPED) or (
            isinstance(node, ast.Attribute) and node.attr in UNTYPED
        ):
            yield node.lineno


FOUND = {
    path.relative_to(ROOT).as_posix(): set(untyped(path.read_text(encoding="utf-8")))
    for path in ROOT.rglob("*.py")
}


@pytest.mark.parametrize("name", sorted(FOUND))
def test_only_files_with_a_reason_hold_values_of_any_type(name: str) -> None:
    assert name in WHY or not FOUND[name], f"{name} on lines {sorted(FOUND[name])}"


def test_every_reason_is_still_needed() -> None:
    assert {name for name in WHY if not FOUND.get(name)} == set()


def test_they_are_few() -> None:
    assert sum(map(len, FOUND.values())) <= LINES_MAX


def test_a_value_of_any_type_is_found_however_it_is_spelled() -> None:
    assert list(untyped("import typing\nx: typing.Any\ndef f(y: 'int', *z: Any) -> Plain: ...\n")) == [
        2,
        3,
        3,
    ]
