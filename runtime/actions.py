"""What each action does to a turn: changes of data, effects, records, internal events.

An expression that faults here undoes the whole transition (:mod:`runtime.step`
sees to that); only ``Set`` with an ``otherwise`` event stands above it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nimdsl.expression.evaluate import Fault
from nimdsl.machine import (
    Action,
    Append,
    Close,
    Emit,
    Note,
    Raise,
    Reply,
    Request,
    Reward,
    Send,
    Set,
    Settle,
    StartWork,
)
from runtime import economy, effects
from runtime.events import EventKind
from runtime.turn import Turn, value_at, with_value


def perform(turn: Turn, action: Action) -> None:
    """Does one action.  Raises Fault when an expression has no value."""
    _PERFORM[type(action)](turn, action)


def request_key(identity: list[Any]) -> str:
    """``[emitter, number]`` as text."""
    return f"{identity[0]}/{identity[1]}"


def _set(turn: Turn, action: Set) -> None:
    try:
        value = action.value.evaluate(turn.environment())
    except Fault as fault:
        if not action.otherwise:
            raise
        turn.queue.append((action.otherwise, {"reason": str(fault)}, None))
        return
    turn.data = with_value(turn.data, action.path, value)


def _append(turn: Turn, action: Append) -> None:
    value = action.value.evaluate(turn.environment())
    turn.data = with_value(turn.data, action.path, [*value_at(turn.data, action.path), value])


def _raise(turn: Turn, action: Raise) -> None:
    turn.queue.append((action.event, {}, None))


def _start_work(turn: Turn, action: StartWork) -> None:
    arguments = action.arguments.evaluate(turn.environment())
    number = turn.next_number()
    turn.works[str(number)] = {"work": action.work, "arguments": arguments, "owner": action.owner}
    turn.effects.append(effects.StartWork(number, action.work, arguments))
    turn.record("work", work=action.work, number=number)


def _emit(turn: Turn, action: Emit) -> None:
    confidence = action.confidence.evaluate(turn.environment())
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise Fault(f"a confidence is from 0 to 1, this is {confidence!r}")
    content = action.content.evaluate(turn.environment())
    number = turn.next_number()
    turn.effects.append(effects.Publish(number, float(confidence), content))
    turn.record("emit", confidence=float(confidence), content=content, number=number)


def _send(turn: Turn, action: Send) -> None:
    payload = action.payload.evaluate(turn.environment())
    number = turn.next_number()
    turn.effects.append(effects.Deliver(number, EventKind.MESSAGE, action.to, action.event, payload))
    turn.record("send", to=action.to, event=action.event, payload=payload, number=number)


def _request(turn: Turn, action: Request) -> None:
    number = turn.next_number()
    if turn.request is None:
        turn.request = {
            "number": number,
            "opened_ns": turn.now_ns,
            "message": action.message.evaluate(turn.environment()),
            "schema": action.reply_schema,
            "event": action.reply_event,
        }
    opened = turn.request
    payload = {
        "request": [turn.actor.id, opened["number"]],
        "message": opened["message"],
        "hold": turn.hold,
        "process": action.process,
        "opened_ns": opened["opened_ns"],
    }
    turn.effects.append(effects.Deliver(number, EventKind.REQUEST, action.to, "", payload))
    turn.record("request", to=action.to, request=opened["number"], message=opened["message"], number=number)


def _reply(turn: Turn, action: Reply) -> None:
    serving = turn.serving
    environment = turn.environment()
    if action.find is not None and action.status == "ACK":
        environment["$row"] = action.find.evaluate(environment)[0]
    message: dict[str, Any] = {
        "$schema": action.schema,
        "type": action.type,
        "status": action.status,
    }
    if action.status == "ACK":
        message["payload"] = action.payload.evaluate(environment)
    if action.delta is not None:
        message["lifeforce_delta"] = action.delta.evaluate(environment)
    if action.reason is not None:
        message["reason"] = action.reason.evaluate(environment)
    answer(turn, serving, message)
    if action.status != "RETRY":
        turn.answered = turn.answered.with_one(request_key(serving["request"]), message)
    turn.serving = None


def answer(turn: Turn, asked: Any, message: Any) -> None:
    """Sends the reply to a request."""
    number = turn.next_number()
    payload = {"request": asked["request"], "message": message}
    turn.effects.append(effects.Deliver(number, EventKind.REPLY, asked["sender"], "", payload))
    turn.record("reply", to=asked["sender"], request=asked["request"], message=message, number=number)


def _settle(turn: Turn, action: Settle) -> None:
    key = f"{action.account}/{turn.actor.id}/{turn.next_number()}"
    turn.effects.append(effects.Book(economy.Settle(turn.hold, key, action.account, action.amount)))


def _close(turn: Turn, action: Close) -> None:
    turn.request = None
    if turn.hold:
        turn.effects.append(effects.Book(economy.Release(turn.hold, action.keep)))
        turn.hold = ""


def _reward(turn: Turn, action: Reward) -> None:
    environment = turn.environment()
    prefix = f"{turn.actor.id}/{action.name}/"
    found = action.keys.evaluate(environment) if action.keys else [turn.next_number()]
    keys = tuple(prefix + str(key) for key in found)
    claims = action.claims.evaluate(environment) if action.claims else []
    claimed = sum(claims) if claims else None
    turn.effects.append(effects.Book(economy.Reward(action.name, keys, action.scope, claimed)))
    turn.record("reward", reward=action.name, keys=list(keys))


def _note(turn: Turn, action: Note) -> None:
    turn.record(action.type, **action.fields.evaluate(turn.environment()))


_PERFORM: dict[type, Callable[[Turn, Any], None]] = {
    Set: _set,
    Append: _append,
    Raise: _raise,
    StartWork: _start_work,
    Emit: _emit,
    Send: _send,
    Request: _request,
    Reply: _reply,
    Settle: _settle,
    Close: _close,
    Reward: _reward,
    Note: _note,
}
