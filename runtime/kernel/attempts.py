"""Attempts: how work begins, and begins again after it failed (SEMANTICS 1.10).

The laws:

* Work is tried until an attempt succeeds, at most as often as it says; only the last failure is one.
* Between attempts there is at most the wait that the work declares, a timer of the actor.
* Each attempt of work has an effect number of its own, so it has draws of its own, and what an earlier one
  still brings is not wanted.  An ask keeps its number, so that nobody serves it twice: only the message
  that carries it again is another one.

What asks are besides is in :mod:`runtime.kernel.asks`; how a machine hears of work in
:mod:`runtime.kernel.machine_step`.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields
from nimdsl.program import Work
from nimdsl.program.address import FamilyAddress
from nimdsl.program.amount import value_of
from nimdsl.program.flatten import REFUSED, Row
from nimdsl.program.machine import BeginWork
from nimdsl.program.nerve import REFLEX
from runtime import records
from runtime.kernel import asks, commands, loans, organs
from runtime.kernel.effects import CancelTimer, CancelWork, SendMessage, SendRequest, SetTimer, StartWork
from runtime.kernel.events import Role
from runtime.kernel.reserves import give_back, put_aside, settle
from runtime.kernel.sent import note_sent
from runtime.kernel.snapshot import Underway, work_timer
from runtime.kernel.step_context import Internal, StepContext

Renew = Callable[[Underway], Underway | None]
"""Puts aside what another attempt of the work reserves; None where that is refused."""


def begin(context: StepContext, action: BeginWork) -> None:
    """The first attempt.  Raises Fault when an expression has no value, or nobody has the name asked."""
    work = context.actor.works.get(action.work)
    environment = context.environment()
    limit = None if work is None else work.timeout_ns
    timeout_ns = None if limit is None else value_of(limit, environment)
    asked = ""
    message: Fields = {}
    if work is not None and work.organ is not None:
        if organs.is_skipped(context, work.organ):
            context.queue.append(Internal(work.outcomes["done"], {}))
            return
        timeout_ns = organs.patience_of(context, timeout_ns)
        arguments: Fields = organs.request_of(context, work.organ, timeout_ns)
        asked = organs.rack_for(context, work.organ)
    elif work is not None and work.ask is not None:
        arguments, asked = work.ask.payload.evaluate(environment), _asked(context, work)
    elif work is not None and work.command is not None:
        arguments, asked = work.command.payload.evaluate(environment), work.command.to
        message = commands.written(context, work.command, arguments)
    else:
        arguments = action.arguments.evaluate(environment)
    hold, reserved = put_aside(context, action)
    started = Underway(
        action.work,
        arguments,
        action.owner,
        asked=asked,
        timeout_ns=timeout_ns,
        hold=hold,
        reserved=reserved,
        message=message,
        opened_ns=context.now_ns if message else 0,
    )
    if work is not None and work.acquire is not None:
        loans.begin(context, context.next_number(), started, work.acquire)
    else:
        _attempt(context, context.next_number(), started)


def _asked(context: StepContext, work: Work) -> str:
    """Who is asked.  Raises Fault when nobody has the name."""
    if work.ask is None:
        raise InternalError(f"{context.actor.id} asks nobody by `{work.name}`")
    if not isinstance(work.ask.to, FamilyAddress):
        return work.ask.to
    _, (to,) = work.ask.to.reached(context.environment(), context.actor.id)
    return to


def _attempt(context: StepContext, number: int, started: Underway) -> None:
    """An attempt of the work with this number: what carries it out, and the timer of its timeout."""
    context.works[number] = started
    name, attempt = started.work, started.attempt
    if is_command(context, started):
        context.note(records.WorkStarted(name, number, attempt))
        if not started.message:
            commands.translate(context, number, started, 1, "")
            return
        commands.send(context, number, started)
    elif started.asked:
        _send(context, number, started)
    else:
        context.effects.append(StartWork(number, name, started.arguments))
        context.note(records.WorkStarted(name, number, attempt))
    limit(context, number, started)


def _send(context: StepContext, number: int, started: Underway) -> None:
    work = context.actor.works[started.work]
    asking = work.organ or work.ask
    if asking is None:
        raise InternalError(f"{context.actor.id} asks nobody by `{started.work}`")
    to, attempt, payload = started.asked, started.attempt, dict(started.arguments)
    carried = number if attempt == 1 else context.next_number()
    context.effects.append(SendMessage(carried, to, work.asks, payload, Role.ASK, number, attempt))
    context.note(records.WorkStarted(started.work, number, attempt))
    told = organs.payload_of(payload) if work.organ else payload
    note_sent(context, to, work.asks, told, carried, Role.ASK, asking.times)


def failed(context: StepContext, number: int, started: Underway, reason: str, renew: Renew) -> str:
    """An attempt failed: why there is no other one; empty where there is, now or when its wait is over.

    One that reserves something waits even if it need not, by a timer of no duration: what the failed one
    reserved comes back after the step.
    """
    work = context.actor.works[started.work]
    once = work.command is not None and context.stage == REFLEX
    if started.attempt >= work.attempts or once:
        return reason
    wait_ns = work.wait_ns(started.attempt)
    following = number if started.asked else context.next_number()
    other = 0 if following == number else following
    context.note(records.WorkRepeated(work.name, started.attempt, reason, number, wait_ns, other))
    attempt = started.attempt + 1
    waits = wait_ns > 0 or work.reserve is not None
    later = replace(started, attempt=attempt, waits=waits, hold="", reserved=0)
    if not waits:
        return "" if _again(context, following, later, renew) else REFUSED
    jitter = work.backoff.jitter if work.backoff else 0
    context.works[following] = later
    context.arm(work_timer(following), context.now_ns + wait_ns, wait_ns * jitter // MICRO)
    return ""


def waited(context: StepContext, number: int, started: Underway, renew: Renew) -> bool:
    """The wait before an attempt is over; whether it could begin."""
    return _again(context, number, replace(started, waits=False), renew)


def _again(context: StepContext, number: int, started: Underway, renew: Renew) -> bool:
    renewed = renew(started)
    if renewed is None:
        return False
    _attempt(context, number, renewed)
    return True


def is_command(context: StepContext, started: Underway) -> bool:
    """Whether it is a handshake with a cell."""
    work = context.actor.works.get(started.work)
    return work is not None and work.command is not None


def withdraw(context: StepContext, number: int, started: Underway) -> None:
    """Nobody waits any more for who was asked; a cell that was commanded is not told."""
    if not is_command(context, started):
        asks.withdraw(context, number, started)


def limit(context: StepContext, number: int, started: Underway) -> None:
    """Arms the timer of an attempt's timeout."""
    if started.timeout_ns is not None:
        context.arm(work_timer(number), context.now_ns + started.timeout_ns)


