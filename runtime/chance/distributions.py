"""The distributions that ``virtual:`` models name, as frozen data with ``draw``.

The law (SEMANTICS 2.3, 2.4): a draw is a function of the uniforms of its effect,
computed with :mod:`nimdsl.base.elementary` only, so it has the same bits on every
machine.  Each distribution reads a bounded number of uniforms, by index, so
that a rejected try takes nothing from anything else.

Parameters that describe no distribution raise ValueError when it is built; the
reader of documents turns that into a diagnostic.  Not here: keys and uniforms
(:mod:`runtime.chance.draws`), units.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from nimdsl.base.elementary import exp, log, normal_distribution, normal_inverse, sqrt
from nimdsl.base.errors import InternalError
from nimdsl.base.units import INT64_MAX
from nimdsl.base.values import Value
from runtime.chance.draws import Source

GAMMA_TRY_COUNT_MAX = 64
SHARE_MIN = 1e-290
"""A truncation must leave more of the normal than this."""
_EXP_ARGUMENT_MAX = 700.0


class Sampler(Protocol):
    """What can be drawn."""

    def draw(self, source: Source) -> Value:
        """The value that belongs to the uniforms of ``source``."""


def to_int64(value: float) -> int:
    """``value`` rounded half to even; InternalError for what is no number or beyond int64."""
    if not -(2.0**63) <= value < 2.0**63:
        raise InternalError(f"{value!r} does not fit int64")
    return round(value)


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same plain value."""

    value: Value

    def draw(self, source: Source) -> Value:  # noqa: ARG002
        """The value; no uniform is read."""
        return self.value


@dataclass(frozen=True, slots=True)
class Uniform:
    """Evenly between ``low`` and ``high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _require(_finite(self.low, self.high, self.high - self.low), self)
        _require(self.low <= self.high, self)

    def draw(self, source: Source) -> float:
        """From ``low`` to ``high``, both possible by rounding."""
        return min(self.low + (self.high - self.low) * source(0), float(self.high))


@dataclass(frozen=True, slots=True)
class Exponential:
    """Waiting times with the given mean."""

    mean: float

    def __post_init__(self) -> None:
        _require(_finite(self.mean) and self.mean > 0, self)

    def draw(self, source: Source) -> float:
        """By inversion; at most 36.8 means."""
        return -self.mean * log(source(0))


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal, truncated to [low, high] where they are given, by inversion of its distribution.

    ``mean`` and ``deviation`` are those before truncation.
    """

    mean: float
    deviation: float
    low: float | None = None
    high: float | None = None
    _bounds: tuple[float, float, bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = [bound for bound in (self.low, self.high) if bound is not None]
        _require(_finite(self.mean, self.deviation, *given) and self.deviation > 0, self)
        object.__setattr__(self, "_bounds", self._probabilities())
        _require(self._bounds[1] - self._bounds[0] > SHARE_MIN, self)

    def _probabilities(self) -> tuple[float, float, bool]:
        """The probabilities of the bounds, and whether mirrored: the lower tail is the precise one."""
        low = -math.inf if self.low is None else (self.low - self.mean) / self.deviation
        high = math.inf if self.high is None else (self.high - self.mean) / self.deviation
        mirrored = low > 0.0
        if mirrored:
            low, high = -high, -low
        return normal_distribution(low), normal_distribution(high), mirrored

    def draw(self, source: Source) -> float:
        """A value within [low, high]."""
        below, above, mirrored = self._bounds
        probability = below + (above - below) * source(0)
        deviate = normal_inverse(min(probability, 1.0 - 2.0**-53))
        value = self.mean + self.deviation * (-deviate if mirrored else deviate)
        value = value if self.high is None else min(value, float(self.high))
        return value if self.low is None else max(value, float(self.low))


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Positive, half of it below ``median``, 95 % of it below ``p95``."""

    median: float
    p95: float
    _sigma: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require(_finite(self.median, self.p95) and 0 < self.median <= self.p95, self)
        object.__setattr__(self, "_sigma", log(self.p95 / self.median) / normal_inverse(0.95))

    def draw(self, source: Source) -> float:
        """median * exp(sigma * z), with sigma = ln(p95 / median) / 1.6449."""
        return self.median * exp(self._sigma * normal_inverse(source(0)))


@dataclass(frozen=True, slots=True)
class Beta:
    """In [0, 1] with mean alpha / (alpha + beta)."""

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        _require(_finite(self.alpha, self.beta) and self.alpha > 0 and self.beta > 0, self)

    def draw(self, source: Source) -> float:
        """X / (X + Y) for gammas X and Y, by their logarithms, so that small shapes do not underflow."""
        first = _log_gamma_draw(self.alpha, source, 0)
        second = _log_gamma_draw(self.beta, source, 2 * GAMMA_TRY_COUNT_MAX + 1)
        odds = exp(-min(abs(second - first), _EXP_ARGUMENT_MAX))
        return (odds if second > first else 1.0) / (1.0 + odds)


def _log_gamma_draw(shape: float, source: Source, start: int) -> float:
    """The logarithm of a gamma draw; reads the uniforms from ``start``, at most 2 * tries + 1.

    G. Marsaglia, W. Tsang, "A simple method for generating gamma variables", ACM TOMS
    26(3), 2000: a try is accepted with probability above 0.95.  Shapes below 1 use
    gamma(shape + 1) * U^(1 / shape).  At the bound of the tries the centre d is taken
    (probability below 10^-83).
    """
    boost = 0.0
    if shape < 1.0:
        boost = log(source(start)) / shape
        shape = shape + 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / sqrt(9.0 * d)
    for attempt in range(GAMMA_TRY_COUNT_MAX):
        x = normal_inverse(source(start + 1 + 2 * attempt))
        root = 1.0 + c * x
        if root <= 0.0:
            continue
        cube = root * root * root
        log_cube = log(cube)
        if log(source(start + 2 + 2 * attempt)) < 0.5 * x * x + d - d * cube + d * log_cube:
            return log(d) + log_cube + boost
    return log(d) + boost


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``values``, each with a probability that is proportional to its weight.

    Integer weights (millionths, say) are compared exactly, whatever their size.
    """

    values: tuple[Value, ...]
    weights: tuple[float, ...]
    _steps: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        steps = tuple(accumulate(self.weights))
        _require(len(self.values) == len(self.weights) > 0, self)
        _require(_finite(*steps) and min(self.weights) >= 0 and 0 < steps[-1] <= INT64_MAX, self)
        object.__setattr__(self, "_steps", steps)

    def draw(self, source: Source) -> Value:
        """The value whose share of the total the uniform falls into; never one of weight 0."""
        total = self._steps[-1]
        point = source(0) * total if isinstance(total, float) else int(source(0) * 2.0**53) * total >> 53
        chosen = bisect_right(self._steps, point)
        return self.values[chosen if chosen < len(self.values) else self._steps.index(total)]


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)


def _require(holds: bool, distribution: object) -> None:
    if not holds:
        raise ValueError(f"no distribution: {distribution!r}")
