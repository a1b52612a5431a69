"""Pulse, slumber, famine and emergency, told a second time (SEMANTICS 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nimdsl.base.units import MICRO, NANOSECONDS
from nimdsl.program.amount import RATE_TIMES as DAY
from nimdsl.program.economy import Profile, Pulse, Slumber
from runtime.ledger.accounts import (
    Charge,
    Entry,
    LedgerCommand,
    Pay,
    Payment,
    Reserve,
    Reward,
    SetRates,
    Tariff,
    Urge,
)
from runtime.ledger.economy import Ledger
from tests.properties.ledger_laws import SECOND, check_laws, restored
from tests.support.effort import examples

MINUTE, HOUR = NANOSECONDS["min"], NANOSECONDS["h"]
LF = MICRO
PULSES = st.builds(
    Pulse,
    st.integers(1, 10 * SECOND),
    st.integers(10 * SECOND, HOUR),
    st.integers(0, MICRO),
    st.integers(1, MICRO),
)


def a_pulse_keeps_its_bounds(pulse: Pulse, pools: Sequence[int], capacity: int) -> None:
    """From base to slowest, the slower the less there is; at the threshold twice the base."""
    periods = [pulse.period_ns(min(pool, capacity), capacity) for pool in sorted(pools)]
    assert all(pulse.base_ns <= period <= pulse.slowest_ns for period in periods), "pulse: its bounds"
    assert periods == sorted(periods, reverse=True), "pulse: slower where less is left"
    at_threshold = replace(pulse, threshold=MICRO // 2).period_ns(500, 1_000)
    assert at_threshold == min(pulse.slowest_ns, 2 * pulse.base_ns), "pulse: twice the base"


CAPACITIES = st.integers(1, 10**6 * LF)


@settings(max_examples=examples(200))
@given(PULSES, st.lists(st.integers(0, 10**6 * LF), min_size=1, max_size=6), CAPACITIES)
def test_a_pulse_keeps_its_bounds(pulse: Pulse, pools: list[int], capacity: int) -> None:
    a_pulse_keeps_its_bounds(pulse, pools, capacity)


# -- slumber

RATES = st.sampled_from([0, 1_000, 20_000, 60_000, 200_000])
HOURS = st.lists(RATES, min_size=8, max_size=8).map(
    lambda rates: Profile(tuple((hour * 3 * HOUR, rate * DAY) for hour, rate in enumerate(rates)))
)
URGES = st.lists(
    st.tuples(
        st.sampled_from([1, 30 * SECOND, 4 * MINUTE]) | st.integers(1, 40 * MINUTE),
        st.sampled_from([0, 600_000, 900_000]),
    ),
    max_size=12,
)
AWAKE = st.sampled_from([0, 10_000, 50_000, 300_000])
"""What a body costs while it is awake, micro-LF a second; 0: it costs nothing, it is dormant."""
OPENINGS = st.sampled_from([6, 30, 150, 190, 400, 900])
SLEEPS = st.builds(
    lambda window, reserve: Slumber(
        window, 700_000, 200_000, 500_000, reserve, 1_200_000, 500_000, 700_000
    ),
    st.sampled_from([MINUTE, 5 * MINUTE, 30 * MINUTE]),
    st.sampled_from([0, HOUR]),
)


def lived(
    income: Profile, awake: int, opening: int, rules: Slumber, urges: Sequence[tuple[int, int]]
) -> Ledger:
    """A body that costs less while it sleeps, looked at where its books have something to say."""
    tariff = Tariff(
        "body",
        opening * LF,
        0,
        1_000 * LF,
        {},
        {"sun": income},
        {"life": min(awake, 1_000) * DAY},
        MINUTE,
        pulse=Pulse(30 * SECOND, 2 * MINUTE, 200_000, 100_000),
        slumber=rules,
        emergency=5 * LF,
    )
    ledger, now_ns = Ledger(tariff), 0
    ledger.apply(SetRates("cell/body", 0, awake * DAY), 0)

    def pass_until(until_ns: int) -> None:
        while (due_ns := ledger.next_look_ns()) is not None and due_ns < until_ns:
            asleep = ledger.sleep.asleep
            ledger.look(due_ns)
            follow(asleep, due_ns)

    def follow(asleep: bool, at_ns: int) -> None:
        if ledger.sleep.asleep != asleep:
            ledger.apply(SetRates("cell/body", 0, 0 if ledger.sleep.asleep else awake * DAY), at_ns)

    for wait_ns, urgency in urges:
        now_ns += wait_ns
        pass_until(now_ns)
        asleep = ledger.sleep.asleep
        ledger.apply(Urge(urgency), now_ns)
        follow(asleep, now_ns)
    pass_until(now_ns + 2 * HOUR)
    return ledger


def sleeps_by_the_rules(ledger: Ledger) -> int:
    """Judges each pulse and each urgency anew, from the entries alone; how many turns there were."""
    rules = ledger.tariff.slumber
    assert rules is not None
    asleep, urgency, changed_ns, pool, turns = False, 0, 0, 0, 0
    flows: list[tuple[int, int, int]] = []
    expected = ""
    for entry in ledger.entries:
        if expected:
            assert entry.kind == expected, f"slumber: {expected} is due, and {entry} comes"
        assert entry.kind not in ("slumber", "wake") or expected, f"slumber: {entry} is not due"
        expected = ""
        if entry.kind in ("slumber", "wake"):
            if entry.kind == "slumber":
                assert entry.time_ns - changed_ns >= rules.window_ns, "slumber: a window after the last"
            asleep, changed_ns, turns = entry.kind == "slumber", entry.time_ns, turns + 1
        pool += _moved(entry)
        earned, owed = _flow(entry)
        if earned or owed:
            flows.append((entry.time_ns, earned, owed))
        if entry.kind == "urgency":
            urgency = entry.amount
        if entry.kind in ("urgency", "pulse"):
            due = _due(entry, rules, flows, (asleep, urgency, changed_ns, pool), ledger.tariff)
            expected = due
    assert not expected, f"slumber: {expected} is due"
    return turns


def _moved(entry: Entry) -> int:
    moves = (entry.target == "pool") - (entry.source == "pool")
    return entry.amount * moves if entry.kind == "transfer" else 0


def _flow(entry: Entry) -> tuple[int, int]:
    if entry.kind == "shortfall":
        return 0, entry.amount
    if entry.kind != "transfer" or entry.cause == "overflow":
        return 0, 0
    earned = entry.amount if entry.source.startswith(("income:", "reward:")) else 0
    return earned, entry.amount if entry.target.startswith("cost:") else 0


def _due(
    entry: Entry,
    rules: Slumber,
    flows: Sequence[tuple[int, int, int]],
    state: tuple[bool, int, int, int],
    tariff: Tariff,
) -> str:
    asleep, urgency, changed_ns, pool = state
    assert tariff.capacity is not None
    if asleep and urgency > rules.wake_urgency and pool > tariff.floor + tariff.emergency:
        return "wake"
    if entry.kind != "pulse" or entry.time_ns - changed_ns < rules.window_ns:
        return ""
    from_ns = max((at for at, _, _ in flows if at <= entry.time_ns - rules.window_ns), default=0)
    earned = sum(one for at, one, _ in flows if at > from_ns)
    owed = sum(one for at, _, one in flows if at > from_ns)
    level = pool / tariff.capacity
    if asleep:
        return "wake" if (not owed or earned / owed > 1.2) and level > 0.5 else ""
    short = owed > earned and pool * (entry.time_ns - from_ns) // (owed - earned) < rules.reserve_ns
    poor = bool(owed) and earned / owed < 0.7 and level < 0.2
    return "slumber" if urgency < rules.urgency and (poor or short) else ""


@settings(max_examples=examples(20))
@given(HOURS, AWAKE, OPENINGS, SLEEPS, URGES)
def test_who_sleeps_sleeps_by_the_rules(
    income: Profile, awake: int, opening: int, rules: Slumber, urges: list[tuple[int, int]]
) -> None:
    ledger = lived(income, awake, opening, rules, urges)
    sleeps_by_the_rules(ledger)
    check_laws(ledger)
    again = restored(ledger)
    assert again.next_look_ns() == ledger.next_look_ns()
    assert (again.sleep.asleep, again.sleep.urgency) == (ledger.sleep.asleep, ledger.sleep.urgency)


# -- famine

STARVE = 10 * MINUTE
MEALS = st.lists(
    st.tuples(st.integers(1, 20 * MINUTE), st.sampled_from(["meal", "crumb", "price", "bite"])), max_size=20
)


def starved_by_the_rules(meals: Sequence[tuple[int, str]], opening: int, income: int) -> bool:
    """The first instant at which no upkeep was covered for so long, and none else; whether it came."""
    rewards = {"meal": 5 * LF, "crumb": LF // 2}
    rates = {"grid": income * DAY}, {"heat": 3_000 * DAY, "life": 30_000 * DAY}
    tariff = Tariff("body", opening * LF, 0, None, rewards, *rates, MINUTE, starve_ns=STARVE)
    ledger, now_ns = Ledger(tariff), 0
    for number, (wait_ns, what) in enumerate(meals):
        now_ns += wait_ns
        if what in rewards:
            ledger.apply(Reward(what, (f"meal/{number}",)), now_ns)
        else:
            ledger.apply(Charge(f"cell/a/{number}", what, 3 * LF if what == "price" else 1), now_ns)
    now_ns += HOUR
    ledger.look(now_ns)
    check_laws(ledger)
    found = [entry.time_ns for entry in ledger.entries if entry.kind == "starved"]
    assert found == _starves(ledger.entries, now_ns), "famine: at its instant"
    assert restored(ledger).famine.over_ns == (found[0] if found else None)
    return bool(found)


def _starves(entries: Sequence[Entry], end_ns: int) -> list[int]:
    """When upkeep has been short for so long at every instant at which it was looked at."""
    since: int | None = None
    pool = 0
    for at_ns in sorted({entry.time_ns for entry in entries}):
        if since is not None and at_ns > since + STARVE:
            break
        here = [entry for entry in entries if entry.time_ns == at_ns]
        pool += sum(map(_moved, here))
        if any(entry.kind == "shortfall" and entry.cause == "upkeep" for entry in here):
            since = at_ns if since is None else since
        elif pool > 0 or any(entry.cause == "upkeep" for entry in here):
            since = None
    return [since + STARVE] if since is not None and since + STARVE <= end_ns else []


@settings(max_examples=examples(100))
@given(MEALS, st.integers(0, 20), st.sampled_from([0, 10_000, 32_999, 40_000]))
def test_a_famine_ends_a_run_at_its_instant(
    meals: list[tuple[int, str]], opening: int, income: int
) -> None:
    starved_by_the_rules(meals, opening, income)


# -- emergency

PRICES = st.lists(
    st.tuples(st.sampled_from(["charge", "reserve", "pay"]), st.integers(0, 12), st.booleans()), max_size=20
)


def keeps_the_emergency(prices: Sequence[tuple[str, int, bool]]) -> None:
    """Ordinary prices leave floor and emergency, reflexes the floor; what can be paid is."""
    ledger = Ledger(Tariff("e", 60, 5, None, {}, {}, {}, SECOND, emergency=20))
    for number, (what, amount, reflex) in enumerate(prices):
        key, before = f"cell/a/{number}", ledger.balance
        parts = (Payment(amount, "work"), Payment(amount, "rest", held=True))
        commands: dict[str, LedgerCommand] = {
            "charge": Charge(key, "work", amount, reflex=reflex),
            "reserve": Reserve(key, amount, reflex=reflex),
            "pay": Pay(key, parts, reflex=reflex),
        }
        price = 2 * amount if what == "pay" else amount
        granted = ledger.apply(commands[what], number).granted
        assert granted == (before - price >= (5 if reflex else 25)), "reserve: what it is kept for"
        check_laws(ledger)


@settings(max_examples=examples(100))
@given(PRICES)
def test_ordinary_prices_leave_the_emergency_to_reflexes(prices: list[tuple[str, int, bool]]) -> None:
    keeps_the_emergency(prices)
