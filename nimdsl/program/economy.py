"""Economies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from nimdsl.base.elementary import exp
from nimdsl.base.units import MICRO, NANOSECONDS
from nimdsl.program.format import tagged

DAY_NS = NANOSECONDS["d"]


@tagged("prices")
@dataclass(frozen=True)
class Prices:
    """What a handshake's parts cost, micro-LF."""

    translation: int = 0
    publish: int = 0
    process: int = 0


@tagged("mark")
@dataclass(frozen=True)
class Mark:
    """Told when the pool has less than ``below``, and over when it has ``until`` again; micro-LF."""

    below: int
    until: int


@tagged("profile")
@dataclass(frozen=True)
class Profile:
    """A rate over the day (UTC): ``parts`` are (since when, ns; micro-LF a day), the first at midnight."""

    parts: tuple[tuple[int, int], ...]

    def rate_at(self, at_ns: int) -> int:
        """The rate at a time since some midnight, micro-LF a day."""
        return self.parts[self._part(at_ns % DAY_NS)][1]

    def flowed(self, at_ns: int) -> int:
        """What has flowed since that midnight, micro-LF / ``DAY_NS``: the integral, exactly."""
        days, rest_ns = divmod(at_ns, DAY_NS)
        part, (before, whole) = self._part(rest_ns), self._sums
        since_ns, rate = self.parts[part]
        return days * whole + before[part] + rate * (rest_ns - since_ns)

    def next_ns(self, at_ns: int) -> int:
        """When the next part begins, after a time since that midnight."""
        days, rest_ns = divmod(at_ns, DAY_NS)
        part = self._part(rest_ns) + 1
        return days * DAY_NS + (self.parts[part][0] if part < len(self.parts) else DAY_NS)

    def _part(self, rest_ns: int) -> int:
        return bisect_right(self._begins_ns, rest_ns) - 1

    @cached_property
    def _begins_ns(self) -> tuple[int, ...]:
        return tuple(since_ns for since_ns, _ in self.parts)

    @cached_property
    def _sums(self) -> tuple[tuple[int, ...], int]:
        """What has flowed before each part, and in a whole day."""
        ends_ns = (*self._begins_ns[1:], DAY_NS)
        flows = (
            rate * (end_ns - since_ns) for (since_ns, rate), end_ns in zip(self.parts, ends_ns, strict=True)
        )
        *before, whole = accumulate(flows, initial=0)
        return tuple(before), whole


Flowing = int | Profile
"""A rate of an economy's own: always the same, micro-LF a day, or by the time of day."""


def least_rate(rate: Flowing) -> int:
    """The least that it ever is, micro-LF a day."""
    return min(amount for _, amount in rate.parts) if isinstance(rate, Profile) else rate


def most_rate(rate: Flowing) -> int:
    """The most that it ever is, micro-LF a day."""
    return max(amount for _, amount in rate.parts) if isinstance(rate, Profile) else rate


EXPONENT_MAX = 40.0
"""Beyond this a pulse is as slow, or as fast, as it gets."""


@tagged("pulse")
@dataclass(frozen=True)
class Pulse:
    """How often an economy looks at itself: seldom where the pool is low.

    Times are ns, levels millionths of the capacity.
    """

    base_ns: int
    slowest_ns: int
    threshold: int
    scale: int

    def period_ns(self, pool: int, capacity: int) -> int:
        """How long until the next one, by what the pool has; micro-LF."""
        level, threshold, scale = pool / capacity, self.threshold / MICRO, self.scale / MICRO
        x = min(max((level - threshold) / scale, -EXPONENT_MAX), EXPONENT_MAX)
        return min(self.slowest_ns, round(self.base_ns * (1.0 + exp(-x))))


@tagged("slumber")
@dataclass(frozen=True)
class Slumber:
    """When an economy falls asleep and wakes; ns, levels and urgency in millionths, lambdas too."""

    window_ns: int
    lambda_: int
    level: int
    urgency: int
    reserve_ns: int
    wake_lambda: int
    wake_level: int
    wake_urgency: int


@tagged("economy")
@dataclass(frozen=True)
class Economy:
    """Opening balance, floor, prices, rewards (negative: penalties) and rates; micro-LF, rates a day."""

    name: str
    opening: int
    floor: int
    capacity: int | None
    prices: Prices
    rewards: Mapping[str, int]
    incomes: Mapping[str, Flowing]
    upkeep: Mapping[str, Flowing]
    window_ns: int
    marks: Mapping[str, Mark] = field(default_factory=dict)
    pulse: Pulse | None = None
    slumber: Slumber | None = None
    emergency: int = 0
    """What only reflexes may take of the pool, above its floor."""
    starve_ns: int = 0
    allowance: tuple[str, int] | None = None
    """From which economy how much comes besides, micro-LF a day."""
    """After so long without paid upkeep a run ends; 0: never."""

    @property
    def kept(self) -> int:
        """What no ordinary price takes: the floor and the emergency."""
        return self.floor + self.emergency

    @property
    def own_events(self) -> tuple[str, ...]:
        """What it tells besides marks."""
        sleeping = ("slumber", "wake") if self.slumber is not None else ()
        return (("pulse",) if self.pulse is not None else ()) + sleeping

    def net_flow(self) -> tuple[int, int]:
        """The least and the most that flows in, less what flows out, micro-LF a day."""
        incomes, upkeep = self.incomes.values(), self.upkeep.values()
        least = sum(map(least_rate, incomes)) - sum(map(most_rate, upkeep))
        return least, sum(map(most_rate, incomes)) - sum(map(least_rate, upkeep))
