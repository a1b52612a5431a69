"""A run that has ended: what every garden leaves behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from nimdsl.base.diagnostics import error
from nimdsl.base.errors import NimdslError, SpecError
from nimdsl.base.suggest import phrase
from nimdsl.base.values import Value
from nimdsl.base.words import shown
from nimdsl.loading import provenance
from nimdsl.program import Actor, Economy, Gate, Nerve, Program, Rack, Scenario, sorted_actors
from nimdsl.program.rack import homes_of, rack_id, rack_of
from runtime.kernel.events import BEGIN, Begin, Loan, Marked
from runtime.kernel.interpreters import Interpreter
from runtime.kernel.kernel import Kernel, day_of
from runtime.ledger.accounts import SAID, Entry, Tariff
from runtime.ledger.bookkeeper import AnyEntry, Bookkeeper
from runtime.ledger.economy import Ledger
from runtime.ledger.lender import LoanEntry, LoanTerms
from runtime.ledger.marks import OVER
from runtime.ledger.purses import Purses
from runtime.record_classes import bodies
from runtime.run.host import Host

BOOKS = 1_000_000
"""Real gardens number a step's bookings from here, by their place among its effects; questions from 0."""
WIND_DOWN_NS = 1_000_000_000
"""How long a run waits, after its protocol's end, for messages and work that are still on their way."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that the garden did to a message or an actor."""

    time_ns: int
    actor: str
    what: str


Stopped = Literal["final", "horizon", "quiet", "starved", "stuck", "limit", "ended", "broken"]
"""Why a run ended; in a real garden also ended (by a person) or broken (a part of it was given up)."""


@dataclass(frozen=True)
class Run:
    """``stopped`` is why it ended."""

    run_id: str
    hosts: Mapping[str, Host]
    books: Bookkeeper
    time_ns: int
    stopped: Stopped
    incidents: tuple[Incident, ...]
    incidents_left_out: int = 0
    """How many more there were."""
    replication: int = 0
    """Which of the runs with its seed."""
    epoch: str = ""
    """When garden time began, where it was real."""
    rate: float = 1.0
    """Garden seconds in a second, where it was real."""

    @property
    def purses(self) -> Purses:
        """The economies that took part."""
        return self.books.purses

    @property
    def ledger(self) -> Ledger | None:
        """The ledger of the scenario's own economy; None where it has none."""
        return self.purses.own