def abandon(context: StepContext, row: Row) -> None:
    """Forgets the work of the states that the row leaves; what this step began has never begun."""
    for number, started in sorted(context.works.items()):
        if started.owner not in row.left:
            continue
        del context.works[number]
        if number >= context.before.effect_number and _unbegun(context, number, started):
            give_back(context, started)
        else:
            unlimit(context, number)
            if started.resource:
                loans.end(context, number, started)
            elif started.asked:
                withdraw(context, number, started)
            elif not started.waits:
                context.effects.append(CancelWork(number))
            settle(context, started, "unknown", {})
        ended = records.GivenBack if started.granted else records.Abandoned
        context.note(ended(started.work, number))


def _unbegun(context: StepContext, number: int, started: Underway) -> bool:
    """Takes back the effects by which the step at hand began work; whether it had."""
    timer, before = work_timer(number), len(context.effects)
    context.effects = [
        one
        for one in context.effects
        if not (isinstance(one, StartWork) and one.number == number)
        and not (isinstance(one, SendMessage) and one.role is Role.ASK and one.number == number)
        and not (isinstance(one, SendRequest) and one.request == (context.actor.id, number))
        and not (started.resource and loans.begins(one, context.actor.id, number))
    ]
    if len(context.effects) == before:
        return False
    context.effects = [
        one for one in context.effects if not (isinstance(one, SetTimer) and one.timer == timer)
    ]
    context.timers.pop(timer, None)
    return True


def unlimit(context: StepContext, number: int) -> None:
    """Disarms the timer of a work."""
    armed = context.timers.pop(work_timer(number), None)
    if armed is not None:
        context.effects.append(CancelTimer(work_timer(number), armed.generation))
