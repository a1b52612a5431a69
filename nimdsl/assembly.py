"""Puts the parts together: documents in, program and diagnostics out.

Kinds are compiled in the order in which they need each other: schemas,
economies, gardens, cells, phases, protocols, scenarios.  A document that
leans on a broken one is compiled as far as it goes, but not blamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from nimdsl.base.diagnostics import Diagnostic, Place, Severity
from nimdsl.checks.attention import check_beat, check_economy
from nimdsl.checks.machines import check_machine
from nimdsl.checks.phases import check_cycles, check_exit
from nimdsl.compile.answers import Context
from nimdsl.compile.attention import CompiledAttention, compile_attention
from nimdsl.compile.cell import CompiledCell, compile_cell
from nimdsl.compile.documents import Document, Documents
from nimdsl.compile.economy import compile_economy
from nimdsl.compile.garden import compile_garden
from nimdsl.compile.participants import receivers_of
from nimdsl.compile.phase import CompiledPhase, PhaseContext, compile_phase, phase_types
from nimdsl.compile.protocol import compile_protocol
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.scenario import ScenarioContext, compile_scenario
from nimdsl.compile.wire import compile_schema
from nimdsl.expression.types import Type
from nimdsl.program import Actor, Attention, Beat, Economy, Program, Scenario, Schema
from nimdsl.program.machine import Reward, State, walk

Part = TypeVar("Part")


@dataclass(frozen=True)
class Report:
    """What compiling found: every diagnostic, and the program if none of them is an error."""

    diagnostics: tuple[Diagnostic, ...]
    program: Program | None


def compile_documents(documents: Documents) -> Report:
    """Compiles everything."""
    return _Compiler(documents).report()


class _Compiler:
    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.diagnostics: list[Diagnostic] = []
        self.told: set[tuple[str, Place, str]] = set()

    def report(self) -> Report:
        program = self._program()
        found = tuple(self.diagnostics)
        wrong = self.documents.damaged or any(d.severity is Severity.ERROR for d in found)
        return Report(found, None if wrong else program)

    def _each(self, kind: str, compile_one: Callable[[Findings, Reader], Part | None]) -> dict[str, Part]:
        """Compiles every sound document of a kind; a document that is found wrong is left out."""
        compiled: dict[str, Part] = {}
        for name, document in self.documents.of(kind).items():
            if document.broken:
                continue
            findings, reader = self._open(document)
            part = compile_one(findings, reader)
            self._close(findings)
            if part is not None and not findings.failed:
                compiled[name] = part
        return compiled

    def _open(self, document: Document) -> tuple[Findings, Reader]:
        findings = Findings(document, self.documents)
        return findings, Reader(findings, document.spec, document.constants)

    def _close(self, findings: Findings) -> None:
        """Keeps what was found; of the instances of one document only the first is blamed for a thing."""
        for diagnostic in findings.diagnostics:
            if findings.document.constants:
                message = diagnostic.message.rpartition(" (in `")[0]
                if (key := (diagnostic.code, diagnostic.place, message)) in self.told:
                    continue
                self.told.add(key)
            self.diagnostics.append(diagnostic)

    def _program(self) -> Program:
        schemas = self._each("Schema", compile_schema)
        economies = self._each("Economy", compile_economy)
        gardens = self._each("Garden", compile_garden)
        rewards = self._rewards(economies)
        cells = self._cells(schemas, rewards)
        attentions = self._attentions(rewards)
        kinds = phase_types(self.documents, schemas)
        data: dict[str, Mapping[str, Type] | None] = dict.fromkeys(self.documents.of("Cell"))
        data |= {name: cell.interface.data for name, cell in cells.items()}
        phases: dict[str, CompiledPhase] = {}

        def protocol_of(findings: Findings, reader: Reader) -> Any:
            economy = economies.get(reader.reference("economy", "Economy"))
            own = self._phases(reader.references("phases", "Phase"), schemas, kinds, economy)
            phases.update(own)
            return compile_protocol(findings, reader, own, kinds, economy, data)

        protocols = self._each("Protocol", protocol_of)
        orphans = [name for name in self.documents.of("Phase") if name not in phases]
        sole = next(iter(economies.values())) if len(economies) == 1 else None
        phases.update(self._phases(orphans, schemas, kinds, sole))
        self.diagnostics += check_cycles(self.documents)
        context = ScenarioContext(
            protocols=protocols,
            phase_types=kinds,
            economies=economies,
            gardens=gardens,
            cells=data,
            attentions={name: one.beat for name, one in attentions.items()},
            accepts={name: accepted_events(cell) for name, cell in cells.items()},
            sends={
                **{f"cell/{name}": receivers_of(cell.root) for name, cell in cells.items()},
                **{f"attention/{name}": receivers_of(one.root) for name, one in attentions.items()},
            },
            priced=frozenset(
                [name for name, cell in cells.items() if _costs(cell.root)]
                + [name for name, one in attentions.items() if _costs(one.root) or _dear(one.beat)]
            ),
        )

        def scenario_of(findings: Findings, reader: Reader) -> Scenario:
            scenario = compile_scenario(findings, reader, context)
            self._check_economy(findings, scenario, context)
            return scenario

        scenarios = self._each("Scenario", scenario_of)
        return Program(
            schemas=schemas,
            economies=economies,
            cells={name: self._actor(name, cell) for name, cell in cells.items()},
            attentions={name: self._attention(name, one) for name, one in attentions.items()},
            phases=dict(sorted((name, phase.phase) for name, phase in phases.items())),
            protocols=protocols,
            gardens=gardens,
            scenarios=scenarios,
            documents=self.documents,
        )

    def _check_economy(self, findings: Findings, scenario: Scenario, context: ScenarioContext) -> None:
        """Whether the economy of a scenario can carry its attention."""
        beat = context.attentions.get(scenario.attention)
        economy = context.economies.get(scenario.economy)
        if beat is not None and economy is not None:
            attention, purse = (
                Reader(findings, self.documents.of(kind)[name].spec, {})
                for kind, name in (("Attention", scenario.attention), ("Economy", scenario.economy))
            )
            check_economy(attention, beat, purse, economy)

    def _rewards(self, economies: Mapping[str, Economy]) -> frozenset[str] | None:
        """The names of all rewards; None when not all of them are known."""
        known = [name for economy in economies.values() for name in economy.rewards]
        sure = (
            economies and not self.documents.damaged and len(economies) == len(self.documents.of("Economy"))
        )
        return frozenset(known) if sure else None

    def _attentions(self, rewards: frozenset[str] | None) -> dict[str, CompiledAttention]:
        def compile_one(findings: Findings, reader: Reader) -> CompiledAttention | None:
            one = compile_attention(findings, reader, rewards)
            if one is not None and not findings.failed:
                check_beat(findings, reader, one.beat)
            if one is not None and one.written and not findings.failed and not findings.poisoned:
                check_machine(findings, one.root, one.interface, answering=False)
            return one

        return self._each("Attention", compile_one)

    def _cells(
        self, schemas: Mapping[str, Schema], rewards: frozenset[str] | None
    ) -> dict[str, CompiledCell]:
        context = Context(schemas, rewards)

        def compile_one(findings: Findings, reader: Reader) -> CompiledCell | None:
            cell = compile_cell(findings, reader, context)
            if cell is not None and not findings.failed and not findings.poisoned:
                check_machine(findings, cell.root, cell.interface, cell.answering)
            return cell

        return self._each("Cell", compile_one)

    def _phases(
        self,
        names: Iterable[str],
        schemas: Mapping[str, Schema],
        kinds: Mapping[str, Type],
        economy: Economy | None,
    ) -> dict[str, CompiledPhase]:
        context = PhaseContext(schemas, kinds, economy)
        compiled: dict[str, CompiledPhase] = {}
        for name in dict.fromkeys(names):
            document = self.documents.get("Phase", name)
            if document is None or document.broken:
                continue
            findings, reader = self._open(document)
            phase = compile_phase(findings, reader, context)
            if not findings.failed:
                check_exit(findings, reader, phase)
            self._close(findings)
            if not findings.failed and not findings.poisoned:
                compiled[name] = phase
        return compiled

    def _actor(self, name: str, cell: CompiledCell) -> Actor:
        document = self.documents.get("Cell", name)
        assert document is not None
        return Actor(
            kind="cell",
            name=name,
            root=cell.root,
            data=cell.data,
            tables=cell.tables,
            works=cell.works,
            accepts=tuple(sorted(accepted_events(cell))),
            domain=cell.domain,
            place=document.place,
        )

    def _attention(self, name: str, one: CompiledAttention) -> Attention:
        document = self.documents.get("Attention", name)
        assert document is not None
        return Attention(
            kind="attention",
            name=name,
            root=one.root,
            data={},
            tables={},
            works=one.works,
            beat=one.beat,
            place=document.place,
        )


def accepted_events(cell: CompiledCell) -> dict[str, dict[str, Type]]:
    """The events that others may send to a cell, with the types of their fields."""
    events = cell.interface.events.items()
    return {name: source.fields for name, source in events if "accepts" in source.origins}


def _dear(beat: Beat) -> bool:
    return any(level.cost_fixed or level.cost_per_second or level.cost_per_item for level in beat.levels)


def _costs(root: State) -> bool:
    states = [root, *(state for _, state in walk(root))]
    transitions = [t for state in states for t in state.transitions]
    transitions += [t for state in states for timer in state.timers for t in timer.transitions]
    rewarded = any(isinstance(action, Reward) for t in transitions for action in t.actions)
    return rewarded or any(t.price for t in transitions)
