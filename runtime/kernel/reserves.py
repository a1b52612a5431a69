"""Work whose price is known afterwards: what is put aside, and what of it is taken (SEMANTICS 3.9).

The law: what an attempt reserves is settled exactly once.  Where it succeeds it costs what its document
computes, at most what was reserved, and the rest comes back; where it fails it costs nothing; where it is
not known what it did (a timeout, a crash, a state that was left) it costs everything.
"""

from __future__ import annotations

from nimdsl.base.values import Fields
from nimdsl.expression.evaluate import Fault
from nimdsl.program.amount import value_of
from nimdsl.program.machine import BeginWork
from runtime import records
from runtime.kernel.effects import Book
from runtime.kernel.snapshot import Underway
from runtime.kernel.step_context import StepContext
from runtime.ledger.accounts import Consume, Release


def put_aside(context: StepContext, action: BeginWork) -> tuple[str, int]:
    """The hold of an attempt that begins, and what it contains; in a rehearsal only what it would.

    Raises Fault where that has no value.
    """
    if action.reserve is None:
        return "", 0
    if context.rehearsed is not None:
        context.rehearsed.append(value_of(action.reserve, context.environment()))
        return "", 0
    return context.holds.popleft() if context.holds else ("", 0)


def settle(context: StepContext, started: Underway, outcome: str, fields: Fields) -> None:
    """An attempt is over: what it reserved is paid or comes back."""
    if not started.hold:
        return
    purse = context.actor.economy
    if outcome == "failed":
        context.effects.append(Book(Release(started.hold, purse=purse)))
        return
    amount = _cost(context, started, fields) if outcome == "done" else started.reserved
    key = f"{started.work}/{context.actor.id}/{context.next_number()}"
    context.effects.append(Book(Consume(started.hold, key, started.work, amount, purse)))


def give_back(context: StepContext, started: Underway) -> None:
    """An attempt never began: all that it reserved comes back."""
    if started.hold:
        context.effects.append(Book(Release(started.hold, purse=context.actor.economy)))


def _cost(context: StepContext, started: Underway, fields: Fields) -> int:
    """What it cost; all that was reserved where that has no value."""
    cost = context.actor.works[started.work].cost
    if cost is None:
        return started.reserved
    context.event_fields = fields
    try:
        value: object = cost.evaluate(context.environment())
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise Fault(f"a price is from 0 upwards, this is {value!r}")
        return value
    except Fault as fault:
        state = context.actor.table.states[context.state]
        context.note(records.Faulted(state, f"the cost of `{started.work}`: {fault}"))
        return started.reserved
