"""Real gardens for tests: as tasks on a server that runs, or as processes with a server of their own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.history import run_of
from gardens.real.supervisor.launchers import ProcessLauncher, TaskLauncher
from gardens.real.supervisor.plan import Plan
from gardens.real.supervisor.state import StateFolder
from gardens.report.result.result import RunResult, result_of
from gardens.stores.memory import MemoryJournal
from gardens.stores.sqlite import SqliteJournal
from nimdsl.compile.garden import LOCAL_GARDEN
from nimdsl.program import Garden, Program
from runtime.ports.journal import Journal
from runtime.run.run import ORIGIN, Stopped
from tests.support.patience import patiently

Meanwhile = Callable[[GardenSupervisor, "ProcessLauncher | TaskLauncher"], Awaitable[None]]


@dataclass(frozen=True)
class Lived:
    """A real run that is over."""

    result: RunResult
    journal: Path
    why: str
    said: tuple[str, ...]
    """What became of its processes."""


def local(rate: float, garden: Garden = LOCAL_GARDEN, **real: object) -> Garden:
    """A garden on this machine at a rate."""
    assert garden.real is not None
    return replace(garden, rate=rate, real=replace(garden.real, **real))  # type: ignore[arg-type]


async def live(
    program: Program,
    scenario: str,
    garden: Garden,
    folder: Path,
    *,
    url: str = "",
    seed: int = 1,
    meanwhile: Meanwhile | None = None,
) -> Lived:
    """One run: with ``url`` as tasks on that server, else as processes."""
    plan = Plan(program, program.scenarios[scenario], garden, seed, (str(folder),))
    state = StateFolder(folder / "state")
    state.lock()
    said: list[str] = []
    launcher: ProcessLauncher | TaskLauncher = (
        TaskLauncher(url)
        if url
        else ProcessLauncher(garden, state, lambda name, what: said.append(f"{name} {what}"))
    )
    living = GardenSupervisor(plan, state, launcher)
    disturbing: asyncio.Task[None] | None = None
    stopped, why = "broken", ""

    def mark() -> object:
        """Nothing hangs: processes come and go, or the copy of the journal grows."""
        return launcher.seen(), living.journal.counts() if living.up else {}

    async def lived() -> tuple[str, str]:
        nonlocal disturbing
        await living.start()
        if meanwhile is not None:
            disturbing = asyncio.ensure_future(meanwhile(living, launcher))
        return await living.until_ended()

    try:
        stopped, why = await patiently(lived(), mark)
    finally:
        if disturbing is not None:
            disturbing.cancel()
            (outcome,) = await asyncio.gather(disturbing, return_exceptions=True)
        await living.stop(over=True)
        state.unlock()
    if disturbing is not None and isinstance(outcome, Exception):
        raise outcome
    return Lived(_result(plan, living, cast(Stopped, stopped)), state.journal, why, tuple(said))


def dying(names: Sequence[str], every_ns: int) -> Meanwhile | None:
    """One task dies each ``every_ns`` of garden time, without a word, and comes back from its journal."""
    if not names:
        return None

    async def die(living: GardenSupervisor, launcher: ProcessLauncher | TaskLauncher) -> None:
        assert isinstance(launcher, TaskLauncher)
        for place, name in enumerate(names, 1):
            while living.clock.now_ns() < place * every_ns:
                await asyncio.sleep(0.005)
            death = asyncio.ensure_future(launcher.crash(name))
            try:
                await asyncio.shield(death)
            except asyncio.CancelledError:  # the run has ended: nobody is left half alive
                await death
                raise

    return die


def _result(plan: Plan, living: GardenSupervisor, stopped: Stopped) -> RunResult:
    """What came of it; its journal is closed then."""
    try:
        run = run_of(plan, living.journal, living.run_id, living.epoch, stopped)
        kept = in_memory(living.journal)
    finally:
        living.journal.close()
    return result_of(plan.program, plan.scenario, plan.seed, run, kept, plan.garden.name)


def in_memory(journal: SqliteJournal) -> Journal:
    """A copy that outlives the file."""
    kept = MemoryJournal()
    for actor in journal.actors():
        for line in journal.read(actor):
            kept.append(actor, line.kind, line.body)
    return kept


def journal_in(folder: Path) -> Path:
    """Where ``live`` leaves the journal of a run in ``folder``."""
    return StateFolder(folder / "state").journal


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one example of a property: hypothesis shares pytest's ``tmp_path``."""
    folder = Path(tempfile.mkdtemp(prefix="nimdsl-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def origin(path: Path) -> dict[str, object]:
    """What a journal says of its run."""
    with SqliteJournal(path, read_only=True) as journal:
        found = journal.meta(ORIGIN)
    assert isinstance(found, dict)
    return found
