"""The kind ``Scenario``: a run to make, and what must be true afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from nimdsl.base.diagnostics import Place
from nimdsl.checks.attention import check_economy
from nimdsl.checks.carrying import check_carried, lasts
from nimdsl.checks.comparisons import check_statuses
from nimdsl.checks.economy import check_prices, check_rewards, rewards_of
from nimdsl.checks.expectations import check_states, states_of_cells
from nimdsl.checks.origins import answers_back
from nimdsl.compile.attention import CompiledAttention
from nimdsl.compile.cell import CompiledCell, accepted_events
from nimdsl.compile.compilation import Compilation, Participant
from nimdsl.compile.participants import receivers_of
from nimdsl.compile.purses import purses_of
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.scenario import ScenarioContext, compile_scenario
from nimdsl.kinds import Kind
from nimdsl.kinds.schemas import shipped
from nimdsl.program import Beat, Economy, Organ, Scenario, Work
from nimdsl.program.machine import AskReward, BeginWork, PriceSource, State, every_action, every_way, walk


def _compile(compilation: Compilation) -> dict[str, Scenario]:
    if not compilation.documents.of("Scenario"):
        return {}  # and nobody need look at everybody who could take part
    context = _context(compilation)
    states = states_of_cells(compilation.parts["Cell"])

    def compile_one(findings: Findings, reader: Reader) -> Scenario:
        scenario = compile_scenario(findings, reader, context)
        _check_economy(compilation, findings, scenario, context)
        _check_rewards(compilation, findings, scenario, context)
        _check_prices(compilation, findings, scenario, context)
        _check_carried(compilation, reader, scenario)
        for one in scenario.expect:
            place = partial(reader.within, "expect", one.holds.place)
            check_states(findings, one.holds.node, states, place)
            check_statuses(findings, one.holds, place)
        return scenario

    return compilation.each("Scenario", compile_one)


def _context(compilation: Compilation) -> ScenarioContext:
    cells: dict[str, CompiledCell] = compilation.parts["Cell"]
    attentions: dict[str, CompiledAttention] = compilation.parts["Attention"]
    return ScenarioContext(
        protocols=compilation.parts["Protocol"],
        phase_types=compilation.phase_types,
        economies=compilation.economies,
        gardens=compilation.parts["Garden"],
        cells=compilation.cells_seen,
        attentions={name: one.beat for name, one in attentions.items()},
        accepts={name: accepted_events(cell) for name, cell in cells.items()},
        sends={
            **{
                f"cell/{name}": receivers_of(cell.root, cell.works)
                | {one.removeprefix("cell/") for one in cell.heard.values() if one.startswith("cell/")}
                for name, cell in cells.items()
            },
            **{f"attention/{name}": receivers_of(one.root, one.works) for name, one in attentions.items()},
        },
        priced=_priced(compilation),
        purses={name: purses_of(cell.root, cell.interface.economy) for name, cell in cells.items()},
        attention_purses={name: purses_of(one.root, "") for name, one in attentions.items()},
        resources={
            name: frozenset(one.acquire.resource for one in cell.works.values() if one.acquire)
            for name, cell in cells.items()
        },
        organs=compilation.parts["Organ"],
        asking={
            **{name: _asking(cell.works) for name, cell in cells.items()},
            **{actor: _asking(one.works) for actor, one in compilation.participants.items()},
        },
        participants=compilation.participants,
        hearing={
            name: frozenset(one for one in cell.heard.values() if not one.startswith("cell/"))
            for name, cell in cells.items()
        },
        answering={
            name: frozenset(one.event for one in found if not one.guarded)
            for name, cell in cells.items()
            if (found := answers_back(cell.root))
        },
        plurals=compilation.plurals,
    )


def _priced(compilation: Compilation) -> frozenset[str]:
    """Cells that charge the scenario's economy, or ask it for rewards; of other kinds, their ids."""
    cells: dict[str, CompiledCell] = compilation.parts["Cell"]
    attentions: dict[str, CompiledAttention] = compilation.parts["Attention"]
    organs = compilation.parts["Organ"]
    return frozenset(
        [name for name, cell in cells.items() if not cell.interface.economy and _costs(cell.root)]
        + [name for name, cell in cells.items() if _asks_dear_ones(cell.works, organs)]
        + [name for name, one in attentions.items() if _costs(one.root) or _dear(one.beat)]
        + [
            actor
            for actor, one in compilation.participants.items()
            if one.priced or _asks_dear_ones(one.works, organs)
        ]
    )


def _asking(works: Mapping[str, Work]) -> list[Work]:
    """The works that ask organs."""
    return [one for one in works.values() if one.organ is not None]


def _asks_dear_ones(works: Mapping[str, Work], organs: Mapping[str, Organ]) -> bool:
    """Whether some of the organs that are asked cost something."""
    found = (organs.get(one.organ.name) for one in _asking(works) if one.organ is not None)
    return any(one.is_dear for one in found if one is not None)


def differs(compilation: Compilation, scenario: Scenario, *kinds: str) -> bool:
    """Whether a run may differ in documents of these kinds from what they say."""
    changed = {path.partition("/")[0] for path in scenario.set}
    return compilation.documents.overridden or not changed.isdisjoint(kinds)


