"""How an actor asks an organ: an ask of the rack where the organ lives (SEMANTICS 9).

The law: a request is an ask (:mod:`runtime.kernel.asks`), known for ever by who asks and its number.  It
brings what the organ returns, or fails with a reason.

Not here: how a rack takes it (:mod:`runtime.kernel.rack`).
"""

from __future__ import annotations

from collections.abc import Mapping

from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields, Value
from nimdsl.program import Nerve
from nimdsl.program.amount import value_of
from nimdsl.program.nerve import HYBRID
from nimdsl.program.work import OrganSpec
from runtime.kernel.step_context import StepContext


def is_skipped(context: StepContext, organ: OrganSpec) -> bool:
    """Whether the organ is not asked in the stage at hand."""
    return bool(context.stage and organ.stages) and context.stage not in organ.stages


def patience_of(context: StepContext, timeout_ns: int | None) -> int | None:
    """How long the actor waits: a nerve that is a hybrid only checks, and does not wait for long."""
    if context.stage != HYBRID or not isinstance(context.actor, Nerve):
        return timeout_ns
    patience_ns = context.actor.patience_ns
    return patience_ns if timeout_ns is None else min(timeout_ns, patience_ns)


def rack_for(context: StepContext, organ: OrganSpec) -> str:
    """The rack where an organ lives."""
    rack = context.racks.get(organ.name)
    if rack is None:
        raise InternalError(f"{context.actor.id} asks `{organ.name}`, which lives nowhere")
    return rack


def request_of(context: StepContext, organ: OrganSpec, timeout_ns: int | None) -> dict[str, Value]:
    """What the rack is told.  Raises Fault when an expression has no value."""
    environment = context.environment()
    return {
        "task": organ.task,
        "payload": dict(organ.payload.evaluate(environment)),
        "stage": context.stage,
        "priority": value_of(organ.priority, environment),
        "timeout_ns": timeout_ns or 0,
        "timed": bool(organ.times),
    }


def payload_of(arguments: Fields) -> Mapping[str, Value]:
    """What the document says that the organ is given."""
    payload = arguments["payload"]
    return payload if isinstance(payload, dict) else {}
