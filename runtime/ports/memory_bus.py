"""The port ``Bus`` within one process: a queue, and a clock that is moved by hand."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from functools import partial

from runtime.ports.bus import (
    BACKLOG_COUNT_MAX,
    PAYLOAD_BYTES_MAX,
    Backlog,
    Handler,
    Listener,
    ListenerRegistry,
    Message,
    OnIncident,
    Through,
    check_size,
    raise_all,
)
from runtime.ports.topics import Audience, check_published


def _untold(address: str, what: str) -> None:
    """Nobody wants to know."""


class MemoryBus:
    """A bus within one process: a queue, and a clock that is moved by hand.

    Every call raises ExceptionGroup when callbacks raised meanwhile, once everything is delivered.
    """

    def __init__(self, on_incident: OnIncident = _untold, bytes_max: int = PAYLOAD_BYTES_MAX) -> None:
        self.now_ns = 0
        self._ears = ListenerRegistry(on_incident)
        self._audience = Audience(on_incident)
        self._bytes_max = bytes_max
        self._queue: deque[Callable[[], None]] = deque()
        """Deliveries, in the order of sending."""
        self._running = False
        self._timers: list[tuple[int, int]] = []
        """A heap: when something is due, and its number."""
        self._acts: dict[int, Callable[[], None]] = {}
        self._timer_count = 0

    def send(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`.  Delivered before the outermost call returns."""
        check_size(message, self._bytes_max)
        self._post(message)
        self._run(_nothing)

    def _post(self, message: Message) -> None:
        self._queue.append(partial(self._ears.hand, message, self._post))

    def listen(self, address: str, take: Handler, backlog_count_max: int = BACKLOG_COUNT_MAX) -> Listener:
        """See :class:`runtime.ports.bus.Bus`."""
        return _MemoryListener(self._ears.open(address, take, backlog_count_max), self._run)

    def publish(self, message: Message) -> None:
        """See :class:`runtime.ports.bus.Bus`.  Delivered before the outermost call returns."""
        check_published(message)
        check_size(message, self._bytes_max)
        for _, arrive in self._audience.hearers(message):
            self._queue.append(partial(arrive, message))
        self._run(_nothing)

    def subscribe(
        self,
        topic: str,
        subscriber: str,
        take: Handler,
        backlog_count_max: int = BACKLOG_COUNT_MAX,
        through: Through | None = None,
    ) -> Listener:
        """See :class:`runtime.ports.bus.Bus`."""
        backlog = self._audience.open(topic, subscriber, take, backlog_count_max, through)
        return _MemoryListener(backlog, self._run)

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """See :class:`runtime.ports.bus.Bus`."""
        self._timer_count += 1
        number = self._timer_count
        self._acts[number] = act
        heapq.heappush(self._timers, (self.now_ns + delay_ns, number))
        return lambda: void(self._acts.pop(number, None))

    def advance(self, by_ns: int) -> None:
        """Lets time pass: what is due happens in the order of its times."""
        until_ns = self.now_ns + by_ns
        problems: list[Exception] = []
        while self._timers and self._timers[0][0] <= until_ns:
            self.now_ns, number = heapq.heappop(self._timers)
            try:
                self._run(self._acts.pop(number, _nothing))
            except ExceptionGroup as group:
                problems += group.exceptions
        self.now_ns = until_ns
        raise_all(problems)

    def _run(self, act: Callable[[], None]) -> None:
        """Does something, then delivers whatever is sent meanwhile; within a callback that waits."""
        if self._running:
            act()
            return
        self._running = True
        problems: list[Exception] = []
        next_one: Callable[[], None] | None = act
        try:
            while next_one is not None:
                try:
                    next_one()
                except Exception as problem:
                    problems.append(problem)
                next_one = self._queue.popleft() if self._queue else None
        finally:
            self._running = False
        raise_all(problems)


class _MemoryListener:
    """A listener whose release counts as a callback: what it sends waits."""

    def __init__(self, backlog: Backlog, run: Callable[[Callable[[], None]], None]) -> None:
        self._backlog = backlog
        self._run = run
        self.hold = backlog.hold
        self.close = backlog.close

    def release(self) -> None:
        self._run(self._backlog.release)


def _nothing() -> None:
    """Nothing to do, but perhaps something to deliver."""


def void(_: object) -> None:
    """Swallows a value."""
