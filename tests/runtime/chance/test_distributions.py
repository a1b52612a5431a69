"""Distributions of the virtual garden: bits, moments, quantiles and bounds at 20,000 draws.

Bounds are four standard errors of the estimate, so that a wrong formula fails and the fixed seed does not.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.errors import InternalError
from runtime.chance import distributions
from runtime.chance.distributions import (
    Beta,
    Choice,
    Constant,
    Exponential,
    LogNormal,
    Normal,
    Sampler,
    Uniform,
    to_int64,
)
from runtime.chance.draws import key_of, source_of

COUNT = 20_000
KEY = key_of(2024, 0, "cell/sample", "value")
ROOT = math.sqrt(COUNT)


def sample(distribution: Sampler, count: int = COUNT) -> list[Any]:
    return [distribution.draw(source_of(KEY, effect)) for effect in range(count)]


def check_moments(values: list[float], mean: float, deviation: float, kurtosis: float = 3.0) -> None:
    assert abs(statistics.fmean(values) - mean) < 4 * deviation / ROOT
    assert abs(statistics.pstdev(values) - deviation) < 4 * deviation * math.sqrt((kurtosis - 1) / 4) / ROOT


def share_below(values: list[float], bound: float) -> float:
    return sum(value < bound for value in values) / len(values)


def check_share(values: list[float], bound: float, share: float) -> None:
    assert abs(share_below(values, bound) - share) < 4 * math.sqrt(share * (1 - share)) / ROOT


EVERY: dict[str, Sampler] = {
    "constant": Constant({"pods": ["a"]}),
    "uniform": Uniform(5, 200),
    "exponential": Exponential(2e7),
    "normal": Normal(10.0, 2.0),
    "truncated": Normal(0.0, 1.0, -1.0, 2.0),
    "lognormal": LogNormal(20e6, 60e6),
    "beta": Beta(2, 18),
    "small beta": Beta(0.5, 0.05),
    "choice": Choice(("ACK", "NACK", "RETRY"), (900_000, 60_000, 40_000)),
}

BITS = {
    "constant": {"pods": ["a"]},
    "uniform": "0x1.5b73b45a22c37p+7",
    "exponential": "0x1.615437ac818b0p+21",
    "normal": "0x1.86ac5202a87b3p+3",
    "truncated": "0x1.1cb2f40ab0014p+0",
    "lognormal": "0x1.3f0825a4706f4p+25",
    "beta": "0x1.0b705c1ace351p-6",
    "small beta": "0x1.be7bb9e4b3cabp-1",
    "choice": "ACK",
}


def test_bits() -> None:
    """What any machine must give; a change here changes every virtual run."""
    drawn = {name: EVERY[name].draw(source_of(KEY, 3)) for name in EVERY}
    assert {
        name: value.hex() if isinstance(value, float) else value for name, value in drawn.items()
    } == BITS


@pytest.mark.parametrize("name", EVERY)
def test_a_draw_depends_on_its_effect_alone(name: str) -> None:
    distribution = EVERY[name]
    forwards = sample(distribution, 50)
    assert [distribution.draw(source_of(KEY, effect)) for effect in reversed(range(50))] == forwards[::-1]


@pytest.mark.parametrize("name", EVERY)
def test_uniforms_are_read_from_a_bounded_range(name: str) -> None:
    read: set[int] = set()

    def source(index: int) -> float:
        read.add(index)
        return source_of(KEY, 0)(index)

    EVERY[name].draw(source)
    assert all(0 <= index < 4 * distributions.GAMMA_TRY_COUNT_MAX + 2 for index in read)


def test_uniform() -> None:
    values = sample(Uniform(5, 200))
    check_moments(values, 102.5, 195 / math.sqrt(12), 1.8)
    assert 5 <= min(values) < 5.1 < 199.9 < max(values) <= 200
    assert set(sample(Uniform(3, 3), 10)) == {3.0}


def test_exponential() -> None:
    values = sample(Exponential(20.0))
    check_moments(values, 20.0, 20.0, 9.0)
    check_share(values, 20 * math.log(2), 0.5)
    check_share(values, 20 * math.log(20), 0.95)


def test_normal() -> None:
    values = sample(Normal(10.0, 2.0))
    check_moments(values, 10.0, 2.0)
    for z in (-2.0, -1.0, 0.0, 1.0, 2.5):
        check_share(values, 10.0 + 2.0 * z, statistics.NormalDist().cdf(z))


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.0, 2.0), (0.0, None), (None, -0.5), (1.5, 1.6), (4.0, None), (-9.0, -8.0), (9.0, 12.0)],
)
def test_truncation_is_respected_and_has_the_right_shape(low: float | None, high: float | None) -> None:
    values = sample(Normal(0.0, 1.0, low, high))
    assert (low is None or min(values) >= low) and (high is None or max(values) <= high)  # noqa: PT018

    sign = -1.0 if high is not None and high < 0 else 1.0

    def beyond(x: float | None) -> float:
        """The weight between ``x`` and the end of the thinner tail."""
        return 0.0 if x is None else 0.5 * math.erfc(sign * x / math.sqrt(2))

    inner, outer = (low, high) if sign > 0 else (high, low)
    whole = (1.0 if inner is None else beyond(inner)) - beyond(outer)
    for bound in statistics.quantiles(values, n=4):
        share = (beyond(bound) - beyond(outer)) / whole
        check_share(values, bound, 1.0 - share if sign > 0 else share)


def test_lognormal_hits_its_median_and_its_95th_percentile() -> None:
    values = sample(LogNormal(20e6, 60e6))
    check_share(values, 20e6, 0.5)
    check_share(values, 60e6, 0.95)
    logs = [math.log(value / 20e6) for value in values]
    check_moments(logs, 0.0, math.log(3) / 1.6448536269514722)
    assert set(sample(LogNormal(5.0, 5.0), 10)) == {5.0}


@pytest.mark.parametrize(
    ("alpha", "beta"), [(2.0, 18.0), (1.0, 1.0), (0.5, 0.5), (30.0, 3.0), (0.2, 5.0), (1.0, 3.0)]
)
def test_beta(alpha: float, beta: float) -> None:
    values = sample(Beta(alpha, beta))
    total = alpha + beta
    mean, variance = alpha / total, alpha * beta / (total * total * (total + 1))
    excess = (
        6
        * ((alpha - beta) ** 2 * (total + 1) - alpha * beta * (total + 2))
        / (alpha * beta * (total + 2) * (total + 3))
    )
    check_moments(values, mean, math.sqrt(variance), 3 + excess)
    assert 0.0 <= min(values) <= max(values) <= 1.0
    if alpha == 1.0:
        for share in (0.1, 0.5, 0.9):
            check_share(values, 1 - (1 - share) ** (1 / beta), share)


def test_beta_of_tiny_shapes_is_a_coin() -> None:
    values = sample(Beta(1e-4, 1e-4), 2000)
    assert all(0.0 <= value <= 1.0 for value in values)
    assert abs(share_below(values, 0.5) - 0.5) < 4 * 0.5 / math.sqrt(2000)


def test_beta_at_the_bound_of_its_tries_takes_the_centre() -> None:
    """A source that fails every try: the deviate is far out and the test uniform near 1."""
    assert Beta(2.0, 6.0).draw(lambda index: 1.0 - 2.0**-53) == pytest.approx((2 - 1 / 3) / (8 - 2 / 3))


@pytest.mark.parametrize(
    "weights", [(900_000, 60_000, 40_000), (0.9, 0.06, 0.04), (9 * 2**59, 6 * 2**55, 2**57)]
)
def test_choice(weights: tuple[float, ...]) -> None:
    counts = Counter(sample(Choice(("ACK", "NACK", "RETRY"), weights)))
    for name, weight in zip(("ACK", "NACK", "RETRY"), weights, strict=True):
        share = weight / sum(weights)
        assert abs(counts[name] / COUNT - share) < 4 * math.sqrt(share * (1 - share)) / ROOT


@given(
    st.lists(st.integers(0, 10**6) | st.floats(0, 10), min_size=1, max_size=6).filter(any),
    st.integers(0, 2**52 - 1),
)
def test_choice_never_takes_what_has_no_weight(weights: list[float], number: int) -> None:
    choice = Choice(tuple(range(len(weights))), tuple(weights))
    for value in (number, 0, 2**52 - 1):
        taken: Any = choice.draw(lambda index: (2 * value + 1) * 2.0**-53)  # noqa: B023
        assert weights[taken] > 0


def test_choice_is_exact_at_the_edges() -> None:
    """Half of the grid below, half above, at a total beyond 2^53."""
    choice = Choice(("low", "high"), (2**62 - 1, 2**62))
    assert choice.draw(lambda index: 0.5 - 2.0**-53) == "low"
    assert choice.draw(lambda index: 0.5 + 2.0**-53) == "high"


@pytest.mark.parametrize(
    "build",
    [
        lambda: Uniform(2, 1),
        lambda: Uniform(-1.7e308, 1.7e308),
        lambda: Exponential(0),
        lambda: Exponential(math.inf),
        lambda: Normal(0, 0),
        lambda: Normal(0, 1, 2, 1),
        lambda: Normal(0, 1, 1, 1),
        lambda: Normal(0, 1, 50, 51),
        lambda: Normal(math.nan, 1),
        lambda: LogNormal(2, 1),
        lambda: LogNormal(0, 1),
        lambda: Beta(0, 1),
        lambda: Choice((), ()),
        lambda: Choice((1,), (0,)),
        lambda: Choice((1, 2), (1,)),
        lambda: Choice((1, 2), (2, -1)),
    ],
)
def test_what_is_no_distribution_is_refused(build: Any) -> None:
    with pytest.raises(ValueError, match="no distribution"):
        build()


def test_to_int64_rounds_half_to_even() -> None:
    assert [to_int64(value) for value in (0.5, 1.5, 2.5, -0.5, -1.5, 1e18)] == [0, 2, 2, 0, -2, 10**18]
    for value in (math.nan, math.inf, 2.0**63, -(2.0**64)):
        with pytest.raises(InternalError):
            to_int64(value)
