"""How a nerve takes one event (SEMANTICS 6.12-6.14).

It is a cell's machine that acts on the openings of its gate.  Around each event of the machine stand: what
it senses, before; whether an opening that it took is judged, after.

The laws:

* It takes an opening when its machine takes ``granted``; the opening's stage holds until the next one.
* Each opening that it took has one outcome: confirmed, failed or partial, of which the gate is told, or
  expired.  An opening that is granted again has its outcome already.
* While something required is absent it takes none, and the event ``disabled`` says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields, Value
from nimdsl.expression.evaluate import Fault
from nimdsl.program import Nerve
from nimdsl.program.actor import SLEEP_EVENTS, Actor
from nimdsl.program.expression import Expression
from nimdsl.program.nerve import BOUND_NS, stage_of
from runtime import records
from runtime.kernel.effects import SendMessage
from runtime.kernel.events import WAVE, Answered, AnyEvent, Begin, Marked, Received, Stimulus, TimerDue
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.nervous import Nervous, Opening, Sense
from runtime.kernel.offered import fields_of
from runtime.kernel.row_step import PriceRefused
from runtime.kernel.sent import note_sent
from runtime.kernel.snapshot import Snapshot, Underway
from runtime.kernel.step_context import Internal, StepContext
from runtime.ledger.sleep import SLUMBER

VERIFY = -2
"""The timer of an outcome that nothing has shown."""
STALE = -(1 << 40)
"""The timer of the first sense; the next ones count down."""
SILENT = -(1 << 41)
"""The same of cells that do not answer: when they are tried again."""
TRY_AGAIN_NS = 60_000_000_000
"""After so long a cell that did not answer counts as present again."""
GRANTED, REVOKED, VERIFIED = "granted", "revoked", "verified"
DISABLED, ENABLED = "disabled", "enabled"
CONFIRMED, FAILED, PARTIAL, EXPIRED = "confirmed", "failed", "partial", "expired"


class NerveStep(MachineStep):
    """One event of a nerve."""

    def __init__(
        self,
        kernel: Kernel,
        nerve: Nerve,
        context: StepContext,
        answers: Sequence[PriceDecision],
        asked: AskPrice | None,
    ) -> None:
        super().__init__(kernel, context, answers, asked)
        self.nerve = nerve

    @property
    def _state(self) -> Nervous:
        state: Nervous | None = self.context.nerve
        if state is None:
            raise InternalError(f"{self.context.actor.id} has not begun")
        return state

    def take(self, event: AnyEvent) -> None:
        """What it senses, then its machine, then what came of an opening."""
        context = self.context
        match event:
            case Begin():
                context.nerve = Nervous()
                self._wait_for_senses()
                super().take(event)
                return
            case Marked(name=name) if name in SLEEP_EVENTS:
                self._sleep(name == SLUMBER)
                if name in self.table.event_numbers:
                    super().take(event)
            case TimerDue(timer=timer) if timer == VERIFY or timer <= STALE:
                del context.timers[timer]
                self._time_is_over(timer) if timer > SILENT else self._tried_again(SILENT - timer)
                self.drain()
            case Received(name=name) if name == WAVE:
                self._sense(event)
                super().take(event)
            case Received(name=name) | Stimulus(name=name) if name == GRANTED:
                self._granted(event)
                self.drain()
            case _:
                if isinstance(event, Answered) and event.sender:
                    self._present(event.sender)
                super().take(event)
        self._judge()
        self._rest()

    # Senses and health

    def _sleep(self, asleep: bool) -> None:
        """Its economy sleeps, or is awake: what it had not commanded yet is over."""
        self.context.nerve = replace(self._state, asleep=asleep)
        if asleep:
            self._expire()
            for number in range(len(self.nerve.senses)):
                self.context.rearm(STALE - number, None)
        else:
            self._wait_for_senses()

    def _wait_for_senses(self) -> None:
        """From now on each sense has its time to be heard of."""
        for number, name in enumerate(self.nerve.senses):
            if name in self.nerve.stale_ns:
                self.context.rearm(STALE - number, self.context.now_ns + self.nerve.stale_ns[name])

    def _sense(self, wave: Received) -> None:
        """The latest wave of a sense; who emits is there."""
        payload, state = fields_of(wave), self._state
        name = next((name for name, emitter in self.nerve.senses.items() if emitter == wave.sender), "")
        confidence = payload.get("confidence")
        if name and isinstance(confidence, int | float):
            sense = Sense(float(confidence), payload.get("content"), self.context.now_ns)
            self.context.nerve = replace(state, senses={**state.senses, name: sense})
            if name in self.nerve.stale_ns and not state.asleep:
                number = [*self.nerve.senses].index(name)
                if STALE - number not in self.context.timers:
                    self.context.arm(STALE - number, self.context.now_ns + self.nerve.stale_ns[name])
            self._present(name)
        self._present(wave.sender)

    def _present(self, name: str) -> None:
        """A sense or a cell is there; nothing changes where it was not missed."""
        if name in self._state.absent:
            self._healthy(tuple(one for one in self._state.absent if one != name))

    def _absent(self, name: str) -> None:
        if name not in self._state.absent:
            self._healthy(tuple(sorted((*self._state.absent, name))))

    def _healthy(self, absent: tuple[str, ...]) -> None:
        """Others are absent now: its machine hears whether it can act."""
        context, nerve = self.context, self.nerve
        before = nerve.lacks(self._state.absent)
        context.nerve = replace(self._state, absent=absent)
        lacks = nerve.lacks(absent)
        context.note(records.HealthChanged(absent, lacks, nerve.needed(absent, "degrades")))
        if lacks and not before:
            self._expire()
            context.queue.append(Internal(DISABLED, {}))
        elif before and not lacks:
            context.queue.append(Internal(ENABLED, {}))

    def _time_is_over(self, timer: int) -> None:
        """A sense may be stale, or the time for an outcome is over."""
        if timer == VERIFY:
            self._judge()
            if self._state.opening is not None:
                self._partial()
            return
        name = [*self.nerve.senses][STALE - timer]
        sense = self._state.senses.get(name)
        heard_ns = 0 if sense is None else sense.at_ns
        stale_ns = heard_ns + self.nerve.stale_ns[name]
        if sense is not None and stale_ns > self.context.now_ns:
            self.context.arm(timer, stale_ns)
        else:
            self._absent(name)

    def _tried_again(self, number: int) -> None:
        self._present(self._commanded[number])

    @property
    def _commanded(self) -> list[str]:
        """The cells that it commands, by id."""
        works = self.nerve.works.values()
        return sorted({work.command.to for work in works if work.command is not None})

    # Openings

    def _granted(self, event: Received | Stimulus) -> None:
        """Its machine is offered an opening, unless something required is absent."""
        before, payload = self._state, dict(fields_of(event))
        tier, number, since = (payload.get(key) for key in ("tier", "opening", "since"))
        if type(tier) is not int or type(number) is not int or type(since) is not int:
            self._by_name(event)  # which says what is missing
            return
        again = number == before.latest
        opening = Opening(number, str(payload.get("gate")), tier, stage_of(tier), since)
        if self.nerve.lacks(before.absent):
            self.context.nerve = replace(before, latest=number)
            if not again:
                self._note_outcome(opening, EXPIRED, 0)
            return
        taken = before.opening if again else opening
        self.context.nerve = replace(before, opening=taken, stage=opening.stage, latest=number)
        self.context.sender = event.sender if isinstance(event, Received) else ""
        self.offered = event
        if not self._by_name(replace(event, payload={**payload, "stage": opening.stage})):
            left = {"opening": before.opening, "stage": before.stage, "latest": before.latest}
            self.context.nerve = replace(self._state, **left)
            return
        self.context.nerve = self._state.counted(GRANTED)
        if before.opening is not None and not again:
            self.context.rearm(VERIFY, None)
            self._note_outcome(before.opening, EXPIRED, 0)

    def sent(self, event: Received | Stimulus) -> None:
        """What is revoked before the cell agreed is over."""
        opening = self._state.opening
        if event.name == REVOKED and opening and fields_of(event).get("opening") == opening.number:
            self._expire()
        super().sent(event)

    def _expire(self) -> None:
        """An opening for which no cell has done anything is over."""
        opening = self._state.opening
        if opening is not None and opening.agreed_ns is None:
            self._note_outcome(opening, EXPIRED, 0)
            self.context.nerve = replace(self._state, opening=None)

    def _rest(self) -> None:
        """Its machine is where it began, without having commanded anybody: the opening is over."""
        if self.context.state == self.table.begin.target and not self.context.works:
            self._expire()

    # Commands and outcomes

    def commanded(self, started: Underway, agreed: bool, reason: str) -> None:
        """A command has ended."""
        context, opening = self.context, self._state.opening
        if agreed:
            took_ns = context.now_ns - (opening.since_ns if opening else context.now_ns)
            self._agreed(opening, took_ns)
            return
        if opening is not None and opening.agreed_ns is None:
            self._end(FAILED, MICRO)
        if reason == "timeout":
            self._absent(started.asked)
            context.rearm(SILENT - self._commanded.index(started.asked), context.now_ns + TRY_AGAIN_NS)

    def _agreed(self, opening: Opening | None, took_ns: int) -> None:
        context, verify = self.context, self.nerve.verify
        context.nerve = self._state.counted("commands")
        if opening is None:
            return
        context.nerve = replace(self._state, answered_ns=max(self._state.answered_ns, took_ns))
        bound_ns = BOUND_NS[min(max(opening.tier, 0), len(BOUND_NS) - 1)]
        if took_ns > bound_ns:
            context.nerve = self._state.counted("late")
            context.note(records.CameLate(opening.number, opening.tier, took_ns, bound_ns))
        if verify is None:
            self._end(CONFIRMED, 0)
        elif opening.agreed_ns is None:
            context.nerve = replace(self._state, opening=replace(opening, agreed_ns=context.now_ns))
            context.arm(VERIFY, context.now_ns + verify.within_ns)

    def _judge(self) -> None:
        """Whether an outcome shows, after the event at which the cell agreed."""
        opening, verify = self._state.opening, self.nerve.verify
        if opening is None or opening.agreed_ns is None or verify is None:
            return
        if self._just_agreed:
            return
        if self._holds_now(verify.confirmed):
            self._end(CONFIRMED, 0)
        elif verify.failed is not None and self._holds_now(verify.failed):
            self._end(FAILED, MICRO)

    @property
    def _just_agreed(self) -> bool:
        """Whether the cell agreed at the event at hand."""
        before = self.context.before.nerve
        return before is None or before.opening is None or before.opening.agreed_ns is None

    def _holds_now(self, condition: Expression) -> bool:
        try:
            return condition.evaluate(self.context.environment()) is True
        except Fault:
            return False

    def _partial(self) -> None:
        """Neither showed in time: how far it was off, or that it failed."""
        off = self.nerve.verify.discrepancy if self.nerve.verify is not None else None
        if off is None:
            self._end(FAILED, MICRO)
            return
        try:
            value: object = off.evaluate(self.context.environment())
        except Fault:
            value = 1.0
        share = min(1.0, max(0.0, value)) if isinstance(value, int | float) else 1.0
        self._end(PARTIAL, round(share * MICRO))

    def _end(self, outcome: str, discrepancy: int) -> None:
        """The outcome of an opening, of which its gate is told."""
        context, opening = self.context, self._state.opening
        if opening is None:
            return
        context.rearm(VERIFY, None)
        self._note_outcome(opening, outcome, discrepancy)
        context.nerve = replace(self._state, opening=None)
        number, to = context.next_number(), f"gate/{self.nerve.gate}"
        told: dict[str, Value] = {
            "opening": opening.number,
            "outcome": outcome,
            "discrepancy": discrepancy,
        }
        context.effects.append(SendMessage(number, to, VERIFIED, told))
        note_sent(context, to, VERIFIED, told, number)

    def _note_outcome(self, opening: Opening, outcome: str, discrepancy: int) -> None:
        self.context.note(records.OutcomeJudged(opening.number, outcome, discrepancy))
        self.context.nerve = self._state.counted(outcome)

    def _refuse(self, name: str, refused: PriceRefused) -> None:
        """What it cannot pay has failed; an opening that it could not take is not its own."""
        super()._refuse(name, refused)
        opening = self._state.opening
        if name != GRANTED and opening is not None and opening.agreed_ns is None:
            self._end(FAILED, MICRO)


def nerve_outcome(_: Actor, snapshot: Snapshot) -> dict[str, Value]:
    """What expectations see of a nerve when a run is over; what it spent is in the ledger."""
    state = snapshot.nerve or Nervous()
    counts = ("granted", CONFIRMED, FAILED, PARTIAL, EXPIRED, "commands", "late")
    seen: dict[str, Value] = {name: state.counts.get(name, 0) for name in counts}
    data: Fields = snapshot.data
    return {"state": snapshot.state, "data": dict(data), "answered": state.answered_ns, **seen}
