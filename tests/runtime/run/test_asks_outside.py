"""Asks that a program outside answers: it replies to the message, and knows nothing else."""

from __future__ import annotations

import json

import pytest

import nimdsl
from gardens.stores.memory import MemoryJournal
from runtime.kernel.effects import SendMessage
from runtime.kernel.events import BEGIN, Answered, AnyEvent, Role
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.kernel import Kernel
from runtime.kernel.step import PriceQuery
from runtime.ports.bus import Message
from runtime.records import Faulted
from runtime.run import wire
from runtime.run.host import Host

TEXT = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: breaker}
spec:
  accepts: {may: {watts: int}}
  replies: {may: {go: bool}}
  machine:
    initial: ready
    states:
      ready: {transitions: [{event: may, internal: true, do: [{reply: {go: true}}]}]}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: oven}
spec:
  machine:
    initial: asking
    states:
      asking:
        enter: [{work: permit}]
        transitions:
          - {event: permitted, if: event.go, to: hot}
          - {event: permitted, to: cold}
          - {event: failed, to: cold}
      cold: {final: true}
      hot: {final: true}
  work:
    permit: {ask: {to: breaker, event: may, payload: {watts: 2000}}, timeout: 5s, done: permitted}
"""
RUN, EPOCH = "0" * 32, "2026-01-01T00:00:00Z"


def an_oven() -> tuple[Host, Message]:
    """An oven that has asked, and the message that carries its ask."""
    program = nimdsl.load_text(TEXT)
    actor = program.cells["oven"]
    host = Host(Kernel(actor, PlainInterpreter(actor.table), program.schemas), MemoryJournal())
    effects = host.accept(BEGIN, 0)
    assert effects is not None
    assert not isinstance(effects, PriceQuery)
    asked = next(one for one in effects if isinstance(one, SendMessage) and one.role is Role.ASK)
    return host, wire.to_message(asked, host.id, RUN, EPOCH, 0)


def replied(message: Message, body: object) -> AnyEvent:
    """What the oven hears when somebody replies to its message, as any client does."""
    return wire.to_event(Message(message.reply_to, json.dumps(body).encode()))


@pytest.mark.parametrize(("go", "state"), [(True, "hot"), (False, "cold")])
def test_whoever_replies_has_answered(go: bool, state: str) -> None:
    host, message = an_oven()
    assert (message.to, json.loads(message.data)) == ("cell/breaker", {"watts": 2000})
    assert message.headers[wire.EVENT] == "may"
    event = replied(message, {"go": go})
    assert isinstance(event, Answered)
    host.accept(event, 1)
    assert host.snapshot.state == state
    assert not host.snapshot.works


def test_a_reply_of_another_shape_is_none_and_the_timeout_comes() -> None:
    host, message = an_oven()
    bodies: list[object] = [{"go": "yes"}, {}, []]
    for body in bodies:
        host.accept(replied(message, body), 1)
    assert host.snapshot.state == "asking"
    faults = [record.body.reason for record in host.records if isinstance(record.body, Faulted)]
    assert len(faults) == 3
    assert all(reason.startswith("the reply to `permit` does not fit") for reason in faults)


def test_a_second_reply_changes_nothing() -> None:
    host, message = an_oven()
    host.accept(replied(message, {"go": True}), 1)
    host.accept(replied(message, {"go": False}), 2)
    assert host.snapshot.state == "hot"
