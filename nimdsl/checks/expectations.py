"""Checks of what must hold at the end: does it name states that there are?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nimdsl.base.diagnostics import Place
from nimdsl.checks.comparisons import compared, no_state
from nimdsl.compile.cell import CompiledCell
from nimdsl.compile.reader import Findings
from nimdsl.expression.syntax import (
    ExpressionNode,
    Field,
    Index,
    Literal,
    Name,
)
from nimdsl.program.machine import walk

States = Mapping[str, tuple[str, ...]]
"""The states in which cells can be found, by the name of the cell."""


def states_of_cells(cells: Mapping[str, CompiledCell]) -> States:
    """Of each cell the paths of the states that have none inside."""
    return {
        name: tuple(path for path, state in walk(cell.root) if not state.states)
        for name, cell in cells.items()
    }


def check_states(
    findings: Findings, tree: ExpressionNode, states: States, place: Callable[[int, int], Place]
) -> None:
    """NIM0405: a state of a cell that it does not have; ``place`` is that of a part of the text."""
    for cell, written in compared(tree, _cell):
        known = states.get(cell)
        wrong = no_state(cell, str(written.value), known) if known is not None else None
        if wrong is not None:
            message, fix = wrong
            findings.report("NIM0405", message, place(written.start, written.end), fix)


def _cell(tree: ExpressionNode) -> str:
    """The cell whose ``state`` is read; empty for everything else."""
    match tree:
        case Field(target=Field(target=Name("cells"), name=name), name="state"):
            return name
        case Field(target=Index(target=Name("cells"), index=Literal(value=str(name))), name="state"):
            return name
    return ""
