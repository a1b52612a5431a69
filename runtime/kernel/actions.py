"""What each action does to a turn: changes of data, effects, records, internal events.

An expression that faults here undoes the whole transition (:mod:`runtime.kernel.step`
sees to that); only ``Set`` with an ``otherwise`` event stands above it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields, Value
from nimdsl.expression.evaluate import Fault
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
    Request,
    Send,
    Set,
)
from runtime import records
from runtime.kernel import effects
from runtime.kernel.snapshot import Opened, Underway
from runtime.kernel.step_context import Internal, StepContext, value_at, with_value
from runtime.ledger import accounts
from runtime.records import Identity


def perform(turn: StepContext, action: Action) -> None:
    """Does one action.  Raises Fault when an expression has no value."""
    _PERFORM[type(action)](turn, action)


def _set(turn: StepContext, action: Set) -> None:
    try:
        value = action.value.evaluate(turn.environment())
    except Fault as fault:
        if not action.otherwise:
            raise
        turn.queue.append(Internal(action.otherwise, {"reason": str(fault)}))
        return
    turn.data = with_value(turn.data, action.path, value)
    turn.changed[".".join(action.path)] = value


def _append(turn: StepContext, action: Append) -> None:
    value = action.value.evaluate(turn.environment())
    before = value_at(turn.data, action.path)
    turn.data = with_value(turn.data, action.path, [*(before if isinstance(before, list) else []), value])
    turn.appended.setdefault(".".join(action.path), []).append(value)


def _raise(turn: StepContext, action: Raise) -> None:
    turn.queue.append(Internal(action.event, {}))


def _start_work(turn: StepContext, action: BeginWork) -> None:
    arguments = action.arguments.evaluate(turn.environment())
    number = turn.next_number()
    turn.works[number] = Underway(action.work, arguments, action.owner)
    turn.effects.append(effects.StartWork(number, action.work, arguments))
    turn.note(records.WorkStarted(action.work, number))


def _emit(turn: StepContext, action: Emit) -> None:
    confidence = action.confidence.evaluate(turn.environment())
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise Fault(f"a confidence is from 0 to 1, this is {confidence!r}")
    content = action.content.evaluate(turn.environment())
    number = turn.next_number()
    turn.effects.append(effects.PublishWave(number, float(confidence), content))
    turn.note(records.Emitted(float(confidence), content, number))


def _send(turn: StepContext, action: Send) -> None:
    payload = action.payload.evaluate(turn.environment())
    number = turn.next_number()
    turn.effects.append(effects.SendMessage(number, action.to, action.event, payload))
    turn.note(records.Sent(action.to, action.event, payload, number))


def _request(turn: StepContext, action: Request) -> None:
    number = turn.next_number()
    if turn.request is None:
        message = action.message.evaluate(turn.environment())
        turn.request = Opened(number, turn.now_ns, message, action.reply_schema, action.reply_event)
    opened = turn.request
    ask = effects.SendRequest(
        number,
        action.to,
        Identity(turn.actor.id, opened.number),
        opened.message,
        turn.hold,
        action.process,
        opened.opened_ns,
    )
    turn.effects.append(ask)
    turn.note(records.Asked(action.to, opened.number, opened.message, number))


def _reply(turn: StepContext, action: Reply) -> None:
    serving = turn.serving
    if serving is None:
        raise InternalError(f"{turn.actor.id} replies, and serves no request")
    message = _message(turn, action)
    answer(turn, serving.request, serving.sender, message)
    if action.status != "RETRY":
        turn.answered = turn.answered.with_one(str(serving.request), message)
    turn.serving = None


def _message(turn: StepContext, action: Reply) -> Fields:
    environment = turn.environment()
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


def answer(turn: StepContext, request: Identity, sender: str, message: Fields) -> None:
    """Sends the reply to a request."""
    number = turn.next_number()
    turn.effects.append(effects.SendReply(number, sender, request, message))
    turn.note(records.Replied(sender, request, message, number))


def _settle(turn: StepContext, action: PayFromHold) -> None:
    key = f"{action.account}/{turn.actor.id}/{turn.next_number()}"
    turn.effects.append(effects.Book(accounts.Settle(turn.hold, key, action.account, action.amount)))


def _close(turn: StepContext, action: Close) -> None:
    turn.request = None
    if turn.hold:
        turn.effects.append(effects.Book(accounts.Release(turn.hold, action.keep)))
        turn.hold = ""


def _reward(turn: StepContext, action: AskReward) -> None:
    environment = turn.environment()
    prefix = f"{turn.actor.id}/{action.name}/"
    found = action.keys.evaluate(environment) if action.keys else [turn.next_number()]
    keys = [prefix + str(key) for key in found]
    claims = action.claims.evaluate(environment) if action.claims else []
    claimed = sum(claims) if claims else None
    turn.effects.append(effects.Book(accounts.Reward(action.name, tuple(keys), action.scope, claimed)))
    turn.note(records.Rewarded(action.name, keys))


_NOTES: dict[str, type[records.ProtocolBody]] = {
    "handshake": records.HandshakeEnded,
    "phase": records.PhaseMarked,
}


def _note(turn: StepContext, action: Note) -> None:
    turn.note(msgspec.convert(action.fields.evaluate(turn.environment()), _NOTES[action.type]))


_PERFORM: dict[type, Callable[[StepContext, Any], None]] = {
    Set: _set,
    Append: _append,
    Raise: _raise,
    BeginWork: _start_work,
    Emit: _emit,
    Send: _send,
    Request: _request,
    Reply: _reply,
    PayFromHold: _settle,
    Close: _close,
    AskReward: _reward,
    Note: _note,
}
