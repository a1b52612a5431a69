"""The virtual garden as one that is led."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gardens.stores.memory import MemoryJournal
from gardens.virtual.living import VirtualLife
from nimdsl.program import Program, Scenario
from runtime.conformance.living import LivingGardenSuite
from runtime.run.living import LivingGarden


class TestVirtualGarden(LivingGardenSuite):
    @contextmanager
    def living(self, program: Program, scenario: Scenario) -> Iterator[LivingGarden]:
        yield VirtualLife(program, scenario, MemoryJournal(), seed=1)
