"""Scenarios: runs to make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nimdsl.base.values import Value
from nimdsl.program.expression import Expression
from nimdsl.program.work import Distribution


@dataclass(frozen=True)
class Periodic:
    """``times`` arrivals, the first at ``at_ns``, then every ``every_ns``."""

    at_ns: int
    every_ns: int = 0
    times: int = 1


@dataclass(frozen=True)
class Poisson:
    """Arrivals with exponential gaps of this mean: the first gap begins at ``at_ns``, all lie before
    ``until_ns``."""

    mean_ns: int
    at_ns: int
    until_ns: int


@dataclass(frozen=True)
class Recorded:
    """Arrivals at these times, ascending.

    Each has its own values of ``fields`` (by name, one value an arrival), and where ``takes_ns``
    is not empty its own demand.
    """

    at_ns: tuple[int, ...]
    fields: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    takes_ns: tuple[int, ...] = ()


@dataclass(frozen=True)
class StimulusSpec:
    """Events from outside for the actors ``to``: each arrival is one event for each of them.

    With a ``level`` they are items for that level of an attention, each of which takes ``takes_ns``
    (0: what the level says); ``payload`` is what they carry.
    """

    to: tuple[str, ...]
    event: str
    payload: Mapping[str, Value]
    arrivals: Periodic | Poisson | Recorded
    level: str = ""
    takes_ns: int = 0
    draws: Mapping[str, Distribution] = field(default_factory=dict)
    """Fields that are drawn for each arrival; of an item also ``takes``."""


@dataclass(frozen=True)
class Expectation:
    """What a scenario expects, with the text that the user wrote."""

    text: str
    holds: Expression


BEAT_COUNT_MAX = 10_000
"""How many beats of a run are kept one by one and seen by expectations, the first ones; sums are of all."""


@dataclass(frozen=True)
class Scenario:
    """A run to make: who takes part, where, for how long, and what must be true afterwards."""

    name: str
    description: str
    protocol: str
    economy: str
    garden: str
    cells: tuple[str, ...]
    attention: str
    horizon_ns: int
    seed: int
    set: Mapping[str, Value]
    stimuli: tuple[StimulusSpec, ...]
    expect: tuple[Expectation, ...]
    actors: tuple[str, ...] = ()
    """Actors of other kinds that take part, by id."""
    starts: Mapping[str, int] = field(default_factory=dict)
    """When those begin that are not there from the beginning, by id; ns."""
    outlives: bool = False
    """Whether it goes on to its horizon when its protocol has ended."""
    families: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """What expectations see together: of ``cells``, ``economies`` and ``resources`` the names, by how they
    write it (``robot-*``)."""

    @property
    def ends_with(self) -> str:
        """The id of the protocol with which it ends; empty where it goes on to its horizon."""
        return f"protocol/{self.protocol}" if self.protocol and not self.outlives else ""
