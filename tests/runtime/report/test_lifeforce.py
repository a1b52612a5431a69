"""Lifeforce over time: the ledger's own lambda, every extreme, few points."""

from __future__ import annotations

import random

import pytest

from nimdsl.program import Economy, Prices
from nimdsl.units import MICRO, SECOND_NS
from runtime.economy import Charge, Ledger, Release, Reserve, Reward, Settle
from runtime.report import lifeforce
from runtime.report.lifeforce import Lifeforce, Purse
from runtime.run import tariff_of

WINDOW_NS = 60 * SECOND_NS


def economy(capacity: int | None = 300 * MICRO, **rates: int) -> Economy:
    rewards = {"found": 20 * MICRO, "hit": -10 * MICRO}
    return Economy("e", 100 * MICRO, 0, capacity, Prices(), rewards, rates, {"rent": 50_000}, WINDOW_NS)


def lived(seed: int, count: int, known: Economy) -> Ledger:
    """A ledger after so many commands at random."""
    chance, ledger, now_ns = random.Random(seed), Ledger(tariff_of(known)), 0
    for number in range(count):
        now_ns += chance.randrange(3 * SECOND_NS)
        amount = chance.randrange(5 * MICRO)
        match chance.randrange(4):
            case 0:
                ledger.apply(Reward(chance.choice(("found", "hit")), (f"r{number}",)), now_ns)
            case 1:
                ledger.apply(Reserve(f"h{number}", amount), now_ns)
                ledger.apply(Settle(f"h{number}", f"s{number}", "work", amount // 2), now_ns)
                ledger.apply(Release(f"h{number}"), now_ns)
            case _:
                ledger.apply(Charge(f"c{number}", "thing", amount), now_ns)
    return ledger


def seen(ledger: Ledger, known: Economy, end_ns: int, *times_ns: int) -> Lifeforce:
    purse = Purse(known, sampled=bool(times_ns))
    for at_ns in times_ns:
        purse.sample(at_ns)
    for entry in ledger.entries:
        purse.take(entry)
    return purse.lifeforce(end_ns)


@pytest.mark.parametrize("seed", range(8))
def test_3_5_lambda_is_what_the_ledger_says(seed: int) -> None:
    known = economy(solar=400_000)
    ledger = lived(seed, 200, known)
    end_ns = ledger.entries[-1].time_ns
    grid = {at * 7 * SECOND_NS for at in range(end_ns // SECOND_NS // 7)}
    times = sorted(grid | {entry.time_ns for entry in ledger.entries[::5]})
    force = seen(ledger, known, end_ns, *times)
    assert force.lambdas == tuple((at_ns, ledger.lambda_over(WINDOW_NS, at_ns)) for at_ns in times)


@pytest.mark.parametrize("seed", range(8))
def test_the_points_are_the_pool_after_every_entry(seed: int) -> None:
    known = economy()
    ledger = lived(seed, 200, known)
    force = seen(ledger, known, ledger.entries[-1].time_ns)
    pool, low, high = 0, 0, 0
    at: dict[int, int] = {}
    for entry in ledger.entries:
        if entry.kind == "transfer":
            pool += entry.amount * ((entry.target == "pool") - (entry.source == "pool"))
            at[entry.time_ns] = pool
            low, high = min(low, pool), max(high, pool)
    assert {time_ns: value for time_ns, value in force.points if time_ns in at} == at
    assert max(value for _, value in force.points) == high
    assert force.points[-1][1] == ledger.balance
    spent = sum(amount for name, amount in force.accounts.items() if name.startswith("cost:"))
    assert spent == ledger.spent()
    assert sum(force.accounts.values()) - spent == ledger.earned()


def test_a_rate_is_a_slope_and_anything_else_a_step() -> None:
    known = Economy("e", 100, 0, None, Prices(), {}, {"solar": 10}, {}, WINDOW_NS)
    ledger = Ledger(tariff_of(known))
    ledger.apply(Charge("one", "thing", 30), 5 * SECOND_NS)
    ledger.apply(Charge("two", "thing", 5), 5 * SECOND_NS)
    ledger.close(8 * SECOND_NS)
    points = seen(ledger, known, 10 * SECOND_NS).points
    assert [(at_ns // SECOND_NS, value) for at_ns, value in points] == [
        (0, 100),
        (5, 150),
        (5, 120),
        (5, 115),
        (8, 145),
        (10, 145),
    ]


def test_a_long_run_has_few_points_evenly_over_time_and_keeps_its_extremes() -> None:
    known = economy(capacity=None, solar=2 * MICRO)
    ledger = lived(1, 8_000, known)
    end_ns = ledger.entries[-1].time_ns
    force = seen(ledger, known, end_ns)
    assert len(force.points) <= 4 * lifeforce.SPAN_COUNT_MAX + 1
    assert len(force.lambdas) <= lifeforce.SPAN_COUNT_MAX + 1
    for quarter in range(4):
        within = [
            value for at, value in force.points if quarter * end_ns <= 4 * at < (quarter + 1) * end_ns
        ]
        assert len(within) > lifeforce.SPAN_COUNT_MAX // 5
    pool, pools = 0, []
    for entry in ledger.entries:
        if entry.kind == "transfer":
            pool += entry.amount * ((entry.target == "pool") - (entry.source == "pool"))
            pools.append(pool)
    values = [value for _, value in force.points]
    assert max(values) == max(pools)
    assert min(values[1:]) == min(pools)
