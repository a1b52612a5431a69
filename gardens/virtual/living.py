"""A virtual garden that somebody leads from one instant to the next (the port ``LivingGarden``)."""

from __future__ import annotations

from gardens.virtual.driver import Driver, Options
from nimdsl.program import Program, Scenario
from runtime.kernel.events import Stimulus
from runtime.ports.journal import Journal
from runtime.run.run import Run, Stopped


class VirtualLife:
    """One run of ``scenario``; garden time goes by as it is asked for."""

    def __init__(self, program: Program, scenario: Scenario, journal: Journal, *, seed: int) -> None:
        self.program = program
        self.scenario = scenario
        self.journal = journal
        self._driver = Driver(program, scenario, Options(seed), journal)

    def begin(self) -> None:
        """Nothing has happened yet."""
        self._driver.begin()

    def tell(self, to: str, event: Stimulus, at_ns: int) -> None:
        """At exactly that instant."""
        self._driver.tell(to, event, at_ns)

    def until(self, at_ns: int) -> Stopped | None:
        """Everything that is due before it."""
        return self._driver.until(at_ns)

    def end(self, stopped: Stopped | None) -> Run:
        """What is due before the horizon happens first."""
        return self._driver.end(stopped or self._driver.until(self.scenario.horizon_ns))

    def close(self) -> None:
        """There is nothing to stop."""
