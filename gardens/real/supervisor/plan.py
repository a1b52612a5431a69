"""What to bring to life, where its folder is, and the port by which its processes are started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gardens.real.clock import Origin
from gardens.real.process.job import Job
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import PermanentPortError
from nimdsl.compile.garden import PERFECT_GARDEN
from nimdsl.program import Garden, Group, Program, Scenario

CELLS = "cells"
"""The group of the cells that no group names."""


@dataclass(frozen=True)
class Plan:
    """What to bring to life."""

    program: Program
    scenario: Scenario
    garden: Garden
    seed: int
    folders: tuple[str, ...] = ()
    ends: bool = True
    """Whether it has a horizon, as runs have; a garden that stays has none."""

    @property
    def twin(self) -> Garden:
        """The virtual garden that predicts this one."""
        return self.program.gardens.get(self.scenario.garden, PERFECT_GARDEN)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of cells that take part; those that the garden does not place are together."""
        real = self.garden.real
        assert real is not None
        wanted = set(self.scenario.cells)
        found = [Group(g.name, tuple(c for c in g.cells if c in wanted), g.command) for g in real.groups]
        placed = {cell for group in found for cell in group.cells}
        rest = tuple(sorted(wanted - placed))
        return tuple(group for group in [*found, Group(CELLS, rest)] if group.cells)


class Launcher(Protocol):
    """Starts and ends the processes of a garden."""

    origin: Callable[[], Origin | None]
    """Where a process that starts counts its time from; whoever owns the garden says so."""
    paused: Callable[[], bool]
    """Whether the garden stands still just now; the same."""

    async def server(self) -> str:
        """The address of the bus, which is started where the garden has its own."""

    async def start(self, job: Job, ready: Callable[[], Any]) -> None:
        """Starts a process of the garden."""

    async def run(self, group: Group, environment: Mapping[str, str], ready: Callable[[], Any]) -> None:
        """Starts a program that answers for cells."""

    async def stop(self, name: str) -> None:
        """Ends a process and waits until it is gone."""

    async def stop_all(self) -> None:
        """Ends everything, the bus last."""

    async def given_up(self) -> str:
        """Waits until something is given up, and says what."""

    def seen(self) -> list[dict[str, Plain]]:
        """The processes: name, pid, state, how often started."""


def state_folder(garden: Garden) -> Path:
    """Where a garden keeps its lock, journal and logs."""
    real = garden.real
    if real is None:
        raise PermanentPortError(
            f"`{garden.name}` is a virtual garden: `nimdsl simulate` runs scenarios in it"
        )
    return Path(real.state) if real.state else Path(".nimdsl") / garden.name
