"""Slumber and waking: when an economy rests (SEMANTICS 3.5).

The law: slumber when lambda < 0.7 and L < 20 % and urgency < 0.5; wake when
(lambda > 1.2 and L > 50 %) or urgency > 0.7; at least one window between
changes.  Not here: lambda itself (:meth:`runtime.economy.Ledger.lambda_over`)
and who asks.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vitality:
    """Awake or in slumber, and since when (None: since the beginning, free to change)."""

    slumbering: bool = False
    changed_ns: int | None = None


def next_vitality(
    vitality: Vitality, now_ns: int, window_ns: int, lambda_: float | None, level: float, urgency: float
) -> Vitality:
    """The state after looking at ``now_ns``.

    ``lambda_`` is income / expenditure over the window, None when nothing was spent
    (dormant: neither below nor above a bound); ``level`` is L as a fraction of the
    capacity, ``urgency`` a fraction.
    """
    if vitality.changed_ns is not None and now_ns - vitality.changed_ns < window_ns:
        return vitality
    thriving = lambda_ is not None and lambda_ > 1.2 and level > 0.5
    starving = lambda_ is not None and lambda_ < 0.7 and level < 0.2
    changes = (thriving or urgency > 0.7) if vitality.slumbering else (starving and urgency < 0.5)
    return Vitality(not vitality.slumbering, now_ns) if changes else vitality
