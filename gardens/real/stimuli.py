"""The scenario's stimuli, sent at their garden times by the controller.

Each is journalled before it is sent.  After a crash those that may not have
left are sent again; receivers drop what they have accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import dropwhile

from gardens.real.clock import Clock
from gardens.real.job import Job
from gardens.real.stream import Restored, StreamJournal
from nimdsl.errors import PermanentPortError
from nimdsl.program import Stimulus
from runtime import wire
from runtime.bus import Bus
from runtime.effects import Deliver
from runtime.events import EventKind
from runtime.run import stimuli_of

STIMULUS = "stimulus"
"""The kind of the scenario's journal lines, under the name ``scenario/<name>``."""


class Stimuli:
    """Sends one after the other."""

    def __init__(
        self,
        job: Job,
        bus: Bus,
        journal: StreamJournal,
        clock: Clock,
        restored: Restored,
        befell: Callable[[str, str], None],
    ) -> None:
        scenario = job.scenario
        self.sender = f"scenario/{scenario.name}"
        self.left = True
        self._bus = bus
        self._journal = journal
        self._clock = clock
        self._job = job
        self._befell = befell
        lines = restored.entries.get(self.sender, ())
        self._known = max((line.body["number"] for line in lines), default=0)
        self._sent = restored.marks.get(self.sender, 0)
        self._due = dropwhile(lambda one: one[1] <= self._sent, stimuli_of(scenario))
        self._cancel: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Sends what is due, then waits for the next."""
        due = next(self._due, None)
        if due is None:
            self.left = False
            return
        at_ns, number, stimulus = due
        if at_ns >= self._job.horizon_ns:
            self.left = False
            return
        wait_s = self._clock.seconds_until(at_ns)
        act = asyncio.get_running_loop().call_later(wait_s, lambda: self._act(at_ns, number, stimulus))
        self._cancel = act.cancel

    def close(self) -> None:
        """No more."""
        self.left = False
        self._cancel()

    def _act(self, at_ns: int, number: int, stimulus: Stimulus) -> None:
        if at_ns > self._clock.now_ns():
            wait_s = max(self._clock.seconds_until(at_ns), 1e-4)
            again = asyncio.get_running_loop().call_later(
                wait_s, lambda: self._act(at_ns, number, stimulus)
            )
            self._cancel = again.cancel
            return
        if number > self._known:
            self._journal.append(self.sender, STIMULUS, {"number": number, "time_ns": self._clock.now_ns()})
        self._journal.after(lambda: self._send(number, stimulus))
        self.begin()

    def _send(self, number: int, stimulus: Stimulus) -> None:
        effect = Deliver(number, EventKind.STIMULUS, stimulus.to, stimulus.event, stimulus.payload)
        job = self._job
        message = wire.to_message(effect, self.sender, job.run_id, job.epoch, self._clock.now_ns())
        try:
            self._bus.send(message)
        except PermanentPortError as problem:
            self._befell(stimulus.to, f"could not be told `{stimulus.event}`: {problem}")
        self._journal.mark(self.sender, number)
