"""Amounts as drawings and tables show them."""

from __future__ import annotations

from nimdsl.base.units import format_duration, format_lifeforce, format_share
from nimdsl.expression.syntax import unparse
from nimdsl.program.amount import Amount, Computed


def duration_text(amount: Amount) -> str:
    """``5s``, or the expression."""
    return unparse(amount.expression.node) if isinstance(amount, Computed) else format_duration(amount)


def jittered(text: str, jitter: int) -> str:
    """How long a timer runs, and by how much (millionths) that may be shortened."""
    return f"{text}, up to {format_share(jitter)} less" if jitter else text


def lifeforce_text(amount: Amount) -> str:
    """``0.4 LF``, or the expression, which has its unit."""
    if isinstance(amount, Computed):
        return unparse(amount.expression.node)
    return f"{format_lifeforce(amount)} LF"