def living_on(compilation: Compilation, scenario: Scenario) -> list[tuple[str, State]]:
    """The machines that take part, each with the economy that it lives on; the attention's is the last."""
    cells, attentions = compilation.parts["Cell"], compilation.parts["Attention"]
    taking = [cells[name] for name in scenario.cells if name in cells]
    found = [(cell.interface.economy or scenario.economy, cell.root) for cell in taking]
    found += [
        (one.economy or scenario.economy, one.root)
        for _, one in _beside(compilation, scenario)
        if one.root is not None
    ]
    return found + [
        (scenario.economy, attentions[name].root) for name in [scenario.attention] if name in attentions
    ]


def _check_economy(
    compilation: Compilation, findings: Findings, scenario: Scenario, context: ScenarioContext
) -> None:
    """Whether the economy of a scenario can carry its attention."""
    beat = context.attentions.get(scenario.attention)
    economy = _rewarding(compilation, scenario)
    if beat is not None and economy is not None:
        attention, purse = (
            Reader(findings, compilation.documents.of(kind)[name].spec, {})
            for kind, name in (("Attention", scenario.attention), ("Economy", scenario.economy))
        )
        machines = living_on(compilation, scenario)
        living = [root for own, root in machines if own == economy.name]
        check_economy(attention, beat, purse, economy, living)


def _check_rewards(
    compilation: Compilation, findings: Findings, scenario: Scenario, context: ScenarioContext
) -> None:
    """Whether the economy of a scenario has what those that live on it ask for."""
    economy = context.economies.get(scenario.economy)
    if economy is None or findings.failed or findings.poisoned:
        return
    cells, attentions = compilation.parts["Cell"], compilation.parts["Attention"]
    taking = [cells[name] for name in scenario.cells if name in cells]
    living = [(cell.interface.name, cell.root) for cell in taking if not cell.interface.economy]
    living += [(name, attentions[name].root) for name in [scenario.attention] if name in attentions]
    living += [
        (actor.partition("/")[2], one.root)
        for actor, one in _beside(compilation, scenario)
        if one.root is not None and not one.economy
    ]
    check_rewards(findings, economy, living)


def _rewarding(compilation: Compilation, scenario: Scenario) -> Economy | None:
    """The economy of a scenario, with what those earn there that say it themselves."""
    economy = compilation.economies.get(scenario.economy)
    if economy is None:
        return None
    earned = {actor: one.earns for actor, one in _beside(compilation, scenario) if one.earns}
    return replace(economy, rewards={**economy.rewards, **earned})


def _beside(compilation: Compilation, scenario: Scenario) -> list[tuple[str, Participant]]:
    """The actors of other kinds that take part, and are known."""
    known = compilation.participants
    return [(actor, known[actor]) for actor in scenario.actors if actor in known]


def _check_prices(
    compilation: Compilation, findings: Findings, scenario: Scenario, context: ScenarioContext
) -> None:
    """Whether what machines cost can ever be paid by each economy, unless the scenario tries another."""
    if differs(compilation, scenario, "economy") or findings.failed or findings.poisoned:
        return
    machines = living_on(compilation, scenario)
    named = {scenario.economy, *(name for own, root in machines for name in purses_of(root, own))}
    told: set[tuple[Place, int, int]] = set()
    for name in sorted(named & {*context.economies}):
        economy = context.economies[name]
        if name == scenario.economy:
            economy = _rewarding(compilation, scenario) or economy
        asked = {one for own, root in machines if own == name for one in rewards_of(root)}
        others = (scenario.protocol or scenario.actors) and name == scenario.economy
        check_prices(findings, economy, machines, economy.rewards if others else asked, told)


def _check_carried(compilation: Compilation, reader: Reader, scenario: Scenario) -> None:
    """Whether the stock of a scenario's economy surely ends, where all that could fill it is known."""
    economy, beside = compilation.economies.get(scenario.economy), _beside(compilation, scenario)
    changed = differs(compilation, scenario, "economy", "cell", "nerve", "gate", "attention")
    documents, kinds = compilation.documents, ("Cell", "Nerve", "Gate", "Attention")
    wrong = documents.damaged or any(
        len(compilation.parts[kind]) < len(documents.of(kind)) for kind in kinds
    )
    unsure = any(one.earns or (one.priced and one.root is None) for _, one in beside)
    unknown = wrong or scenario.protocol or unsure
    if economy is None or changed or unknown or reader.findings.failed or reader.findings.poisoned:
        return
    living = [root for own, root in living_on(compilation, scenario) if own == economy.name]
    asked = {name for root in living for name in rewards_of(root)}
    if not any(economy.rewards.get(name, 0) > 0 for name in asked) and lasts(
        economy, scenario.attention, living
    ):
        check_carried(reader, scenario, economy, living)


def _dear(beat: Beat) -> bool:
    return any(level.cost_fixed or level.cost_per_second or level.cost_per_item for level in beat.levels)


def _costs(root: State) -> bool:
    """Whether a machine pays, or is paid, from the economy that it lives on."""
    states = [root, *(state for _, state in walk(root))]
    rewarded = any(isinstance(action, AskReward) for action in every_action(root))
    flowing = any(state.income or state.upkeep for state in states)
    reserving = any(isinstance(one, BeginWork) and one.reserve is not None for one in every_action(root))
    charged = any(way.price and way.price.purse is not PriceSource.REQUEST for way in every_way(root))
    return rewarded or flowing or reserving or charged


KIND = Kind(
    "Scenario", partial(shipped, "scenario"), _compile, needs=("Protocol", "Phase", "Attention", "Garden")
)
