"""How actors take events: one object a kind, found through entry points.

The kernel asks for the :class:`Behaviour` of an actor by the first part of its id.  Those of this project
stand in :mod:`runtime.kernel.behaviours`; a package that brings a kind (:mod:`nimdsl.kinds`) registers one
under ``nimdsl.behaviours`` with the kind's prefix as its name.  A kind without one is a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

from nimdsl.base.errors import PackageError
from nimdsl.base.plugins import loaded
from nimdsl.base.values import Value
from nimdsl.base.words import shown
from nimdsl.program import Actor
from runtime.kernel.events import AnyEvent
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision
from runtime.kernel.snapshot import Snapshot
from runtime.kernel.step_context import StepContext
from runtime.records import Foreign

GROUP: Final = "nimdsl.behaviours"
_OWN = {
    "cell": "runtime.kernel.behaviours:CELL",
    "protocol": "runtime.kernel.behaviours:PROTOCOL",
    "attention": "runtime.kernel.behaviours:ATTENTION",
    "gate": "runtime.kernel.behaviours:GATE",
    "nerve": "runtime.kernel.behaviours:NERVE",
    "rack": "runtime.kernel.behaviours:RACK",
}


class Taking(Protocol):
    """One event of one actor: changes its context."""

    def take(self, event: AnyEvent) -> None:
        """The event, and every internal one that follows from it."""


Begin = Callable[[Kernel, StepContext, Sequence[PriceDecision], AskPrice | None], Taking]


@dataclass(frozen=True)
class Behaviour:
    """How the actors of one kind take events.

    ``taking`` is made anew for each event; it is usually a :class:`runtime.kernel.machine_step.MachineStep`
    or a subclass, which brings prices and actions along.
    """

    taking: Begin
    records: tuple[type[Foreign], ...] = ()
    """The classes of the records that it leaves besides those of the kernel."""
    outcome: Callable[[Actor, Snapshot], dict[str, Value]] = lambda _, snapshot: {
        "state": snapshot.state,
        "data": dict(snapshot.data),
    }
    """What expectations see of an actor when a run is over."""
    on_time: bool = False
    """Whether it takes timers and stimuli in a real garden at their instants, however late they come."""
    gives_time: bool = False
    """Whether work without a model lasts as long as the actor gives it."""


@cache
def behaviour_of(kind: str) -> Behaviour:
    """The behaviour of a kind, by the first part of its actors' ids.  Raises PackageError."""
    found = _behaviours()
    return found.get(kind) or found["cell"]


def foreign_records() -> tuple[type[Foreign], ...]:
    """The classes of records of kinds from other packages.  Raises PackageError."""
    return tuple(record for one in _behaviours().values() for record in one.records)


def _behaviours() -> Mapping[str, Behaviour]:
    found: dict[str, Behaviour] = {}
    for kind, one in loaded(GROUP, _OWN).items():
        if not isinstance(one, Behaviour):
            raise PackageError(f"`{kind}` ({GROUP}) is no Behaviour, it is {shown(one)}: name one")
        classes: object = one.records
        if not isinstance(classes, tuple) or not all(map(_is_foreign, classes)):
            fix = "write a tuple of subclasses of `runtime.records.Foreign`, or leave it out"
            raise PackageError(f"`records` of `{kind}` ({GROUP}) is {shown(classes)}: {fix}")
        found[kind] = one
    return found


def _is_foreign(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Foreign)
