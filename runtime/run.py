"""A run that has ended: what every garden leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nimdsl.program import Actor, Economy, Program, Scenario
from runtime.economy import Ledger, Tariff
from runtime.host import Host

LEDGER = "economy"
"""The name of the ledger's own journal."""
WIND_DOWN_NS = 1_000_000_000
"""How long a run waits, after its protocol's end, for messages and work that are still on their way."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that the garden did to a message or an actor."""

    time_ns: int
    actor: str
    what: str


@dataclass(frozen=True)
class Run:
    """``stopped`` is why it ended: final, horizon, quiet, stuck or limit; in a real garden also ended
    (by a person) or broken (a part of it was given up)."""

    run_id: str
    hosts: Mapping[str, Host]
    ledger: Ledger | None
    time_ns: int
    stopped: str
    incidents: tuple[Incident, ...]


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
    )


def actors_of(program: Program, scenario: Scenario) -> list[Actor]:
    """Who takes part, in the order of (kind, name)."""
    cells = [program.cells[name] for name in scenario.cells]
    protocols = [program.protocols[scenario.protocol].actor] if scenario.protocol else []
    return sorted([*cells, *protocols], key=lambda actor: (actor.kind, actor.name))


def has_ended(host: Host) -> bool:
    """Whether the actor is in a final state, or faulted."""
    table, snapshot = host.kernel.actor.table, host.snapshot
    return bool(snapshot.fault) or table.state_numbers.get(snapshot.state) in table.final
