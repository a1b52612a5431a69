"""What was earned and spent: in all, by scope, and within a window of time.

The law: ``forget`` changes no answer for a window that begins after it.
"""

from __future__ import annotations

from bisect import bisect_right

from nimdsl.base.errors import NimdslError
from nimdsl.base.units import INT64_MAX


class Flows:
    """Sums of one ledger; amounts in micro-LF, times in ns, which never decrease."""

    def __init__(self) -> None:
        self._spent: dict[str, int] = {}
        self._earned: dict[str, int] = {}
        self._times_ns: list[int] = []
        self._sums: list[tuple[int, int]] = [(0, 0)]
        """Earned and spent in all, up to each of the times; the first pair before all of them."""
        self._from_ns = -INT64_MAX
        """What was earned and spent until then is in the first pair, its times are forgotten."""

    def add(self, earned: int, spent: int, scope: str, time_ns: int) -> None:
        """Something moved."""
        self._earned[scope] = self._earned.get(scope, 0) + earned
        self._spent[scope] = self._spent.get(scope, 0) + spent
        earned_before, spent_before = self._sums[-1]
        both = earned_before + earned, spent_before + spent
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

    def ratio(self, window_ns: int, now_ns: int) -> float | None:
        """Earned over spent in (now - window, now]; None when nothing was spent.

        Raises NimdslError for a window that begins before what was forgotten.
        """
        if now_ns - window_ns < self._from_ns:
            raise NimdslError("the ledger has forgotten what was earned and spent in that window")
        earned_before, spent_before = self._sums[bisect_right(self._times_ns, now_ns - window_ns)]
        earned, spent = self._sums[bisect_right(self._times_ns, now_ns)]
        expenditure = spent - spent_before
        return (earned - earned_before) / expenditure if expenditure else None

    def forget(self, until_ns: int) -> None:
        """Lets go of what no window needs that begins at ``until_ns`` or later."""
        old = bisect_right(self._times_ns, until_ns)
        if old > len(self._times_ns) // 2:
            self._from_ns = self._times_ns[old - 1]
            del self._times_ns[:old], self._sums[:old]
