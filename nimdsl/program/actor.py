"""Actors: whoever takes events, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.base.values import Value
from nimdsl.expression.types import Type
from nimdsl.program.flatten import Table, flatten
from nimdsl.program.format import tagged
from nimdsl.program.machine import State
from nimdsl.program.work import Work

SLEEP_EVENTS = ("slumber", "wake")


@tagged("actor", also=("table",))
@dataclass(frozen=True)
class Actor:
    """One actor: its machine, its data before the first event, its tables and its work."""

    kind: str
    name: str
    root: State = field(metadata={"hashed": False})
    data: Mapping[str, Value]
    tables: Mapping[str, Value]
    works: Mapping[str, Work]
    accepts: tuple[str, ...] = ()
    """The events that others may send it; whatever else they send is ignored."""
    fields: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)
    """The types of the fields of these events; what comes with others is not taken."""
    domain: str = ""
    """What its waves are about."""
    hears: tuple[str, ...] = field(default=(), metadata={"hashed": False})
    """The topics that it subscribes to; what they mean to it is in its other fields."""
    senses: Mapping[str, str] = field(default_factory=dict)
    """The ids of those whose waves alone it hears, by the event that they are; empty: of everybody."""
    economy: str = ""
    """Whose lifeforce it lives on; empty for the scenario's."""
    types: Mapping[str, Type] = field(default_factory=dict, metadata={"hashed": False})
    """The types of its data, for whoever shows it; empty where nobody knows them."""
    place: Place = field(default=NOWHERE, compare=False)
    always_hears: ClassVar[tuple[str, ...]] = ()
    """What it takes of what economies tell, whatever its machine takes."""

    @property
    def id(self) -> str:
        """``cell/thermostat``: unique in a program."""
        return f"{self.kind}/{self.name}"

    def hears_from(self, emitter: str) -> bool:
        """Whether it hears the waves of this actor in the domains that it hears."""
        return emitter != self.id and (not self.senses or emitter in self.senses.values())

    @cached_property
    def table(self) -> Table:
        """The flat table of its machine."""
        return flatten(self.root)
