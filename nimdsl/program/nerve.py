"""Nerves: what they sense and need, what thinking costs them, and how they judge what they did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from nimdsl.program.actor import SLEEP_EVENTS, Actor
from nimdsl.program.expression import Expression
from nimdsl.program.format import tagged

REFLEX, HYBRID, DELIBERATE = "reflex", "hybrid", "deliberate"
STAGES = (REFLEX, HYBRID, HYBRID, DELIBERATE, DELIBERATE)
"""The stage of each tier."""
BOUND_NS = (10_000_000, 50_000_000, 200_000_000, 2_000_000_000, 4_000_000_000)
"""How long a command may take in each tier, from the wave that opened the gate; longer is late."""


@tagged("verifying")
@dataclass(frozen=True)
class Verifying:
    """How a nerve judges its command, at every event after the cell agreed to it."""

    within_ns: int
    confirmed: Expression
    failed: Expression | None = None
    discrepancy: Expression | None = None
    """From 0 to 1, where neither held in time."""


@tagged("nerve", also=("table",))
@dataclass(frozen=True)
class Nerve(Actor):
    """An actor that acts on the openings of a gate."""

    gate: str = field(default="", kw_only=True)
    stale_ns: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    """By sense: after how long without a wave it is absent."""
    needs: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """By sense, or id of a cell: required, or degrades."""
    patience_ns: int = field(default=200_000_000, kw_only=True)
    verify: Verifying | None = field(default=None, kw_only=True)
    always_hears: ClassVar[tuple[str, ...]] = SLEEP_EVENTS

    def needed(self, names: Iterable[str], need: str) -> bool:
        """Whether one of these is needed so."""
        return any(self.needs.get(name) == need for name in names)

    def lacks(self, absent: Iterable[str]) -> bool:
        """Whether it cannot act without what is absent."""
        return self.needed(absent, "required")


def stage_of(tier: int) -> str:
    """The stage of a tier, from 0 to 4."""
    return STAGES[min(max(tier, 0), len(STAGES) - 1)]
