"""The behaviours of this project's kinds."""

from __future__ import annotations

from collections.abc import Sequence

from nimdsl.base.errors import InternalError
from nimdsl.program import Attention, Gate, Nerve, Rack
from runtime.kernel.attention import AttentionStep
from runtime.kernel.behaviour import Behaviour
from runtime.kernel.gate import GateStep, gate_outcome
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.nerve import NerveStep, nerve_outcome
from runtime.kernel.rack import RackStep
from runtime.kernel.step_context import StepContext


def _attention(
    kernel: Kernel, context: StepContext, answers: Sequence[PriceDecision], asked: AskPrice | None
) -> AttentionStep:
    actor = kernel.actor
    if not isinstance(actor, Attention):
        raise InternalError(f"{actor.id} is no attention")
    return AttentionStep(kernel, actor, context, answers, asked)


def _gate(
    kernel: Kernel, context: StepContext, answers: Sequence[PriceDecision], asked: AskPrice | None
) -> GateStep:
    actor = kernel.actor
    if not isinstance(actor, Gate):
        raise InternalError(f"{actor.id} is no gate")
    return GateStep(kernel, actor, context, answers, asked)


def _nerve(
    kernel: Kernel, context: StepContext, answers: Sequence[PriceDecision], asked: AskPrice | None
) -> NerveStep:
    actor = kernel.actor
    if not isinstance(actor, Nerve):
        raise InternalError(f"{actor.id} is no nerve")
    return NerveStep(kernel, actor, context, answers, asked)


def _rack(
    kernel: Kernel, context: StepContext, answers: Sequence[PriceDecision], asked: AskPrice | None
) -> RackStep:
    actor = kernel.actor
    if not isinstance(actor, Rack):
        raise InternalError(f"{actor.id} is no rack")
    return RackStep(kernel, actor, context, answers, asked)


CELL = Behaviour(MachineStep)
PROTOCOL = Behaviour(MachineStep)
GATE = Behaviour(_gate, outcome=gate_outcome)
NERVE = Behaviour(_nerve, outcome=nerve_outcome)
RACK = Behaviour(_rack)
ATTENTION = Behaviour(_attention, on_time=True, gives_time=True)
