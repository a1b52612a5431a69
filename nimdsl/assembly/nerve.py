"""The kind ``Nerve``: it acts when its gate opens, and tells the gate what came of it."""

from __future__ import annotations

from functools import partial

from nimdsl.assembly.cell import emitted_by_cells, topics_of
from nimdsl.checks.machines import check_machine
from nimdsl.compile.answers import Context
from nimdsl.compile.cell import accepted_events
from nimdsl.compile.compilation import Compilation, Participant
from nimdsl.compile.nerve import GRANT, GRANTED, TOLD, CompiledNerve, compile_nerve
from nimdsl.compile.participants import receivers_of
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.waves import Waves
from nimdsl.expression.types import DURATION, INT, LIFEFORCE, STRING, record_of
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Nerve, Program
from nimdsl.program.machine import every_way
from nimdsl.show.graph import Drawing, draw_cell

OUTCOMES = ("confirmed", "failed", "partial", "expired")
COUNTS = ("granted", *OUTCOMES, "commands", "late")


def _compile(compilation: Compilation) -> dict[str, CompiledNerve]:
    emitted = emitted_by_cells(compilation)
    for name, gate in compilation.parts["Gate"].items():
        if not gate.emits:
            emitted[f"gate/{name}"] = None
        elif gate.heard is not None:
            emitted[f"gate/{name}"] = Waves(gate.emits, gate.heard.content, 1.0, emitter=f"gate/{name}")
    context = Context(compilation.parts["Schema"], compilation.rewards, compilation.economies, emitted)

    def compile_one(findings: Findings, reader: Reader) -> CompiledNerve | None:
        nerve = compile_nerve(findings, reader, context)
        if nerve is not None and not findings.failed and not findings.poisoned:
            check_machine(findings, nerve.root, nerve.cell.interface)
        return nerve

    return compilation.each("Nerve", compile_one)


def _part(compilation: Compilation, name: str, one: CompiledNerve) -> Nerve:
    cell = one.cell
    events = accepted_events(cell)
    told = {event: fields for event, fields in TOLD.items() if event in ("revoked", "closed")}
    return Nerve(
        kind="nerve",
        name=name,
        root=cell.root,
        data=cell.data,
        tables=cell.tables,
        works=cell.works,
        accepts=tuple(sorted({*events, *told, GRANTED})),
        fields={
            **events,
            **told,
            GRANTED: GRANT,
            **{heard: cell.interface.events[heard].fields for heard in cell.heard},
        },
        hears=topics_of(compilation, cell),
        senses=dict(sorted(cell.heard.items())),
        economy=cell.interface.economy,
        types=cell.interface.data,
        place=compilation.place_of("Nerve", name),
        gate=one.gate,
        stale_ns=one.stale_ns,
        needs=one.needs,
        patience_ns=one.patience_ns,
        verify=one.verify,
    )


def _participant(one: CompiledNerve) -> Participant:
    seen = {
        "state": STRING,
        "data": record_of(one.cell.interface.data, "the nerve"),
        "spent": LIFEFORCE,
        "answered": DURATION,
        **dict.fromkeys(COUNTS, INT),
    }
    priced = not one.cell.interface.economy and any(way.price is not None for way in every_way(one.root))
    near = {f"cell/{name}" for name in receivers_of(one.root, one.cell.works)}
    near |= {*one.cell.heard.values(), f"gate/{one.gate}"}
    near |= {work.command.to for work in one.cell.works.values() if work.command}
    accepts = {**accepted_events(one.cell), GRANTED: GRANT}
    return Participant(
        accepts,
        record_of(seen, "the nerve"),
        priced,
        one.cell.works,
        one.root,
        one.cell.interface.economy,
        near=frozenset(near),
    )


def _draw(program: Program, name: str, deep: bool) -> Drawing:
    nerve: Nerve = program.of("Nerve")[name]
    return draw_cell(nerve, deep)


KIND = Kind(
    "Nerve",
    partial(shipped, "nerve"),
    _compile,
    _part,
    needs=("Economy", "Schema", "Organ", "Cell", "Gate"),
    plural="nerves",
    participant=_participant,
    draw=_draw,
)
