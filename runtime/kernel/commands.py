"""Commands: work that is a handshake with a cell (SEMANTICS 4.1, 6.13).

The laws:

* A command is a request of its actor, known for ever by the effect number of its work; a repeated attempt
  is the same request again, so the cell serves it once.
* It ends once: the cell agrees, declines, or it has failed: no answer in time, one that makes no sense, or
  a message that nobody could write.
* No hold travels with it: what it costs was the transition's price.
* A nerve that deliberates has the message written by the translator; everybody else sends what the document
  says.
"""

from __future__ import annotations

from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields, Value
from nimdsl.compile.handshake import TRANSLATE
from nimdsl.expression.evaluate import Fault
from nimdsl.program.nerve import DELIBERATE
from nimdsl.program.work import CommandSpec
from runtime import records
from runtime.kernel import messages
from runtime.kernel.effects import SendRequest, StartWork
from runtime.kernel.snapshot import Underway
from runtime.kernel.step_context import StepContext
from runtime.records import Identity


def written(context: StepContext, command: CommandSpec, payload: Fields) -> Fields:
    """The message as the document says it; empty where the translator is to write it.

    Raises Fault where it does not satisfy its schema.
    """
    schema = context.schemas[command.schema]
    message: Fields = {"$schema": schema.name, "type": schema.type, "payload": dict(payload)}
    taken, reason = messages.taken(schema, message)
    if reason:
        raise Fault(f"the command `{schema.name}` does not fit its schema: {reason}")
    return {} if context.stage == DELIBERATE else taken


def send(context: StepContext, number: int, started: Underway) -> None:
    """Sends the request of the work ``number``, or the same again: an attempt is a message of its own."""
    own, to = context.next_number(), started.asked
    request, message = Identity(context.actor.id, number), started.message
    context.effects.append(SendRequest(own, to, request, message, "", 0, started.opened_ns))
    context.note(records.Asked(to, number, message, own))


def translate(context: StepContext, number: int, started: Underway, attempt: int, hint: str) -> None:
    """An attempt to have the message of a command written."""
    command, own = command_of(context, started), context.next_number()
    intent: Fields = {
        "phase": context.actor.name,
        "handshake": started.work,
        "schema": command.schema,
        "payload": dict(started.arguments),
        "hint": hint,
    }
    context.works[own] = Underway(TRANSLATE, intent, started.owner, attempt=attempt, serves=number)
    context.effects.append(StartWork(own, TRANSLATE, intent))
    context.note(records.WorkStarted(TRANSLATE, own, attempt))


def read(context: StepContext, started: Underway, text: Value) -> tuple[Value, str]:
    """What the translator wrote, and why that is not the command that the document says."""
    command = command_of(context, started)
    message, reason = messages.read(context.schemas[command.schema], text)
    changed = isinstance(message, dict) and message.get("payload") != started.arguments
    return message, reason or ("the payload is not the one that was asked for" if changed else "")


def command_of(context: StepContext, started: Underway) -> CommandSpec:
    """The handshake that a work is.  Raises InternalError for work that is none."""
    command = context.actor.works[started.work].command
    if command is None:
        raise InternalError(f"{context.actor.id} commands nobody by `{started.work}`")
    return command
