"""An attention at home in the real garden: everything at the instant at which it was due (SEMANTICS 5).

However late its process is, it takes its timers and the scenario's stimuli in the
order of the virtual garden, by time and then by priority (2.2), one by one, and
each at its own instant.  So both gardens decide the same, and book the same at the
same times.  What has no instant of its own (messages, work that came back) comes
when it comes.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import NamedTuple

from gardens.real.process.actor_driver import TIMER_SLACK_NS, ActorContext, ActorDriver
from gardens.real.process.command_queue import CommandQueue
from runtime.kernel.effects import SetTimer
from runtime.kernel.events import AnyEvent, Stimulus
from runtime.run.host import Host

STEPS_AT_ONCE = 64
"""How many events are taken before the rest of the process has its turn."""


class _Due(NamedTuple):
    """What is to be taken, in this order."""

    at_ns: int
    priority: int
    number: int
    event: AnyEvent


class DeadlineActorDriver(ActorDriver):
    """Takes events by their instants; all else is as in :class:`ActorDriver`."""

    begins_ns = 0

    def __init__(self, host: Host, around: ActorContext, commands: CommandQueue | None) -> None:
        super().__init__(host, around, commands)
        self._queue: list[_Due] = []
        self._numbers = count()
        self._taking = False

    @property
    def waiting_count(self) -> int:
        """Events that wait, and things that the economy has not answered."""
        return len(self._queue) + super().waiting_count

    @property
    def is_due(self) -> bool:
        """Whether a timer from before the horizon is still to be taken."""
        return any(
            self._due_ns(armed) < self._around.horizon_ns for armed in self.host.snapshot.timers.values()
        )

    def offer(self, event: AnyEvent, at_ns: int | None = None) -> None:
        """Takes an event when its turn comes: at ``at_ns``, without it now.  The horizon is exclusive."""
        if at_ns is None:
            at_ns = self._around.clock.now_ns()
        heapq.heappush(self._queue, _Due(at_ns, event.priority, next(self._numbers), event))
        self._drain()

    def _drain(self) -> None:
        if self._taking:
            return
        self._taking = True
        try:
            self._take_some()
        finally:
            self._taking = False
        self._release()

    def _take_some(self) -> None:
        for _ in range(STEPS_AT_ONCE):
            due = None if self._waits else self._next()
            if due is None:
                return
            self._accept(due.event, due.at_ns)
        self._loop.call_soon(self._drain)

    def _next(self) -> _Due | None:
        """What comes first of all that is due; the scenario may have something that comes before it."""
        first = self._first()
        if first is not None:
            self._around.before(first.at_ns - (first.priority < Stimulus.priority))
            first = self._first()
        if self._queue and first is self._queue[0]:
            heapq.heappop(self._queue)
        return first

    def _first(self) -> _Due | None:
        timer = None if self.winding_down else self._first_timer()
        if self._queue and (timer is None or self._queue[0][:2] < timer[:2]):
            return self._queue[0]
        return timer

    def _first_timer(self) -> _Due | None:
        """The timer that is due first, of those that are due by now and before the horizon."""
        until_ns = min(self._around.clock.now_ns() + TIMER_SLACK_NS, self._around.horizon_ns - 1)
        timers = (
            SetTimer(timer, armed.generation, due_ns)
            for timer, armed in self.host.snapshot.timers.items()
            if (due_ns := self._due_ns(armed)) <= until_ns
        )
        due = (_Due(one.deadline_ns, one.event.priority, one.generation, one.event) for one in timers)
        return min(due, key=lambda one: one[:3], default=None)

    def _wake(self, effect: SetTimer) -> None:  # noqa: ARG002  whatever is due is in the snapshot
        self._drain()
