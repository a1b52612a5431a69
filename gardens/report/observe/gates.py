"""What is remembered of a gate while a run goes on: its value, what it reads, what it weighs.

Values and weights are kept as an outline (:mod:`gardens.report.observe.points`), waves, readings and
stages as :mod:`gardens.report.observe.slices` are.  Silence and disuse leave no record of their own: what
they take is computed as the gate does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gardens.report.observe.fading import Disuse, Fading
from gardens.report.observe.points import Points
from gardens.report.observe.slices import Slices, Staying, Track
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.words import counted
from nimdsl.program import Actor
from nimdsl.program.gate import Gate, Resonance, Weighing, tier_of
from nimdsl.program.nerve import stage_of
from runtime.records import ReadingChanged, Record, Refused, Resonated, Weighed

SPAN_COUNT_MAX = 320
READINGS = ("stable", "open", "closed", "resting", "pruned")


@dataclass(frozen=True)
class GateTrace:
    """A gate over time; ns, values from -1 to 1, weights in millionths, each until the next one."""

    values: tuple[tuple[int, float], ...]
    readings: Track
    waves: Track
    weights: tuple[tuple[int, int], ...]
    stages: Track


class GateWatch:
    """Follows one gate."""

    def __init__(self, actor: Actor) -> None:
        self.gate = actor
        gate = actor if isinstance(actor, Gate) else None
        self.below = gate.below if gate else 4
        self.resonance = gate.resonance if gate else Resonance()
        self._weight = Disuse(gate.weighing if gate else Weighing())
        self._fading = Fading(self.resonance)
        self.wave_count = self.opening_count = self.refusal_count = self.outcome_count = 0
        self.open_ns = 0
        """How long it was open, of the times that are over."""
        self._since_ns: int | None = None
        self._readings = Staying("stable")
        self._stages = Staying(stage_of(self.tier))
        self._waves = Slices()
        self._values = Points[float](SPAN_COUNT_MAX)
        self._weights = Points[int](SPAN_COUNT_MAX)
        self._values.add((0, 0.0))
        self._weights.add((0, self.weight))

    def take(self, record: Record) -> None:
        """One record more, in the gate's order."""
        at_ns = record.at_ns
        for point in self._fading.until(at_ns):
            self._values.add(point)
        for due_ns, weight in self._weight.until(at_ns):
            self._weighs(due_ns, weight)
        self._weight.take(record)
        if self._fading.take(record):
            self._values.add((at_ns, self._fading.value))
        match body := record.body:
            case Resonated():
                self.wave_count += 1
                self._waves.mark(at_ns, "wave")
            case ReadingChanged():
                self._turn(body, at_ns)
            case Weighed():
                self.outcome_count += 1
                self._weighs(at_ns, body.weight)
            case Refused():
                self.refusal_count += 1

    def _turn(self, body: ReadingChanged, at_ns: int) -> None:
        self._readings.turn(body.target, at_ns)
        if body.target == "open":
            self.opening_count += 1
            self._since_ns = at_ns
        elif self._since_ns is not None:
            self.open_ns += at_ns - self._since_ns
            self._since_ns = None

    def _weighs(self, at_ns: int, weight: int) -> None:
        self._weights.add((at_ns, weight))
        self._stages.turn(stage_of(tier_of(weight, self.below)), at_ns)

    @property
    def reading(self) -> str:
        """What it reads now."""
        return self._readings.name

    @property
    def weight(self) -> int:
        """What it weighs now, millionths."""
        return self._weight.now

    @property
    def tier(self) -> int:
        """Its tier now."""
        return tier_of(self.weight, self.below)

    def trace(self, end_ns: int) -> GateTrace:
        """All of it up to ``end_ns``."""
        disused = list(self._weight.copy().until(end_ns))
        stages = self._stages.copy()
        for at_ns, weight in disused:
            stages.turn(stage_of(tier_of(weight, self.below)), at_ns)
        return GateTrace(
            tuple(self._values.points() + list(self._fading.copy().until(end_ns))),
            self._readings.track(end_ns),
            self._waves.track(),
            tuple(self._weights.points() + disused),
            stages.track(end_ns),
        )


def gates_text(watched: Mapping[str, GateWatch]) -> Iterator[str]:
    """A line for each gate."""
    for actor, one in watched.items():
        name = actor.partition("/")[2]
        openings, waves = counted(one.opening_count, "opening"), counted(one.wave_count, "wave")
        parts = [f"{one.reading}", openings, f"{waves} heard"]
        if one.open_ns:
            parts.append(f"open for {one.open_ns / SECOND_NS:g} s before")
        parts.append(f"weighs {one.weight / MICRO:.0%}, tier {one.tier}")
        if one.outcome_count:
            parts.append(counted(one.outcome_count, "outcome"))
        if one.refusal_count:
            parts.append(f"{one.refusal_count} refused")
        yield f"[bold]gate[/] {name}: {', '.join(parts)}"
