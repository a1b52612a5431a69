"""How a machine chooses a row of its table and follows it (SEMANTICS 1.3, 3.2, 3.3).

- 1.3  guards are tried in document order on the data before the transition;
       the first that holds selects *the* transition; a guard that faults is
       false and leaves a record (or ends its event, in a machine that fails);
       what nobody takes is ignored.
- 3.2  when the selected transition has a price whose answer is not among
       ``answers``, nothing has changed and :class:`Unanswered` says what to ask.
- 3.3  a refused transition does not happen; the actor raises ``refused``.

An action whose expression faults undoes its transition: nothing of it has
happened, nothing was paid, and the actor raises ``fault`` with the reason.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.base.values import Fields
from nimdsl.expression.evaluate import Fault
from nimdsl.program.flatten import FAULT, REFUSED, Row, own_event
from runtime import records
from runtime.kernel import attempts
from runtime.kernel.actions import perform
from runtime.kernel.bills import bill_of
from runtime.kernel.events import (
    Requested,
)
from runtime.kernel.kernel import AskPrice, Kernel, LookedAt, PriceDecision, PriceQuery, Unanswered
from runtime.kernel.snapshot import Deferrable
from runtime.kernel.step_context import Internal, Prepared, StepContext
from runtime.kernel.undo import Saved
from runtime.ledger.accounts import Question

DEFERRED_COUNT_MAX = 64


class PriceRefused(Exception):  # noqa: N818
    """A price that nobody pays."""

    def __init__(self, price: int, decision: PriceDecision) -> None:
        self.price, self.balance, self.economy = price, decision.balance, decision.purse


class RowStep:
    """One event of an actor that is a machine: what becomes of a named event."""

    def __init__(
        self, kernel: Kernel, context: StepContext, answers: Sequence[PriceDecision], asked: AskPrice | None
    ) -> None:
        self.kernel = kernel
        self.context = context
        self.table = kernel.actor.table
        self.answers = answers
        self.asked = asked
        self.asked_count = 0
        self.tried: Row | None = None
        """The row that was looked at last."""
        self.moved = False
        """Whether a transition happened since deferred events were last looked at."""
        self.offered: Deferrable | None = None
        """The event from outside that is being taken, if it can be deferred."""
        self.unserved = ""
        """Why the ask that is being taken was not; empty where it waits."""

    def fire(self, name: str, fields: Fields) -> bool:
        """Offers a named event to the machine; whether a transition happened."""
        context = self.context
        context.event_fields = fields
        number = self.table.event_numbers.get(name)
        state = context.state
        chosen = None
        if number is not None and not context.fault:
            try:
                chosen = self.kernel.interpreter.choose(state, number, self._decide)
            except PriceRefused as refused:
                self._refuse(name, refused)
                return False
            except Fault as fault:
                self._fault(state, fault, self._tried_answer)
                return False
        if chosen is None:
            if name not in context.actor.senses:  # who does not want a wave lets it pass
                context.note(records.Ignored(name, self.table.states[state]))
            return False
        return self.follow(self.table.rows[chosen], name)

    def _decide(self, number: int) -> bool:
        row = self.tried = self.table.rows[number]
        if not self._applies(row):
            return False
        if self.kernel.watch is not None:
            context = self.context
            self.kernel.watch(LookedAt(number, context.environment(), len(context.records)))
        if row.guard is not None and not self._holds(row):
            return False
        if row.price is not None or row.costs or row.reserves:
            self._pay(row)
        return True

    def _fails_at(self, row: Row) -> bool:
        """Whether a guard without a value ends its event; on ``fault`` itself it is always false.

        A policy is that of the machine: a guard of an answer without a value is false.
        """
        return self.table.fails and not row.answer and self.table.events[row.event] != FAULT

    def _holds(self, row: Row) -> bool:
        assert row.guard is not None
        try:
            return row.guard.evaluate(self.context.environment()) is True
        except Fault as fault:
            if self._fails_at(row):
                raise
            self.context.note(records.Faulted(self.table.states[row.source], str(fault)))
            return False

    def _pay(self, row: Row) -> None:
        reserves = self._rehearse(row) if row.reserves else []
        bill = bill_of(self.context, row, reserves)
        self.context.holds = deque(bill.put_aside) if bill else deque()
        if bill is None:
            return
        if not row.reserves:
            self._rehearse(row)
        decision = self.ask(bill.question)
        if not decision.granted:
            raise PriceRefused(bill.price_of(decision.purse, self.kernel.economy), decision)
        if bill.holds:
            self.context.hold = f"{self.kernel.actor.id}/{self.context.effect_number}"
        self.context.next_number()

    def ask(self, command: Question) -> PriceDecision:
        """What the economy says; the step ends here when it has not been asked yet."""
        position = self.asked_count
        if position >= len(self.answers) and self.asked is None:
            raise Unanswered(PriceQuery(command))
        self.asked_count += 1
        if position < len(self.answers):
            return self.answers[position]
        assert self.asked is not None
        return self.asked(command)

    def _rehearse(self, row: Row) -> list[int]:
        """A transition that would fault is found out before anything is paid for it.

        What each work reserves that it begins.
        """
        saved, reserves = Saved(self.context), list[int]()
        self.context.rehearsed = reserves
        self.context.changed, self.context.appended = {}, {}  # those at hand are in a record
        try:
            for action in row.actions:
                perform(self.context, action)
            self.context.prepared(row)
        finally:
            saved.restore(self.context)
            self.context.rehearsed = None
        return reserves

    def _refuse(self, name: str, refused: PriceRefused) -> None:
        context = self.context
        price, balance, economy = refused.price, refused.balance, refused.economy
        self.unserved = "refused"
        state = self.table.states[context.state]
        context.note(records.Refused(name, state, price, balance, economy=economy))
        fields: Fields = {"price": price, "balance": balance, "economy": economy or self.kernel.economy}
        context.queue.append(Internal(own_event(self._tried_answer, REFUSED), fields))

    @property
    def _tried_answer(self) -> str:
        return self.tried.answer if self.tried is not None else ""

    def _fault(self, state: int, fault: Fault, answer: str) -> None:
        """Something had no value: no transition happened, and the actor, or its ``answer``, hears of it."""
        self.unserved = "fault"
        self.context.note(records.Faulted(self.table.states[state], str(fault)))
        self.context.queue.append(Internal(own_event(answer, FAULT), {"reason": str(fault)}))

    def follow(self, row: Row, name: str) -> bool:
        """Does the row's actions and moves; a fault undoes all of it."""
        context = self.context
        if row.defers:
            self._defer()
            return False
        context.changed, context.appended = {}, {}
        prepared = self.perform(row)
        if prepared is None:
            return False
        self.moved = True
        source, target = self.table.states[row.source], self.table.states[row.target]
        inside = row.left[-1].rpartition("/")[0] if row.left else source
        context.note(records.Moved(name, source, target, context.changed, context.appended, inside))
        context.move(row, prepared)
        return True

    def perform(self, row: Row) -> Prepared | None:
        """Does the row's actions and computes how long its timers run, and what flows afterwards.

        None where something of it has no value: all is undone then, and the actor hears of it.
        """
        context = self.context
        saved = Saved(context) if row.actions or context.works else None
        attempts.abandon(context, row)
        if row.answer and context.serving is not None:
            context.serving = replace(context.serving, answer=row.answer)
        try:
            for action in row.actions:
                perform(context, action)
            return context.prepared(row)
        except Fault as fault:
            if saved is not None:
                saved.restore(context)
            if row.source < 0:
                context.fault, context.state = str(fault), row.target
            self._fault(row.source if row.source >= 0 else row.target, fault, row.answer)
            return None

    def _applies(self, row: Row) -> bool:
        """Whether what is remembered is what the row is for: where a state was left, who answers."""
        context, back = self.context, row.returns
        served = context.serving
        if row.answer and (served is None or served.event or served.answer not in ("", row.answer)):
            return False
        return back is None or context.history.get(back.state, "") == back.leaf

    def _defer(self) -> None:
        context, event = self.context, self.offered
        if event is None:
            raise InternalError(f"{context.actor.id} defers what comes from itself")
        if len(context.deferred) == DEFERRED_COUNT_MAX:
            context.note(records.Dropped(f"more than {DEFERRED_COUNT_MAX} deferred events"))
            return
        context.deferred.append(event)
        self.unserved = ""
        if isinstance(event, Requested):
            context.note(records.Deferred(event.request))
        else:
            context.note(records.Deferred(event=event.name))
