"""Fields in words: every field of every kind can be explained, in any spelling a person would try."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nimdsl.kinds import kind_names
from nimdsl.kinds.schemas import resolve
from nimdsl.schema.fields import (
    SchemaField,
    Unknown,
    explain_field,
    explain_fields,
    fields_called,
    find_field,
)

SAME = [
    ("Cell.machine.states", "cell.spec.machine.states"),
    ("cell.machine.states.transitions.to", "Cell.machine.states.idle.transitions[0].to"),
    ("cell/machine/initial", "cell.machine.initial"),
    ("garden", "Garden.spec"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_that_mean_the_same(one: str, other: str) -> None:
    first, second = find_field(one), find_field(other)
    assert isinstance(first, SchemaField)
    assert isinstance(second, SchemaField)
    assert first.schema == second.schema


def test_what_is_unknown_names_where_the_path_ends_and_what_could_follow() -> None:
    found = find_field("cell.mashine.states")
    assert isinstance(found, Unknown)
    assert (found.known, found.word) == ("Cell.spec", "mashine")
    assert "machine" in found.candidates
    assert find_field("cel") == Unknown("", "cel", kind_names())
    assert find_field("") == Unknown("", "", kind_names())


def every_field(field: SchemaField, depth: int = 0) -> Iterator[SchemaField]:
    yield field
    schema = resolve(field.kind, field.schema)
    if depth < 9:
        for key in schema.get("properties", {}):
            inner = find_field(".".join((field.kind, *field.path, key)))
            assert isinstance(inner, SchemaField)
            yield from every_field(inner, depth + 1)


@pytest.mark.parametrize("kind", kind_names())
def test_every_field_can_be_explained(kind: str) -> None:
    whole = find_field(kind)
    assert isinstance(whole, SchemaField)
    for field in every_field(whole):
        text = explain_field(field)
        assert text.startswith(field.shown)
        assert "{'" not in text


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("reserve", "Cell.spec.work.<name>.reserve"),
        ("repeat", "Cell.spec.work.<name>.repeat"),
        ("acquire", "Cell.spec.work.<name>.acquire"),
        ("ask", "Cell.spec.work.<name>.ask"),
        ("defer", "Cell.spec.machine.states.<name>.defer"),
        ("marks", "Economy.spec.marks"),
        ("coefficient", "Cell.spec.work.<name>.backoff.coefficient"),
    ],
)
def test_a_field_is_found_by_its_name_however_deep_it_stands(word: str, shown: str) -> None:
    assert explain_fields(fields_called(word)).startswith(f"{shown}\n")


def test_a_name_of_several_fields_is_explained_by_where_they_stand() -> None:
    told = explain_fields(fields_called("jitter"))
    assert "  Cell.spec.work.<name>.backoff.jitter " in told
    assert "  Cell.spec.machine.states.<name>.timers.jitter " in told
    suggested = told.split("`nimdsl explain ")[1].partition("`")[0]
    assert isinstance(find_field(suggested), SchemaField)
