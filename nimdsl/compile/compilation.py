"""A compilation: documents in, parts by kind and diagnostics out; what each kind is compiled with.

A document that leans on a broken one is compiled as far as it goes, but not blamed.  Which kinds there are
and in which order they come is decided in :mod:`nimdsl.assembly`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nimdsl.base.diagnostics import Diagnostic, Place
from nimdsl.compile.documents import Document, Documents
from nimdsl.compile.outcome import CellView
from nimdsl.compile.phase import CompiledPhase
from nimdsl.compile.reader import Findings, Reader
from nimdsl.expression.types import Type
from nimdsl.program import Economy, Work
from nimdsl.program.machine import State, walk

Part = TypeVar("Part")


@dataclass(frozen=True)
class Participant:
    """What a scenario must know of an actor."""

    accepts: Mapping[str, Mapping[str, Type]]
    """The events that others may send it, with the types of their fields."""
    outcome: Type
    """What expectations see of it."""
    priced: bool = False
    """Whether it charges something or asks for rewards."""
    works: Mapping[str, Work] = field(default_factory=dict)
    """What it can start."""
    root: State | None = None
    """Its machine, if it is one."""
    economy: str = ""
    """Whose lifeforce it lives on; empty for the scenario's."""
    tier: int | None = None
    """Of a gate: the tier that it begins with."""
    near: frozenset[str] = frozenset()
    """The ids of those that it cannot do without: whom it hears, commands and sends to."""
    earns: int = 0
    """What the scenario's economy gives it for something that it says itself, micro-LF."""


@dataclass
class Compilation:
    """What is known so far: ``parts`` are what was compiled, by kind and name."""

    documents: Documents
    diagnostics: list[Diagnostic] = field(default_factory=list)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    participants: dict[str, Participant] = field(default_factory=dict)
    """The actors of kinds that scenarios have no field for, by id."""
    plurals: dict[str, str] = field(default_factory=dict)
    """Under which name expectations see these, by the first part of their ids."""
    phases: dict[str, CompiledPhase] = field(default_factory=dict)
    """Those that protocols have compiled, and then all."""
    phase_types: dict[str, Type] = field(default_factory=dict)
    """What phases are to expressions, by name."""
    told: set[tuple[str, Place, str]] = field(default_factory=set)

    def each(
        self,
        kind: str,
        compile_one: Callable[[Findings, Reader], Part | None],
        order: Iterable[str] | None = None,
    ) -> dict[str, Part]:
        """Compiles every sound document of a kind; a document that is found wrong is left out.

        They are compiled in this ``order``, and given back in that of the documents.
        """
        compiled: dict[str, Part] = {}
        documents = self.documents.of(kind)
        for name in documents if order is None else order:
            document = documents[name]
            if document.broken:
                continue
            findings, reader = self.open(document)
            part = compile_one(findings, reader)
            self.close(findings)
            if part is not None and not findings.failed:
                compiled[name] = part
        return {name: compiled[name] for name in documents if name in compiled}

    def open(self, document: Document) -> tuple[Findings, Reader]:
        """Where to put what is found in a document, and how to read it."""
        findings = Findings(document, self.documents)
        return findings, Reader(findings, document.spec, document.constants)

    def close(self, findings: Findings) -> None:
        """Keeps what was found; of the instances of one document only the first is blamed for a thing.

        The names that it calls itself by are no difference.
        """
        for diagnostic in findings.diagnostics:
            if findings.document.variables:
                message = diagnostic.message.rpartition(" (in `")[0]
                message = message.replace(f"`{findings.document.name}`", "")
                if (key := (diagnostic.code, diagnostic.place, message)) in self.told:
                    continue
                self.told.add(key)
            self.diagnostics.append(diagnostic)

    def place_of(self, kind: str, name: str) -> Place:
        """Where the name of a document stands."""
        return self.documents.of(kind)[name].place

    @property
    def cells_seen(self) -> dict[str, CellView | None]:
        """What expectations see of cells by name; None for a cell that is wrong itself."""
        known: dict[str, CellView | None] = dict.fromkeys(self.documents.of("Cell"))
        cells = self.parts["Cell"].items()
        return known | {
            name: CellView(cell.interface.data, tuple(path for path, _ in walk(cell.root)))
            for name, cell in cells
        }

    @property
    def economies(self) -> Mapping[str, Economy]:
        """The economies that are sound."""
        return self.parts["Economy"]

    @property
    def rewards(self) -> frozenset[str] | None:
        """The names of all rewards; None when not all of them are known."""
        known = [name for economy in self.economies.values() for name in economy.rewards]
        there = self.documents.of("Economy")
        sure = self.economies and not self.documents.damaged and len(self.economies) == len(there)
        return frozenset(known) if sure else None
