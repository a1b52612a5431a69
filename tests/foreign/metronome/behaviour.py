"""How a metronome takes events: a step and records of its own."""

from __future__ import annotations

from collections.abc import Sequence

from metronome.kind import Metronome
from nimdsl.base.values import Value
from nimdsl.program import Actor
from runtime.kernel.behaviour import Behaviour
from runtime.kernel.events import AnyEvent, Begin, Received, Stimulus, TimerDue
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision
from runtime.kernel.snapshot import Snapshot
from runtime.kernel.step_context import StepContext, with_value
from runtime.records import Aside, Foreign, Ignored

TICK = 0


class Ticked(Foreign, frozen=True, tag="tick"):
    """A beat: its number, and the time since the one before."""

    count: int
    after_ns: Aside[int]


class Hurried(Foreign, frozen=True, tag="hurry"):
    """From now on it ticks twice as fast."""

    period_ns: int


class MetronomeStep:
    """One event of a metronome."""

    def __init__(self, actor: Metronome, context: StepContext) -> None:
        self.actor = actor
        self.context = context

    def take(self, event: AnyEvent) -> None:
        """Ticks, or hears that it is to hurry."""
        context = self.context
        match event:
            case Begin():
                context.state = self.actor.table.begin.target
                self._wind()
            case TimerDue():
                del context.timers[event.timer]
                count = self._value("count") + 1
                context.data = with_value(context.data, ("count",), count)
                context.note(Ticked(count, self._value("period")))
                if count < self.actor.ticks:
                    self._wind()
            case Stimulus(name="faster") | Received(name="faster"):
                period_ns = max(1, self._value("period") // 2)
                context.data = with_value(context.data, ("period",), period_ns)
                context.note(Hurried(period_ns))
            case _:
                context.note(Ignored(event.kind, "ticking"))

    def _wind(self) -> None:
        self.context.arm(TICK, self.context.now_ns + self._value("period"))

    def _value(self, name: str) -> int:
        value = self.context.data[name]
        assert isinstance(value, int)
        return value


def _taking(
    kernel: Kernel, context: StepContext, answers: Sequence[PriceDecision], asked: AskPrice | None
) -> MetronomeStep:
    assert isinstance(kernel.actor, Metronome)
    return MetronomeStep(kernel.actor, context)


def _outcome(_: Actor, snapshot: Snapshot) -> dict[str, Value]:
    return dict(snapshot.data)


BEHAVIOUR = Behaviour(_taking, records=(Ticked, Hurried), outcome=_outcome)
