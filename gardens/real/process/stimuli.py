"""The scenario's stimuli, sent at their garden times by the controller.

Each is journalled before it is sent.  After a crash those that may not have
left are sent again, under the numbers that they had: the seed decides when they
come.  Receivers drop what they have accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import dropwhile

from gardens.real.clock import Clock
from gardens.real.nats.stream import Restored, StreamJournal
from gardens.real.process.actor_driver import ActorDriver
from gardens.real.process.deadline_actor_driver import DeadlineActorDriver
from gardens.real.process.job import Job
from nimdsl.base.errors import PermanentPortError
from runtime.chance.models import Draws
from runtime.chance.stimuli import Arrival, stimuli_of
from runtime.kernel.events import Stimulus
from runtime.ports.bus import Bus
from runtime.run import wire
from runtime.run.lines import StimulusSent, line_of, write


class Stimuli:
    """Sends one after the other; ``residents`` are the actors of this process."""

    def __init__(
        self,
        job: Job,
        bus: Bus,
        journal: StreamJournal,
        clock: Clock,
        restored: Restored,
        residents: Mapping[str, ActorDriver],
        on_incident: Callable[[str, str], None],
    ) -> None:
        scenario = job.scenario
        self.sender = f"scenario/{scenario.name}"
        self._bus = bus
        self._journal = journal
        self._clock = clock
        self._job = job
        self._residents = residents
        self._on_incident = on_incident
        lines = restored.entries.get(self.sender, ())
        sent = [line for line in map(line_of, lines) if isinstance(line, StimulusSent)]
        self._known = max((line.number for line in sent), default=0)
        self._sent = restored.marks.get(self.sender, 0)
        self._due = dropwhile(lambda one: one[1] <= self._sent, stimuli_of(scenario, Draws(job.seed)))
        self._next: tuple[int, int, Arrival] | None = None
        self.left = False
        """Whether there are more to come, also such as are due after the horizon."""
        self._cancel: Callable[[], None] = lambda: None
        self._step()

    def begin(self) -> None:
        """Sends what is due, then waits for the next."""
        self._cancel()
        if self._next is None:
            return
        if self._next[0] <= self._clock.now_ns():
            self._act(*self._next)
            wait_s = 0.0
        else:
            wait_s = max(self._clock.seconds_until(self._next[0]), 1e-4)
        self._cancel = asyncio.get_running_loop().call_later(wait_s, self.begin).cancel

    def before(self, at_ns: int) -> None:
        """Sends what comes before an instant that is being worked off, late as it may be."""
        while self._next is not None and self._next[0] <= at_ns:
            self._act(*self._next)

    def close(self) -> None:
        """No more."""
        self._next, self.left = None, False
        self._cancel()

    def _step(self) -> None:
        following = next(self._due, None)
        self.left = following is not None
        self._next = following if following and following[0] < self._job.horizon_ns else None

    def _act(self, at_ns: int, number: int, arrival: Arrival) -> None:
        self._step()
        resident = self._residents.get(arrival.to)
        if isinstance(resident, DeadlineActorDriver):
            event = Stimulus(arrival.event, dict(arrival.payload), sender=self.sender, number=number)
            resident.offer(event, at_ns)
            return
        if number > self._known:
            write(self._journal, self.sender, StimulusSent(number, self._clock.now_ns()))
        self._journal.after(lambda: self._send(number, arrival))

    def _send(self, number: int, arrival: Arrival) -> None:
        payload = dict(arrival.payload)
        message = wire.stimulus(arrival.to, arrival.event, payload, self.sender, number)
        try:
            self._bus.send(message)
        except PermanentPortError as problem:
            self._on_incident(arrival.to, f"could not be told `{arrival.event}`: {problem}")
        self._journal.mark(self.sender, number)
