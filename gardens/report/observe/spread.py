"""How a quantity spreads: counted values, in bounded memory.

Values are exact until there are more than ``VALUE_COUNT_MAX`` different ones;
from then on each is rounded down to seven significant bits, at most 1.6 % below
the truth, of which int64 has fewer than 4,096.  Count, sum and maximum stay exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

VALUE_COUNT_MAX = 4096
_BITS = 7


@dataclass(frozen=True, slots=True)
class Spread:
    """Values in ascending order with how often each occurred; nanoseconds."""

    counts: tuple[tuple[int, int], ...] = ()
    total: int = 0
    max_ns: int = 0
    exact: bool = True
    """False when the values are rounded."""
    sum_ns: int = 0
    """Of the values as they were."""

    def quantile_ns(self, share: float) -> int | None:
        """The smallest value that so large a share of all reaches at most; None without values."""
        if not self.total:
            return None
        wanted, seen = share * self.total, 0
        for value_ns, count in self.counts:
            seen += count
            if seen >= wanted:
                return value_ns
        return self.max_ns

    @property
    def mean_ns(self) -> int | None:
        """None without values."""
        return round(self.sum_ns / self.total) if self.total else None


class Counting:
    """A spread that grows."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._total = 0
        self._max_ns = 0
        self._sum_ns = 0
        self._exact = True

    def add(self, value_ns: int) -> None:
        """Counts one value, which is not negative."""
        key = value_ns if self._exact else _rounded(value_ns)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._total += 1
        self._sum_ns += value_ns
        self._max_ns = max(self._max_ns, value_ns)
        if self._exact and len(self._counts) > VALUE_COUNT_MAX:
            self._round()

    def _round(self) -> None:
        exact, self._counts, self._exact = self._counts, {}, False
        for value_ns, count in exact.items():
            key = _rounded(value_ns)
            self._counts[key] = self._counts.get(key, 0) + count

    def spread(self) -> Spread:
        """What was counted up to now."""
        counts = tuple(sorted(self._counts.items()))
        return Spread(counts, self._total, self._max_ns, self._exact, self._sum_ns)


def merged(spreads: Sequence[Spread]) -> Spread:
    """All of them as one."""
    counts: dict[int, int] = {}
    for spread in spreads:
        for value_ns, count in spread.counts:
            counts[value_ns] = counts.get(value_ns, 0) + count
    return Spread(
        tuple(sorted(counts.items())),
        sum(one.total for one in spreads),
        max((one.max_ns for one in spreads), default=0),
        all(one.exact for one in spreads),
        sum(one.sum_ns for one in spreads),
    )


def _rounded(value_ns: int) -> int:
    shift = max(0, value_ns.bit_length() - _BITS)
    return value_ns >> shift << shift
