"""How long something was what, bin by bin of time: stays of any number in bounded memory.

The law: the times of a name over all bins are the time that it had, to the nanosecond, and so are the
counts; a stay is counted in the bin in which it begins.  Bins are as wide as a power of two of
nanoseconds and begin at 0, so that those of different actors lie on each other.  There are at most
``BIN_COUNT_MAX`` of them, and at most ``NAME_COUNT_MAX`` names are told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

BIN_COUNT_MAX = 512
NAME_COUNT_MAX = 64
OTHERS = "others"

Stay = tuple[int, int]
"""A time in ns, and how many stays began."""


@dataclass(frozen=True, slots=True)
class Density:
    """Bins by their number, each with the times of names; those in which nothing was are left out."""

    width_ns: int = 1
    bins: Mapping[int, Mapping[str, Stay]] = field(default_factory=dict)

    def merged(self, factor: int) -> Density:
        """So many bins as one."""
        return Density(self.width_ns * factor, _merged(self.bins.items(), factor))

    def fitting(self, end_ns: int, column_count: int) -> Density:
        """In no more bins than that up to ``end_ns``."""
        factor = 1
        while end_ns > self.width_ns * factor * column_count:
            factor *= 2
        return self.merged(factor)


def together(densities: Iterable[Density]) -> Density:
    """The sum of several, as wide as the widest."""
    every = list(densities)
    width_ns = max((one.width_ns for one in every), default=1)
    alike = (one.merged(width_ns // one.width_ns) for one in every)
    return Density(width_ns, _merged((item for one in alike for item in one.bins.items()), 1))


def _merged(bins: Iterable[tuple[int, Mapping[str, Stay]]], factor: int) -> dict[int, Mapping[str, Stay]]:
    found: dict[int, dict[str, Stay]] = {}
    for number, stays in bins:
        into = found.setdefault(number // factor, {})
        for name, (time_ns, count) in stays.items():
            before_ns, before = into.get(name, (0, 0))
            into[name] = before_ns + time_ns, before + count
    return dict(sorted(found.items()))


class Binning:
    """A density that grows."""

    def __init__(self, known: Density | None = None) -> None:
        known = known or Density()
        self._width_ns = known.width_ns
        self._bins = {number: dict(stays) for number, stays in known.bins.items()}
        self._names = {name: None for stays in known.bins.values() for name in stays}

    def add(self, from_ns: int, to_ns: int, name: str) -> None:
        """A stay, which may have taken no time."""
        if name not in self._names:
            name = name if len(self._names) < NAME_COUNT_MAX else OTHERS
            self._names[name] = None
        while max(from_ns, to_ns - 1) // self._width_ns >= BIN_COUNT_MAX:
            self._widen()
        width_ns, count = self._width_ns, 1
        number = from_ns // width_ns
        while True:
            until_ns = min(to_ns, (number + 1) * width_ns)
            stays = self._bins.setdefault(number, {})
            before_ns, before = stays.get(name, (0, 0))
            stays[name] = before_ns + max(0, until_ns - from_ns), before + count
            if until_ns >= to_ns:
                return
            number, from_ns, count = number + 1, until_ns, 0

    def _widen(self) -> None:
        self._width_ns *= 2
        self._bins = {number: dict(stays) for number, stays in _merged(self._bins.items(), 2).items()}

    def density(self) -> Density:
        """What was added up to now."""
        return Density(self._width_ns, {number: dict(stays) for number, stays in self._bins.items()})
