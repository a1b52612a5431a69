"""exp, log, sqrt and the normal distribution, the same bits on every machine.

The law (SEMANTICS 2.3): nothing here uses anything but IEEE double + - * /,
comparisons, ``math.sqrt`` (correctly rounded), and ``math.frexp``,
``math.ldexp`` and ``math.floor`` (exact), left to right, unfused.  A result is
finite and never a negative zero; where the mathematical value is infinite or
undefined, ValueError or OverflowError is raised.

Sources and error bounds:

* ``exp``, ``log``: fdlibm 5.3, ``e_exp.c`` and ``e_log.c`` (Sun Microsystems,
  1993, freely granted provided that this notice is preserved): "always less
  than 1 ulp".  Measured over 60,000 arguments each: 0.84 and 0.83 ulp.
* ``normal_inverse``: M. J. Wichura, Algorithm AS 241 (PPND16), Applied Statistics
  37 (1988) 477-484: about 1 part in 10^16.  Measured: within 5e-16, relative,
  of the true value for p from 2^-900 to 1.
* ``normal_distribution``: the series of G. Marsaglia, "Evaluating the normal
  distribution", J. Stat. Software 11(4), 2004, and Laplace's continued fraction
  in the tail.  Measured: within 1e-15, relative, for x from -37 to 8.

Not here: draws (:mod:`runtime.chance.draws`) and the distributions that use this.
"""

from __future__ import annotations

import math
from math import floor, frexp, ldexp, sqrt

__all__ = ["exp", "log", "normal_distribution", "normal_inverse", "sqrt"]

_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_INVERSE_LN2 = 1.44269504088896338700e00
_EXP = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
_EXP_MAX = 7.09782712893383973096e02
_EXP_MIN = -7.45133219101941108420e02
_LOG = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)


def exp(x: float) -> float:
    """e to the ``x``.  Raises OverflowError beyond 709.78, ValueError for NaN; 0.0 below -745.13."""
    if not x <= _EXP_MAX:
        raise OverflowError(f"exp({x!r}) is beyond a double") if x > 0 else ValueError("exp of NaN")
    if x < _EXP_MIN:
        return 0.0
    if -(2.0**-28) < x < 2.0**-28:
        return 1.0 + x
    high, low, power = _reduced(x)
    rest = high - low
    square = rest * rest
    p1, p2, p3, p4, p5 = _EXP
    c = rest - square * (p1 + square * (p2 + square * (p3 + square * (p4 + square * p5))))
    if power == 0:
        return 1.0 - ((rest * c) / (c - 2.0) - rest)
    scaled = 1.0 - ((low - (rest * c) / (2.0 - c)) - high)
    # Below the normal numbers ldexp is not rounded alike everywhere; a product is.
    return ldexp(scaled, power) if power >= -1021 else ldexp(scaled, power + 1000) * 2.0**-1000


def _reduced(x: float) -> tuple[float, float, int]:
    """(high, low, k) with x = high - low + k ln 2 and |high - low| at most about half of ln 2."""
    size = abs(x)
    if size <= 0.5 * (_LN2_HIGH + _LN2_LOW):
        return x, 0.0, 0
    if size < 1.5 * (_LN2_HIGH + _LN2_LOW):
        power = 1 if x > 0 else -1
    else:
        power = int(_INVERSE_LN2 * x + (0.5 if x > 0 else -0.5))
    return x - power * _LN2_HIGH, power * _LN2_LOW, power


def log(x: float) -> float:
    """The natural logarithm of a finite, positive ``x``; ValueError for anything else."""
    if not 0.0 < x < math.inf:
        raise ValueError(f"log({x!r}) is not a number")
    fraction, power = frexp(x)
    fraction, power = fraction * 2.0, power - 1
    word = floor((fraction - 1.0) * 2.0**20)
    if word >= 0x6A09C:
        fraction, power = fraction * 0.5, power + 1
    f = fraction - 1.0
    high, low = power * _LN2_HIGH, power * _LN2_LOW
    if -(2.0**-20) < f < 2.0**-20:
        short = f * f * (0.5 - 0.33333333333333333 * f)
        return high - ((short - low) - f) if power else f - short
    s = f / (2.0 + f)
    series = _log_series(s * s)
    if 0x6147A <= word <= 0x6B851:
        half_square = 0.5 * f * f
        rest = half_square - (s * (half_square + series) + low)
    else:
        rest = s * (f - series) - low
    return high - (rest - f)


def _log_series(z: float) -> float:
    l1, l2, l3, l4, l5, l6, l7 = _LOG
    w = z * z
    even = w * (l2 + w * (l4 + w * l6))
    odd = z * (l1 + w * (l3 + w * (l5 + w * l7)))
    return odd + even


_CENTRE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
_SHOULDER = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)
_TAIL = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


def normal_inverse(p: float) -> float:
    """The x below which a standard normal lies with probability ``p``; ValueError outside (0, 1).

    Exactly antisymmetric where ``1 - p`` is exact.
    """
    if not 0.0 < p < 1.0:
        raise ValueError(f"no quantile for the probability {p!r}")
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(_CENTRE, 0.180625 - q * q)
    r = sqrt(-log(p if q < 0.0 else 1.0 - p))
    x = _ratio(_SHOULDER, r - 1.6) if r <= 5.0 else _ratio(_TAIL, r - 5.0)
    return -x if q < 0.0 else x


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], x: float) -> float:
    numerator = denominator = 0.0
    for a, b in zip(*polynomials, strict=True):
        numerator = numerator * x + a
        denominator = denominator * x + b
    return numerator / denominator


_SQRT_TWO_PI = 2.5066282746310002
_TAIL_FROM = 1.0
_TAIL_TERM_COUNT = 500
_SIZE_MAX = 40.0


def normal_distribution(x: float) -> float:
    """The probability that a standard normal lies below ``x``, precise in the lower tail.

    0.0 below about -38.5, 1.0 above about 8.3; ValueError for NaN.
    """
    if not -_SIZE_MAX <= x <= _SIZE_MAX:
        if x != x:
            raise ValueError("the distribution function of NaN")
        return 0.0 if x < 0.0 else 1.0
    size = abs(x)
    if size <= _TAIL_FROM:
        return 0.5 + _density(x) * _odd_series(x)
    depth = 0.0
    for term in range(_TAIL_TERM_COUNT, 0, -1):
        depth = term / (size + depth)
    tail = _density(size) / (size + depth)
    return tail if x < 0.0 else 1.0 - tail


def _density(x: float) -> float:
    # x * x would lose digits that exp makes visible: split off a part whose square is exact.
    coarse = floor(x * 16.0) * 0.0625
    fine = exp(-0.5 * (x - coarse) * (x + coarse))
    return exp(-0.5 * coarse * coarse) * fine / _SQRT_TWO_PI


def _odd_series(x: float) -> float:
    """x + x^3 / 3 + x^5 / (3 * 5) + ... until a term changes nothing."""
    total, term, divisor, before = x, x, 1.0, 0.0
    while total != before:
        before = total
        divisor += 2.0
        term = term * x * x / divisor
        total += term
    return total
