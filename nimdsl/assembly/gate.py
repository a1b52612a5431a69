"""The kind ``Gate``: it hears waves, and opens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from nimdsl.assembly.cell import emitted_by_cells
from nimdsl.compile.compilation import Compilation, Participant
from nimdsl.compile.gate import CompiledGate, compile_gate, hears
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.relaying import domain_of, ears_of
from nimdsl.compile.waves import Waves
from nimdsl.expression.types import ANY, INT, REAL, SHARE, STRING, record_of
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Gate, Program
from nimdsl.program.gate import tier_of
from nimdsl.program.machine import every_way
from nimdsl.show.graph import Drawing, draw_cell

OUTCOME = record_of(
    {"state": STRING, "openings": INT, "weight": SHARE, "tier": INT, "value": REAL}, "the gate"
)
OUTCOMES = {"opening": INT, "outcome": STRING, "discrepancy": SHARE}


def _compile(compilation: Compilation) -> dict[str, CompiledGate]:
    emitted = [one for one in emitted_by_cells(compilation).values() if one is not None]
    later = {*_emitting(compilation).values(), *_unknown(compilation)}

    def compile_one(findings: Findings, reader: Reader) -> CompiledGate:
        gate = compile_gate(findings, reader, emitted, later)
        if gate.emits and gate.heard is not None:
            emitter = f"gate/{findings.document.name}"
            emitted.append(Waves(gate.emits, gate.heard.content, 1.0, emitter=emitter))
        return gate

    return compilation.each("Gate", compile_one, _in_order(compilation))


def _emitting(compilation: Compilation) -> dict[str, str]:
    """The gates that emit, each with the domain of its waves."""
    documents = compilation.documents.of("Gate")
    return {name: domain for name, one in documents.items() if (domain := domain_of(one.spec))}


def _unknown(compilation: Compilation) -> Iterator[str]:
    """The domains of cells that are wrong themselves."""
    for name, document in compilation.documents.of("Cell").items():
        domain = document.spec.get("domain")
        if name not in compilation.parts["Cell"] and domain is not None:
            yield str(domain.plain())


def _in_order(compilation: Compilation) -> list[str]:
    """The gates, each after those whose waves it hears.  NIM0705 where waves go round."""
    documents = compilation.documents.of("Gate")
    emits = _emitting(compilation)
    done: dict[str, None] = {}

    def visit(name: str, around: tuple[str, ...]) -> None:
        for ear in ears_of(documents[name].spec):
            for other in (one for one, domain in emits.items() if one != name and hears(ear, domain)):
                if other in around:
                    _report_round(compilation, name, other)
                elif other not in done:
                    visit(other, (*around, name))
        done[name] = None

    for name in documents:
        if name not in done:
            visit(name, ())
    return [*done]


def _report_round(compilation: Compilation, name: str, other: str) -> None:
    findings, reader = compilation.open(compilation.documents.of("Gate")[name])
    message = f"the waves of `{name}` come back to it by way of `{other}`"
    findings.report("NIM0705", message, reader.place("hears"), f"let it not hear `{other}`")
    compilation.close(findings)


def _part(compilation: Compilation, name: str, one: CompiledGate) -> Gate:
    return Gate(
        kind="gate",
        name=name,
        root=one.root,
        data={},
        tables={},
        works={},
        accepts=("lived", "shed", "signal", "verified"),
        domain=one.emits,
        hears=tuple(sorted({f"wave/{ear.domain}" for ear in one.ears})),
        place=compilation.place_of("Gate", name),
        ears=one.ears,
        resonance=one.resonance,
        weighing=one.weighing,
        rest_ns=one.rest_ns,
        below=one.below,
        goes=one.goes,
        dialogue=one.dialogue,
        times=one.times,
    )


def _participant(one: CompiledGate) -> Participant:
    near = frozenset(waves.emitter for waves in one.sources)
    earns = one.weighing.reward
    priced = bool(earns) or any(way.price is not None for way in every_way(one.root))
    tier = tier_of(one.weighing.start, one.below)
    signal = {"confidence": REAL, "content": one.heard.content if one.heard is not None else ANY}
    accepts = {"verified": OUTCOMES, "lived": OUTCOMES, "signal": signal, "shed": {}}
    return Participant(accepts, OUTCOME, priced, root=one.root, tier=tier, near=near, earns=earns)


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    gate: Gate = program.of("Gate")[name]
    return draw_cell(gate, deep)


KIND = Kind(
    "Gate",
    partial(shipped, "gate"),
    _compile,
    _part,
    needs=("Economy", "Cell"),
    plural="gates",
    participant=_participant,
    draw=_draw,
)
