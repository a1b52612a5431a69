"""What a process of a garden is told when it starts; it comes through its standard input."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace

from gardens.real.clock import Origin
from nimdsl.base.units import INT64_MAX
from nimdsl.program import Garden, Program, Scenario
from runtime.run.run import economies_of, resources_of

ECONOMY, CONTROLLER = "economy", "controller"
"""The processes of the garden itself; all others are groups of cells."""


@dataclass(frozen=True)
class Job:
    """One process: who lives in it and everything that it needs to know.

    ``garden`` is where it runs, ``twin`` the virtual garden whose models stand in for what is
    not there.  ``start`` counts how often the process was started, from 0.
    """

    name: str
    actors: tuple[str, ...]
    program: Program
    program_sha256: str
    scenario: Scenario
    garden: Garden
    twin: Garden
    run_id: str
    seed: int
    url: str
    epoch: str
    origin: Origin | None = None
    """Where its clock counts from; None: it waits to be told to begin."""
    paused: bool = False
    """Whether the garden stands still just now."""
    horizon_ns: int = INT64_MAX
    """Garden time at which nothing happens any more; runs have one."""
    folders: tuple[str, ...] = ()
    """Where Python callables are looked for, besides what is installed."""
    start: int = 0

    @property
    def economy(self) -> str:
        """Where the economy is heard, which keeps all purses; empty when there is none."""
        return address_of_economy(self.program, self.scenario)

    def without_program(self) -> bytes:
        """For the standard input of a child of this very process, and for nobody else."""
        return pickle.dumps(replace(self, program=_NO_PROGRAM))

    @staticmethod
    def read(program: bytes, job: bytes) -> Job:
        """The job, and its program, which all processes of a garden share."""
        found: Job = pickle.loads(job)
        return replace(found, program=pickle.loads(program))


def address_of_economy(program: Program, scenario: Scenario) -> str:
    """Where the economy of a run is heard, which lends resources too; empty when nobody needs it."""
    purses, resources = economies_of(program, scenario), resources_of(program, scenario)
    if not purses:
        return f"resource/{resources[0]}" if resources else ""
    return f"economy/{scenario.economy or purses[0]}"


_NO_PROGRAM = Program()
