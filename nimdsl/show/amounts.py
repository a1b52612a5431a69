"""Amounts as drawings and tables show them."""

from __future__ import annotations

from collections.abc import Iterable

from nimdsl.base.units import format_duration, format_lifeforce, format_rate, format_share
from nimdsl.expression.syntax import unparse
from nimdsl.program.amount import Amount, Computed
from nimdsl.program.machine import Price, PriceSource


def duration_text(amount: Amount) -> str:
    """``5s``, or the expression."""
    return unparse(amount.expression.node) if isinstance(amount, Computed) else format_duration(amount)


def jittered(text: str, jitter: int) -> str:
    """How long a timer runs, and by how much (millionths) that may be shortened."""
    return f"{text}, up to {format_share(jitter)} less" if jitter else text


def rate_text(amount: Amount) -> str:
    """``0.5/min``, or the expression, which is a second's."""
    return unparse(amount.expression.node) if isinstance(amount, Computed) else format_rate(amount)


def flow_text(income: Amount, upkeep: Amount) -> str:
    """``income 2/min, upkeep 0.5/min``; empty where nothing flows."""
    both = (("income", income), ("upkeep", upkeep))
    return ", ".join(f"{name} {rate_text(amount)}" for name, amount in both if amount)


def bill_text(bill: Iterable[Price], reserves: Iterable[Amount]) -> str:
    """``0.3 LF, 1.0 LF of calls, reserves 4.0 LF``; empty where it costs nothing."""
    parts = []
    for price in bill:
        if price.amount:
            verb = "reserves " if price.purse is PriceSource.HOLD else ""
            of = f" of {price.economy}" if price.economy else ""
            parts.append(f"{verb}{lifeforce_text(price.amount)}{of}")
    return ", ".join([*parts, *(f"reserves {lifeforce_text(amount)}" for amount in reserves)])


def lifeforce_text(amount: Amount) -> str:
    """``0.4 LF``, or the expression, which has its unit."""
    if isinstance(amount, Computed):
        return unparse(amount.expression.node)
    return f"{format_lifeforce(amount)} LF"
