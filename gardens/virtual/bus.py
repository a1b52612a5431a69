"""The bus of the virtual garden: latency and faults drawn from the garden's document, on SimPy's clock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from runtime.chance.models import BusFaultModel
from runtime.ports.bus import (
    BACKLOG_COUNT_MAX,
    Handler,
    Listener,
    ListenerRegistry,
    Message,
    OnIncident,
    Through,
    check_size,
)
from runtime.ports.topics import Audience, check_published

Schedule = Callable[[int, Message, str, int, Callable[[], None]], None]
"""(time, message, for which subscriber if it was published, which copy of it, act): the driver decides
the order of one instant (SEMANTICS 2.2)."""


class VirtualBus:
    """See :class:`runtime.ports.bus.Bus`."""

    def __init__(
        self,
        fates: BusFaultModel,
        now_ns: Callable[[], int],
        schedule: Schedule,
        after: Callable[[int, Callable[[], None]], Callable[[], None]],
        on_incident: OnIncident,
    ) -> None:
        self._ears = ListenerRegistry(on_incident)
        self._audience = Audience(on_incident)
        self._fates = fates
        self._now_ns = now_ns
        self._schedule = schedule
        self._after = after
        self._on_incident = on_incident
        self._count = 0

    def send(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`."""
        check_size(message, self._fates.model.payload_bytes_max)
        at_ns, fate = self._fates.arrivals(*self._identity(message), self._now_ns())
        if fate:
            self._on_incident(message.sender, f"a message to {message.to} was {fate}")
        for copy, one_ns in enumerate(at_ns):
            self._schedule(one_ns, message, "", copy, lambda: self._ears.hand(message, self.send))

    def _identity(self, message: Message) -> tuple[str, str, int]:
        if message.number:
            return message.sender, message.to, message.number
        self._count += 1
        return message.sender, message.to, self._count

    def publish(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`."""
        check_published(message)
        check_size(message, self._fates.model.payload_bytes_max)
        identity, now_ns = self._identity(message), self._now_ns()
        for subscriber, arrive in self._audience.hearers(message):
            at_ns, fate = self._fates.arrivals(*identity, now_ns, subscriber)
            if fate:
                self._on_incident(message.sender, f"a message on {message.to} to {subscriber} was {fate}")
            for copy, one_ns in enumerate(at_ns):
                self._schedule(one_ns, message, subscriber, copy, partial(arrive, message))

    def subscribe(
        self,
        topic: str,
        subscriber: str,
        take: Handler,
        backlog_count_max: int = BACKLOG_COUNT_MAX,
        through: Through | None = None,
    ) -> Listener:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._audience.open(topic, subscriber, take, backlog_count_max, through)

    def listen(self, address: str, take: Handler, backlog_count_max: int = BACKLOG_COUNT_MAX) -> Listener:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._ears.open(address, take, backlog_count_max)

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._after(delay_ns, act)
