"""What is still to come in a virtual run: a queue on SimPy's clock.

Its order is that of SEMANTICS 2.2: by time, then by a tuple that SimPy's queue gets as its
priority, so that its own counter never decides.  Each entry knows whether it is still wanted: a timer that
was disarmed, or work that nobody waits for any more, stays in the queue and is nothing that happens.

Not here: what an entry does, and what the tuples are (:mod:`gardens.virtual.driver`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import simpy

Order = tuple[int, int, int, str, int]
"""Among what is due at one instant: priority, emitter, effect number, subscriber, copy."""


def surely() -> bool:
    """Of what happens in any case."""
    return True


class Agenda:
    """Entries by time and order."""

    def __init__(self) -> None:
        self._environment = simpy.Environment()
        self._is_over = False
        self._found = False

    def put(
        self, at_ns: int, order: Order, act: Callable[[], None], wanted: Callable[[], bool] = surely
    ) -> None:
        """Does ``act`` at a time, which is not over.  ``wanted`` says, when it is asked, whether it would
        still do anything."""
        event = simpy.Event(self._environment)
        event._ok, event._value = True, None
        event.callbacks.append(lambda _: self._reach(act, wanted))
        priority: Any = order
        self._environment.schedule(event, priority=priority, delay=at_ns - self._environment.now)

    def next_ns(self) -> float:
        """When the next entry is due; infinity: there is none."""
        return self._environment.peek()

    def take(self) -> None:
        """Does what comes next."""
        self._environment.step()

    def ends_with_something(self) -> bool:
        """Whether anything of what is left would still happen.  The queue is of no use afterwards."""
        self._is_over = True
        while not self._found and self.next_ns() != math.inf:
            self.take()
        return self._found

    def _reach(self, act: Callable[[], None], wanted: Callable[[], bool]) -> None:
        if self._is_over:
            self._found = self._found or wanted()
        else:
            act()
