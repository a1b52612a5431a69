"""The kind ``Cell``: a small actor with a machine, or with answers."""

from __future__ import annotations

from functools import partial

from nimdsl.checks.machines import check_machine
from nimdsl.compile.answers import Context
from nimdsl.compile.cell import CompiledCell, accepted_events, compile_cell
from nimdsl.compile.compilation import Compilation
from nimdsl.compile.reader import Findings, Reader
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Actor, Program
from nimdsl.show.costs import cell_costs
from nimdsl.show.graph import Drawing, draw_cell


def _compile(compilation: Compilation) -> dict[str, CompiledCell]:
    context = Context(compilation.parts["Schema"], compilation.rewards)

    def compile_one(findings: Findings, reader: Reader) -> CompiledCell | None:
        cell = compile_cell(findings, reader, context)
        if cell is not None and not findings.failed and not findings.poisoned:
            check_machine(findings, cell.root, cell.interface, cell.answering)
        return cell

    return compilation.each("Cell", compile_one)


def _part(compilation: Compilation, name: str, cell: CompiledCell) -> Actor:
    return Actor(
        kind="cell",
        name=name,
        root=cell.root,
        data=cell.data,
        tables=cell.tables,
        works=cell.works,
        accepts=tuple(sorted(accepted_events(cell))),
        domain=cell.domain,
        types=cell.interface.data,
        place=compilation.place_of("Cell", name),
    )


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    return draw_cell(program.cells[name], deep)


KIND = Kind(
    "Cell",
    partial(shipped, "cell"),
    _compile,
    _part,
    needs=("Schema", "Economy"),
    plural="cells",
    draw=_draw,
    costs=cell_costs,
)
