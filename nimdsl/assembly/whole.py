"""What can be judged only once everything is compiled: who lives on which economy, and brings it what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nimdsl.assembly.scenario import differs, living_on
from nimdsl.base.diagnostics import Severity
from nimdsl.base.suggest import phrase
from nimdsl.checks.economy import check_opening, grows, rewards_of, too_poor
from nimdsl.checks.loops import loops, report_loop
from nimdsl.checks.marks import check_flapping, flat_marks
from nimdsl.checks.pumping import check_pumping
from nimdsl.checks.reactions import Reacting
from nimdsl.compile.cell import CompiledCell
from nimdsl.compile.compilation import Compilation
from nimdsl.compile.gate import hears
from nimdsl.compile.waves import emitted_by
from nimdsl.program import Economy, Protocol, Scenario
from nimdsl.program.machine import State


def check_whole(compilation: Compilation) -> None:
    """Reports what no document shows alone."""
    _check_flapping(compilation)
    _check_unheard(compilation)
    _check_openings(compilation)
    _check_loops(compilation)
    _check_pumping(compilation)


def _check_pumping(compilation: Compilation) -> None:
    """NIM0518: machines that earn for nothing, of cells and nerves of which it is sure where they live."""
    homes = _homes(compilation)
    for kind in ("Cell", "Nerve"):
        for name, one in compilation.parts[kind].items():
            cell = one if isinstance(one, CompiledCell) else one.cell
            home = homes.get(name, "") if kind == "Cell" else cell.interface.economy or _only(compilation)
            economy = compilation.economies.get(home)
            if economy is not None and any(amount > 0 for amount in economy.rewards.values()):
                findings, _ = compilation.open(compilation.documents.of(kind)[name])
                check_pumping(findings, _reacting(cell), home, economy.rewards)
                compilation.close(findings)


def _only(compilation: Compilation) -> str:
    """The only economy that there is; empty where there are several."""
    names = [*compilation.documents.of("Economy")]
    return names[0] if len(names) == 1 else ""


def _check_loops(compilation: Compilation) -> None:
    """NIM0707: waves that answer each other, and no time passes."""
    kinds = {"cell": "Cell", "nerve": "Nerve"}
    actors = {
        f"{kind}/{name}": _reacting(one if isinstance(one, CompiledCell) else one.cell)
        for kind, name_of in kinds.items()
        for name, one in compilation.parts[name_of].items()
    }
    for way in loops(actors):
        kind, _, name = way[-1].actor.partition("/")
        findings, _ = compilation.open(compilation.documents.of(kinds[kind])[name])
        report_loop(findings, way)
        compilation.close(findings)


def _reacting(cell: CompiledCell) -> Reacting:
    return Reacting(cell.root, cell.works, cell.heard)


def _check_unheard(compilation: Compilation) -> None:
    """NIM0703: waves of a domain that nobody hears, where there are gates.  It is a warning."""
    documents, gates = compilation.documents, compilation.parts["Gate"]
    cells: Mapping[str, CompiledCell] = compilation.parts["Cell"]
    known = len(cells) == len(documents.of("Cell")) and len(gates) == len(documents.of("Gate"))
    if documents.damaged or not gates or not known:
        return
    nerves = [nerve.cell for nerve in compilation.parts["Nerve"].values()]
    named = {name for cell in (*cells.values(), *nerves) for name in cell.heard.values()}
    patterns = [ear.domain for gate in gates.values() for ear in gate.ears]
    for name, cell in cells.items():
        emits = emitted_by(name, cell.root, cell.domain) is not None
        if (
            not cell.domain
            or not emits
            or f"cell/{name}" in named
            or any(hears(one, cell.domain) for one in patterns)
        ):
            continue
        findings, reader = compilation.open(documents.of("Cell")[name])
        message = f"nobody hears the domain `{cell.domain}`, nor `{name}` by name"
        exact = {one for one in patterns if "*" not in one}
        fix = phrase(cell.domain, exact) or "let a gate hear it, or remove `domain`"
        findings.report("NIM0703", message, reader.place("domain"), fix, Severity.WARNING)
        compilation.close(findings)


def _check_flapping(compilation: Compilation) -> None:
    """NIM0513: marks at which a cell that lives on the economy goes to and fro.  It is a warning."""
    flat = {name: one for name, one in compilation.economies.items() if flat_marks(one)}
    cells: Mapping[str, CompiledCell] = compilation.parts["Cell"]
    homes = _homes(compilation) if flat else {}
    for name, economy in flat.items():
        living = {cell: cells[cell].root for cell, home in homes.items() if home == name}
        findings, reader = compilation.open(compilation.documents.of("Economy")[name])
        check_flapping(reader, economy, living)
        compilation.close(findings)


def _homes(compilation: Compilation) -> dict[str, str]:
    """By cell the economy that it lives on in every run; a cell of which that is not sure is left out.

    One that names none lives on the only one there is, or on that of the scenarios in which it takes part.
    """
    cells: Mapping[str, CompiledCell] = compilation.parts["Cell"]
    shared = _shared(compilation)
    homes = {name: {cell.interface.economy} - {""} or shared.get(name, ()) for name, cell in cells.items()}
    return {name: home for name, known in homes.items() if len(known) == 1 for home in known}


def _shared(compilation: Compilation) -> dict[str, set[str]]:
    """By cell the economies of the runs in which it takes part, as far as all of that is known."""
    documents = compilation.documents
    scenarios: Mapping[str, Scenario] = compilation.parts["Scenario"]
    if documents.damaged:
        return {}
    if len(documents.of("Economy")) == 1:
        return {name: {*documents.of("Economy")} for name in compilation.parts["Cell"]}
    found: dict[str, set[str]] = {}
    if len(scenarios) == len(documents.of("Scenario")):
        for scenario in scenarios.values():
            own = "" if differs(compilation, scenario, "cell") else scenario.economy
            for cell in scenario.cells:
                found.setdefault(cell, set()).add(own)
    return found


def _check_openings(compilation: Compilation) -> None:
    """NIM0503: economies that cannot pay for the first handshake when they open.

    Of a protocol it is an error, where nobody at all could bring its economy more.  Of the other runs it is
    a warning, which says whether somebody can that takes part.
    """
    protocols: Mapping[str, Protocol] = compilation.parts["Protocol"]
    scenarios: Mapping[str, Scenario] = compilation.parts["Scenario"]
    if compilation.documents.overridden:
        return
    lost = {name for name, one in protocols.items() if _is_lost(compilation, one)}
    for name in sorted(lost):
        protocol = protocols[name]
        economy, needed = compilation.economies[protocol.economy], protocol.phases[0].reservation
        findings, reader = compilation.open(compilation.documents.of("Protocol")[name])
        check_opening(reader, "economy", economy, needed, more=False, severity=Severity.ERROR)
        compilation.close(findings)
    for scenario in scenarios.values():
        one = protocols.get(scenario.protocol)
        if one is not None and not (scenario.protocol in lost and scenario.economy == one.economy):
            _check_run(compilation, scenario, one)


def _is_lost(compilation: Compilation, protocol: Protocol) -> bool:
    """Whether the first handshake of a protocol is refused whoever takes part."""
    economy = compilation.economies.get(protocol.economy)
    if economy is None or not too_poor(economy, protocol.phases[0].reservation):
        return False
    cells: Mapping[str, CompiledCell] = compilation.parts["Cell"]
    living = [cell.root for cell in cells.values() if cell.interface.economy in ("", economy.name)]
    living += [one.root for one in compilation.parts["Attention"].values()]
    others = _is_unsure(compilation) or any(one.priced for one in compilation.participants.values())
    return not _gets_more(economy, protocol.phases[0].reservation, living, others)


def _check_run(compilation: Compilation, scenario: Scenario, protocol: Protocol) -> None:
    """Whether the economy that pays in a scenario opens with enough, unless the scenario tries another."""
    economy, needed = compilation.economies.get(scenario.economy), protocol.phases[0].reservation
    changed = differs(compilation, scenario, "economy", "phase", "protocol")
    if economy is None or changed or not too_poor(economy, needed):
        return
    living = [root for own, root in living_on(compilation, scenario) if own == economy.name]
    others = any(compilation.participants[actor].priced for actor in scenario.actors)
    unsure = differs(compilation, scenario, "cell", "attention") or _is_unsure(compilation)
    more = _gets_more(economy, needed, living, others or unsure)
    findings, reader = compilation.open(compilation.documents.of("Scenario")[scenario.name])
    key = "economy" if "economy" in reader else "protocol"
    check_opening(reader, key, economy, needed, more, Severity.WARNING)
    compilation.close(findings)


def _is_unsure(compilation: Compilation) -> bool:
    """Whether somebody is wrong who may bring something."""
    documents, parts = compilation.documents, compilation.parts
    kinds = ("Cell", "Attention")
    return documents.damaged or any(len(parts[kind]) < len(documents.of(kind)) for kind in kinds)


def _gets_more(economy: Economy, needed: int, living: Iterable[State], others: bool) -> bool:
    """Whether a pool may have ``needed`` above its floor before anything is taken from it.

    Each of those that live on it may bring something; ``others``: somebody else too.
    """
    full = economy.capacity is not None and economy.capacity - economy.kept < needed
    living = [*living]
    rewards = {name for root in living for name in rewards_of(root)}
    return not full and (others or grows(economy, rewards, living))
