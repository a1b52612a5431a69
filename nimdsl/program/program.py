"""The whole: everything that a folder of documents compiles to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from nimdsl.base import canonical
from nimdsl.program.actor import Actor
from nimdsl.program.attention import Attention
from nimdsl.program.economy import Economy
from nimdsl.program.format import PROGRAM_FORMAT, is_tagged, to_data
from nimdsl.program.garden import Garden
from nimdsl.program.organ import Organ
from nimdsl.program.protocol import Phase, Protocol
from nimdsl.program.resource import Resource
from nimdsl.program.scenario import Scenario
from nimdsl.program.schema import Schema


@dataclass(frozen=True, repr=False)
class Program:
    """Everything that a folder of documents compiles to: parts by kind and name."""

    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    documents: Any = field(default=None, compare=False)
    """The documents that this was compiled from, for overrides and for ``show``."""

    def of(self, kind: str) -> Mapping[str, Any]:
        """The parts of a kind by name; none for a kind that it has no document of."""
        return self.parts.get(kind, {})

    def with_parts(self, kind: str, named: Mapping[str, Any]) -> Program:
        """The same with other parts of one kind: for experiments that no document describes."""
        return replace(self, parts={**self.parts, kind: named})

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Messages, by name."""
        return self.of("Schema")

    @property
    def economies(self) -> Mapping[str, Economy]:
        """Economies, by name."""
        return self.of("Economy")

    @property
    def resources(self) -> Mapping[str, Resource]:
        """Resources, by name."""
        return self.of("Resource")

    @property
    def organs(self) -> Mapping[str, Organ]:
        """Organs, by name."""
        return self.of("Organ")

    @property
    def cells(self) -> Mapping[str, Actor]:
        """Cells, by name."""
        return self.of("Cell")

    @property
    def attentions(self) -> Mapping[str, Attention]:
        """Attentions, by name."""
        return self.of("Attention")

    @property
    def phases(self) -> Mapping[str, Phase]:
        """Phases, by name."""
        return self.of("Phase")

    @property
    def protocols(self) -> Mapping[str, Protocol]:
        """Protocols, by name."""
        return self.of("Protocol")

    @property
    def gardens(self) -> Mapping[str, Garden]:
        """Gardens, by name."""
        return self.of("Garden")

    @property
    def scenarios(self) -> Mapping[str, Scenario]:
        """Scenarios, by name."""
        return self.of("Scenario")

    @cached_property
    def actors(self) -> Mapping[str, Actor]:
        """Whoever can take part in a run, by id, sorted."""
        parts = [part for named in self.parts.values() for part in named.values()]
        found = [part.actor if isinstance(part, Protocol) else part for part in parts]
        return {one.id: one for one in sorted_actors(one for one in found if isinstance(one, Actor))}

    @cached_property
    def sha256(self) -> str:
        """Hash of what steps read."""
        read = {
            kind: {name: to_data(part) for name, part in named.items() if _is_read(part)}
            for kind, named in self.parts.items()
            if kind not in _NOT_STEPPED
        }
        return canonical.sha256([PROGRAM_FORMAT, {kind: parts for kind, parts in read.items() if parts}])

    def __repr__(self) -> str:
        counts = [f"{len(named)} of {kind}" for kind, named in sorted(self.parts.items()) if named]
        return f"<Program {self.sha256[:12]}: {', '.join(counts) or 'empty'}>"


def _is_read(part: object) -> bool:
    """Whether steps read a part; one that does and has no tag is refused by :func:`to_data`."""
    return is_tagged(part) or isinstance(part, Actor | Protocol)


_NOT_STEPPED = ("Phase",)
"""Tagged parts that are in another one."""


def sorted_actors(actors: Iterable[Actor]) -> list[Actor]:
    """In the order of (kind, name), which decides between events of one instant."""
    return sorted(actors, key=lambda actor: (actor.kind, actor.name))
