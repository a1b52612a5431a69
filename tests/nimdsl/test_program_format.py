"""The program's hash: tags and names, nothing else (nimdsl.program.format)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, make_dataclass

import pytest

import nimdsl
from nimdsl.base.errors import NimdslError
from nimdsl.program import Actor
from nimdsl.program.format import tagged, to_data


@tagged("thing")
@dataclass(frozen=True)
class Thing:
    """A part."""

    name: str
    size: int = 1
    names: tuple[str, ...] = ()
    place: str = field(default="", compare=False)
    model: str = field(default="", metadata={"hashed": False})


def test_a_part_is_its_tag_and_its_fields() -> None:
    assert to_data(Thing("a", 2, ("x",))) == ["thing", {"name": "a", "size": 2, "names": ["x"]}]


def test_a_field_at_its_default_is_not_there() -> None:
    """So a new field changes no old hash."""
    assert to_data(Thing("a")) == ["thing", {"name": "a"}]


def test_what_no_step_reads_is_not_there() -> None:
    assert to_data(Thing("a", place="here", model="there")) == to_data(Thing("a"))


def test_the_order_of_fields_does_not_matter() -> None:
    fields = [("names", tuple, ()), ("name", str, "n"), ("size", int, 1)]
    other = tagged("thing")(make_dataclass("Turned", fields, frozen=True))
    assert to_data(other(names=("x",), name="a", size=2)) == to_data(Thing("a", 2, ("x",)))


def test_a_part_without_a_tag_is_refused() -> None:
    with pytest.raises(NimdslError, match="has no tag"):
        to_data(make_dataclass("Nameless", [("name", str)])("a"))


def test_an_actor_without_a_tag_is_refused_by_the_program() -> None:
    """Or two programs that differ in it would have one hash."""

    @dataclass(frozen=True)
    class Bell(Actor):
        every_ns: int = 0

    program = nimdsl.load()
    cell = program.cells["identity-cell"]
    given = {one.name: getattr(cell, one.name) for one in fields(Actor)}
    with pytest.raises(NimdslError, match="Bell has no tag"):
        _ = program.with_parts("Bell", {"b": Bell(**given, every_ns=1)}).sha256
