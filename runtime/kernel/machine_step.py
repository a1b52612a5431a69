"""How a machine takes one event (SEMANTICS 1.3, 4.2).

- 1.3  internal events drain first-in-first-out before the step ends, at most 64 of them.
- 4.2  a request that was answered is answered again from memory, unpaid.

Which transition a named event leads to is in :mod:`runtime.kernel.row_step`.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields, Value
from nimdsl.expression.evaluate import Fault
from nimdsl.program.amount import value_of
from nimdsl.program.flatten import FAULT, REFUSED, RETURNED
from runtime import records
from runtime.kernel import asks, attempts, commands, loans, messages, reserves
from runtime.kernel.actions import answer
from runtime.kernel.effects import CancelWork
from runtime.kernel.events import (
    WAVE,
    Answered,
    AnyEvent,
    Begin,
    Boundary,
    Finished,
    Loan,
    Marked,
    Received,
    Requested,
    Returned,
    Role,
    Stimulus,
    TimerDue,
)
from runtime.kernel.offered import ask_of, fields_of, request_event, sensed, serving
from runtime.kernel.row_step import RowStep
from runtime.kernel.snapshot import Deferrable, Underway, timed_work
from runtime.kernel.values import Mismatch, accepted
from runtime.ledger.accounts import Reserve
from runtime.records import Identity, Noted

INTERNAL_EVENT_COUNT_MAX = 64


class MachineStep(RowStep):
    """One event of an actor that is a machine."""

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
                    self._due(timed_work(event.timer))
                else:
                    self.fire(self.table.events[self.table.timers[event.timer].event], {})
            case Finished():
                self.finished(event)
            case Requested():
                self._requested(event)
            case Answered():
                self._answered(event)
            case Received(name=name) if name == WAVE and context.actor.senses:
                self.sent(sensed(context.actor, event))
            case Received() | Stimulus():
                self.sent(event)
            case Marked():
                self._marked(event)
            case Loan():
                self._loaned(event)
            case Boundary():
                raise InternalError(f"{context.actor.id} has no beats")
            case _:
                assert_never(event)
        self.drain()

    def _begin(self) -> None:
        """Enters the initial state; its record comes before those of what is done there."""
        context, row, place = self.context, self.table.begin, len(self.context.records)
        context.changed, context.appended = {}, {}
        prepared = self.perform(row)
        changes = (context.changed, context.appended) if prepared is not None else ({}, {})
        context.records.insert(
            place, Noted(records.Began(self.table.states[row.target], *changes), context.moment)
        )
        if prepared is not None:
            context.move(row, prepared)

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
        match event:
            case Requested():
                self._requested(event)
            case Marked():
                self._marked(event)
            case _:
                self.sent(event)

    def _is_deferred(self, event: Deferrable) -> bool:
        """Whether the state at hand would defer the event; nothing happens."""
        context = self.context
        before = context.serving, context.event_fields, context.sender
        if context.serving is not None and (ask_of(event) or isinstance(event, Requested)):
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
        if not self._applies(row):
            return False
        try:
            return row.guard is None or row.guard.evaluate(self.context.environment()) is True
        except Fault:
            return self._fails_at(row)

    # Events with a meaning of their own

    def finished(self, event: Finished) -> None:
        """Work that an action started came back."""
        started = self.context.works.pop(event.work)
        if started.serves:
            self._translated(event, started)
            return
        attempts.unlimit(self.context, event.work)
        reserves.settle(self.context, started, event.outcome, event.values)
        reason = event.reason
        if event.outcome == "failed":
            reason = attempts.failed(self.context, event.work, started, reason, self._renew)
            if not reason:
                return
        work = self.kernel.actor.works[started.work]
        fields = dict(event.values) if event.outcome == "done" else {"reason": reason}
        if event.outcome == "done" and work.produces:
            schema = self.kernel.schemas[str(started.arguments["schema"])]
            message, reason = messages.read(schema, fields.get("text"))
            fields = {"message": message, "valid": not reason, "problem": reason}
        self.fire(work.outcomes[event.outcome], fields)

    def _translated(self, event: Finished, started: Underway) -> None:
        """The translator wrote a command, or could not; it is asked again with what was wrong."""
        context, number = self.context, started.serves
        command = context.works[number]
        message: Value = None
        reason = event.reason
        if event.outcome == "done":
            message, reason = commands.read(context, command, event.values.get("text"))
        if isinstance(message, dict) and not reason:
            command = replace(command, message=message, opened_ns=context.now_ns)
            context.works[number] = command
            commands.send(context, number, command)
            attempts.limit(context, number, command)
        elif started.attempt < commands.command_of(context, command).translations:
            commands.translate(context, number, command, started.attempt + 1, reason)
        else:
            del context.works[number]
            self._fails(command, f"untranslatable: {reason}")

    def sent(self, event: Received | Stimulus) -> None:
        """An event from another actor or from outside: its own events nobody else can cause."""
        if isinstance(event, Received) and event.role:
            self._about_an_ask(event)
            return
        self.context.sender = event.sender if isinstance(event, Received) else ""
        self.offered = event
        self._by_name(event)

    def _marked(self, event: Marked) -> None:
        """An economy that the actor lives on tells of its balance."""
        self.context.sender, self.offered = "", event
        self.fire(event.name, {"balance": event.balance})

    def _by_name(self, event: Received | Stimulus) -> bool:
        """Offers an event that others may send; whether a transition happened."""
        context, actor = self.context, self.kernel.actor
        if event.name in actor.accepts or actor.senses.get(event.name) == event.sender:
            try:
                fields = accepted(actor.fields.get(event.name, {}), fields_of(event))
            except Mismatch as problem:
                reason = f"the event `{event.name}` does not fit: {problem}"
                context.note(records.Faulted(self.table.states[context.state], reason))
                return False
            return self.fire(event.name, fields)
        context.note(records.Ignored(event.name, self.table.states[context.state]))
        return False

    def _due(self, number: int) -> None:
        """Work has taken, or waited, as long as it may."""
        context = self.context
        started = context.works.pop(number)
        if started.waits:
            if not attempts.waited(context, number, started, self._renew):
                if started.asked:
                    attempts.withdraw(context, number, started)  # an earlier attempt may still be in line
                self._fails(started, REFUSED)
            return
        if started.resource:
            loans.end(context, number, started)
        elif not started.asked:
            context.effects.append(CancelWork(number))
        reserves.settle(context, started, "unknown", {})
        reason = attempts.failed(context, number, started, "timeout", self._renew)
        if not reason:
            return
        if started.asked:
            attempts.withdraw(context, number, started)
        self._fails(started, reason)

    def commanded(self, started: Underway, agreed: bool, reason: str) -> None:
        """A command has ended: the cell agreed, or not, or nobody knows."""

    def _fails(self, started: Underway, reason: str) -> None:
        """Work has failed for good."""
        if attempts.is_command(self.context, started):
            self.commanded(started, False, reason)
        self.fire(self.context.actor.works[started.work].outcomes["failed"], {"reason": reason})

    def _renew(self, started: Underway) -> Underway | None:
        """Work that is tried again, with what is put aside for it; None where that is refused."""
        context, reserve = self.context, self.context.actor.works[started.work].reserve
        if reserve is None:
            return started
        state = self.table.states[context.state]
        try:
            amount = value_of(reserve, context.environment())
        except Fault as fault:
            context.note(records.Faulted(state, str(fault)))
            return None
        if not amount:
            return replace(started, hold="", reserved=0)
        key, purse = f"{context.actor.id}/{context.effect_number}", context.actor.economy
        decision = self.ask(Reserve(key, amount, context.actor.id, purse))
        if not decision.granted:
            event = self.kernel.actor.works[started.work].outcomes["failed"]
            balance, economy = decision.balance, decision.purse
            context.note(records.Refused(event, state, amount, balance, economy=economy))
            return None
        context.next_number()
        return replace(started, hold=key, reserved=amount)

    def _loaned(self, event: Loan) -> None:
        """What a request for units of a resource came to."""
        context, started = self.context, self.context.works[event.work]
        attempts.unlimit(context, event.work)
        if not event.granted:
            del context.works[event.work]
            self._fails(started, "full")
            return
        context.works[event.work] = replace(started, granted=True)
        self.fire(context.actor.works[started.work].outcomes["done"], {})

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
        if asks.is_repeated(context, event):
            return
        if context.serving is not None:
            self._defer()
            return
        served = context.serving = asks.serving_ask(event, context.now_ns)
        context.sender, self.unserved = event.sender, "ignored"
        if self._by_name(event):
            return
        context.serving = None
        if self.unserved:
            asks.answer(context, served, {"reason": self.unserved}, Role.IGNORED, attempt=event.attempt)

    def _replied(self, event: Received) -> None:
        """What an ask came to."""
        context = self.context
        started = context.works.get(event.ask)
        if started is None or started.asked != event.sender:
            if event.role is Role.REPLY:
                asks.give_back(context, event)
            return
        if event.role is Role.IGNORED and event.attempt != started.attempt:
            context.note(records.Stale(Identity(context.actor.id, event.ask)))
            return
        del context.works[event.ask]
        attempts.unlimit(context, event.ask)
        fields, outcome = fields_of(event), "done" if event.role is Role.REPLY else "failed"
        reserves.settle(context, started, outcome, fields)
        if outcome == "failed":
            reason = str(fields.get("reason"))
            reason = attempts.failed(context, event.ask, started, reason, self._renew)
            if not reason:
                return
            fields = {"reason": reason}
        elif started.attempt > 1:
            asks.claim(context, event.ask)
        context.sender = event.sender
        self.fire(context.actor.works[started.work].outcomes[outcome], fields)

    def _answered_by_a_program(self, event: Answered) -> bool:
        """Whether it is the reply of a program outside to an ask: plain fields, without a name."""
        context, number = self.context, event.request.number
        started = context.works.get(number) if event.request.asker == context.actor.id else None
        if started is None or not started.asked:
            return False
        work = context.actor.works[started.work]
        try:
            fields: Fields = accepted(work.returns, event.message)
        except Mismatch as problem:
            reason = f"the reply to `{work.name}` does not fit: {problem}"
            context.note(records.Faulted(self.table.states[context.state], reason))
            return True
        reply = Received(work.asks, dict(fields), Role.REPLY, number, sender=started.asked)
        self._replied(reply)
        return True

    def _command_answered(self, event: Answered) -> bool:
        """Whether it is what a cell says to a command: it agrees, declines, or wants to be asked again."""
        context, number = self.context, event.request.number
        started = context.works.get(number) if event.request.asker == context.actor.id else None
        if started is None or not attempts.is_command(context, started) or started.waits:
            return False
        work, command = context.actor.works[started.work], commands.command_of(context, started)
        message, reason = messages.taken(self.kernel.schemas[command.reply], event.message)
        status = "" if reason else message.get("status")
        attempts.unlimit(context, number)
        del context.works[number]
        context.sender = event.sender
        if status == "RETRY":
            reason = attempts.failed(context, number, started, "retry", self._renew)
            if reason:
                self._fails(started, reason)
        elif reason:
            self._fails(started, f"malformed: {reason}")
        else:
            agreed, said = status == "ACK", str(message.get("reason", ""))
            self.commanded(started, agreed, said)
            payload = message.get("payload")
            fields: Fields = payload if agreed and isinstance(payload, dict) else {"reason": said}
            self.fire(work.outcomes["done" if agreed else "nack"], fields)
        return True

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
        self.offered, name = event, request_event(event)
        if context.serving is not None and name in self.table.event_numbers:
            self._defer()
            return
        before, self.unserved = context.serving, ""
        context.serving = replace(serving(event), message=message)
        if not self.fire(name, {}) and self.unserved != FAULT:  # its answer says so
            context.serving = before

    def _answered(self, event: Answered) -> None:
        context = self.context
        opened = context.request
        if self._command_answered(event) or self._answered_by_a_program(event):
            return
        if opened is None or event.request != (context.actor.id, opened.number):
            context.note(records.Stale(event.request))
            return
        message, reason = messages.taken(self.kernel.schemas[opened.schema], event.message)
        fields: dict[str, Value] = {"valid": not reason, "problem": reason, "message": dict(message)}
        if not reason:
            delta = message.get("lifeforce_delta")
            fields["claims"] = [round(delta * MICRO)] if isinstance(delta, int | float) else []
        self.fire(opened.event, fields)
