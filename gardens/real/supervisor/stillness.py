"""Whether a garden is quiet: what its processes say of themselves, one look after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

STILL_COUNT = 2
"""How many looks in a row must find nothing changed and nothing to do: then it is quiet."""
STILL_COUNT_UNSURE = 6
"""The same where more was sent than arrived: it may be on its way, or lost."""


class Stillness:
    """Tells when nothing happens any more: two looks that find everybody idle and nothing new."""

    def __init__(self, with_timers: bool) -> None:
        self._with_timers = with_timers
        self._before: object = None
        self._count = 0

    def look(self, said: Sequence[dict[str, Any] | None]) -> bool:
        """Whether it is quiet now."""
        if any(one is None or not one["idle"] or (self._with_timers and waits(one)) for one in said):
            self._before, self._count = None, 0
            return False
        counts = [(one["sent"], one["received"], one["waves"], one["start"]) for one in said if one]
        self._count = self._count + 1 if counts == self._before else 0
        self._before = counts
        sure = sum(sent for sent, *_ in counts) == sum(received for _, received, *_ in counts)
        return self._count >= (STILL_COUNT if sure else STILL_COUNT_UNSURE)


def waits(one: Mapping[str, Any]) -> bool:
    """Whether a process knows of something that is still to happen, or would be but for the horizon."""
    return bool(one["timers"] or one["stimuli"] or one["works"] or one["left"])
