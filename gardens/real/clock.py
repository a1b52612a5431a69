"""Garden time from the machine's monotonic clock (SEMANTICS 2.1).

``rate`` garden seconds go by in a second.  Every process of a garden counts from
the same origin, so that their times can be compared; the clock of one process
never goes back, and stands still while the garden is paused.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass

from nimdsl.base.units import SECOND_NS

SLACK_NS = 50_000
"""What is due in less is due: event loops wake a little early."""
LOOK_S_MIN = 0.001
"""How soon a clock that stood still is looked at again."""
CANCELLED_COUNT_MAX = 1_024
"""How many cancelled timers may wait for their time, beside as many as are armed."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What garden time was at a reading of the monotonic clock, in ns, and how fast it goes."""

    monotonic_ns: int
    garden_ns: int
    rate: float


class Clock:
    """Garden time.  ``read`` is the monotonic clock, in ns.

    One that is ``waiting`` stands still until it is told to begin.
    """

    def __init__(
        self, origin: Origin, read: Callable[[], int] = time.monotonic_ns, *, waiting: bool = False
    ) -> None:
        self.rate = origin.rate
        self._origin = origin
        self._read = read
        self._waiting = waiting
        self._paused_ns = 0
        self._stopped_ns: int | None = None
        self.floor_ns = 0
        """No reading is below this: what was journalled then has happened."""
        self._last_ns = 0

    def begin(self, origin: Origin) -> None:
        """Counts from another origin: the garden begins when all of it is there.

        Time does not go back even so, and a pause goes on.
        """
        self.rate = origin.rate
        self._origin = origin
        self._paused_ns = 0
        self._waiting = False
        if self._stopped_ns is not None:
            self._stopped_ns = origin.monotonic_ns
        self._last_ns = max(self._last_ns, origin.garden_ns)

    def at_least(self, garden_ns: int) -> None:
        """What was journalled at that time has happened: it is not earlier now."""
        self.floor_ns = max(self.floor_ns, garden_ns)
        self._last_ns = max(self._last_ns, garden_ns)

    def now_ns(self) -> int:
        """Garden time, never less than the last reading."""
        origin = self._origin
        if self._waiting:
            return self._last_ns
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


class Timers:
    """What is due later by a clock, in the order of the times, then of asking; it stands still with it.

    Needs a running event loop.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._due: list[tuple[int, int]] = []
        """A heap: when something is due, and its number."""
        self._acts: dict[int, Callable[[], None]] = {}
        self._count = 0
        self._handle: asyncio.TimerHandle | None = None

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """Does something so much garden time later; what comes back cancels it."""
        self._count = number = self._count + 1
        self._acts[number] = act
        heapq.heappush(self._due, (self._clock.now_ns() + delay_ns, number))
        if self._due[0][1] == number:
            self._arm(0.0)
        return lambda: self._cancel(number)

    def _cancel(self, number: int) -> None:
        if self._acts.pop(number, None) is None:
            return
        if len(self._due) > 2 * len(self._acts) + CANCELLED_COUNT_MAX:
            self._due = [one for one in self._due if one[1] in self._acts]
            heapq.heapify(self._due)

    def _arm(self, wait_s_min: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        wait_s = max(self._clock.seconds_until(self._due[0][0]), wait_s_min)
        self._handle = self._loop.call_later(wait_s, self._fire)

    def _fire(self) -> None:
        """One at a time, so that one that raises keeps no other from its turn."""
        self._handle = None
        due_ns = self._clock.now_ns() + SLACK_NS
        act, count = None, len(self._due)
        while self._due and act is None and self._due[0][0] <= due_ns:
            act = self._acts.pop(heapq.heappop(self._due)[1], None)
        if self._due:
            self._arm(LOOK_S_MIN if len(self._due) == count else 0.0)
        if act is not None:
            act()
