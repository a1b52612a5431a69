"""A bus that misbehaves as it was told to: loss, duplication, delay, reordering.

Every fate belongs to (sender, number) and is drawn from the garden's seed, so
that a run can be made again.  Messages without a number get one of this bus.
Order per sender and address holds unless a message is held back (reordering);
what befalls a message is told of its sender.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial

from nimdsl.base.errors import PermanentPortError
from runtime.chance.models import Fates
from runtime.ports.bus import BACKLOG_COUNT_MAX, Bus, Listener, Message, Take, Told, check_size


class FaultyBus:
    """Another bus, with faults in front of it.  ``now_ns`` is the garden's clock."""

    def __init__(
        self, inner: Bus, fates: Fates, now_ns: Callable[[], int], told: Told, bytes_max: int
    ) -> None:
        self._inner = inner
        self._fates = fates
        self._now_ns = now_ns
        self._told = told
        self._bytes_max = bytes_max
        self._count = 0
        """How many messages came without a number."""
        self._late_number = 0
        self._late: list[tuple[int, int, Message]] = []
        """By the time of arrival, then in the order of sending."""

    @property
    def late_count(self) -> int:
        """How many messages are held back."""
        return len(self._late)

    def send(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`."""
        check_size(message, self._bytes_max)
        now_ns = self._now_ns()
        self._arrived(now_ns)
        sender, number = message.sender, message.number
        if not number:
            self._count += 1
            sender, number = "", self._count
        arrivals, fate = self._fates.arrivals(sender, message.to, number, now_ns)
        if fate:
            self._told(message.sender, f"a message to {message.to} was {fate}")
        for at_ns in arrivals:
            if at_ns <= now_ns:
                self._inner.send(message)
            else:
                self._late_number += 1
                heapq.heappush(self._late, (at_ns, self._late_number, message))
                self._inner.after(at_ns - now_ns, partial(self._arrived, at_ns))

    def _arrived(self, due_ns: int) -> None:
        """Clocks of timers may waver; the order does not.  So nothing overtakes what is due."""
        while self._late and self._late[0][0] <= due_ns:
            message = heapq.heappop(self._late)[2]
            try:
                self._inner.send(message)
            except PermanentPortError as problem:
                self._told(message.sender, f"could not send to {message.to}: {problem}")

    def listen(self, address: str, take: Take, backlog_count_max: int = BACKLOG_COUNT_MAX) -> Listener:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._inner.listen(address, take, backlog_count_max)

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._inner.after(delay_ns, act)
