"""The port ``LivingGarden``: a run that somebody leads, from one instant of garden time to the next.

The laws: ``begin`` comes first and ``end`` last, each once; instants do not go back.  What was told
before ``until`` may have happened once that has returned; the journal holds what happened as far as the
garden has got with it, and all of it after ``end``.

Implementations: :class:`gardens.virtual.living.VirtualLife`, where time goes by as it is asked for,
and :class:`gardens.real.supervisor.living.RealLife`, where it goes by anyway.  The real one is found
through entry points of the group ``nimdsl.gardens``: who leads both imports only one.
"""

from __future__ import annotations

from typing import Protocol

from nimdsl.program import Program, Scenario
from runtime.kernel.events import Stimulus
from runtime.ports.journal import Journal
from runtime.run.run import Run, Stopped


class LivingGarden(Protocol):
    """One run of one scenario.  Failures are PortErrors."""

    @property
    def program(self) -> Program:
        """What its actors are documents of."""

    @property
    def scenario(self) -> Scenario:
        """What it lives."""

    @property
    def journal(self) -> Journal:
        """What has happened so far."""

    def begin(self) -> None:
        """Everybody is there, and garden time begins."""

    def tell(self, to: str, event: Stimulus, at_ns: int) -> None:
        """Somebody outside says something to an actor, at ``at_ns`` (garden time) or a little later."""

    def until(self, at_ns: int) -> Stopped | None:
        """Lives up to an instant of garden time, ns; says why it ended where it did before that."""

    def end(self, stopped: Stopped | None) -> Run:
        """Ends it; ``stopped`` is what :meth:`until` said last, None: at its horizon."""

    def close(self) -> None:
        """Leaves nothing running, whatever happened; closing twice is allowed."""
