"""The virtual bus: order per sender and receiver, faults as declared, draws that belong to effects."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nimdsl.compile.garden import PERFECT_BUS
from nimdsl.expression.types import DURATION
from nimdsl.program import BusModel, Distribution
from runtime.chance.models import BusFaultModel, Draws

MS = 1_000_000
RANDOM = Distribution("uniform", (0, 100 * MS), DURATION)
SHARES = st.sampled_from([0, 100_000, 500_000, 1_000_000])


def bus(seed: int = 1, **changes: object) -> BusFaultModel:
    model: BusModel = replace(PERFECT_BUS, latency=RANDOM, delay_by=RANDOM, reorder_by=RANDOM)
    return BusFaultModel(Draws(seed), replace(model, **changes))  # type: ignore[arg-type]


def arrivals(line: BusFaultModel, count: int, gap_ns: int = MS) -> list[tuple[int, ...]]:
    return [line.arrivals("a", "b", number, number * gap_ns)[0] for number in range(count)]


@given(st.integers(0, 99), SHARES, SHARES, SHARES)
def test_order_holds_whatever_is_lost_delayed_or_doubled(
    seed: int, loss: int, delay: int, twice: int
) -> None:
    times = arrivals(bus(seed, loss=loss, delay=delay, duplicate=twice), 60)
    firsts = [copies[0] for copies in times if copies]
    assert firsts == sorted(firsts)
    assert all(copy >= number * MS for number, copies in enumerate(times) for copy in copies)


@given(st.integers(0, 99))
def test_reordering_is_what_breaks_the_order(seed: int) -> None:
    firsts = [copies[0] for copies in arrivals(bus(seed, reorder=300_000), 80)]
    assert firsts != sorted(firsts)


def test_other_pairs_do_not_wait() -> None:
    line = bus(latency=Distribution("constant", (MS,), DURATION), delay=1_000_000)
    late = line.arrivals("a", "b", 1, 0)[0][0]
    other = line.arrivals("c", "b", 1, 0)[0][0]
    assert late != other


def test_faults_are_as_frequent_as_declared() -> None:
    line = bus(loss=200_000, duplicate=300_000)
    times = arrivals(line, 4_000)
    lost = sum(not copies for copies in times) / 4_000
    doubled = sum(len(copies) == 2 for copies in times) / sum(bool(copies) for copies in times)
    assert abs(lost - 0.2) < 0.03
    assert abs(doubled - 0.3) < 0.03


@given(st.integers(0, 99), st.permutations(range(12)))
def test_2_4_a_draw_belongs_to_its_effect_not_to_the_order_of_asking(seed: int, order: list[int]) -> None:
    draws = Draws(seed)
    asked = {number: draws.duration(RANDOM, "a", "bus/latency", number) for number in order}
    assert asked == {n: Draws(seed).duration(RANDOM, "a", "bus/latency", n) for n in range(12)}
