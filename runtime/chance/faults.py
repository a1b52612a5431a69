"""A bus that misbehaves as it was told to: loss, duplication, delay, reordering.

Every fate belongs to (sender, number) and is drawn from the garden's seed, so
that a run can be made again.  Messages without a number get one of this bus.
Order per sender and address holds unless a message is held back (reordering);
what befalls a message is told of its sender.

What is sent meets its fate before the bus behind.  What is published meets it where it
is heard, for only there is it known who subscribes: each copy between the bus behind
and the subscriber's backlog, and its draw belongs to (sender, number, subscriber).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from functools import partial

from nimdsl.base.errors import PermanentPortError
from runtime.chance.models import BusFaultModel
from runtime.ports.bus import (
    BACKLOG_COUNT_MAX,
    Bus,
    Handler,
    Listener,
    Message,
    OnIncident,
    Through,
    check_size,
    raise_all,
)


class FaultyBus:
    """Another bus, with faults in front of it.  ``now_ns`` is the garden's clock."""

    def __init__(
        self,
        inner: Bus,
        fates: BusFaultModel,
        now_ns: Callable[[], int],
        on_incident: OnIncident,
        bytes_max: int,
    ) -> None:
        self._inner = inner
        self._fates = fates
        self._now_ns = now_ns
        self._on_incident = on_incident
        self._bytes_max = bytes_max
        self._counts: Counter[str] = Counter()
        """How many without a number each subscriber was to hear; "" counts what is sent."""
        """How many messages came without a number."""
        self._late_number = 0
        self._late: list[tuple[int, int, Message]] = []
        """By the time of arrival, then in the order of sending."""
        self._copies: list[tuple[int, int, Message, Handler]] = []
        """The same, of what was published; with what they go to."""

    @property
    def late_count(self) -> int:
        """How many messages are held back."""
        return len(self._late) + len(self._copies)

    def send(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`."""
        check_size(message, self._bytes_max)
        now_ns = self._now_ns()
        self._arrived(now_ns)
        arrivals, fate = self._fates.arrivals(*self._identity(message), now_ns)
        if fate:
            self._on_incident(message.sender, f"a message to {message.to} was {fate}")
        for at_ns in arrivals:
            if at_ns <= now_ns:
                self._inner.send(message)
            else:
                self._late_number += 1
                heapq.heappush(self._late, (at_ns, self._late_number, message))
                self._inner.after(at_ns - now_ns, partial(self._arrived, at_ns))

    def _identity(self, message: Message, subscriber: str = "") -> tuple[str, str, int]:
        """What fates are drawn by; those without a number are counted, for each subscriber apart."""
        if message.number:
            return message.sender, message.to, message.number
        self._counts[subscriber] += 1
        return "", message.to, self._counts[subscriber]

    def _arrived(self, due_ns: int) -> None:
        """Clocks of timers may waver; the order does not.  So nothing overtakes what is due."""
        while self._late and self._late[0][0] <= due_ns:
            message = heapq.heappop(self._late)[2]
            try:
                self._inner.send(message)
            except PermanentPortError as problem:
                self._on_incident(message.sender, f"could not send to {message.to}: {problem}")

    def publish(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`."""
        check_size(message, self._bytes_max)
        self._inner.publish(message)

    def subscribe(
        self,
        topic: str,
        subscriber: str,
        take: Handler,
        backlog_count_max: int = BACKLOG_COUNT_MAX,
        through: Through | None = None,
    ) -> Listener:
        """See :class:`runtime.ports.bus.Bus`."""

        def fated(message: Message, put: Handler) -> None:
            self._copy(message, subscriber, put if through is None else lambda copy: through(copy, put))

        return self._inner.subscribe(topic, subscriber, take, backlog_count_max, fated)

    def _copy(self, message: Message, subscriber: str, put: Handler) -> None:
        """What becomes of the copy of a message that is for ``subscriber``."""
        now_ns = self._now_ns()
        arrivals, fate = self._fates.arrivals(*self._identity(message, subscriber), now_ns, subscriber)
        if fate:
            self._on_incident(message.sender, f"a message on {message.to} to {subscriber} was {fate}")
        for at_ns in arrivals:
            self._late_number += 1
            heapq.heappush(self._copies, (at_ns, self._late_number, message, put))
            if at_ns > now_ns:
                self._inner.after(at_ns - now_ns, partial(self._copies_arrived, at_ns))
        self._copies_arrived(now_ns)

    def _copies_arrived(self, due_ns: int) -> None:
        """As :meth:`_arrived`.  Who raises costs nobody a copy."""
        problems: list[Exception] = []
        while self._copies and self._copies[0][0] <= due_ns:
            _, _, message, put = heapq.heappop(self._copies)
            try:
                put(message)
            except Exception as problem:
                problems.append(problem)
        if len(problems) == 1:
            raise problems[0]
        raise_all(problems)

    def listen(self, address: str, take: Handler, backlog_count_max: int = BACKLOG_COUNT_MAX) -> Listener:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._inner.listen(address, take, backlog_count_max)

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """See :class:`runtime.ports.bus.Bus`."""
        return self._inner.after(delay_ns, act)
