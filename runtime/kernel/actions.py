"""What each action does to the context of a step: changes of data, effects, records, internal events.

An expression that faults here undoes the whole transition (:mod:`runtime.kernel.step`
sees to that); only ``Set`` with an ``otherwise`` event stands above it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields, Value
from nimdsl.expression.evaluate import VALUE_SIZE_MAX, Fault, exceeds
from nimdsl.program.address import Address, FamilyAddress, OriginAddress
from nimdsl.program.machine import (
    Action,
    Append,
    AskReward,
    BeginWork,
    Close,
    Emit,
    Note,
    PayFromHold,
    Raise,
    Reply,
    ReplyToAsk,
    Request,
    Send,
    Set,
)
from runtime import records
from runtime.kernel import effects
from runtime.kernel.asks import reply
from runtime.kernel.attempts import begin
from runtime.kernel.sent import apart, fields_apart, note_sent
from runtime.kernel.snapshot import Opened
from runtime.kernel.step_context import Internal, StepContext, value_at, with_value
from runtime.ledger import accounts
from runtime.records import Identity


def perform(context: StepContext, action: Action) -> None:
    """Does one action.  Raises Fault when an expression has no value."""
    _PERFORM[type(action)](context, action)


def _set(context: StepContext, action: Set) -> None:
    try:
        value = action.value.evaluate(context.environment())
    except Fault as fault:
        if not action.otherwise:
            raise
        context.queue.append(Internal(action.otherwise, {"reason": str(fault)}))
        return
    _check_size(".".join(action.path), value)
    context.data = with_value(context.data, action.path, value)
    context.changed[".".join(action.path)] = value


def _check_size(name: str, value: Value) -> None:
    """What a field holds is journalled and restored with each step: Fault where it grows without end."""
    if isinstance(value, str | list | dict) and exceeds(value, VALUE_SIZE_MAX):
        raise Fault(f"`{name}` would hold more than {VALUE_SIZE_MAX:,} items and characters")


def _append(context: StepContext, action: Append) -> None:
    value = action.value.evaluate(context.environment())
    before = value_at(context.data, action.path)
    context.data = with_value(
        context.data, action.path, [*(before if isinstance(before, list) else []), value]
    )
    context.appended.setdefault(".".join(action.path), []).append(value)


def _raise(context: StepContext, action: Raise) -> None:
    context.queue.append(Internal(action.event, {}))


def _emit(context: StepContext, action: Emit) -> None:
    confidence = action.confidence.evaluate(context.environment())
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise Fault(f"a confidence is from 0 to 1, this is {confidence!r}")
    content = action.content.evaluate(context.environment())
    number = context.next_number()
    context.effects.append(effects.PublishWave(number, float(confidence), content))
    decided, times = apart(content, action.times)
    context.note(records.Emitted(float(confidence), decided, number, times))


def _send(context: StepContext, action: Send) -> None:
    payload = action.payload.evaluate(context.environment())
    pattern, receivers = _receivers(context, action.to)
    first = context.effect_number
    for to in receivers:
        context.effects.append(effects.SendMessage(context.next_number(), to, action.event, payload))
    if isinstance(action.to, FamilyAddress) and action.to.is_broadcast:
        decided, times = fields_apart(payload, action.times)
        context.note(records.SentToEach(pattern, action.event, decided, len(receivers), first, times))
    else:
        note_sent(context, pattern, action.event, payload, first, times=action.times)


def _receivers(context: StepContext, address: Address) -> tuple[str, tuple[str, ...]]:
    """How an address reads in records, and whom it reaches now.  Raises Fault when nobody."""
    match address:
        case str():
            return address, (address,)
        case OriginAddress():
            return (to := context.origin_id()), (to,)
        case _:
            return address.reached(context.environment(), context.actor.id)


def _request(context: StepContext, action: Request) -> None:
    number = context.next_number()
    if context.request is None:
        message = action.message.evaluate(context.environment())
        context.request = Opened(number, context.now_ns, message, action.reply_schema, action.reply_event)
    opened = context.request
    ask = effects.SendRequest(
        number,
        action.to,
        Identity(context.actor.id, opened.number),
        opened.message,
        context.hold,
        action.process,
        opened.opened_ns,
    )
    context.effects.append(ask)
    context.note(records.Asked(action.to, opened.number, opened.message, number))


def _reply(context: StepContext, action: Reply) -> None:
    serving = context.serving
    if serving is None:
        raise InternalError(f"{context.actor.id} replies, and serves no request")
    message = _message(context, action)
    answer(context, serving.request, serving.sender, message)
    if action.status != "RETRY":
        context.answered = context.answered.with_one(str(serving.request), message)
    context.serving = None


def _message(context: StepContext, action: Reply) -> Fields:
    environment = context.environment()
    if action.find is not None and action.status == "ACK":
        environment["$row"] = action.find.evaluate(environment)[0]
    message: dict[str, Value] = {"$schema": action.schema, "type": action.type, "status": action.status}
    if action.status == "ACK":
        message["payload"] = action.payload.evaluate(environment)
    if action.delta is not None:
        message["lifeforce_delta"] = action.delta.evaluate(environment)
    if action.reason is not None:
        message["reason"] = action.reason.evaluate(environment)
    return message


def answer(context: StepContext, request: Identity, sender: str, message: Fields) -> None:
    """Sends the reply to a request."""
    number = context.next_number()
    context.effects.append(effects.SendReply(number, sender, request, message))
    context.note(records.Replied(sender, request, message, number))


def _settle(context: StepContext, action: PayFromHold) -> None:
    key = f"{action.account}/{context.actor.id}/{context.next_number()}"
    context.effects.append(effects.Book(accounts.Settle(context.hold, key, action.account, action.amount)))


def _close(context: StepContext, action: Close) -> None:
    opened, context.request = context.request, None
    if context.hold:
        processing = ""
        if action.keep and opened is not None:
            processing = settlement_key(action.account, Identity(context.actor.id, opened.number))
        context.effects.append(effects.Book(accounts.Release(context.hold, action.keep, processing)))
        context.hold = ""


def settlement_key(account: str, request: Identity) -> str:
    """The key under which whoever processes a request is paid from its hold: once, whoever asks."""
    return f"{account}/{request}"


def _reward(context: StepContext, action: AskReward) -> None:
    environment = context.environment()
    prefix = f"{context.actor.id}/{action.name}/"
    found = action.keys.evaluate(environment) if action.keys else [context.next_number()]
    keys = [prefix + str(key) for key in found]
    claims = action.claims.evaluate(environment) if action.claims else []
    claimed = sum(claims) if claims else None
    amount = None if action.amount is None else action.amount.evaluate(environment)
    if amount is not None and amount < 0:
        raise Fault("a reward is measured from 0 upwards")
    purse = context.actor.economy
    reward = accounts.Reward(action.name, tuple(keys), action.scope, claimed, purse, amount)
    context.effects.append(effects.Book(reward))
    context.note(records.Rewarded(action.name, keys))


_NOTES: dict[str, type[records.ProtocolBody]] = {
    "handshake": records.HandshakeEnded,
    "phase": records.PhaseMarked,
}


def _note(context: StepContext, action: Note) -> None:
    context.note(msgspec.convert(action.fields.evaluate(context.environment()), _NOTES[action.type]))


_PERFORM: dict[type, Callable[[StepContext, Any], None]] = {
    Set: _set,
    Append: _append,
    Raise: _raise,
    BeginWork: begin,
    Emit: _emit,
    Send: _send,
    Request: _request,
    Reply: _reply,
    ReplyToAsk: reply,
    PayFromHold: _settle,
    Close: _close,
    AskReward: _reward,
    Note: _note,
}
