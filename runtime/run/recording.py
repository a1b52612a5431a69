"""A run as its journal tells of it: what was run, with which program, by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from nimdsl.base.errors import NimdslError, PermanentPortError, SpecError
from nimdsl.base.values import Value
from nimdsl.compile.garden import EPOCH, PERFECT_GARDEN
from nimdsl.loading import rebuilt
from nimdsl.program import Program, Scenario
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.step import Kernel
from runtime.ports.journal import Journal
from runtime.run.inbox import Inbox, read_inbox
from runtime.run.lines import (
    Started,
    check_format,
    damaged_value,
    processes_in,
    value_of,
)
from runtime.run.run import COMPLETE, ORIGIN, actors_of, find_scenario, kernel_of

RATE_MAX: Final = 10_000
"""Garden seconds in a second."""
WRONG_INPUT = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError, NimdslError)
"""What the kernel raises for an event that no compiled program can bring about."""


class RunOrigin(Struct, frozen=True):
    """What a journal says of its run, under ``origin``: enough to make it again."""

    documents: list[tuple[str, str]]
    """Names and texts."""
    program_sha256: str
    scenario: str
    garden: str
    """Empty for a virtual one."""
    seed: Annotated[int, Meta(ge=0)]
    run_id: str
    recordings: list[tuple[str, str]] = []
    set: dict[str, Value] = {}
    rate: Annotated[float, Meta(gt=0, le=RATE_MAX)] = 1.0
    """Garden seconds in a second."""
    replication: Annotated[int, Meta(ge=0)] = 0
    epoch: str = ""
    """When garden time began; empty for what the garden's document says."""


@dataclass(frozen=True)
class Recording:
    """A run as its journal tells of it.

    ``garden`` is empty for a virtual one; with ``lines`` the journal held everything that happened.
    """

    journal: Journal
    program: Program
    scenario: Scenario
    garden: str
    seed: int
    run_id: str
    lines: Mapping[str, int] | None = None
    """How many lines each actor had at the end; None for a journal that was cut short."""
    rate: float = 1.0
    """Garden seconds in a second, where it was real."""
    replication: int = 0
    epoch: str = EPOCH
    """When garden time began."""

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        """Who takes part, by id, sorted."""
        program = self.program
        actors = {actor.id: actor for actor in actors_of(program, self.scenario)}
        return {
            name: kernel_of(actor, PlainInterpreter(actor.table), program, self.scenario, self.epoch)
            for name, actor in sorted(actors.items())
        }

    @cached_property
    def inboxes(self) -> dict[str, Inbox]:
        """What each actor accepted; only actors of the program that have a journal."""
        known = set(self.journal.actors())
        return {name: read_inbox(self.journal, name) for name in self.kernels if name in known}

    @property
    def complete(self) -> bool:
        """Whether the journal held everything that happened, once."""
        return self.lines is not None

    @cached_property
    def restart_count(self) -> int:
        """How often a process of the garden was started again.  Raises NimdslError for damage."""
        starts = Counter(name for name, line in processes_in(self.journal) if isinstance(line, Started))
        return sum(count - 1 for count in starts.values())


def opened(journal: Journal) -> Recording:
    """The run in a journal, with its program compiled again.

    Raises PermanentPortError when the journal does not say what was run, or says a program
    that its documents do not compile to here.
    """
    origin = value_of(journal, ORIGIN)
    if origin is None:
        raise PermanentPortError(
            f"{journal.place}: it does not say what was run, so the run cannot be made again"
            " (was it written to its end?)"
        )
    check_format(journal)
    try:
        said = msgspec.convert(origin, RunOrigin)
        program = rebuilt(msgspec.structs.asdict(said))
        scenario = find_scenario(program, said.scenario)
    except SpecError as problem:
        raise PermanentPortError(f"{journal.place}: {_why_not(problem)}") from None
    except WRONG_INPUT as problem:
        raise damaged_value(journal, ORIGIN, problem) from None
    was = said.program_sha256
    if program.sha256 != was:
        raise PermanentPortError(
            f"{journal.place}: it was written by program {was[:16]}, and this nimdsl compiles the same"
            f" documents to {program.sha256[:16]}: another version of nimdsl made the run, only that"
            " one can replay it"
        )
    lines = _line_counts(journal)
    garden = program.gardens.get(said.garden or scenario.garden, PERFECT_GARDEN)
    return Recording(
        journal,
        program,
        scenario,
        said.garden,
        said.seed,
        said.run_id,
        lines,
        said.rate,
        said.replication,
        said.epoch or garden.epoch,
    )


def _why_not(problem: SpecError) -> str:
    """Why the documents of a run, which were right once, are so no more."""
    unknown = next((one for one in problem.diagnostics if one.code == "NIM0202"), None)
    if unknown is not None:
        return (
            f"a package that the run had is not installed: {unknown}: install the one that brings this kind"
        )
    return f"this nimdsl does not accept its documents any more: {problem.diagnostics[0]}"


def _line_counts(journal: Journal) -> dict[str, int] | None:
    """How many lines each actor had at the end; None for a journal that was cut short."""
    found = value_of(journal, COMPLETE)
    try:
        return None if found is None else msgspec.convert(found, dict[str, int])
    except ValueError as problem:
        raise damaged_value(journal, COMPLETE, problem) from None
