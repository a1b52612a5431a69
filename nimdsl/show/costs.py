"""What a document costs at worst, from the compiled program: micro-LF, and in words.

A phase: its handshakes times the reservation of one.  A protocol: the sum of
its phases, and what the first handshake reserves.  A cell: of each purse its dearest
transition, with what the work that it begins reserves, and how long work takes that is tried
again.  What a run really costs is the virtual garden's to say.
"""

from __future__ import annotations

from nimdsl.base.units import format_duration, format_lifeforce
from nimdsl.checks.attention import full_load
from nimdsl.checks.economy import bill_of
from nimdsl.kinds import WorstCost
from nimdsl.program import Phase, Program, Work
from nimdsl.program.amount import most_of
from nimdsl.program.machine import walk


def phase_costs(program: Program, name: str) -> list[WorstCost]:
    """A phase: every handshake at its reservation, as the protocol that runs it pays for it."""
    own = (p for protocol in program.protocols.values() for p in protocol.phases if p.name == name)
    return [phase_cost(next(own, program.phases[name]))]


def attention_costs(program: Program, name: str) -> list[WorstCost]:
    """An attention: a beat in which every level has as much as it may."""
    load = full_load(program.attentions[name].beat)
    return [{"micro_lf": load, "text": f"a beat at full load: {format_lifeforce(load)} LF"}]


def phase_cost(phase: Phase) -> WorstCost:
    """Every handshake at its reservation."""
    count = len(phase.handshakes)
    total = count * phase.reservation
    each = format_lifeforce(phase.reservation)
    plural = "handshake" if count == 1 else "handshakes"
    return {"micro_lf": total, "text": f"{count} {plural} x {each} LF = {format_lifeforce(total)} LF"}


def protocol_costs(program: Program, name: str) -> list[WorstCost]:
    """A protocol: the sum of its phases, and what the first handshake reserves."""
    protocol = program.protocols[name]
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


def cell_costs(program: Program, name: str) -> list[WorstCost]:
    """A cell: its dearest transition of each purse, and how long work takes that is tried again."""
    cell = program.cells[name]
    priced: dict[str, list[tuple[int, str]]] = {}
    for path, state in [("", cell.root), *walk(cell.root)]:
        timed = [(f"timer of `{path}`", t) for timer in state.timers for t in timer.transitions]
        shown = path or "any state"
        for where, transition in [(f"`{shown}` on `{t.event}`", t) for t in state.transitions] + timed:
            bill: dict[str, int] = {}
            for economy, amount in bill_of(cell.root, path, transition, ""):
                bill[economy] = bill.get(economy, 0) + most_of(amount)
            for economy, most in bill.items():
                priced.setdefault(economy, []).extend([(most, where)] if most else [])
    times = [found for work in cell.works.values() for found in (*_longest(work), *_reserved(work))]
    return [*(_dearest(economy, priced[economy]) for economy in sorted(priced) if priced[economy]), *times]


def _dearest(economy: str, priced: list[tuple[int, str]]) -> WorstCost:
    """The dearest of some transitions; ``economy`` is another one than the cell's own."""
    amount, where = max(priced, key=lambda item: item[0])
    of = f" of `{economy}`" if economy else ""
    return {
        "micro_lf": amount,
        "text": f"the dearest transition{of}, {where}: {format_lifeforce(amount)} LF",
    }


def _longest(work: Work) -> list[WorstCost]:
    longest_ns = work.most_ns
    if work.attempts == 1 or longest_ns is None:
        return []
    told = f"{work.attempts} attempts" + (" and the waits between them" if work.backoff else "")
    text = f"`{work.name}` takes {format_duration(longest_ns)}: {told}"
    return [{"micro_lf": 0, "text": text, "longest_ns": longest_ns}]


def _reserved(work: Work) -> list[WorstCost]:
    """What all attempts of work cost at most."""
    if work.reserve is None:
        return []
    each, most = most_of(work.reserve), most_of(work.reserve) * work.attempts
    told = "" if work.attempts == 1 else f": {work.attempts} attempts x {format_lifeforce(each)} LF"
    return [{"micro_lf": most, "text": f"`{work.name}` costs {format_lifeforce(most)} LF at most{told}"}]
