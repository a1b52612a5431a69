"""The behaviours of this project's kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from nimdsl.base.errors import InternalError
from nimdsl.program import Actor, Attention, Gate, Nerve, Rack
from runtime.kernel.attention import AttentionStep
from runtime.kernel.behaviour import Begin, Behaviour, Taking
from runtime.kernel.gate import GateStep, gate_outcome
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.nerve import NerveStep, nerve_outcome
from runtime.kernel.rack import RackStep
from runtime.kernel.step_context import StepContext

A = TypeVar("A", bound=Actor)
_Step = Callable[[Kernel, A, StepContext, Sequence[PriceDecision], AskPrice | None], Taking]


def _takes(kind: type[A], step: _Step[A]) -> Begin:
    """Steps that know more of their actor than that it is one."""

    def begin(
        kernel: Kernel, context: StepContext, answers: Sequence[PriceDecision], asked: AskPrice | None
    ) -> Taking:
        actor = kernel.actor
        if not isinstance(actor, kind):
            raise InternalError(f"{actor.id} is no {kind.__name__.lower()}")
        return step(kernel, actor, context, answers, asked)

    return begin


CELL = Behaviour(MachineStep)
PROTOCOL = Behaviour(MachineStep)
GATE = Behaviour(_takes(Gate, GateStep), outcome=gate_outcome)
NERVE = Behaviour(_takes(Nerve, NerveStep), outcome=nerve_outcome)
RACK = Behaviour(_takes(Rack, RackStep))
ATTENTION = Behaviour(_takes(Attention, AttentionStep), on_time=True, gives_time=True)
