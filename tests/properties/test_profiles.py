"""Rates by the time of day, marks across their bounds, and looks that decide nothing (SEMANTICS 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from nimdsl.base import canonical
from nimdsl.base.units import NANOSECONDS
from nimdsl.program.economy import DAY_NS, Profile
from runtime.ledger.accounts import Entry, LedgerCommand, SetRates, Tariff
from runtime.ledger.economy import Ledger
from tests.properties.ledger_laws import COMMANDS, SECOND, TARIFF, answer_of, check_laws
from tests.support.effort import examples

MINUTE_NS = NANOSECONDS["min"]
RATES = st.integers(0, 1_000 * 86_400) | st.just(0)


def _profile(times: Sequence[int], rates: Sequence[int]) -> Profile:
    starts = sorted({0, *times})
    return Profile(tuple((minute * MINUTE_NS, rate) for minute, rate in zip(starts, rates, strict=False)))


PROFILES = st.builds(
    _profile, st.lists(st.integers(1, 1_439), max_size=47), st.lists(RATES, min_size=48, max_size=48)
)
DAYS = st.integers(0, DAY_NS - 1)
TIMES = st.lists(st.integers(0, 3 * DAY_NS), min_size=1, max_size=12).map(sorted)


def integral(profile: Profile, from_ns: int, to_ns: int) -> int:
    """What flows between two times since a midnight, micro-LF / ``DAY_NS``, part by part."""
    ends = [*(at_ns for at_ns, _ in profile.parts[1:]), DAY_NS]
    found = 0
    for day in range(from_ns // DAY_NS, to_ns // DAY_NS + 1):
        for (since_ns, rate), end_ns in zip(profile.parts, ends, strict=True):
            begins, over = max(day * DAY_NS + since_ns, from_ns), min(day * DAY_NS + end_ns, to_ns)
            found += rate * max(0, over - begins)
    return found


def flows_exactly(profile: Profile, day_ns: int, times: Sequence[int]) -> None:
    """The floor of one integral, however it is cut; also read again."""
    tariff = Tariff("sun", 10**15, 0, None, {}, {"sun": profile}, {"body": profile}, SECOND)
    ledger = Ledger(tariff, day_ns=day_ns)
    for at_ns in times:
        ledger.settle(at_ns)
        whole = integral(profile, day_ns, day_ns + at_ns) // DAY_NS
        assert ledger.balances().get("income:sun", 0) == -whole, "profile: floor of the whole integral"
        assert ledger.balances().get("cost:body", 0) == whole, "profile: floor of the whole integral"
        data = canonical.decode(canonical.encode([entry.to_data() for entry in ledger.entries]))
        ledger = Ledger(tariff, [Entry.from_data(one) for one in data])
    assert ledger.entries[0].day_ns == day_ns


@settings(max_examples=examples(100))
@given(PROFILES, DAYS, TIMES)
def test_any_splits_sum_to_the_floor_of_the_integral(
    profile: Profile, day_ns: int, times: list[int]
) -> None:
    flows_exactly(profile, day_ns, times)


def tells_at_its_instant(profile: Profile, day_ns: int, below: int) -> None:
    """The first nanosecond at which the exact balance is below the mark, found by halving."""
    opening, end_ns = 10**12, 3 * DAY_NS
    tariff = Tariff("e", opening, 0, None, {}, {}, {"body": profile}, SECOND, {"low": (below, opening)})
    ledger = Ledger(tariff, day_ns=day_ns)
    while (due_ns := ledger.next_look_ns({"low"})) is not None and due_ns <= end_ns:
        ledger.look(due_ns)
    told = [entry.time_ns for entry in ledger.entries if entry.kind == "mark"]

    def is_below(at_ns: int) -> bool:
        return opening * DAY_NS - integral(profile, day_ns, day_ns + at_ns) < below * DAY_NS

    least, most = -1, end_ns + 1
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if is_below(middle) else (middle, most)
    assert told == ([most] if most <= end_ns else []), "3.6 a mark has its instant, also across boundaries"


@settings(max_examples=examples(100))
@given(PROFILES, DAYS, st.integers(0, 2_000 * 86_400).map(lambda less: 10**12 - less))
def test_a_mark_is_told_at_its_instant_whatever_the_time_of_day(
    profile: Profile, day_ns: int, below: int
) -> None:
    tells_at_its_instant(profile, day_ns, below)


BUSY = Tariff(
    "test",
    50,
    5,
    90,
    TARIFF.rewards,
    {"sun": Profile(((0, 3 * 86_400), (12 * 60 * MINUTE_NS, 0)))},
    {"body": Profile(((0, 86_400), (12 * 60 * MINUTE_NS, 5 * 86_400)))},
    SECOND,
    {"low": (20, 40)},
)
STEPS = st.lists(
    st.tuples(
        COMMANDS | st.builds(SetRates, st.just("cell/a"), st.integers(0, 9 * 86_400), RATES),
        st.sampled_from([0, 1, SECOND, 3 * SECOND]) | st.integers(0, 3 * SECOND),
        st.lists(st.integers(1, 9), max_size=3),
    ),
    max_size=20,
)


def looks_decide_nothing(steps: Sequence[tuple[LedgerCommand, int, Sequence[int]]]) -> None:
    """Whoever looks besides changes no entry, and so no balance; the day turns at noon on the way."""
    day_ns = DAY_NS // 2 - 5 * SECOND
    plain, seen, now_ns = Ledger(BUSY, day_ns=day_ns), Ledger(BUSY, day_ns=day_ns), 0
    for command, passed_ns, looks in steps:
        for tenths in sorted(looks):
            seen.look(now_ns + passed_ns * tenths // 10)
            assert seen.balance_at(now_ns + passed_ns) >= BUSY.floor
        now_ns += passed_ns
        assert answer_of(seen, command, now_ns) == answer_of(plain, command, now_ns), "looks decide nothing"
    for ledger in (plain, seen):
        ledger.close(now_ns + 20 * SECOND)
        check_laws(ledger)
    assert seen.entries == plain.entries, "looks decide nothing"


@settings(max_examples=examples(150))
@given(STEPS)
def test_whoever_looks_besides_changes_no_entry(
    steps: list[tuple[LedgerCommand, int, list[int]]],
) -> None:
    looks_decide_nothing(steps)
