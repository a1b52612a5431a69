"""Events that can be deferred: what a machine takes them as."""

from __future__ import annotations

from msgspec.structs import replace

from nimdsl.base.values import Fields
from nimdsl.program import Actor
from nimdsl.program.flatten import REQUESTED
from runtime.kernel.events import Marked, Received, Requested, Role, Stimulus
from runtime.kernel.snapshot import Deferrable, Serving


def ask_of(event: Deferrable) -> tuple[str, int] | None:
    """Who asked, and under which number; None for what is no ask."""
    if isinstance(event, Received) and event.role is Role.ASK:
        return event.sender, event.ask
    return None


def attempt_of(event: Deferrable) -> int:
    """Which attempt of an ask it is; 1 of what is no ask."""
    return event.attempt if isinstance(event, Received) else 1


def fields_of(event: Received | Stimulus | Marked) -> Fields:
    """What an event brings."""
    if isinstance(event, Marked):
        return {"balance": event.balance}
    return event.payload if isinstance(event.payload, dict) else {}


def sensed(actor: Actor, wave: Received) -> Received:
    """A wave as the event that it is to an actor which hears its emitter."""
    name = next((name for name, emitter in actor.senses.items() if emitter == wave.sender), wave.name)
    return replace(wave, name=name)


def request_event(event: Requested) -> str:
    """The name under which a machine takes a request."""
    return f"{REQUESTED}{event.message.get('$schema', '')}"


def serving(event: Requested) -> Serving:
    """What is remembered of a request while it is answered."""
    asker = event.sender or event.request.asker
    return Serving(event.request, asker, event.message, event.hold, event.process, event.opened_ns)
