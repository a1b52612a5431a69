"""The bus of the virtual garden: latency and faults drawn from the garden's document, on SimPy's clock."""

from __future__ import annotations

from collections.abc import Callable

from runtime.chance.models import Fates
from runtime.ports.bus import BACKLOG_COUNT_MAX, Ears, Listener, Message, Take, Told, check_size

Schedule = Callable[[int, Message, int, Callable[[], None]], None]
"""(time, message, which copy of it, act): the driver decides the order of one instant (SEMANTICS 2.2)."""


class VirtualBus:
    """See :class:`runtime.ports.bus.Bus`."""

    def __init__(
        self,
        fates: Fates,
        now_ns: Callable[[], int],
        schedule: Schedule,
        after: Callable[[int, Callable[[], None]], Callable[[], None]],
        told: Told,
    ) -> None:
        self._ears = Ears(told)
        self._fates = fates
        self._now_ns = now_ns
        self._schedule = schedule
        self._after = after
        self._told = told
        self._count = 0

    def send(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`."""
        check_size(message, self._fates.model.payload_bytes_max)
        number = message.number
        if not number:
            self._count += 1
            number = self._count
        arrivals, fate = self._fates.arrivals(message.sender, message.to, number, self._now_ns())
        if fate:
            self._told(message.sender, f"a message to {message.to} was {fate}")
        for copy, at_ns in enumerate(arrivals):
            self._schedule(at_ns, message, copy, lambda: self._ears.hand(message, self.send))

    def listen(self, address: str, take: Take, backlog_count_max: int = BACKLOG_COUNT_MAX) -> Listener:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._ears.open(address, take, backlog_count_max)

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._after(delay_ns, act)
