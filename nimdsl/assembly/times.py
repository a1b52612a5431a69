"""What comes from the clock, in all cells, gates and nerves together: each may have it from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nimdsl.compile.cell import CompiledCell
from nimdsl.compile.compilation import Compilation
from nimdsl.compile.gate import CompiledGate
from nimdsl.compile.nerve import CompiledNerve
from nimdsl.compile.times import Timed, with_times


def mark_times(compilation: Compilation) -> None:
    """Marks it in the parts, once all of them are compiled."""
    cells: Mapping[str, CompiledCell] = compilation.parts["Cell"]
    nerves: Mapping[str, CompiledNerve] = compilation.parts["Nerve"]
    gates: Mapping[str, CompiledGate] = compilation.parts["Gate"]
    machines = {
        **{f"cell/{name}": _timed(one) for name, one in cells.items()},
        **{f"nerve/{name}": _timed(one.cell) for name, one in nerves.items()},
    }
    emitting = {f"gate/{name}": one.sources for name, one in gates.items() if one.emits}
    timed, content = with_times(
        machines, {gate: [one.emitter for one in sources] for gate, sources in emitting.items()}
    )
    compilation.parts["Cell"] = {name: _marked(one, timed[f"cell/{name}"]) for name, one in cells.items()}
    compilation.parts["Nerve"] = {
        name: replace(one, cell=_marked(one.cell, timed[f"nerve/{name}"])) for name, one in nerves.items()
    }
    compilation.parts["Gate"] = {
        name: replace(one, times=content.get(f"gate/{name}", ())) for name, one in gates.items()
    }


def _timed(cell: CompiledCell) -> Timed:
    return Timed(cell.root, cell.works, cell.interface.arguments, cell.heard)


def _marked(cell: CompiledCell, timed: Timed) -> CompiledCell:
    return replace(cell, root=timed.root, works=timed.works)
