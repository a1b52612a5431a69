"""Lifeforce over time: the ledger's own lambda, every extreme, few points."""

from __future__ import annotations

import random

import pytest

from gardens.report.observe import lifeforce
from gardens.report.observe.lifeforce import Lifeforce, LifeforceCollector
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.program import Economy, Prices
from nimdsl.program.amount import RATE_TIMES as DAY
from runtime.ledger.accounts import Charge, Release, Reserve, Reward, SetRates, Settle
from runtime.ledger.economy import Ledger
from runtime.run.run import tariff_of

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
    purse = LifeforceCollector(known, sampled=bool(times_ns))
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
    spent = sum(amount for name, amount in force.accounts.items() if name.startswith(("cost:", "upkeep:")))
    assert spent == ledger.spent()
    assert sum(force.accounts.values()) - spent == ledger.earned()


def test_a_rate_is_a_slope_and_anything_else_a_step() -> None:
    known = Economy("e", 100, 0, None, Prices(), {}, {"solar": 10 * DAY}, {}, WINDOW_NS)
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


def test_upkeep_is_no_cost_and_what_it_does_not_find_is_unpaid() -> None:
    known = Economy("e", 10, 4, None, Prices(), {"hit": -50}, {}, {"rent": DAY}, WINDOW_NS)
    ledger = Ledger(tariff_of(known))
    ledger.apply(Charge("one", "thing", 3), SECOND_NS)
    ledger.apply(Reward("hit", ("x",)), 2 * SECOND_NS)
    ledger.close(8 * SECOND_NS)
    force = seen(ledger, known, 8 * SECOND_NS)
    assert force.accounts == {"cost:hit": 1, "cost:thing": 3, "upkeep:rent": 2}
    assert force.unpaid == {"penalty:hit": 49, "upkeep:rent": 6}


def test_income_that_pays_upkeep_at_once_is_income() -> None:
    known = Economy("e", 10, 0, None, Prices(), {}, {"sun": 3 * DAY}, {"heart": 2 * DAY}, WINDOW_NS)
    ledger = Ledger(tariff_of(known))
    ledger.close(10 * SECOND_NS)
    force = seen(ledger, known, 10 * SECOND_NS)
    assert force.accounts == {"income:sun": 30, "upkeep:heart": 20}
    assert (ledger.earned(), ledger.spent()) == (30, 20)


def test_what_is_called_overflow_is_spent_all_the_same() -> None:
    known = Economy("e", 10, 0, 10, Prices(), {"gift": 5}, {}, {"overflow": DAY}, WINDOW_NS)
    ledger = Ledger(tariff_of(known))
    ledger.apply(Reward("gift", ("x",)), 0)
    ledger.close(3 * SECOND_NS)
    force = seen(ledger, known, 3 * SECOND_NS)
    assert force.accounts["upkeep:overflow"] == ledger.spent() == 3


def hungry(*commands: tuple[int, Charge | Reserve | Settle | Release | Reward], **rates: int) -> Lifeforce:
    """With 10 and a floor of 4, after commands at so many seconds each; seen at 100 s."""
    rates = {name: rate * DAY for name, rate in rates.items()}
    upkeep = {"rent": rates.pop("rent")} if "rent" in rates else {}
    known = Economy("e", 10, 4, None, Prices(), {"found": 3}, rates, upkeep, WINDOW_NS)
    ledger = Ledger(tariff_of(known))
    for at_s, command in commands:
        ledger.apply(command, at_s * SECOND_NS)
    return seen(ledger, known, 100 * SECOND_NS)


def test_she_starves_since_the_first_refusal_that_no_payment_followed() -> None:
    paid = (1, Charge("a/1", "thing", 5))
    dear, dearer = (2, Charge("a/2", "thing", 2)), (3, Charge("a/3", "thing", 9))
    force = hungry(paid, dear, dearer)
    assert (force.starved_ns, force.first_refused_ns, force.refused) == (2 * SECOND_NS, 2 * SECOND_NS, 2)
    fed = hungry(paid, dear, (4, Charge("a/4", "thing", 1)))
    assert (fed.starved_ns, fed.first_refused_ns) == (None, 2 * SECOND_NS)
    again = hungry(paid, dear, (4, Charge("a/4", "thing", 1)), (5, Charge("a/5", "thing", 1)))
    assert again.starved_ns == 5 * SECOND_NS
    assert hungry(paid).starved_ns is None


def test_she_does_not_starve_while_something_that_was_paid_goes_on() -> None:
    held, dear = (1, Reserve("a/1", 6)), (2, Charge("a/2", "thing", 2))
    assert hungry(held, dear).starved_ns is None
    assert hungry(held, dear, (3, Settle("a/1", "s", "thing", 6))).starved_ns is None
    late = (4, Charge("a/4", "thing", 2))
    assert hungry(held, dear, (3, Settle("a/1", "s", "thing", 6)), late).starved_ns == 4 * SECOND_NS


def test_she_does_not_starve_when_what_was_refused_could_be_paid_again() -> None:
    refused = (1, Charge("a/1", "thing", 8)), (2, Charge("a/2", "thing", 7))
    assert hungry(*refused).starved_ns == SECOND_NS
    assert hungry(*refused, (3, Reward("found", ("x",)))).starved_ns is None
    wanting = hungry(*refused, (3, Reward("found", ("x",))), (4, Charge("a/4", "thing", 20)))
    assert wanting.starved_ns == 4 * SECOND_NS


def test_upkeep_that_finds_nothing_starves_her_too() -> None:
    assert hungry((7, Charge("a/1", "thing", 1)), rent=1).starved_ns == 7 * SECOND_NS
    assert hungry((3, Charge("a/1", "thing", 1)), rent=1).starved_ns is None


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


def test_a_slope_begins_where_its_rate_does() -> None:
    known = Economy("e", 10, 0, None, Prices(), {}, {}, {}, WINDOW_NS)
    ledger = Ledger(tariff_of(known))
    ledger.apply(SetRates("cell/c", 2 * DAY, 0), 5 * SECOND_NS)
    ledger.apply(SetRates("cell/c", 0, 0), 8 * SECOND_NS)
    points = seen(ledger, known, 10 * SECOND_NS).points
    told = dict.fromkeys((at_ns // SECOND_NS, value) for at_ns, value in points)
    assert list(told) == [(0, 10), (5, 10), (8, 16), (10, 16)]
