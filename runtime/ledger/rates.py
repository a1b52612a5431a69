"""Rates: lifeforce that comes and goes by time alone.

A rate has settled exactly floor(sum of rate x time) over everything that it ever
was, however often it was looked at or changed (SEMANTICS 3.4): what has flowed is
kept as an integer over the common denominator, ``DAY_NS``: rates are in micro-LF a day.
A profile is one rate: its integral over all parts has one floor.

Not here: what a pool can take or give (:mod:`runtime.ledger.economy`).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nimdsl.program.economy import DAY_NS, Flowing, Profile
from runtime.ledger.accounts import int64


@dataclass(slots=True)
class Rate:
    """One rate; ``scope`` is the actor whose state it belongs to, empty for the economy's own."""

    name: str
    scope: str = ""
    fixed: Flowing = 0
    since_ns: int = 0
    before: int = 0
    """What flowed before ``since_ns``, in micro-LF / ``DAY_NS``."""
    settled: int = 0
    """What of it has been booked, micro-LF."""
    day_ns: int = 0
    """How far the day was when garden time began."""

    def amount(self, now_ns: int) -> int:
        """What it is now, micro-LF a day."""
        return self.fixed.rate_at(self.day_ns + now_ns) if isinstance(self.fixed, Profile) else self.fixed

    def flowed(self, now_ns: int) -> int:
        """Everything up to now, in micro-LF / ``DAY_NS``."""
        fixed, day_ns = self.fixed, self.day_ns
        if isinstance(fixed, Profile):
            return self.before + fixed.flowed(day_ns + now_ns) - fixed.flowed(day_ns + self.since_ns)
        return self.before + fixed * (now_ns - self.since_ns)

    def owed(self, now_ns: int) -> int:
        """What is due and not booked, whole micro-LF."""
        return int64(self.flowed(now_ns) // DAY_NS, "a rate") - self.settled

    def change(self, amount: int, now_ns: int) -> None:
        """Another rate from now on."""
        self.before, self.since_ns, self.fixed = self.flowed(now_ns), now_ns, amount


class Rates:
    """Rates of one direction, in the order of their names."""

    def __init__(self, fixed: Mapping[str, Flowing]) -> None:
        self._all = {name: Rate(name, fixed=amount) for name, amount in fixed.items()}
        self._flowing = sorted(name for name, amount in fixed.items() if amount)

    def __iter__(self) -> Iterator[Rate]:
        """Those that flow, also by a profile that is 0 just now."""
        return (self._all[name] for name in self._flowing)

    @property
    def count(self) -> int:
        """How many there are, also of those that stand still."""
        return len(self._all)

    def get(self, name: str) -> Rate:
        """The rate of that name; one that is new is an actor's."""
        if name not in self._all:
            self._all[name] = Rate(name, scope=name)
        return self._all[name]

    def change(self, name: str, amount: int, now_ns: int) -> None:
        """Another rate from now on; everything due before has been booked."""
        rate = self.get(name)
        if bool(rate.fixed) != bool(amount):
            if amount:
                insort(self._flowing, name)
            else:
                self._flowing.remove(name)
        rate.change(amount, now_ns)

    def begin(self, day_ns: int) -> None:
        """How far the day is when garden time begins."""
        for rate in self._all.values():
            rate.day_ns = day_ns

    def slope(self, now_ns: int) -> int:
        """What flows in all just now, micro-LF a day."""
        return sum(rate.amount(now_ns) for rate in self)

    def next_ns(self, now_ns: int) -> int | None:
        """When the next part of some profile begins; None where there is none."""
        profiles = ((rate, rate.fixed) for rate in self if isinstance(rate.fixed, Profile))
        return min(
            (one.next_ns(rate.day_ns + now_ns) - rate.day_ns for rate, one in profiles), default=None
        )

    def rest(self, now_ns: int) -> int:
        """What has flowed and is not booked, also of those that stand still: micro-LF / ``DAY_NS``."""
        return sum(rate.flowed(now_ns) - rate.settled * DAY_NS for rate in self._all.values())
