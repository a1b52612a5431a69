"""Garden time from the machine's monotonic clock (SEMANTICS 2.1).

``rate`` garden seconds go by in a second.  Every process of a garden counts from
the same origin, so that their times can be compared; the clock of one process
never goes back, and stands still while the garden is paused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nimdsl.units import SECOND_NS


@dataclass(frozen=True, slots=True)
class Origin:
    """What garden time was at a reading of the monotonic clock, in ns, and how fast it goes."""

    monotonic_ns: int
    garden_ns: int
    rate: float


class Clock:
    """Garden time.  ``read`` is the monotonic clock, in ns."""

    def __init__(self, origin: Origin, read: Callable[[], int] = time.monotonic_ns) -> None:
        self.rate = origin.rate
        self._origin = origin
        self._read = read
        self._paused_ns = 0
        self._stopped_ns: int | None = None
        self._last_ns = 0

    def begin(self, origin: Origin) -> None:
        """Counts from another origin: the garden begins when all of it is there."""
        self.rate = origin.rate
        self._origin = origin
        self._last_ns = max(self._last_ns, origin.garden_ns)

    def at_least(self, garden_ns: int) -> None:
        """What was journalled at that time has happened: it is not earlier now."""
        self._last_ns = max(self._last_ns, garden_ns)

    def now_ns(self) -> int:
        """Garden time, never less than the last reading."""
        origin = self._origin
        stopped = self._stopped_ns
        elapsed_ns = (self._read() if stopped is None else stopped) - origin.monotonic_ns - self._paused_ns
        at_ns = origin.garden_ns + (elapsed_ns if origin.rate == 1 else int(elapsed_ns * origin.rate))
        self._last_ns = max(self._last_ns, at_ns)
        return self._last_ns

    def seconds_until(self, garden_ns: int) -> float:
        """Wall-clock seconds until a garden time; never negative."""
        return max(0.0, (garden_ns - self.now_ns()) / SECOND_NS / self.rate)

    def pause(self) -> None:
        """Time stands still."""
        if self._stopped_ns is None:
            self._stopped_ns = self._read()

    def resume(self) -> None:
        """Time goes on from where it stood."""
        if self._stopped_ns is not None:
            self._paused_ns += self._read() - self._stopped_ns
            self._stopped_ns = None
