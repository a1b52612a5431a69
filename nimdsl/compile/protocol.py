"""Compiles ``Protocol``: its phases, one after the other, as one machine.

The machine ends in ``complete``, ``failed`` or ``refused``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nimdsl.compile.handshake import TRANSLATE, TRANSLATED, UNTRANSLATED
from nimdsl.compile.outcome import Cells, outcome_scope
from nimdsl.compile.phase import CompiledPhase
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.work import compile_model, real_driver
from nimdsl.expression.types import STRING, Type, record_of
from nimdsl.program import Actor, Criterion, Economy, Protocol, Work, WorkModel
from nimdsl.program.machine import State, Timer, Transition


def compile_protocol(
    findings: Findings,
    reader: Reader,
    phases: Mapping[str, CompiledPhase],
    phase_types: Mapping[str, Type],
    economy: Economy | None,
    cells: Cells,
) -> Protocol | None:
    """The protocol; None when a phase of it is missing or broken."""
    names = reader.references("phases", "Phase")
    _check_order(findings, reader, names, phases)
    chain = [phases[name] for name in names if name in phases]
    if findings.failed or len(chain) != len(names) or not chain:
        return None
    root = _root(chain, findings)
    work = _translator(reader, chain)
    actor = Actor(
        kind="protocol",
        name=findings.document.name,
        root=root,
        data={
            "attempt": 0,
            "translation": 0,
            "errors": 0,
            "hint": "",
            "intent": {},
            "message": {},
            "phases": {phase.phase.name: dict(phase.data) for phase in chain},
        },
        tables={},
        works={TRANSLATE: work},
        place=findings.document.place,
    )
    kinds = {name: phase_types[name] for name in names}
    scope = outcome_scope(kinds, cells, open=findings.documents.damaged)
    criteria = tuple(
        Criterion(item.text("text"), holds)
        for item in reader.items("criteria")
        if (holds := item.expression("holds", scope)) is not None
    )
    economy_name = economy.name if economy else ""
    return Protocol(findings.document.name, economy_name, tuple(p.phase for p in chain), actor, criteria)


def _check_order(
    findings: Findings, reader: Reader, names: list[str], phases: Mapping[str, CompiledPhase]
) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            findings.report("NIM0208", f"the phase `{name}` stands here twice", reader.place("phases"))
        for earlier in phases[name].after if name in phases else ():
            if earlier not in names[:position]:
                message = f"`{name}` comes after `{earlier}`, which does not stand before it"
                findings.report(
                    "NIM0504", message, reader.place("phases"), f"put `{earlier}` before `{name}`"
                )


def _root(chain: list[CompiledPhase], findings: Findings) -> State:
    states: list[State] = []
    following = [*(phase.phase.name for phase in chain[1:]), "complete"]
    for phase, after in zip(chain, following, strict=True):
        states.append(with_way_on(phase.state, after))
    ends = tuple(State(name, final=True) for name in ("complete", "failed", "refused"))
    return State("", chain[0].phase.name, (*states, *ends), place=findings.document.place)


def with_way_on(state: State, target: str) -> State:
    """A phase's state whose ``complete`` leads to ``target``."""
    timer = Timer(0, (Transition("", target),))
    inner = tuple(replace(s, timers=(timer,)) if s.name == "complete" else s for s in state.states)
    return replace(state, states=inner)


def _translator(reader: Reader, chain: list[CompiledPhase]) -> Work:
    inner = reader.sub("translator")
    virtual = inner.sub("virtual") if inner else None
    model: WorkModel | None = (
        compile_model(virtual, {}, record_of({}), answering=False) if virtual else None
    )
    return Work(
        name=TRANSLATE,
        returns={"text": STRING},
        outcomes={"done": TRANSLATED, "failed": UNTRANSLATED},
        produces={phase.phase.name: phase.terms.request_schema for phase in chain},
        virtual=model,
        real=real_driver(inner) if inner else {},
        place=inner.place() if inner else reader.place(),
    )
