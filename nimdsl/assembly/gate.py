"""The kind ``Gate``: it hears waves, and opens."""

from __future__ import annotations

from functools import partial

from nimdsl.compile.compilation import Compilation, Participant
from nimdsl.compile.gate import CompiledGate, compile_gate
from nimdsl.expression.types import INT, REAL, SHARE, STRING, record_of
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Gate, Program
from nimdsl.program.machine import every_way
from nimdsl.show.graph import Drawing, draw_cell

OUTCOME = record_of(
    {"state": STRING, "openings": INT, "weight": SHARE, "tier": INT, "value": REAL}, "the gate"
)
VERIFIED = {"opening": INT, "outcome": STRING, "discrepancy": SHARE}


def _compile(compilation: Compilation) -> dict[str, CompiledGate]:
    return compilation.each("Gate", compile_gate)


def _part(compilation: Compilation, name: str, one: CompiledGate) -> Gate:
    return Gate(
        kind="gate",
        name=name,
        root=one.root,
        data={},
        tables={},
        works={},
        accepts=("shed", "verified"),
        domain=one.emits,
        hears=tuple(sorted({f"wave/{ear.domain}" for ear in one.ears})),
        place=compilation.place_of("Gate", name),
        ears=one.ears,
        resonance=one.resonance,
        weighing=one.weighing,
        rest_ns=one.rest_ns,
        below=one.below,
        goes=one.goes,
    )


def _participant(one: CompiledGate) -> Participant:
    priced = any(way.price is not None for way in every_way(one.root))
    return Participant({"verified": VERIFIED, "shed": {}}, OUTCOME, priced)


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    gate: Gate = program.of("Gate")[name]
    return draw_cell(gate, deep)


KIND = Kind(
    "Gate",
    partial(shipped, "gate"),
    _compile,
    _part,
    needs=("Economy",),
    plural="gates",
    participant=_participant,
    draw=_draw,
)
