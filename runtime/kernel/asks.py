"""Asks: work that another cell does, by answering (SEMANTICS 1.8).

The law: an ask is answered once or its work fails.  It is known for ever by who asks and the effect
number of its work.  The answerer serves one at a time, others wait with the events that are deferred.  A
reply that nobody waits for any more goes back as ``<event>.unclaimed``.  An ask may be repeated under its
number (:mod:`runtime.kernel.attempts`): it is served once, and its reply taken or given back once.

Here is what both sides do to the context of a step; how a machine takes the events that follow is in
:mod:`runtime.kernel.machine_step`.
"""

from __future__ import annotations

from collections.abc import Sequence

from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields
from nimdsl.expression.evaluate import Fault
from nimdsl.program.machine import ReplyToAsk
from runtime import records
from runtime.kernel.effects import SendMessage
from runtime.kernel.events import Received, Role
from runtime.kernel.offered import ask_of, attempt_of
from runtime.kernel.sent import note_sent
from runtime.kernel.snapshot import CLAIMED_COUNT_MAX, Serving, Underway
from runtime.kernel.step_context import StepContext
from runtime.records import Identity


def withdraw(context: StepContext, number: int, started: Underway) -> None:
    """The asker does not wait any more."""
    event = context.actor.works[started.work].asks
    if not event:
        raise InternalError(f"{context.actor.id} withdraws `{started.work}`, which asks nobody")
    own = context.next_number()
    context.effects.append(SendMessage(own, started.asked, event, {}, Role.WITHDRAWAL, number))


def reply(context: StepContext, action: ReplyToAsk) -> None:
    """Answers the ask that is being served.  Raises Fault when there is none."""
    served = context.serving
    if served is None or not served.event:
        raise Fault("nobody asked, so there is nothing to reply to")
    payload = action.payload.evaluate(context.environment())
    answer(context, served, payload, Role.REPLY, action.times)
    context.answered = context.answered.with_one(str(served.request), payload)
    context.serving = None


def answer(
    context: StepContext,
    served: Serving,
    payload: Fields,
    role: Role,
    times: Sequence[str] = (),
    attempt: int = 1,
) -> None:
    """Sends what an ask comes to."""
    number, to = context.next_number(), served.sender
    ask_ = served.request.number
    context.effects.append(SendMessage(number, to, served.event, dict(payload), role, ask_, attempt))
    note_sent(context, to, served.event, payload, number, role, times)


def is_repeated(context: StepContext, event: Received) -> bool:
    """Whether an ask came before: one that was answered is answered again alike, others are duplicates.

    What waits keeps its place, as the latest attempt.
    """
    asked = Identity(event.sender, event.ask)
    remembered = context.answered.get(str(asked))
    if remembered is not None:
        number, to = context.next_number(), event.sender
        context.note(records.AnsweredAgain(asked))
        context.effects.append(SendMessage(number, to, event.name, dict(remembered), Role.REPLY, event.ask))
        context.note(records.Sent(to, event.name, {}, number, Role.REPLY))
        return True
    waiting = [place for place, one in enumerate(context.deferred) if ask_of(one) == asked]
    for place in waiting:
        context.deferred[place] = max(context.deferred[place], event, key=attempt_of)
    if waiting or (context.serving and context.serving.request == asked):
        context.note(records.Duplicate(asked))
        return True
    return False


def claim(context: StepContext, number: int) -> None:
    """A reply to the ask was taken or given back: another one is the same again."""
    context.claimed = (*context.claimed, number)[-CLAIMED_COUNT_MAX:]


def give_back(context: StepContext, event: Received) -> None:
    """A reply that came too late goes back to who gave it, once."""
    if event.ask in context.claimed:
        context.note(records.Stale(Identity(context.actor.id, event.ask)))
        return
    claim(context, event.ask)
    number, to = context.next_number(), event.sender
    payload = event.payload if isinstance(event.payload, dict) else {}
    context.effects.append(SendMessage(number, to, event.name, payload, Role.UNCLAIMED, event.ask))
    context.note(records.Sent(to, event.name, {}, number, Role.UNCLAIMED))


def serving_ask(event: Received, now_ns: int) -> Serving:
    """What is remembered of an ask while it is answered."""
    payload = event.payload if isinstance(event.payload, dict) else {}
    asked = Identity(event.sender, event.ask)
    return Serving(asked, event.sender, payload, "", 0, now_ns, event.name)
