"""What a document costs at worst, from the compiled program: micro-LF, and in words.

A phase: its handshakes times the reservation of one.  A protocol: the sum of
its phases, and what the first handshake reserves.  A cell: its dearest
transition.  What a run really costs is the virtual garden's to say.
"""

from __future__ import annotations

from typing import TypedDict

from nimdsl.base.units import format_lifeforce
from nimdsl.checks.attention import full_load
from nimdsl.program import Actor, Phase, Program, Protocol
from nimdsl.program.machine import Transition, walk


class Cost(TypedDict):
    """A worst case: micro-LF, and how it comes about."""

    micro_lf: int
    text: str


def costs_of(program: Program, kind: str, name: str) -> list[Cost]:
    """The worst cases of a document, the main one first; nothing for kinds that cost nothing."""
    if kind == "Phase" and name in program.phases:
        return [phase_cost(_priced(program, program.phases[name]))]
    if kind == "Protocol" and name in program.protocols:
        return _protocol(program.protocols[name])
    if kind == "Cell" and name in program.cells:
        return _cell(program.cells[name])
    if kind == "Attention" and name in program.attentions:
        beat = program.attentions[name].beat
        assert beat is not None
        load = full_load(beat)
        return [{"micro_lf": load, "text": f"a beat at full load: {format_lifeforce(load)} LF"}]
    return []


def _priced(program: Program, phase: Phase) -> Phase:
    """The phase as the protocol that runs it pays for it."""
    own = (p for protocol in program.protocols.values() for p in protocol.phases if p.name == phase.name)
    return next(own, phase)


def phase_cost(phase: Phase) -> Cost:
    """Every handshake at its reservation."""
    count = len(phase.handshakes)
    total = count * phase.reservation
    each = format_lifeforce(phase.reservation)
    plural = "handshake" if count == 1 else "handshakes"
    return {"micro_lf": total, "text": f"{count} {plural} x {each} LF = {format_lifeforce(total)} LF"}


def _protocol(protocol: Protocol) -> list[Cost]:
    parts = [phase_cost(phase)["micro_lf"] for phase in protocol.phases]
    total = sum(parts)
    summed = " + ".join(format_lifeforce(part) for part in parts)
    first = protocol.phases[0].reservation
    summary = (
        f"{summed} = {format_lifeforce(total)} LF" if len(parts) > 1 else f"{format_lifeforce(total)} LF"
    )
    return [
        {"micro_lf": total, "text": f"all phases: {summary}"},
        {"micro_lf": first, "text": f"the first handshake reserves {format_lifeforce(first)} LF"},
    ]


def _cell(cell: Actor) -> list[Cost]:
    priced: list[tuple[int, str]] = []
    for path, state in [("any state", cell.root), *walk(cell.root)]:
        timed = [(f"timer of `{path}`", t) for timer in state.timers for t in timer.transitions]
        for where, transition in [(f"`{path}` on `{t.event}`", t) for t in state.transitions] + timed:
            priced += _amount(where, transition)
    if not priced:
        return []
    amount, where = max(priced, key=lambda item: item[0])
    return [{"micro_lf": amount, "text": f"the dearest transition, {where}: {format_lifeforce(amount)} LF"}]


def _amount(where: str, transition: Transition) -> list[tuple[int, str]]:
    price = transition.price
    return [(price.amount, where)] if price is not None and price.amount else []
