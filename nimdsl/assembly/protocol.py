"""The kind ``Protocol``: phases in order, the economy that pays, the criteria of completion."""

from __future__ import annotations

from functools import partial

from nimdsl.assembly.phase import compile_phases
from nimdsl.checks.comparisons import check_statuses
from nimdsl.checks.expectations import check_states, states_of_cells
from nimdsl.compile.compilation import Compilation
from nimdsl.compile.phase import phase_types
from nimdsl.compile.protocol import compile_protocol
from nimdsl.compile.reader import Findings, Reader
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Program, Protocol
from nimdsl.show.costs import protocol_costs
from nimdsl.show.graph import Drawing, draw_protocol
from nimdsl.text.alignment import place_within
from nimdsl.text.tree import Scalar


def _compile(compilation: Compilation) -> dict[str, Protocol]:
    kinds = phase_types(compilation.documents, compilation.parts["Schema"])
    compilation.phase_types = kinds

    def compile_one(findings: Findings, reader: Reader) -> Protocol | None:
        economy = compilation.economies.get(reader.reference("economy", "Economy"))
        own = compile_phases(compilation, reader.references("phases", "Phase"), kinds, economy)
        compilation.phases.update(own)
        protocol = compile_protocol(findings, reader, own, kinds, economy, compilation.cells_seen)
        written = {item.place("holds"): item.node.get("holds") for item in reader.items("criteria")}
        states = states_of_cells(compilation.parts["Cell"])
        for one in protocol.criteria if protocol else ():
            scalar = written[one.holds.place]
            assert isinstance(scalar, Scalar)
            check_states(findings, one.holds.node, states, partial(place_within, scalar))
            check_statuses(findings, one.holds, partial(place_within, scalar))
        return protocol

    return compilation.each("Protocol", compile_one)


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    return draw_protocol(program.protocols[name], deep)


KIND = Kind(
    "Protocol",
    partial(shipped, "protocol"),
    _compile,
    needs=("Schema", "Economy", "Cell"),
    draw=_draw,
    costs=protocol_costs,
)
