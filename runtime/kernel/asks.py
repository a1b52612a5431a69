"""Asks: work that another cell does, by answering (SEMANTICS 1.8).

The law: an ask is answered once or its work fails.  It is known for ever by who asks and the effect
number of its work.  The answerer serves one at a time, others wait with the events that are deferred.  A
reply that nobody waits for any more goes back as ``<event>.unclaimed``.

Here is what both sides do to the context of a step; how a machine takes the events that follow is in
:mod:`runtime.kernel.machine_step`.
"""

from __future__ import annotations

from collections.abc import Sequence

from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields
from nimdsl.expression.evaluate import Fault
from nimdsl.program import Work
from nimdsl.program.address import FamilyAddress
from nimdsl.program.amount import value_of
from nimdsl.program.flatten import Row
from nimdsl.program.machine import BeginWork, ReplyToAsk
from runtime import records
from runtime.kernel.effects import CancelTimer, CancelWork, SendMessage, SetTimer, StartWork
from runtime.kernel.events import Received, Role
from runtime.kernel.sent import note_sent
from runtime.kernel.snapshot import Serving, Underway, work_timer
from runtime.kernel.step_context import StepContext
from runtime.records import Identity


def ask(context: StepContext, action: BeginWork, work: Work) -> None:
    """Begins the work by asking.  Raises Fault when nobody has the name, or an expression has no value."""
    asking = work.ask
    if asking is None:
        raise InternalError(f"{context.actor.id} asks nobody by `{work.name}`")
    environment = context.environment()
    payload = asking.payload.evaluate(environment)
    if isinstance(asking.to, FamilyAddress):
        _, (to,) = asking.to.reached(environment, context.actor.id)
    else:
        to = asking.to
    number = context.next_number()
    context.works[number] = Underway(action.work, {}, action.owner, asked=to)
    context.effects.append(SendMessage(number, to, asking.event, payload, Role.ASK, number))
    context.note(records.WorkStarted(action.work, number))
    note_sent(context, to, asking.event, payload, number, Role.ASK, asking.times)
    limit(context, number, work)


def limit(context: StepContext, number: int, work: Work) -> None:
    """Arms the timer of a work's timeout, if it has one."""
    if work.timeout_ns is not None:
        delay_ns = value_of(work.timeout_ns, context.environment())
        context.arm(work_timer(number), context.now_ns + delay_ns)


def abandon(context: StepContext, row: Row) -> None:
    """Forgets the work of the states that the row leaves; what this step began has never begun."""
    for number, started in list(context.works.items()):
        if started.owner not in row.left:
            continue
        del context.works[number]
        if number < context.before.effect_number or not _unbegun(context, number):
            unlimit(context, number)
            if started.asked:
                withdraw(context, number, started)
            else:
                context.effects.append(CancelWork(number))
        context.note(records.Abandoned(started.work, number))


def _unbegun(context: StepContext, number: int) -> bool:
    """Takes back the effects by which the step at hand began work; whether it had."""
    timer, before = work_timer(number), len(context.effects)
    context.effects = [
        one
        for one in context.effects
        if not (isinstance(one, StartWork) and one.number == number)
        and not (isinstance(one, SendMessage) and one.role is Role.ASK and one.number == number)
    ]
    if len(context.effects) == before:
        return False
    context.effects = [
        one for one in context.effects if not (isinstance(one, SetTimer) and one.timer == timer)
    ]
    context.timers.pop(timer, None)
    return True


def withdraw(context: StepContext, number: int, started: Underway) -> None:
    """The asker does not wait any more."""
    asking = context.actor.works[started.work].ask
    if asking is None:
        raise InternalError(f"{context.actor.id} withdraws `{started.work}`, which asks nobody")
    own = context.next_number()
    context.effects.append(SendMessage(own, started.asked, asking.event, {}, Role.WITHDRAWAL, number))


def unlimit(context: StepContext, number: int) -> None:
    """Disarms the timer of a work's timeout."""
    armed = context.timers.pop(work_timer(number), None)
    if armed is not None:
        context.effects.append(CancelTimer(work_timer(number), armed.generation))


def reply(context: StepContext, action: ReplyToAsk) -> None:
    """Answers the ask that is being served.  Raises Fault when there is none."""
    served = context.serving
    if served is None or not served.event:
        raise Fault("nobody asked, so there is nothing to reply to")
    payload = action.payload.evaluate(context.environment())
    answer(context, served, payload, Role.REPLY, action.times)
    context.serving = None


def answer(
    context: StepContext, served: Serving, payload: Fields, role: Role, times: Sequence[str] = ()
) -> None:
    """Sends what an ask comes to."""
    number, to = context.next_number(), served.sender
    ask_ = served.request.number
    context.effects.append(SendMessage(number, to, served.event, dict(payload), role, ask_))
    note_sent(context, to, served.event, payload, number, role, times)


def give_back(context: StepContext, event: Received) -> None:
    """A reply that came too late goes back to who gave it."""
    number, to = context.next_number(), event.sender
    payload = event.payload if isinstance(event.payload, dict) else {}
    context.effects.append(SendMessage(number, to, event.name, payload, Role.UNCLAIMED, event.ask))
    context.note(records.Sent(to, event.name, {}, number, Role.UNCLAIMED))


def serving_ask(event: Received, now_ns: int) -> Serving:
    """What is remembered of an ask while it is answered."""
    payload = event.payload if isinstance(event.payload, dict) else {}
    asked = Identity(event.sender, event.ask)
    return Serving(asked, event.sender, payload, "", 0, now_ns, event.name)
