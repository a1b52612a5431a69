"""Work that is units of a resource: asked for, held until its state is left, given back (SEMANTICS 3.8).

The law: what was asked for is given back once, whatever becomes of it, when its owner is left.
"""

from __future__ import annotations

from nimdsl.expression.evaluate import Fault
from nimdsl.program.amount import value_of
from nimdsl.program.work import AcquireSpec
from runtime import records
from runtime.kernel.effects import AnyEffect, Book
from runtime.kernel.snapshot import Underway, work_timer
from runtime.kernel.step_context import StepContext
from runtime.ledger.accounts import Acquire, GiveBack


def begin(context: StepContext, number: int, started: Underway, acquire: AcquireSpec) -> None:
    """Asks for units.  Raises Fault where that has no value, or none are asked for."""
    environment = context.environment()
    units, priority = value_of(acquire.units, environment), value_of(acquire.priority, environment)
    if units < 1:
        raise Fault("at least one unit can be acquired")
    resource = acquire.resource
    request = Underway(started.work, {}, started.owner, timeout_ns=started.timeout_ns, resource=resource)
    context.works[number] = request
    context.effects.append(Book(Acquire(resource, _key(context.actor.id, number), units, priority)))
    context.note(records.WorkStarted(started.work, number))
    if request.timeout_ns is not None:
        context.arm(work_timer(number), context.now_ns + request.timeout_ns)


def end(context: StepContext, number: int, started: Underway) -> None:
    """Gives back what is held, or withdraws what was asked for."""
    key = _key(context.actor.id, number)
    context.effects.append(Book(GiveBack(started.resource, key)))


def begins(effect: AnyEffect, actor: str, number: int) -> bool:
    """Whether an effect is the request of the work with this number."""
    command = effect.command if isinstance(effect, Book) else None
    return isinstance(command, Acquire) and command.key == _key(actor, number)


def _key(actor: str, number: int) -> str:
    return f"{actor}/{number}"
