"""The life of the economy's process: what its books have to say is told in time.

The law (SEMANTICS 3.4): the clock settles nothing.  It only says when to look, and what is due then has
an instant of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from gardens.real.clock import Clock
from gardens.real.nats.bus import NatsBus
from gardens.real.nats.stream import Restored, StreamJournal
from gardens.real.process.job import Job
from gardens.real.process.ledger_service import LedgerService
from nimdsl.base.units import SECOND_NS
from nimdsl.base.values import Value
from runtime.ports.requests import RequestClient
from runtime.run.lines import LEDGER
from runtime.run.run import books_of, heard_of, hearers_of

BEHIND_S = 0.05
"""How far behind the clock it is looked whether something is due: what actors book may come so late."""
LOOK_EVERY_S = 1.0
"""How often it is looked at least."""


class EconomyLife:
    """The ledger service with its clock; ``start`` runs a task as long as the process lives."""

    def __init__(
        self,
        job: Job,
        bus: NatsBus,
        journal: StreamJournal,
        clock: Clock,
        restored: Restored,
        start: Callable[[Coroutine[Any, Any, None], str], None],
    ) -> None:
        self._job = job
        self._clock = clock
        self._changed = asyncio.Event()
        self._begun = False
        self.service = LedgerService(
            lambda written: books_of(job.program, job.scenario, job.epoch, written),
            restored.entries.get(LEDGER, []),
            journal,
            journal.after,
            lambda: min(clock.now_ns(), job.horizon_ns),
        )
        self.service.listen(bus, job.economy)
        self._asker = RequestClient(bus, f"asker/{job.name}-{job.start}", bus.wall_after)
        self._hearers = hearers_of(job.program, job.scenario)
        self._heard = heard_of(self._hearers)
        start(self._look(), "books")

    def begin(self) -> None:
        """Garden time goes on: what is due is told from now on, and not before anybody is there."""
        if not self._begun:
            self._begun = True
            self.service.tell(self._asker, self._hearers, self._changed.set)
        self._changed.set()

    def close(self) -> None:
        """Waits for nobody any more."""
        self._asker.close()

    @property
    def waiting_count(self) -> int:
        """What somebody has not heard yet."""
        return self.service.untold_count

    @property
    def is_due(self) -> bool:
        """Whether something from before the horizon is still to be told, or somebody has not heard it."""
        due_ns = self.service.purses.next_look_ns(self._heard)
        return self.service.untold_count > 0 or (due_ns is not None and due_ns < self._job.horizon_ns)

    @property
    def expects(self) -> bool:
        """Whether time alone brings something: a mark that somebody hears, or what a state lets flow."""
        purses = self.service.purses
        return purses.has_flows or purses.next_look_ns(self._heard) is not None

    def status(self) -> Mapping[str, Value]:
        """What every purse has now, by the name of its economy; micro-LF.  Looking on settles nothing."""
        purses, now_ns = self.service.purses, self._behind(0)
        return {
            purses.economy_of(purse): {
                "balance": ledger.balance_at(now_ns),
                "spent": ledger.spent(),
                "earned": ledger.earned(),
                "held": sum(ledger.holds().values()),
            }
            for purse, ledger in purses.ledgers.items()
        }

    async def _look(self) -> None:
        """Has the books say what is due, a moment after its instant."""
        while True:
            self._changed.clear()
            due_ns = self.service.purses.next_look_ns(self._heard)
            if self._begun and due_ns is not None and due_ns <= self._behind(BEHIND_S):
                self.service.look(due_ns)
                continue
            wait_s = LOOK_EVERY_S
            if due_ns is not None:
                wait_s = min(wait_s, max(0.0, self._clock.seconds_until(due_ns)) + BEHIND_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_s)

    def _behind(self, seconds: float) -> int:
        """Garden time so far behind the clock, of real seconds; the horizon is exclusive."""
        behind_ns = int(seconds * SECOND_NS * self._clock.rate)
        return min(self._clock.now_ns() - behind_ns, self._job.horizon_ns - 1)