def kernel_of(
    actor: Actor, interpreter: Interpreter, program: Program, scenario: Scenario, epoch: str
) -> Kernel:
    """The kernel of an actor in a run that began at ``epoch``."""
    attention = program.attentions.get(scenario.attention)
    return Kernel(
        actor,
        interpreter,
        program.schemas,
        program.sha256,
        day_of(epoch),
        scenario.economy,
        f"attention/{scenario.attention}" if scenario.attention else "",
        max(1, attention.beat.length_ns // 2) if attention is not None else 0,
        nerves_of(program, scenario) if actor.kind in ("gate", "attention") else {},
        racks_of(program, scenario, asked_by(actor)),
        _begin_of(program, scenario, actor),
    )


def nerves_of(program: Program, scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """The ids of the nerves that take part, sorted, by the name of their gate."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(scenario.actors):
        nerve = program.actors[name]
        if isinstance(nerve, Nerve):
            found[nerve.gate].append(name)
    return {gate: tuple(names) for gate, names in found.items()}


def asked_by(actor: Actor) -> set[str]:
    """The organs that an actor asks."""
    return {work.organ.name for work in actor.works.values() if work.organ is not None}


def organs_of(program: Program, scenario: Scenario) -> list[str]:
    """The organs that somebody who takes part asks, by name, sorted."""
    if not program.organs:
        return []
    asked = {name for actor in _documented(program, scenario) for name in asked_by(actor)}
    return sorted(asked & {*program.organs})


def racks_of(program: Program, scenario: Scenario, organs: Iterable[str]) -> dict[str, str]:
    """By organ the id of the rack where it lives, in the scenario's garden."""
    garden = program.gardens.get(scenario.garden)
    hosts = garden.hosts if garden is not None else ()
    homes = {
        name: homes_of(program.organs[name], hosts) for name in sorted(organs) if name in program.organs
    }
    return {name: rack_id(found[0]) for name, found in homes.items() if found}


def _racks(program: Program, scenario: Scenario) -> list[Rack]:
    """The racks of the garden, where somebody asks an organ: each knows the organs that live there."""
    organs = organs_of(program, scenario)
    if not organs:
        return []
    homes = racks_of(program, scenario, organs)
    return [
        rack_of(host, [program.organs[name] for name in organs if homes.get(name) == rack_id(host.name)])
        for host in program.gardens[scenario.garden].hosts
    ]


def _begin_of(program: Program, scenario: Scenario, actor: Actor) -> Begin:
    """The first event of an actor: a rack's says which cards it has, a gate's whether it explores."""
    garden = program.gardens.get(scenario.garden)
    signals = garden.signals if garden is not None else None
    if actor.kind == "gate" and signals is not None and signals.scenario == scenario.name:
        return Begin(explores=True)
    if not isinstance(actor, Rack):
        return BEGIN
    hosts = program.gardens[scenario.garden].hosts
    return Begin(cards=next(host.cards for host in hosts if host.name == actor.name))


def tariff_of(economy: Economy) -> Tariff:
    """What the ledger needs of an economy."""
    return Tariff(
        economy.name,
        economy.opening,
        economy.floor,
        economy.capacity,
        economy.rewards,
        economy.incomes,
        economy.upkeep,
        economy.window_ns,
        {name: (mark.below, mark.until) for name, mark in economy.marks.items()},
        economy.pulse,
        economy.slumber,
        economy.emergency,
        economy.starve_ns,
        economy.allowance,
    )


def earned_by(actors: Iterable[Actor]) -> dict[str, int]:
    """What the scenario's economy gives gates that have become reflexes, by id; micro-LF."""
    gates = (one for one in actors if isinstance(one, Gate))
    return {gate.id: gate.weighing.reward for gate in gates if gate.weighing.reward}


def economies_of(program: Program, scenario: Scenario) -> list[str]:
    """The economies that take part, by name: the scenario's own and those of its actors, sorted."""
    named = {scenario.economy}
    for actor in actors_of(program, scenario):
        named.add(actor.economy)
        named |= {price.economy for row in actor.table.rows for price in row.bill}
    waiting = [name for name in named if name in program.economies]
    found: set[str] = set()
    while waiting:  # those that give them something take part too
        name = waiting.pop()
        allowance = program.economies[name].allowance
        found.add(name)
        waiting += [allowance[0]] if allowance is not None and allowance[0] not in found else []
    return sorted(found)


def resources_of(program: Program, scenario: Scenario) -> list[str]:
    """The resources of which some actor acquires units, by name, sorted."""
    works = [work for actor in actors_of(program, scenario) for work in actor.works.values()]
    named = {work.acquire.resource for work in works if work.acquire is not None}
    return sorted(named & {*program.resources})


def books_of(
    program: Program, scenario: Scenario, epoch: str, entries: Iterable[AnyEntry] = ()
) -> Bookkeeper:
    """The books of a run that began at ``epoch``.

    Raises LedgerDamaged and LenderDamaged for entries that nobody wrote there.
    """
    tariffs = {name: tariff_of(program.economies[name]) for name in economies_of(program, scenario)}
    if scenario.economy in tariffs:
        own = tariffs[scenario.economy]
        earned = earned_by(program.actors[name] for name in scenario.actors)
        tariffs[own.name] = replace(own, rewards={**own.rewards, **earned})
    resources = (program.resources[name] for name in resources_of(program, scenario))
    terms = {one.name: LoanTerms(one.capacity, one.queue) for one in resources}
    return Bookkeeper(tariffs, scenario.economy, terms, entries, day_of(epoch))


Hearers = Mapping[tuple[str, str], tuple[str, ...]]
"""The actors that hear what an economy tells, by the economy and the event."""


def hearers_of(program: Program, scenario: Scenario) -> Hearers:
    """Who is told what, by its economy and its event: the actors that handle it.

    Of marks those that pay from the economy; of a pulse, of slumber and of waking also all others where
    it is the scenario's own.
    """
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for actor in actors_of(program, scenario):
        events = actor.table.event_numbers
        paying = {actor.economy or scenario.economy}
        paying |= {price.economy for row in actor.table.rows for price in row.bill if price.economy}
        for name in sorted(paying & {*program.economies}):
            for mark in program.economies[name].marks:
                for event in (mark, mark + OVER):
                    if event in events and event not in actor.accepts:
                        found[name, event].append(actor.id)
        for name in sorted((paying | {scenario.economy}) & {*program.economies}):
            for event in program.economies[name].own_events:
                if event in actor.always_hears or (event in events and event not in actor.accepts):
                    found[name, event].append(actor.id)
    return {key: tuple(ids) for key, ids in found.items()}


def heard_of(hearers: Hearers) -> dict[str, frozenset[str]]:
    """The marks that somebody hears, by their economy."""
    found: dict[str, set[str]] = defaultdict(set)
    for economy, event in hearers:
        found[economy].add(event)
    return {economy: frozenset(events) for economy, events in found.items()}


def actors_of(program: Program, scenario: Scenario) -> list[Actor]:
    """Who takes part, in the order of (kind, name).

    Raises PackageError where a package brings records that could not be read again, before any is made.
    """
    bodies()
    return sorted_actors([*_documented(program, scenario), *_racks(program, scenario)])


def _documented(program: Program, scenario: Scenario) -> list[Actor]:
    """Those who take part that documents describe."""
    ids = [f"cell/{name}" for name in scenario.cells]
    ids += [f"attention/{scenario.attention}"] if scenario.attention else []
    ids += [f"protocol/{scenario.protocol}"] if scenario.protocol else []
    return [program.actors[name] for name in (*ids, *scenario.actors)]


def loan_of(entry: LoanEntry) -> tuple[str, Loan] | None:
    """Whom a line of the lender is told to, and the event; None for one that nobody waits to hear of."""
    if entry.fate not in ("lent", "full"):
        return None
    actor, _, number = entry.key.rpartition("/")
    sender = f"resource/{entry.resource}"
    return actor, Loan(int(number), entry.fate == "lent", sender=sender, number=entry.number + 1)


def mark_of(entry: Entry, economy: str) -> Marked:
    """The event by which actors are told of a mark, a pulse, slumber or waking, from its entry."""
    balance = entry.balance or 0
    return Marked(entry.key, balance, sender=f"economy/{economy}", number=entry.number)


def told_by(entry: AnyEntry, purses: Purses, hearers: Hearers) -> list[tuple[str, Marked | Loan]]:
    """Whom an entry is told to, and by which event; ``hearers`` are those of marks (:func:`hearers_of`)."""
    if isinstance(entry, LoanEntry):
        loan = loan_of(entry)
        return [loan] if loan else []
    if entry.kind not in SAID:
        return []
    economy = purses.economy_of(entry.purse)
    event = mark_of(entry, economy)
    return [(actor, event) for actor in hearers.get((economy, entry.key), ())]


def has_ended(host: Host) -> bool:
    """Whether the actor is in a final state, or faulted."""
    table, snapshot = host.kernel.actor.table, host.snapshot
    return bool(snapshot.fault) or table.state_numbers.get(snapshot.state) in table.final


def _check_asked(program: object, name: object) -> None:
    if not isinstance(program, Program):
        fix = "write `find_scenario(nimdsl.load(path), name)`"
        raise NimdslError(f"a Program is wanted, this is {shown(program)}: {fix}")
    if not isinstance(name, str):
        raise NimdslError(f"the name of a scenario is text, this is {shown(name)}")


def find_scenario(program: Program, name: str = "") -> Scenario:
    """The scenario of that name; without one ``spark``, or the only one.  Raises SpecError.

    NimdslError for what is no program, or no name.
    """
    _check_asked(program, name)
    known = program.scenarios
    wanted = name or ("spark" if "spark" in known or len(known) != 1 else next(iter(known)))
    if wanted in known:
        return known[wanted]
    if not known:
        problem = error(
            "NIM0301", "there is no Scenario in these documents", fix="add a document of kind Scenario"
        )
    elif not name:
        problem = error("NIM0301", "several scenarios: say which", fix=phrase("", known))
    else:
        problem = error("NIM0301", f"there is no Scenario named `{name}`", fix=phrase(name, known))
    raise SpecError((problem,))


ORIGIN = "origin"
"""The name of a journal's own value that says what was run."""
COMPLETE = "complete"
"""The same: how many lines each actor has, once a journal holds everything that happened."""


def origin_of(
    program: Program,
    scenario: Scenario,
    garden: str,
    seed: int,
    run_id: str,
    replication: int = 0,
    real: Mapping[str, Value] | None = None,
) -> dict[str, Value]:
    """What a journal must say of its run, so that the run can be made again from it alone.

    ``real`` is what only a real garden has: its ``rate`` and its ``epoch``.
    """
    return {
        **provenance(program),
        "program_sha256": program.sha256,
        "scenario": scenario.name,
        "garden": garden,
        "seed": seed,
        "run_id": run_id,
        **({"replication": replication} if replication else {}),
        **(real or {}),
    }
