"""Eight processes spend from one pool at the same time: it runs dry, and never falls below its floor."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

import nimdsl
from nimdsl.program import Group
from runtime.ledger.accounts import POOL
from tests.properties.ledger_laws import check_laws
from tests.support.gardens import live, local

COUNT = 8
PRICE = 300_000
TRIES = 3
"""How often a spender is refused before it gives up."""
SPENDERS = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {opening: 100, floor: 1.05}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: "spender-${which}"}
spec:
  for: {which: [0, 1, 2, 3, 4, 5, 6, 7]}
  data: {paid: int, refused: int}
  machine:
    initial: spending
    states:
      spending:
        transitions: [{event: refused, to: refused, do: [{set: {refused: "${refused + 1}"}}]}]
        timers: [{after: 5ms, to: spending, cost: 0.3, do: [{set: {paid: "${paid + 1}"}}]}]
      refused:
        timers:
          - {after: 5ms, to: spending, if: refused < 3}
          - {after: 10ms, to: broke}
      broke: {final: true}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: spree}
spec: {economy: purse, horizon: 60s}
"""


@pytest.mark.slow
def test_eight_processes_cannot_spend_more_than_there_is(tmp_path: Path) -> None:
    """SEMANTICS 3.1: on every prefix of the ledger, whoever else asks at the same time."""
    program = nimdsl.load_text(SPENDERS)
    names = [f"spender-{n}" for n in range(COUNT)]
    garden = local(1.0)
    assert garden.real is not None
    groups = tuple(Group(name, (name,)) for name in names)
    garden = replace(garden, real=replace(garden.real, groups=groups))
    lived = asyncio.run(live(program, "spree", garden, tmp_path))
    assert (lived.result.run.stopped, lived.why) == ("quiet", "")
    started = sorted(one for one in lived.said if one.startswith("spender") and one.endswith("started"))
    assert started == [f"{name} started" for name in names], "each has a process of its own"

    ledger = lived.result.run.ledger
    assert ledger is not None
    check_laws(ledger)
    pool = 0
    for entry in ledger.entries:
        if entry.kind == "transfer":
            pool += entry.amount * ((entry.target == POOL) - (entry.source == POOL))
            assert pool >= ledger.tariff.floor
        else:
            assert entry.kind == "refused"
            assert pool - entry.amount < ledger.tariff.floor, "nothing is refused that could be paid"
    assert ledger.balance == pool
    assert ledger.spent() + ledger.balance == ledger.tariff.opening
    assert 0 <= ledger.balance - ledger.tariff.floor < PRICE, "the pool ran dry"

    cells = lived.result.outcome["cells"]
    for name in names:
        assert cells[name]["state"] == "broke"
        assert cells[name]["data"]["refused"] == TRIES
        assert cells[name]["data"]["paid"] > 0
        assert ledger.spent(f"cell/{name}") == PRICE * cells[name]["data"]["paid"]
    refusals = [entry for entry in ledger.entries if entry.kind == "refused"]
    assert len(refusals) == len(lived.result.outcome["refusals"]) == COUNT * TRIES
    payers = [entry.scope for entry in ledger.entries if entry.cause == "charge"]
    assert payers != sorted(payers), "they spent at the same time"
