"""What was earned and spent: in all, by scope; and within a window of time, also what was owed.

The law: ``forget`` changes no answer for a window that begins after it.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from nimdsl.base.errors import NimdslError
from nimdsl.base.units import INT64_MAX


class Span(NamedTuple):
    """What was earned and owed within a stretch of time; micro-LF and ns."""

    earned: int
    owed: int
    """What was spent, and what found no cover."""
    span_ns: int

    @property
    def ratio(self) -> float | None:
        """Earned over owed, lambda; None when nothing was owed."""
        return self.earned / self.owed if self.owed else None

    def reserve_ns(self, balance: int) -> int | None:
        """How long a pool lasts at this pace; None where it does not shrink."""
        lost = self.owed - self.earned
        return balance * self.span_ns // lost if lost > 0 else None


class Flows:
    """Sums of one ledger; amounts in micro-LF, times in ns, which never decrease."""

    def __init__(self) -> None:
        self._spent: dict[str, int] = {}
        self._earned: dict[str, int] = {}
        self._times_ns: list[int] = []
        self._sums: list[tuple[int, int]] = [(0, 0)]
        """Earned and owed in all, up to each of the times; the first pair before all of them."""
        self._from_ns = -INT64_MAX
        """What was earned and owed until then is in the first pair, its times are forgotten."""

    def add(self, earned: int, spent: int, scope: str, time_ns: int) -> None:
        """Something moved."""
        self._earned[scope] = self._earned.get(scope, 0) + earned
        self._spent[scope] = self._spent.get(scope, 0) + spent
        self._sample(earned, spent, time_ns)

    def lack(self, amount: int, time_ns: int) -> None:
        """Something was owed and found no cover."""
        self._sample(0, amount, time_ns)

    def _sample(self, earned: int, owed: int, time_ns: int) -> None:
        earned_before, owed_before = self._sums[-1]
        both = earned_before + earned, owed_before + owed
        if self._times_ns and self._times_ns[-1] == time_ns:
            self._sums[-1] = both
        else:
            self._sums.append(both)
            self._times_ns.append(time_ns)

    def spent(self, scope: str | None = None) -> int:
        """In all, or for one scope."""
        return sum(self._spent.values()) if scope is None else self._spent.get(scope, 0)

    def earned(self, scope: str | None = None) -> int:
        """In all, or for one scope."""
        return sum(self._earned.values()) if scope is None else self._earned.get(scope, 0)

    def over(self, window_ns: int, now_ns: int) -> Span:
        """What moved since the latest time at which something did that is not after now - window.

        Raises NimdslError for a window that begins before what was forgotten.
        """
        if now_ns - window_ns < self._from_ns:
            raise NimdslError("the ledger has forgotten what was earned and spent in that window")
        first = bisect_right(self._times_ns, now_ns - window_ns)
        earned_before, owed_before = self._sums[first]
        earned, owed = self._sums[bisect_right(self._times_ns, now_ns)]
        since_ns = self._times_ns[first - 1] if first else max(0, self._from_ns)
        return Span(earned - earned_before, owed - owed_before, now_ns - since_ns)

    def forget(self, until_ns: int) -> None:
        """Lets go of what no window needs that begins at ``until_ns`` or later."""
        old = bisect_right(self._times_ns, until_ns)
        if old > len(self._times_ns) // 2:
            self._from_ns = self._times_ns[old - 1]
            del self._times_ns[:old], self._sums[:old]
