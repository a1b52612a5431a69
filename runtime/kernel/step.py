"""The kernel: one event, one actor, one pure operation.

``step(kernel, snapshot, event, now, answers) -> Step | PriceQuery`` (SEMANTICS 1.1,
3.2) reads nothing but its arguments.  Stale timers, duplicates and work that
nobody awaits are dropped by the host before this (1.4).  How an event is taken is
the actor's :class:`runtime.kernel.behaviour.Behaviour`: a machine's in
:mod:`runtime.kernel.machine_step`, an attention's in :mod:`runtime.kernel.attention`.
"""

from __future__ import annotations

from collections.abc import Sequence

from runtime.kernel.behaviour import behaviour_of
from runtime.kernel.events import AnyEvent, Received, Role
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision, PriceQuery, Step, Unanswered
from runtime.kernel.snapshot import Snapshot, is_new, with_number
from runtime.kernel.step_context import StepContext

__all__ = ["AskPrice", "Kernel", "PriceDecision", "PriceQuery", "Step", "step"]


def step(
    kernel: Kernel,
    snapshot: Snapshot,
    event: AnyEvent,
    now_ns: int,
    answers: Sequence[PriceDecision] = (),
    ask: AskPrice | None = None,
) -> Step | PriceQuery:
    """Takes one event.  ``answers`` are the economy's, in the order in which this step asked.

    With ``ask`` the step goes on where it would end with a PriceQuery: that is asked, and the outcome is
    the same.
    """
    context = StepContext(kernel, snapshot, now_ns)
    work = behaviour_of(kernel.actor.kind).taking(kernel, context, answers, ask)
    try:
        work.take(event)
    except Unanswered as unanswered:
        return unanswered.need
    accepted = snapshot.accepted
    if event.sender:
        accepted = with_number(accepted, event.sender, event.number)
    match event:
        case Received(role=Role.WITHDRAWAL, ask=ask_) if is_new(accepted, event.sender, ask_):
            accepted = with_number(accepted, event.sender, ask_)  # overtaken: it must not come later
    return Step(context.finish(accepted), tuple(context.effects), tuple(context.records))
