"""Amounts: a duration or a price that is written down, or that the run computes within a bound."""

from __future__ import annotations

from dataclasses import dataclass

from nimdsl.expression.evaluate import Environment, Fault
from nimdsl.program.expression import Expression
from nimdsl.program.format import tagged


@tagged("computed")
@dataclass(frozen=True)
class Computed:
    """What an expression gives, in base units: from 0 to ``most``, which can be read off it."""

    expression: Expression
    most: int


Amount = int | Computed


def most_of(amount: Amount) -> int:
    """The most that an amount can be."""
    return amount.most if isinstance(amount, Computed) else amount


RATE_TIMES = 86_400
"""Rates that are written are kept in micro-LF a day, those that the run computes in micro-LF a second."""


def rate_of(amount: Amount, environment: Environment) -> int:
    """A rate now, in micro-LF a day.  Raises Fault where it has no value, or a negative one."""
    value = value_of(amount, environment)
    return value * RATE_TIMES if isinstance(amount, Computed) else value


def value_of(amount: Amount, environment: Environment) -> int:
    """The amount now.  Raises Fault where it has no value, or a negative one."""
    if not isinstance(amount, Computed):
        return amount
    value: object = amount.expression.evaluate(environment)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Fault(f"{amount.expression.type} wanted here, this is {value!r}")
    if value < 0:
        raise Fault("less than nothing: an amount is never negative")
    return value
