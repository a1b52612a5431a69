"""nimdsl.base.elementary against exact references; bounds are those the module states."""

from __future__ import annotations

import math
import statistics
from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nimdsl.base.elementary import exp, log, normal_distribution, normal_inverse

NORMAL = statistics.NormalDist()
SMALLEST = 2.0**-53
EXP_BITS = [
    "0x1.5bf0a8b14576ap+1",
    "0x1.cf46d99d52b3ap-1",
    "0x1.3494a9b171bf5p+144",
    "0x0.0000000000055p-1022",
]
LOG_BITS = [
    "0x1.62e42fefa39efp-1",
    "0x1.26bb1bbb55516p+1",
    "-0x1.26bb1bbb55515p+1",
    "-0x1.74385446d71c3p+9",
]
INVERSE_BITS = [
    "0x1.a515209676ab8p+0",
    "-0x1.0c7e39582c5fap-1",
    "-0x1.10f3f8843a3dap+2",
    "-0x1.06b48528cea51p+3",
]
DISTRIBUTION_BITS = [
    "0x1.3bf143b9aa713p-2",
    "0x1.9990c58859313p-6",
    "0x1.ff4f10f033d25p-1",
    "0x1.7795ad05ea398p-656",
]


def error_ulp(value: float, true: Decimal) -> float:
    return float(abs(Decimal(value) - true) / Decimal(math.ulp(float(true))))


@given(st.floats(-708.0, 709.7) | st.floats(-1.5, 1.5))
@example(0.0)
@example(0.34657359027997264)
@example(1.0397207708399179)
def test_exp_is_within_one_ulp(x: float) -> None:
    with localcontext() as context:
        context.prec = 40
        assert error_ulp(exp(x), Decimal(x).exp()) < 0.9
    assert abs(exp(x) - math.exp(x)) <= math.ulp(math.exp(x))


@given(st.floats(5e-324, 1.7e308) | st.floats(0.4, 2.5) | st.floats(1 - 1e-5, 1 + 1e-5))
@example(1.0)
@example(math.sqrt(2))
@example(math.sqrt(0.5))
def test_log_is_within_one_ulp(x: float) -> None:
    with localcontext() as context:
        context.prec = 40
        assert error_ulp(log(x), Decimal(x).ln()) < 0.9
    assert abs(log(x) - math.log(x)) <= math.ulp(math.log(x))


@given(st.floats(-745.13, -708.4))
def test_exp_among_the_subnormal(x: float) -> None:
    assert abs(exp(x) - math.exp(x)) <= 5e-324


@given(st.floats(-745.0, 709.0))
def test_exp_never_falls(x: float) -> None:
    assert exp(x) <= exp(math.nextafter(x, math.inf)) <= exp(x + 1e-12)


@given(st.floats(1e-300, 1e300))
def test_log_never_falls(x: float) -> None:
    assert log(x) <= log(math.nextafter(x, math.inf)) <= log(x * (1 + 1e-14))


def test_edges_of_exp_and_log() -> None:
    assert exp(0.0) == 1.0
    assert math.copysign(1.0, log(1.0)) == 1.0
    assert exp(-1000.0) == exp(-math.inf) == 0.0
    for call, x, error in (
        (exp, 709.79, OverflowError),
        (exp, math.inf, OverflowError),
        (exp, math.nan, ValueError),
        (log, 0.0, ValueError),
        (log, -1.0, ValueError),
        (log, math.inf, ValueError),
        (log, math.nan, ValueError),
        (normal_inverse, 0.0, ValueError),
        (normal_inverse, 1.0, ValueError),
        (normal_inverse, math.nan, ValueError),
        (normal_distribution, math.nan, ValueError),
    ):
        with pytest.raises(error):
            call(x)


def test_bits() -> None:
    """What any machine must give; a change here changes every virtual run."""
    assert [exp(x).hex() for x in (1.0, -0.1, 100.0, -740.0)] == EXP_BITS
    assert [log(x).hex() for x in (2.0, 10.0, 0.1, 5e-324)] == LOG_BITS
    assert [normal_inverse(p).hex() for p in (0.95, 0.3, 1e-5, SMALLEST)] == INVERSE_BITS
    assert [normal_distribution(x).hex() for x in (-0.5, -1.96, 3.0, -30.0)] == DISTRIBUTION_BITS


@given(st.floats(1e-300, 1.0, exclude_max=True))
@example(0.5)
@example(0.075)
@example(math.exp(-25))
def test_the_inverse_normal_agrees_with_the_standard_library(p: float) -> None:
    assert normal_inverse(p) == pytest.approx(NORMAL.inv_cdf(p), rel=2e-15, abs=1e-16)


@given(st.integers(0, 2**52 - 1))
@example(0)
@example(2**52 - 1)
def test_the_inverse_normal_is_odd_and_does_not_fall_on_the_grid_of_draws(number: int) -> None:
    p = (2 * number + 1) * SMALLEST
    assert normal_inverse(1.0 - p) == -normal_inverse(p)
    if number:
        assert normal_inverse(p - 2 * SMALLEST) <= normal_inverse(p) + 1e-15 * abs(normal_inverse(p))
        assert normal_inverse(p * (1 - 1e-12)) <= normal_inverse(p)


def test_exact_tails_at_the_extremes_of_a_draw() -> None:
    low, high = normal_inverse(SMALLEST), normal_inverse(1.0 - SMALLEST)
    assert high == -low == pytest.approx(8.209536151601387, rel=1e-15)
    assert normal_distribution(low) == pytest.approx(SMALLEST, rel=2e-14)


@given(st.floats(-37.0, 8.0))
def test_the_distribution_agrees_with_erfc(x: float) -> None:
    rounding_of_the_argument = 4e-16 * (1.0 + x * x)
    true = 0.5 * math.erfc(-x / math.sqrt(2.0))
    assert normal_distribution(x) == pytest.approx(true, rel=rounding_of_the_argument + 1e-15)


@given(st.floats(1e-290, 0.999))
def test_distribution_and_inverse_undo_each_other(p: float) -> None:
    x = normal_inverse(p)
    assert normal_distribution(x) == pytest.approx(p, rel=2e-15 * (1.0 + x * x))


def test_the_distribution_far_out() -> None:
    assert normal_distribution(-math.inf) == normal_distribution(-41.0) == 0.0
    assert normal_distribution(math.inf) == normal_distribution(9.0) == 1.0
    assert normal_distribution(0.0) == 0.5
