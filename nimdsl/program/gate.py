"""Gates: what they hear, what they hold alike, and when they open (SEMANTICS 6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from nimdsl.program.actor import SLEEP_EVENTS, Actor
from nimdsl.program.expression import Expression
from nimdsl.program.format import tagged

TIER_OPENS = 800_000
"""A weight above this makes a gate of tier 0, millionths."""
TIERS = ((600_000, 1), (300_000, 2))
"""From which weight, millionths, a gate is of which tier; below the last it is what it says itself."""


@tagged("gate_ear")
@dataclass(frozen=True)
class GateEar:
    """A domain, or a pattern of some, and the waves of it that are heard; None: all of them."""

    domain: str
    guard: Expression | None = None


@tagged("likeness")
@dataclass(frozen=True)
class Likeness:
    """How two values of a field are compared.

    ``how`` is scale (``size`` apart is no likeness at all), same, or cosine (lists of ``size`` numbers).
    """

    field: str
    how: str
    size: float = 0.0


@tagged("weighing")
@dataclass(frozen=True)
class Weighing:
    """How outcomes move weight and gain; millionths."""

    start: int = 0
    confirmed: int = 20_000
    failed: int = 20_000
    adjust: int = 50_000
    earn: int = 100
    """How many confirmed outcomes make a reflex possible."""
    reward: int = 0
    """What the economy gives it, once, when outcomes have made it a reflex; micro-LF."""
    unused_every_ns: int = 0
    """After so long without an opening or an outcome it loses weight; 0: never."""
    unused_loses: int = 0
    learns: bool = True


@tagged("resonance")
@dataclass(frozen=True)
class Resonance:
    """What a value does with waves and silence; thresholds and factors are plain numbers."""

    alike: tuple[Likeness, ...] = ()
    among_others: bool = False
    """Whether a wave is compared with those of other emitters only."""
    window_ns: int = 1_500_000_000
    waves_max: int = 32
    decay: float = 0.95
    silence: float = 0.95
    open: float = 0.5
    close: float = -0.5
    slack: float = 0.0


@tagged("gate", also=("table",))
@dataclass(frozen=True)
class Gate(Actor):
    """An actor whose machine is what it reads (stable, open, closed, resting, pruned).

    With a ``domain`` it emits a wave of its own as it opens.
    """

    ears: tuple[GateEar, ...] = field(default=(), kw_only=True)
    resonance: Resonance = field(default=Resonance(), kw_only=True)
    weighing: Weighing = field(default=Weighing(), kw_only=True)
    rest_ns: int = field(default=0, kw_only=True)
    """How long it is deaf when attention has shed it."""
    below: int = field(default=4, kw_only=True)
    """The tier below all weights."""
    goes: bool = field(default=False, kw_only=True)
    """Whether it hears while its economy sleeps."""
    dialogue: bool = field(default=False, kw_only=True, metadata={"hashed": False})
    """Whether somebody speaks with her while it is open: for reports."""
    times: tuple[str, ...] = field(default=(), kw_only=True)
    """The fields of its own waves that come from the clock (:mod:`nimdsl.compile.times`)."""
    always_hears: ClassVar[tuple[str, ...]] = SLEEP_EVENTS


def tier_of(weight: int, below: int) -> int:
    """The tier of a gate with so much weight, millionths: from 0, a reflex, down to ``below``."""
    if weight > TIER_OPENS:
        return 0
    return next((tier for least, tier in TIERS if weight >= least), below)
