"""Work: whatever takes time, its interface and its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.base.units import MICRO
from nimdsl.base.values import Value
from nimdsl.expression.evaluate import Environment
from nimdsl.expression.types import Type
from nimdsl.program.address import FamilyAddress
from nimdsl.program.amount import Amount, most_of
from nimdsl.program.expression import Expression
from nimdsl.program.format import tagged


@tagged("distribution")
@dataclass(frozen=True)
class Distribution:
    """A distribution by name with its parameters, in the base unit of ``type``.

    A parameter may be an expression over what the work is given; those of a choice are two lists.
    """

    kind: str
    parameters: tuple[Any, ...]
    type: Type

    @cached_property
    def is_computed(self) -> bool:
        """Whether a parameter is known only when something is drawn."""
        return any(
            isinstance(part, Expression)
            for one in self.parameters
            for part in (one if isinstance(one, list) else (one,))
        )

    def given(self, environment: Environment) -> Distribution:
        """The same with the parameters that it has in ``environment``.  Raises Fault where one has none."""
        if not self.is_computed:
            return self
        found = (
            [_given(part, environment) for part in one]
            if isinstance(one, list)
            else _given(one, environment)
            for one in self.parameters
        )
        return Distribution(self.kind, tuple(found), self.type)


def _given(part: Any, environment: Environment) -> Any:
    return part.evaluate(environment) if isinstance(part, Expression) else part


@tagged("work_model")
@dataclass(frozen=True)
class WorkModel:
    """How work behaves in a virtual garden; shares are millionths."""

    latency: Distribution
    failure: int | Expression = 0
    """How often it fails; an expression reads what the work is given."""
    nack: int = 0
    retry: int = 0
    crash: int = 0
    down_ns: int = 0
    returns: Mapping[str, Distribution] = field(default_factory=dict)


@tagged("asking")
@dataclass(frozen=True)
class AskSpec:
    """Work that another cell does, by answering an event."""

    to: str | FamilyAddress
    event: str
    payload: Expression
    times: tuple[str, ...] = ()
    """The fields that come from the clock (:mod:`nimdsl.compile.times`)."""


@tagged("command")
@dataclass(frozen=True)
class CommandSpec:
    """Work that is a handshake with a cell: the schemas of both messages, and what it says.

    Where a nerve deliberates the translator writes the message, in so many attempts at most.
    """

    to: str
    schema: str
    reply: str
    payload: Expression
    translations: int = 3


@tagged("backoff")
@dataclass(frozen=True)
class Backoff:
    """How long is waited before work is tried again; ``coefficient`` and ``jitter`` are millionths."""

    initial_ns: int
    coefficient: int
    maximum_ns: int
    jitter: int = 0
    """By how much of itself a wait may be shortened."""

    def wait_ns(self, failures: int) -> int:
        """The longest wait after so many failures: the initial one, times the coefficient each time."""
        times: int = self.coefficient ** (failures - 1)
        return min(self.initial_ns * times // int(MICRO ** (failures - 1)), self.maximum_ns)


@tagged("acquire")
@dataclass(frozen=True)
class AcquireSpec:
    """Work that is units of a resource."""

    resource: str
    units: Amount = 1
    priority: Amount = 0


@tagged("organ_request")
@dataclass(frozen=True)
class OrganSpec:
    """Work that is a request to an organ; in a stage that ``stages`` lacks it is done at once."""

    name: str
    task: str
    payload: Expression
    stages: tuple[str, ...] = ()
    """In which stages of a nerve it is really asked; none: in every one."""
    priority: Amount = 0
    times: tuple[str, ...] = ()
    """The fields that come from the clock (:mod:`nimdsl.compile.times`)."""


@tagged("work")
@dataclass(frozen=True)
class Work:
    """Work of an actor.  ``outcomes`` maps done, failed, nack, retry, unknown to event names.

    ``produces`` names the schema of the message that it writes as text (a translator).
    """

    name: str
    returns: Mapping[str, Type]
    outcomes: Mapping[str, str]
    idempotent: bool = True
    produces: Mapping[str, str] = field(default_factory=dict)
    command: CommandSpec | None = None
    """The handshake that it is instead."""
    ask: AskSpec | None = None
    """Who does it instead, if another cell does."""
    timeout_ns: Amount | None = None
    """How long an attempt may take; then it has failed."""
    attempts: int = 1
    """How often it is tried, at most, before it has failed."""
    backoff: Backoff | None = None
    """How long is waited between attempts; None: not at all."""
    acquire: AcquireSpec | None = None
    """What it lends instead."""
    organ: OrganSpec | None = None
    """Which model does it instead."""
    reserve: Amount | None = None
    """What an attempt puts aside, micro-LF; None: it costs nothing."""
    cost: Expression | None = None
    """What of it an attempt that succeeded costs, micro-LF."""
    virtual: WorkModel | None = field(default=None, metadata={"hashed": False})
    real: Mapping[str, Value] = field(default_factory=dict, metadata={"hashed": False})
    place: Place = field(default=NOWHERE, compare=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, metadata={"hashed": False})
    """Where the outcomes have their names from, for those that are written."""

    @property
    def asks(self) -> str:
        """The event by which somebody else is asked to do it; empty for work that the actor does itself."""
        if self.organ is not None:
            return self.organ.name
        return self.ask.event if self.ask is not None else ""

    def wait_ns(self, failures: int) -> int:
        """How long is waited, at most, before the attempt after so many failures."""
        return self.backoff.wait_ns(failures) if self.backoff else 0

    @property
    def most_ns(self) -> int | None:
        """The longest that it takes, all attempts and waits together; None: nothing says."""
        if self.timeout_ns is None:
            return None
        waits_ns = sum(self.wait_ns(failures) for failures in range(1, self.attempts))
        return self.attempts * most_of(self.timeout_ns) + waits_ns
