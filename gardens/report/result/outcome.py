"""What a run amounts to: the values that criteria and expectations read.

Names and types are fixed by :mod:`nimdsl.compile.outcome`; quantities are
micro-LF and nanoseconds here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gardens.report.result.stays import Stay
from gardens.report.result.tally import PhaseTally, Tally
from nimdsl.base.units import MICRO
from nimdsl.base.values import Value
from nimdsl.compile.outcome import AMOUNTS
from nimdsl.kinds import kinds
from nimdsl.program import Program, Scenario
from nimdsl.program.machine import walk
from runtime.kernel.behaviour import behaviour_of
from runtime.ledger.economy import Ledger
from runtime.ledger.lender import Shelf
from runtime.run.host import Host
from runtime.run.run import Run


def outcome_of(program: Program, scenario: Scenario, run: Run, tally: Tally) -> dict[str, Value]:
    """The outcome of a run.  ``completed`` does not know the criteria yet: they read it."""
    protocol = program.protocols.get(scenario.protocol)
    host = run.hosts.get(f"protocol/{scenario.protocol}")
    data: Mapping[str, Any] = host.snapshot.data if host else {}
    phases = (
        {phase.name: _phase(phase.name, tally.phases[phase.name], host, run) for phase in protocol.phases}
        if protocol and host
        else {}
    )
    totals = {
        key: sum(int(phase[key]) for phase in phases.values())
        for key in ("handshakes", "accepted", "attempts")
    }
    mind = run.hosts.get(f"attention/{scenario.attention}")
    return {
        **totals,
        **(tally.beats.outcome(mind, run.time_ns) if mind else {}),
        "completed": _completed(host, run),
        "errors": data.get("errors", 0),
        "duration": run.time_ns,
        "lifeforce": _purse(run.ledger),
        "economies": {
            run.purses.economy_of(purse): _purse(ledger) for purse, ledger in run.purses.ledgers.items()
        },
        "resources": {
            name: _lending(shelf, run.time_ns) for name, shelf in run.books.lender.shelves.items()
        },
        "organs": {name: one.outcome(run.time_ns) for name, one in tally.organs.items()},
        "refusals": tally.refusals,
        "phases": phases,
        "cells": _cells(program, scenario, run, tally),
        **_others(scenario, run),
    }


def _cells(program: Program, scenario: Scenario, run: Run, tally: Tally) -> dict[str, Value]:
    """The cells by name."""
    found: dict[str, Value] = {}
    for name in scenario.cells:
        snapshot = run.hosts[f"cell/{name}"].snapshot
        stays = tally.stays(f"cell/{name}").states
        paths = [path for path, _ in walk(program.cells[name].root)]
        found[name] = {
            "state": snapshot.state,
            "data": dict(snapshot.data),
            "states": {path: stays.get(path, Stay()).until(run.time_ns) for path in paths},
            "dropped": tally.count(f"cell/{name}", "dropped"),
        }
    return found


def with_families(outcome: Mapping[str, Value], scenario: Scenario) -> dict[str, Value]:
    """An outcome with the families that expectations see together, as lists."""
    seen = dict(outcome)
    for whole, families in scenario.families.items():
        members: Any = outcome[whole]
        together = {text: [members[name] for name in names] for text, names in families.items()}
        seen[whole] = {**members, **together}
    return seen


def _others(scenario: Scenario, run: Run) -> dict[str, dict[str, Value]]:
    """What expectations see of actors of other kinds, by the plural of the kind and by name."""
    plurals = {kind.prefix: kind.plural for kind in kinds().values()}
    found: dict[str, dict[str, Value]] = {}
    for actor in scenario.actors:
        kind, _, name = actor.partition("/")
        host = run.hosts[actor]
        outcome = behaviour_of(kind).outcome(host.kernel.actor, host.snapshot)
        outcome["spent"] = sum(ledger.spent(actor) for ledger in run.purses.ledgers.values())
        found.setdefault(plurals[kind], {})[name] = outcome
    return found


def _completed(host: Host | None, run: Run) -> bool:
    """A protocol is complete in its state ``complete``; without one, when no actor is faulted."""
    if host is not None:
        return host.snapshot.state == "complete"
    return run.stopped not in ("limit", "stuck", "starved") and not any(
        other.snapshot.fault for other in run.hosts.values()
    )


def _purse(ledger: Ledger | None) -> dict[str, Value]:
    """What became of an economy; all zero where there is none."""
    if ledger is None:
        return {**dict.fromkeys(AMOUNTS, 0), "starved": False, "starved_at": 0}
    spent, earned, final = ledger.spent(), ledger.earned(), ledger.balance
    since_ns = ledger.hunger.since_ns
    return {
        "initial": final + spent - earned,
        "spent": spent,
        "earned": earned,
        "final": final,
        "least": ledger.least,
        "most": ledger.most,
        "shortfall": ledger.shortfall,
        "starved": since_ns is not None,
        "starved_at": since_ns or 0,
    }


def _lending(shelf: Shelf, time_ns: int) -> dict[str, Value]:
    """What became of a resource."""
    whole = shelf.terms.capacity * time_ns
    return {
        "granted": shelf.granted,
        "withdrawn": shelf.withdrawn,
        "refused": shelf.refused,
        "utilisation": shelf.busy(time_ns) * MICRO // whole if whole else 0,
        "waited": shelf.waited_ns // shelf.granted if shelf.granted else 0,
        "waited_max": shelf.waited_max_ns,
        "queue_max": shelf.queue_max,
    }


def _phase(name: str, counted: PhaseTally, host: Host, run: Run) -> dict[str, Any]:
    phases: Any = host.snapshot.data["phases"]
    ended = counted.verdict not in ("", "started")
    begun_ns = run.time_ns if counted.begun_ns is None else counted.begun_ns
    ledger = run.ledger
    return {
        **phases[name],
        "complete": counted.verdict == "complete",
        "attempts": counted.attempts,
        "retries": counted.retries,
        "spent": ledger.spent(name) if ledger else 0,
        "earned": ledger.earned(name) if ledger else 0,
        "duration": (counted.marked_ns if ended else run.time_ns) - begun_ns,
    }
