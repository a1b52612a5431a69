"""Work: whatever takes time, its interface and its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.base.values import Value
from nimdsl.expression.evaluate import Environment
from nimdsl.expression.types import Type
from nimdsl.program.address import FamilyAddress
from nimdsl.program.amount import Amount
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
    failure: int = 0
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
    ask: AskSpec | None = None
    """Who does it instead, if another cell does."""
    timeout_ns: Amount | None = None
    """How long it may take; then it has failed."""
    virtual: WorkModel | None = field(default=None, metadata={"hashed": False})
    real: Mapping[str, Value] = field(default_factory=dict, metadata={"hashed": False})
    place: Place = field(default=NOWHERE, compare=False)
