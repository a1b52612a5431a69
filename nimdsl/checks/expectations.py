"""Checks of what must hold at the end: does it name states that there are?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nimdsl.base.diagnostics import Place
from nimdsl.base.suggest import phrase
from nimdsl.compile.cell import CompiledCell
from nimdsl.compile.reader import Findings
from nimdsl.expression.syntax import (
    Binary,
    ExpressionNode,
    Field,
    Index,
    ListOf,
    Literal,
    Name,
    children,
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
    for cell, written in _compared(tree):
        known = states.get(cell)
        if known is None or written.value in known:
            continue
        inside = [path for path in known if path.startswith(f"{written.value}/")]
        message, fix = f"`{cell}` has no state `{written.value}`", phrase(written.value, known)
        if inside:
            message = f"`{written.value}` of `{cell}` has states inside, and one of them is told"
            fix = phrase("", inside)
        findings.report("NIM0405", message, place(written.start, written.end), fix)


def _compared(tree: ExpressionNode) -> Iterator[tuple[str, Literal]]:
    """The cells whose state is compared, each with a text that it is compared with."""
    if isinstance(tree, Binary) and tree.operator in ("==", "!=", "in"):
        for one, other in ((tree.left, tree.right), (tree.right, tree.left)):
            cell = _cell(one)
            texts = other.items if isinstance(other, ListOf) else (other,)
            for text in texts if cell else ():
                if isinstance(text, Literal) and isinstance(text.value, str):
                    yield cell, text
    for child in children(tree):
        yield from _compared(child)


def _cell(tree: ExpressionNode) -> str:
    """The cell whose ``state`` is read; empty for everything else."""
    match tree:
        case Field(target=Field(target=Name("cells"), name=name), name="state"):
            return name
        case Field(target=Index(target=Name("cells"), index=Literal(value=str(name))), name="state"):
            return name
    return ""
