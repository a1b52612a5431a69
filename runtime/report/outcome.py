"""What a run amounts to: the values that criteria and expectations read.

Names and types are fixed by :mod:`nimdsl.compile.outcome`; quantities are
micro-LF and nanoseconds here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from nimdsl.canonical import Plain
from nimdsl.flatten import FAULT, REFUSED
from nimdsl.program import Phase, Program, Scenario
from runtime.host import Host
from runtime.run import Run
from runtime.turn import Record


def outcome_of(program: Program, scenario: Scenario, run: Run) -> dict[str, Plain]:
    """The outcome of a run.  ``completed`` does not know the criteria yet: they read it."""
    protocol = program.protocols.get(scenario.protocol)
    host = run.hosts.get(f"protocol/{scenario.protocol}")
    data: Mapping[str, Any] = host.snapshot.data if host else {}
    phases = (
        {phase.name: _phase(phase, host, run) for phase in protocol.phases} if protocol and host else {}
    )
    totals = {
        key: sum(int(phase[key]) for phase in phases.values())
        for key in ("handshakes", "accepted", "attempts")
    }
    return {
        **totals,
        "completed": _completed(host, run),
        "errors": data.get("errors", 0),
        "duration": run.time_ns,
        "lifeforce": _lifeforce(run),
        "refusals": refusals(run),
        "phases": phases,
        "cells": {
            name: {
                "state": run.hosts[f"cell/{name}"].snapshot.state,
                "data": run.hosts[f"cell/{name}"].snapshot.data,
            }
            for name in scenario.cells
        },
    }


def _completed(host: Host | None, run: Run) -> bool:
    """A protocol is complete in its state ``complete``; without one, when no actor is faulted."""
    if host is not None:
        return host.snapshot.state == "complete"
    return run.stopped not in ("limit", "stuck") and not any(
        other.snapshot.fault for other in run.hosts.values()
    )


def _lifeforce(run: Run) -> dict[str, int]:
    if run.ledger is None:
        return dict.fromkeys(("initial", "spent", "earned", "final"), 0)
    spent, earned, final = run.ledger.spent(), run.ledger.earned(), run.ledger.balance
    return {"initial": final + spent - earned, "spent": spent, "earned": earned, "final": final}


def refusals(run: Run) -> list[Plain]:
    """Every refused price: actor, price and the balance that it was judged on."""
    return [
        {"actor": name, "price": record["price"], "balance": record["balance"]}
        for name, host in sorted(run.hosts.items())
        for record in host.records
        if record["type"] == "refused"
    ]


def notices(run: Run) -> list[dict[str, Plain]]:
    """What a person would otherwise miss: events that nobody took, and faults; counted, by actor."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for name, host in sorted(run.hosts.items()):
        for record in host.records:
            if record["type"] == "ignored" and record["event"] not in (REFUSED, FAULT):
                counted[name, "ignored", f"`{record['event']}` in `{record['state']}`"] += 1
            elif record["type"] in ("fault", "faulted"):
                counted[name, record["type"], record["reason"]] += 1
    return [
        {"actor": actor, "type": type_, "what": what, "count": count}
        for (actor, type_, what), count in counted.items()
    ]


def handshakes(host: Host | None, phase: str = "") -> list[Record]:
    """The handshakes that ended, in order; of one phase or of all."""
    records = host.records if host else []
    return [r for r in records if r["type"] == "handshake" and phase in ("", r["phase"])]


def _phase(phase: Phase, host: Host, run: Run) -> dict[str, Plain]:
    data = host.snapshot.data["phases"][phase.name]
    marks = [r for r in host.records if r["type"] == "phase" and r["phase"] == phase.name]
    begun = marks[0]["time_ns"] if marks else run.time_ns
    ended = marks[-1]["time_ns"] if marks and marks[-1]["verdict"] != "started" else run.time_ns
    ledger = run.ledger
    return {
        **data,
        "complete": bool(marks) and marks[-1]["verdict"] == "complete",
        "attempts": sum(record["attempts"] for record in handshakes(host, phase.name)),
        "retries": sum(max(0, record["attempts"] - 1) for record in handshakes(host, phase.name)),
        "spent": ledger.spent(phase.name) if ledger else 0,
        "earned": ledger.earned(phase.name) if ledger else 0,
        "duration": ended - begun,
    }
