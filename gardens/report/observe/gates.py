"""What is remembered of a gate while a run goes on: what it heard, how often it opened, what it weighs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.program import Actor
from nimdsl.program.gate import Gate, tier_of
from runtime.records import ReadingChanged, Record, Refused, Resonated, Weighed


class GateWatch:
    """Follows one gate."""

    def __init__(self, actor: Actor) -> None:
        self.gate = actor
        self.below = actor.below if isinstance(actor, Gate) else 4
        self.weight = actor.weighing.start if isinstance(actor, Gate) else 0
        self.reading = "stable"
        self.wave_count = self.opening_count = self.refusal_count = self.outcome_count = 0
        self.open_ns = 0
        """How long it was open, of the times that are over."""
        self._since_ns: int | None = None

    def take(self, record: Record) -> None:
        """One record more, in the gate's order."""
        match body := record.body:
            case Resonated():
                self.wave_count += 1
            case ReadingChanged():
                self._turn(body, record.at_ns)
            case Weighed():
                self.outcome_count += 1
                self.weight = body.weight
            case Refused():
                self.refusal_count += 1

    def _turn(self, body: ReadingChanged, at_ns: int) -> None:
        self.reading = body.target
        if body.target == "open":
            self.opening_count += 1
            self._since_ns = at_ns
        elif self._since_ns is not None:
            self.open_ns += at_ns - self._since_ns
            self._since_ns = None

    @property
    def tier(self) -> int:
        """Its tier now."""
        return tier_of(self.weight, self.below)


def gates_text(watched: Mapping[str, GateWatch]) -> Iterator[str]:
    """A line for each gate."""
    for actor, one in watched.items():
        name = actor.partition("/")[2]
        many = "opening" if one.opening_count == 1 else "openings"
        parts = [f"{one.reading}", f"{one.opening_count} {many}", f"{one.wave_count} waves heard"]
        if one.open_ns:
            parts.append(f"open for {one.open_ns / SECOND_NS:g} s before")
        parts.append(f"weighs {one.weight / MICRO:.0%}, tier {one.tier}")
        if one.outcome_count:
            parts.append(f"{one.outcome_count} outcomes")
        if one.refusal_count:
            parts.append(f"{one.refusal_count} refused")
        yield f"[bold]gate[/] {name}: {', '.join(parts)}"
