"""A real garden that somebody leads from one instant to the next (the port ``LivingGarden``).

Whoever leads it is no coroutine: the event loop of the supervisor goes on only while it is waited for.
The processes of the garden live on between; what they did is in the journal when it is read the next time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.history import run_of
from gardens.real.supervisor.launchers import ProcessLauncher
from gardens.real.supervisor.plan import Plan
from gardens.real.supervisor.servers import on_the_bus_that_is_up
from gardens.real.supervisor.state import StateFolder
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import PortError, TemporaryPortError
from nimdsl.program import Garden, Program, Scenario
from runtime.kernel.events import Stimulus
from runtime.run.run import Run, Stopped

Answer = TypeVar("Answer")


class RealLife:
    """One run of ``scenario`` in the real ``garden``; its state is kept in ``scratch``."""

    def __init__(
        self,
        program: Program,
        scenario: Scenario,
        garden: Garden,
        *,
        seed: int,
        folders: tuple[str, ...],
        scratch: Path,
        journal: SqliteJournal,
    ) -> None:
        self.program = program
        self.scenario = scenario
        self.journal = journal
        garden = on_the_bus_that_is_up(garden)
        self._plan = Plan(program, scenario, garden, seed, folders)
        self._state = StateFolder(scratch / "garden")
        self._runner = asyncio.Runner()
        launcher = ProcessLauncher(garden, self._state, lambda *_: None)
        self._garden = GardenSupervisor(self._plan, self._state, launcher, journal=journal)
        self._lives = False
        self._over: asyncio.Future[tuple[Stopped, str]] = self._runner.get_loop().create_future()
        """Done when the run is over."""

    def begin(self) -> None:
        """Brings everything up; time begins when everybody is there."""
        self._state.lock()
        self._lives = True
        self._wait(self._garden.start())
        self._over = self._runner.get_loop().create_task(self._garden.until_ended(lasting=True))

    def tell(self, to: str, event: Stimulus, at_ns: int) -> None:  # noqa: ARG002
        """Now: ``at_ns`` is past, or nearly."""
        self._wait(self._garden.tell(to, event))

    def until(self, at_ns: int) -> Stopped | None:
        """Waits until then; raises TemporaryPortError where the garden cannot go on."""
        return self._wait(self._until(at_ns))

    def end(self, stopped: Stopped | None) -> Run:
        """Waits for the end, stops every process, and reads what there was from the journal."""
        why = stopped if stopped is not None else self._wait(self._ended())
        self._stop()
        self.close()
        return run_of(self._plan, self.journal, self._garden.run_id, self._garden.epoch, why)

    def close(self) -> None:
        """Stops what still runs."""
        if self._lives:
            with contextlib.suppress(PortError):  # there was another problem first
                self._stop()
        self._state.unlock()
        self._runner.close()

    def _stop(self) -> None:
        self._lives = False
        self._over.cancel()
        self._wait(self._garden.stop(over=True))

    def _wait(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self._runner.run(work)

    async def _ended(self) -> Stopped:
        stopped, why = await self._over
        if why:
            raise TemporaryPortError(why)
        return stopped

    async def _until(self, at_ns: int) -> Stopped | None:
        if at_ns >= self.scenario.horizon_ns:
            stopped = await self._ended()
            return None if stopped in ("horizon", "quiet") else stopped
        while (wait_s := self._garden.clock.seconds_until(at_ns)) > 0:
            await asyncio.wait({self._over}, timeout=wait_s)
            if self._over.done():
                return await self._ended()
        return None
