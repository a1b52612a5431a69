"""One run in a real garden, from nothing to its result."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TextIO

from gardens.real.commands.resolve import Interrupted, interrupts, unless
from gardens.real.commands.view import line
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.history import run_of
from gardens.real.supervisor.launchers import ProcessLauncher
from gardens.real.supervisor.plan import Plan
from gardens.real.supervisor.servers import on_the_bus_that_is_up
from gardens.real.supervisor.state import StateFolder
from gardens.report.result.result import RunResult, result_of
from gardens.report.terminal.console import escape
from gardens.report.terminal.progress import Progress
from gardens.report.terminal.text import Narrator
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import PortError, TemporaryPortError
from nimdsl.program import Garden, Program, Scenario
from runtime.ports.journal import Journal
from runtime.record_bytes import noted_from_data
from runtime.run.host import numbered
from runtime.run.lines import Accepted, Noticed, Witness, line_of
from runtime.run.run import Incident, Stopped

TELL_EVERY_S = 0.2
_EXPECTED = ("started", "stopped")
"""What becomes of processes when all goes well."""


async def run_in(
    program: Program,
    scenario: Scenario,
    garden: Garden,
    *,
    seed: int,
    folders: tuple[str, ...],
    scratch: Path,
    journal: SqliteJournal,
    verbose: bool = False,
    stream: TextIO | None = None,
) -> RunResult:
    """Runs ``scenario`` in ``garden`` and judges it; ``journal`` gets its lines.

    Raises PortErrors when it cannot be run, KeyboardInterrupt when a person ends it; nothing is
    left running in any case.
    """
    asked = interrupts()
    garden = on_the_bus_that_is_up(garden)
    plan = Plan(program, scenario, garden, seed, folders)
    state = StateFolder(scratch / "garden")
    state.lock()
    teller = _Teller(stream, journal, program if verbose else None)
    living = GardenSupervisor(plan, state, ProcessLauncher(garden, state, teller.process), journal=journal)
    ended: list[Stopped] = []

    async def live() -> None:
        await living.start()
        telling = asyncio.create_task(teller.follow(living))
        try:
            stopped, why = await living.until_ended()
            if why:
                raise TemporaryPortError(why)
            ended.append(stopped)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    try:
        await unless(asked, asyncio.create_task(live()))
    except BaseException as problem:
        teller.close()
        with contextlib.suppress(PortError):  # the first problem is the one to tell
            await living.stop(over=True)
        if isinstance(problem, Interrupted):
            raise KeyboardInterrupt from None
        raise
    else:
        teller.close()
        await living.stop(over=True)
    finally:
        state.unlock()
    teller.tell()
    run = run_of(plan, journal, living.run_id, living.epoch, ended[0])
    return result_of(program, scenario, seed, run, journal, garden.name)


class _Teller:
    """What a person sees while it runs: a line of progress on a terminal, or every step of ``program``."""

    def __init__(self, stream: TextIO | None, journal: Journal, program: Program | None) -> None:
        self._journal = journal
        self._narrator = Narrator(stream, program) if program and stream else None
        self._read: dict[str, list[int]] = {}
        self._progress = Progress(wanted=program is None and stream is not None)
        self._progress.__enter__()
        self._progress.show("starting")

    def process(self, name: str, what: str) -> None:
        """A process started or ended."""
        self._progress.show(f"{name} {what}")
        if what not in _EXPECTED:
            self._progress.note(f"[yellow]{escape(name)} {escape(what)}[/]")

    async def follow(self, living: GardenSupervisor) -> None:
        """Tells of the garden as it lives."""
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            if living.last_status:
                self._progress.show(line(living.last_status, living.plan.scenario))
            self.tell()

    def tell(self) -> None:
        """Narrates what has come into the journal since the last time."""
        if self._narrator is None:
            return
        fresh = []
        for actor in self._journal.actors():
            read = self._read.setdefault(actor, [0, 0, 0])
            for entry in self._journal.read(actor, read[0]):
                read[0] += 1
                match line_of(entry):
                    case Noticed(time_ns, about, what):
                        self._narrator.notice(Incident(time_ns, about, what))
                    case Accepted(_, time_ns, _):
                        read[1] = time_ns
                    case Witness(records):
                        noted = [noted_from_data(one) for one in records]
                        fresh += numbered(noted, actor, read[2], read[1])
                        read[2] += len(records)
        for record in sorted(fresh, key=lambda r: (r.time_ns, r.actor, r.sequence)):
            self._narrator.tell(record)

    def close(self) -> None:
        """No more progress."""
        self._progress.close()
