"""A garden that stays: in the foreground with one screen of status, or behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.live import Live

from gardens.real.commands.resolve import (
    Interrupted,
    find_garden,
    interrupts,
    living_garden,
    unless,
)
from gardens.real.commands.view import screen
from gardens.real.patience import Patience, size_of
from gardens.real.supervisor.garden import GardenSupervisor
from gardens.real.supervisor.launchers import ProcessLauncher
from gardens.real.supervisor.plan import Plan
from gardens.real.supervisor.servers import state_of
from gardens.real.supervisor.state import StateFolder
from gardens.report.terminal.console import Terminal
from gardens.report.terminal.progress import Progress
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import NimdslError, PermanentPortError, PortError, TemporaryPortError
from nimdsl.commands.options import folders_of, meant, say_warnings
from nimdsl.commands.streams import tell
from nimdsl.loading import with_overrides
from nimdsl.program import Garden, Program, Scenario
from nimdsl.text.streams import descriptor_of
from runtime.run.run import find_scenario

SCREEN_EVERY_S = 0.5
DETACH_SILENCE_S = 150.0
"""How long a garden that comes to life may write to no log: longer than it waits for its own processes."""
DOWN_SILENCE_S = 90.0
"""How long a garden that ends may change no file: longer than it waits for its own processes."""
DOWN_S_MAX = 900.0
"""How long it may take in all: one that does not even hear that it shall end, goes on changing them."""
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class WantedGarden:
    """What a command line wants to bring to life; whatever is empty has its default."""

    name: str
    specs: Sequence[Path]
    scenario: str
    root: Path | None

    def words(self, name: str) -> list[str]:
        """The arguments that say the same of the garden ``name``, which was found."""
        words = ["up", name, *(word for path in self.specs for word in ("--specs", str(path)))]
        words += ["--root", str(self.root)] if self.root else []
        return [*words, *(["--scenario", self.scenario] if self.scenario else [])]


def live_in(wanted: WantedGarden, rate: float | None, fresh: bool) -> None:
    """Brings a garden to life and returns when it has ended.  Raises PortErrors and SpecErrors."""
    program, found, garden = _chosen(wanted)
    garden = replace(garden, rate=rate) if rate else garden
    state = state_of(garden)
    state.lock()
    try:
        plan = Plan(program, found, garden, found.seed, folders_of(wanted.specs, wanted.root), ends=False)
        again = shlex.join(["nimdsl", *wanted.words(garden.name)])
        asyncio.run(_live(plan, state, _earlier(state, plan, fresh), again))
    finally:
        state.unlock()


def _chosen(wanted: WantedGarden) -> tuple[Program, Scenario, Garden]:
    if any(descriptor_of(path) is not None for path in (*wanted.specs, Path(wanted.scenario))):
        raise NimdslError("a garden that stays goes on from its documents: name files, not a pipe")
    documents = meant(wanted.scenario, wanted.specs, root=wanted.root)
    say_warnings(documents.warnings)
    garden = find_garden(documents.program, wanted.name)
    assert garden.real is not None
    found = find_scenario(documents.program, wanted.scenario or garden.real.scenario)
    program = with_overrides(documents.program, found.set)
    return program, find_scenario(program, found.name), find_garden(program, wanted.name)


def _earlier(state: StateFolder, plan: Plan, fresh: bool) -> Mapping[str, Any] | None:
    """The life before, if it is to go on.  Raises PermanentPortError when it was another one."""
    known = state.read_manifest()
    if known is None:
        return None
    if fresh:
        _put_aside(state, str(known["run_id"]))
        return None
    program, scenario = plan.program.sha256, plan.scenario.name
    if known["program_sha256"] != program or known["scenario"] != scenario:
        raise PermanentPortError(
            f"`{plan.garden.name}` holds the life of another program ({known['scenario']}, "
            f"{str(known['program_sha256'])[:12]}): `--fresh` begins anew and puts its journal aside"
        )
    if known["places"] != {group.name: list(group.cells) for group in plan.groups}:
        raise PermanentPortError(
            f"the cells of `{plan.garden.name}` lived in other groups before, and so did their journals: "
            "`--fresh` begins anew and puts those aside"
        )
    last = state.read_status()
    if last is not None and last[0].get("run_id") == known["run_id"]:
        return {**known, "time_ns": max(int(known["time_ns"]), int(last[0]["time_ns"]))}
    return known


def _put_aside(state: StateFolder, run_id: str) -> None:
    if state.journal.exists():
        SqliteJournal(state.journal).close()  # takes back what a killed writer left half done
    for path in (state.journal, state.store, state.folder / "manifest.json", state.folder / "status.json"):
        if path.exists():
            aside = state.folder / "earlier" / run_id[:8]
            aside.mkdir(parents=True, exist_ok=True)
            os.replace(path, aside / path.name)
    state.store.mkdir(exist_ok=True)


async def _live(plan: Plan, state: StateFolder, known: Mapping[str, Any] | None, again: str) -> None:
    asked = interrupts()
    console = Terminal()
    notes: list[str] = []

    def told(name: str, what: str) -> None:
        notes.append(f"{name} {what}")
        if not console.is_terminal:
            tell(f"{name} {what}", flush=True)

    living = GardenSupervisor(plan, state, ProcessLauncher(plan.garden, state, told), known)

    async def live() -> None:
        await living.start()
        if not console.is_terminal:
            tell(f"{plan.garden.name} is up: run {living.run_id[:8]}, Ctrl-C ends it", flush=True)
        showing = asyncio.create_task(_show(living, console, notes))
        try:
            raise TemporaryPortError(await living.until_broken())
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    try:
        await unless(asked, asyncio.create_task(live()))
    except Interrupted:
        await living.stop(over=False)
        if living.up:
            tell(f"{plan.garden.name} is down; `{again}` goes on from here", flush=True)
    except BaseException:
        with contextlib.suppress(PortError):  # the first problem is the one to tell
            await living.stop(over=False)
        raise


async def _show(living: GardenSupervisor, console: Terminal, notes: list[str]) -> None:
    if not console.is_terminal:
        await asyncio.Event().wait()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            if living.last_status is not None:
                last = notes[-1] if notes else ""
                live.update(screen(living.last_status, f"[dim]{last} · Ctrl-C ends it[/]"))
            await asyncio.sleep(SCREEN_EVERY_S)


def detached(wanted: WantedGarden, rate: float | None, fresh: bool) -> None:
    """Brings a garden to life behind, and returns when it lives.  Raises PortErrors and SpecErrors."""
    _, _, garden = _chosen(wanted)
    state = state_of(garden)
    holder = state.holder()
    if holder is not None:
        raise PermanentPortError(
            f"`{garden.name}` is up already (pid {holder}): `nimdsl down {garden.name}` ends it"
        )
    words = [sys.executable, "-m", "nimdsl", *wanted.words(garden.name), *(["--fresh"] if fresh else [])]
    words += ["--rate", repr(rate)] if rate else []
    state.logs.mkdir(parents=True, exist_ok=True)
    log = state.logs / "up.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    own = garden.name
    with Progress() as progress:
        progress.show(f"{own} comes to life")
        _until_up(child, state, log)
    tell(f"{own} is up (pid {child.pid}); `nimdsl status {own}` shows it, `nimdsl down {own}` ends it")


def _until_up(child: subprocess.Popen[bytes], state: StateFolder, log: Path) -> None:
    """Waits for what it says when it lives.  Raises TemporaryPortError."""
    patience = Patience(DETACH_SILENCE_S)
    while b" is up: run " not in log.read_bytes():
        if child.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise TemporaryPortError("\n".join(lines[-20:]) or f"it ended with {child.returncode}")
        if patience.is_over(size_of(state.logs.iterdir())):
            child.terminate()
            text = f"it did not come to life, and wrote nothing for {DETACH_SILENCE_S:g} s; see {log}"
            raise TemporaryPortError(text)
        time.sleep(LOOK_EVERY_S)


def bring_down(name: str, specs: Sequence[Path], root: Path | None = None) -> None:
    """Ends a garden, wherever it was started."""
    garden, state = living_garden(name, specs, root)
    with _watched(state) as holder:
        if holder is None:
            tell(f"{garden.name} is not up")
            return
        pid, watch = holder
        _signal(holder, signal.SIGTERM)
        if _gone(watch, state):
            tell(f"{garden.name} is down")
            return
        _signal(holder, signal.SIGKILL)
        if not _gone(watch, state):
            raise TemporaryPortError(f"{garden.name} does not end (pid {pid})")
        tell(f"{garden.name} did not end in time and was killed; its journal is complete up to then")


@contextlib.contextmanager
def _watched(state: StateFolder) -> Iterator[tuple[int, int] | None]:
    """The holder's pid with a descriptor that stays its own, also when the number is used again."""
    pid = state.holder()
    try:
        watch = -1 if pid is None else os.pidfd_open(pid)
    except ProcessLookupError:
        watch = -1
    if pid is None or watch < 0:
        yield None
        return
    try:
        yield (pid, watch) if state.holder() == pid else None
    finally:
        os.close(watch)


def _signal(holder: tuple[int, int], number: signal.Signals) -> None:
    pid, watch = holder
    try:
        signal.pidfd_send_signal(watch, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise PermanentPortError(f"process {pid} belongs to somebody else") from None


def _gone(watch: int, state: StateFolder) -> bool:
    """Waits for the process itself: it lets go of its lock a little before it ends."""
    patience, give_up_s = Patience(DOWN_SILENCE_S), time.monotonic() + DOWN_S_MAX
    with Progress() as progress:
        progress.show("it comes to its end")
        while not select.select([watch], [], [], LOOK_EVERY_S)[0]:
            if patience.is_over(_changed_ns(state)) or time.monotonic() > give_up_s:
                return False
    return True


def _changed_ns(state: StateFolder) -> list[int]:
    """A mark of a garden that ends: when the files of its folder were changed."""
    found = []
    for path in (*state.folder.iterdir(), *state.logs.iterdir()):
        with contextlib.suppress(OSError):
            found.append(path.stat().st_mtime_ns)
    return sorted(found)
