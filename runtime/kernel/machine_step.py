"""How a machine takes one event (SEMANTICS 1.3, 3.2, 3.3, 4.2).

- 1.3  guards are tried in document order on the data before the transition;
       the first that holds selects *the* transition; a guard that faults is
       false and leaves a record (or ends its event, in a machine that fails);
       internal events drain first-in-first-out before the step ends, at most 64
       of them; what nobody takes is ignored.
- 3.2  when the selected transition has a price whose answer is not among
       ``answers``, nothing has changed and :class:`Unanswered` says what to ask.
- 3.3  a refused transition does not happen; the actor raises ``refused``.
- 4.2  a request that was answered is answered again from memory, unpaid.

An action whose expression faults undoes its transition: nothing of it has
happened, nothing was paid, and the actor raises ``fault`` with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields, Value
from nimdsl.expression.evaluate import Fault
from nimdsl.program.amount import Computed, value_of
from nimdsl.program.flatten import FAULT, REFUSED, RETURNED, Row
from nimdsl.program.machine import Price, PriceSource
from runtime import records
from runtime.kernel import asks, messages
from runtime.kernel.actions import answer, perform, settlement_key
from runtime.kernel.effects import CancelWork
from runtime.kernel.events import (
    Answered,
    AnyEvent,
    Begin,
    Boundary,
    Finished,
    Received,
    Requested,
    Returned,
    Role,
    Stimulus,
    TimerDue,
)
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision, PriceQuery, Unanswered
from runtime.kernel.offered import ask_of, fields_of, request_event, serving
from runtime.kernel.snapshot import Deferrable, timed_work
from runtime.kernel.step_context import Internal, StepContext
from runtime.kernel.undo import Saved
from runtime.kernel.values import Mismatch, accepted
from runtime.ledger.accounts import Charge, Question, Reserve, Settle
from runtime.records import Noted

INTERNAL_EVENT_COUNT_MAX = 64
DEFERRED_COUNT_MAX = 64


class _Refused(Exception):  # noqa: N818
    def __init__(self, price: int, balance: int) -> None:
        self.price, self.balance = price, balance


class MachineStep:
    """One event of an actor that is a machine."""

    def __init__(
        self, kernel: Kernel, context: StepContext, answers: Sequence[PriceDecision], asked: AskPrice | None
    ) -> None:
        self.kernel = kernel
        self.context = context
        self.table = kernel.actor.table
        self.answers = answers
        self.asked = asked
        self.asked_count = 0
        self.moved = False
        """Whether a transition happened since deferred events were last looked at."""
        self.offered: Deferrable | None = None
        """The event from outside that is being taken, if it can be deferred."""
        self.unserved = ""
        """Why the ask that is being taken was not; empty where it waits."""

    def take(self, event: AnyEvent) -> None:
        """The external event, then every internal one that follows from it."""
        context = self.context
        match event:
            case Begin():
                self._begin()
            case Returned():
                self.fire(RETURNED, {})
            case TimerDue():
                del context.timers[event.timer]
                if event.timer < 0:
                    self._timed_out(timed_work(event.timer))
                else:
                    self.fire(self.table.events[self.table.timers[event.timer].event], {})
            case Finished():
                self.finished(event)
            case Requested():
                self._requested(event)
            case Answered():
                self._answered(event)
            case Received() | Stimulus():
                self.sent(event)
            case Boundary():
                raise InternalError(f"{context.actor.id} has no beats")
            case _:
                assert_never(event)
        self.drain()

    def _begin(self) -> None:
        """Enters the initial state; its record comes before those of what is done there."""
        context, row, place = self.context, self.table.begin, len(self.context.records)
        context.changed, context.appended = {}, {}
        delays = self.perform(row)
        changes = (context.changed, context.appended) if delays is not None else ({}, {})
        context.records.insert(
            place, Noted(records.Began(self.table.states[row.target], *changes), context.moment)
        )
        if delays is not None:
            context.move(row, delays)

    def drain(self) -> None:
        """Internal events first-in-first-out; then deferred ones, each with a budget of its own."""
        context, left = self.context, INTERNAL_EVENT_COUNT_MAX
        while context.queue or self._recall():
            if not context.queue:
                left = INTERNAL_EVENT_COUNT_MAX
                continue
            if not left:
                context.fault = f"more than {INTERNAL_EVENT_COUNT_MAX} internal events in one step"
                context.note(records.Broken(context.fault))
                context.queue.clear()
                return
            left -= 1
            name, fields = context.queue.popleft()
            context.sender, self.offered = "", None
            self.fire(name, fields)

    def _recall(self) -> bool:
        """After a transition the oldest deferred event that no row defers any more is offered."""
        context = self.context
        if not self.moved or context.fault:
            return False
        for position, event in enumerate(context.deferred):
            if not self._is_deferred(event):
                del context.deferred[position]
                self._offer(event)
                return True
        self.moved = False
        return False

    def _offer(self, event: Deferrable) -> None:
        """An event that may be deferred."""
        if isinstance(event, Requested):
            self._requested(event)
        else:
            self.sent(event)

    def _is_deferred(self, event: Deferrable) -> bool:
        """Whether the state at hand would defer the event; nothing happens."""
        context = self.context
        before = context.serving, context.event_fields, context.sender
        if ask_of(event) and context.serving is not None:
            return True
        if isinstance(event, Requested):
            context.serving, context.event_fields, name = serving(event), {}, request_event(event)
        else:
            context.event_fields, name = fields_of(event), event.name
            context.sender = event.sender if isinstance(event, Received) else ""
        number = self.table.event_numbers.get(name)
        row = None if number is None else self.kernel.interpreter.choose(context.state, number, self._would)
        context.serving, context.event_fields, context.sender = before
        return row is not None and self.table.rows[row].defers

    def _would(self, number: int) -> bool:
        """Whether a row would decide, whatever it costs; a guard without a value leaves no record."""
        row = self.table.rows[number]
        if not self._is_remembered(row):
            return False
        try:
            return row.guard is None or row.guard.evaluate(self.context.environment()) is True
        except Fault:
            return self._fails_at(row)

    def _is_remembered(self, row: Row) -> bool:
        back = row.returns
        return back is None or self.context.history.get(back.state, "") == back.leaf

    # Events with a meaning of their own

    def finished(self, event: Finished) -> None:
        """Work that an action started came back."""
        started = self.context.works.pop(event.work)
        asks.unlimit(self.context, event.work)
        work = self.kernel.actor.works[started.work]
        fields = dict(event.values) if event.outcome == "done" else {"reason": event.reason}
        if event.outcome == "done" and work.produces:
            schema = self.kernel.schemas[work.produces[str(started.arguments["phase"])]]
            message, reason = messages.read(schema, fields.get("text"))
            fields = {"message": message, "valid": not reason, "problem": reason}
        self.fire(work.outcomes[event.outcome], fields)

    def sent(self, event: Received | Stimulus) -> None:
        """An event from another actor or from outside: its own events nobody else can cause."""
        if isinstance(event, Received) and event.role:
            self._about_an_ask(event)
            return
        self.context.sender = event.sender if isinstance(event, Received) else ""
        self.offered = event
        self._by_name(event)

    def _by_name(self, event: Received | Stimulus) -> bool:
        """Offers an event that others may send; whether a transition happened."""
        context, actor = self.context, self.kernel.actor
        if event.name in actor.accepts:
            try:
                fields = accepted(actor.fields.get(event.name, {}), fields_of(event))
            except Mismatch as problem:
                reason = f"the event `{event.name}` does not fit: {problem}"
                context.note(records.Faulted(self.table.states[context.state], reason))
                return False
            return self.fire(event.name, fields)
        context.note(records.Ignored(event.name, self.table.states[context.state]))
        return False

    def _timed_out(self, number: int) -> None:
        """Work has taken as long as it may."""
        context = self.context
        started = context.works.pop(number)
        if started.asked:
            asks.withdraw(context, number, started)
        else:
            context.effects.append(CancelWork(number))
        self.fire(context.actor.works[started.work].outcomes["failed"], {"reason": "timeout"})

    # Asks

    def _about_an_ask(self, event: Received) -> None:
        """What two actors say to each other about an ask."""
        context = self.context
        match event.role:
            case Role.ASK:
                self._asked(event)
            case Role.REPLY | Role.IGNORED:
                self._replied(event)
            case Role.WITHDRAWAL:
                asked = event.sender, event.ask
                context.deferred = [one for one in context.deferred if asked != ask_of(one)]
            case _:
                name = f"{event.name}.unclaimed"
                if name in self.table.event_numbers:
                    context.sender = event.sender
                    self.fire(name, fields_of(event))

    def _asked(self, event: Received) -> None:
        """An ask is served, or waits until the one before it is answered; nobody takes it: it fails."""
        context = self.context
        self.offered = event
        if context.serving is not None:
            self._defer()
            return
        served = context.serving = asks.serving_ask(event, context.now_ns)
        context.sender, self.unserved = event.sender, "ignored"
        if self._by_name(event):
            return
        context.serving = None
        if self.unserved:
            asks.answer(context, served, {"reason": self.unserved}, Role.IGNORED)

    def _replied(self, event: Received) -> None:
        """What an ask came to."""
        context = self.context
        started = context.works.get(event.ask)
        if started is None or started.asked != event.sender:
            if event.role is Role.REPLY:
                asks.give_back(context, event)
            return
        del context.works[event.ask]
        asks.unlimit(context, event.ask)
        outcome = "done" if event.role is Role.REPLY else "failed"
        context.sender = event.sender
        self.fire(context.actor.works[started.work].outcomes[outcome], fields_of(event))

    def _requested(self, event: Requested) -> None:
        context, request = self.context, event.request
        asker = event.sender or request.asker
        remembered = context.answered.get(str(request))
        if remembered is not None:
            context.note(records.AnsweredAgain(request))
            answer(context, request, asker, remembered)
            return
        waiting = any(isinstance(one, Requested) and one.request == request for one in context.deferred)
        if waiting or (context.serving and context.serving.request == request):
            context.note(records.Duplicate(request))
            return
        schema = self.kernel.schemas.get(str(event.message.get("$schema", "")))
        message, reason = messages.taken(schema, event.message) if schema else ({}, "unknown schema")
        if schema is None or reason:
            context.note(records.Malformed(request, reason))
            return
        before = context.serving
        self.offered, context.serving = event, replace(serving(event), message=message)
        if not self.fire(request_event(event), {}):
            context.serving = before

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

    def _answered(self, event: Answered) -> None:
        context = self.context
        opened = context.request
        if opened is None or event.request != (context.actor.id, opened.number):
            context.note(records.Stale(event.request))
            return
        message, reason = messages.taken(self.kernel.schemas[opened.schema], event.message)
        fields: dict[str, Value] = {"valid": not reason, "problem": reason, "message": dict(message)}
        if not reason:
            delta = message.get("lifeforce_delta")
            fields["claims"] = [round(delta * MICRO)] if isinstance(delta, int | float) else []
        self.fire(opened.event, fields)

    # Choosing and following a row

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
            except _Refused as refused:
                self._refuse(name, refused)
                return False
            except Fault as fault:
                self._fault(state, fault)
                return False
        if chosen is None:
            context.note(records.Ignored(name, self.table.states[state]))
            return False
        return self.follow(self.table.rows[chosen], name)

    def _decide(self, number: int) -> bool:
        row = self.table.rows[number]
        if not self._is_remembered(row):
            return False
        if row.guard is not None and not self._holds(row):
            return False
        if row.price is not None:
            self._pay(row)
        return True

    def _fails_at(self, row: Row) -> bool:
        """Whether a guard without a value ends its event; on ``fault`` itself it is always false."""
        return self.table.fails and self.table.events[row.event] != FAULT

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
        price, position = row.price, self.asked_count
        assert price is not None
        if price.purse is PriceSource.REQUEST and not self._prepaid():
            return
        amount = value_of(price.amount, self.context.environment())
        if isinstance(price.amount, Computed) and not amount:
            return
        if position >= len(self.answers):
            self._rehearse(row)
        answer_ = self.ask(self._command(price, amount))
        if not answer_.granted:
            raise _Refused(amount, answer_.balance)
        if price.purse is PriceSource.HOLD:
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

    def _rehearse(self, row: Row) -> None:
        """A transition that would fault is found out before anything is paid for it."""
        saved = Saved(self.context)
        try:
            for action in row.actions:
                perform(self.context, action)
            self.context.delays(row)
        finally:
            saved.restore(self.context)

    def _command(self, price: Price, amount: int) -> Question:
        actor = self.kernel.actor.id
        key = f"{actor}/{self.context.effect_number}"
        if price.purse is PriceSource.HOLD:
            return Reserve(key, amount, price.account)
        if price.purse is PriceSource.REQUEST:
            serving = self.context.serving
            if serving is None:
                raise InternalError(f"{actor} is paid by a request, and serves none")
            key = settlement_key(price.account, serving.request)
            return Settle(serving.hold, key, price.account, serving.process)
        return Charge(key, price.account, amount, actor)

    def _prepaid(self) -> bool:
        """Whether the request being served brought lifeforce for its processing."""
        serving = self.context.serving
        return bool(serving and serving.hold and serving.process)

    def _refuse(self, name: str, refused: _Refused) -> None:
        context = self.context
        price, balance = refused.price, refused.balance
        self.unserved = "refused"
        context.note(records.Refused(name, self.table.states[context.state], price, balance))
        context.queue.append(Internal(REFUSED, {"price": price, "balance": balance}))

    def _fault(self, state: int, fault: Fault) -> None:
        """Something had no value: no transition happened, and the actor hears of it."""
        self.unserved = "fault"
        self.context.note(records.Faulted(self.table.states[state], str(fault)))
        self.context.queue.append(Internal(FAULT, {"reason": str(fault)}))

    def follow(self, row: Row, name: str) -> bool:
        """Does the row's actions and moves; a fault undoes all of it."""
        context = self.context
        if row.defers:
            self._defer()
            return False
        context.changed, context.appended = {}, {}
        delays = self.perform(row)
        if delays is None:
            return False
        self.moved = True
        source, target = self.table.states[row.source], self.table.states[row.target]
        inside = row.left[-1].rpartition("/")[0] if row.left else source
        context.note(records.Moved(name, source, target, context.changed, context.appended, inside))
        context.move(row, delays)
        return True

    def perform(self, row: Row) -> list[int] | None:
        """Does the row's actions and computes how long its timers run, ns.

        None where something of it has no value: all is undone then, and the actor hears of it.
        """
        context = self.context
        saved = Saved(context) if row.actions or context.works else None
        asks.abandon(context, row)
        try:
            for action in row.actions:
                perform(context, action)
            return context.delays(row)
        except Fault as fault:
            if saved is not None:
                saved.restore(context)
            if row.source < 0:
                context.fault, context.state = str(fault), row.target
            self._fault(row.source if row.source >= 0 else row.target, fault)
            return None
