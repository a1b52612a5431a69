"""The kind ``Phase``: ordered handshakes with one cell.  Those of a protocol are compiled with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from nimdsl.checks.comparisons import check_statuses
from nimdsl.checks.phases import check_cycles, check_exit
from nimdsl.compile.compilation import Compilation
from nimdsl.compile.phase import CompiledPhase, PhaseContext, compile_phase
from nimdsl.expression.types import Type
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Economy, Phase, Program
from nimdsl.show.costs import phase_costs
from nimdsl.show.graph import Drawing, draw_phase
from nimdsl.text.alignment import place_within


def compile_phases(
    compilation: Compilation, names: Iterable[str], kinds: Mapping[str, Type], economy: Economy | None
) -> dict[str, CompiledPhase]:
    """Phases of these names, paid by one economy."""
    context = PhaseContext(compilation.parts["Schema"], kinds, economy)
    compiled: dict[str, CompiledPhase] = {}
    for name in dict.fromkeys(names):
        document = compilation.documents.get("Phase", name)
        if document is None or document.broken:
            continue
        findings, reader = compilation.open(document)
        phase = compile_phase(findings, reader, context)
        if not findings.failed:
            check_exit(findings, reader, phase)
            for scalar, condition in phase.conditions:
                check_statuses(findings, condition, partial(place_within, scalar))
        compilation.close(findings)
        if not findings.failed and not findings.poisoned:
            compiled[name] = phase
    return compiled


def _compile(compilation: Compilation) -> dict[str, CompiledPhase]:
    """Those that no protocol has compiled; the sole economy pays, if there is one."""
    economies, phases = compilation.economies, compilation.phases
    orphans = [name for name in compilation.documents.of("Phase") if name not in phases]
    sole = next(iter(economies.values())) if len(economies) == 1 else None
    phases.update(compile_phases(compilation, orphans, compilation.phase_types, sole))
    compilation.diagnostics += check_cycles(compilation.documents)
    return dict(sorted(phases.items()))


def _part(_: Compilation, __: str, compiled: CompiledPhase) -> Phase:
    return compiled.phase


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    return draw_phase(program.phases[name], deep)


KIND = Kind(
    "Phase",
    partial(shipped, "phase"),
    _compile,
    _part,
    needs=("Protocol",),
    draw=_draw,
    costs=phase_costs,
)
