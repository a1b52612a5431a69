"""How an attention takes one event: the scheduler, and her modes as a machine.

Time is worked off first (:mod:`runtime.kernel.scheduler`), then the event is taken, then the
timers are set for what is due next: the end of the beat, the next instant within
it, a choice at this very instant.  What the scheduler decides the modes hear as
events; an event that a mode has no transition for is not a record.

Events from outside, by their payload: ``{level, takes, payload}`` is an item for a
level, named after the event; ``opened`` and ``closed`` with ``{gate, tier}`` are
gates.  Every record says the beat, the instant, and what remained of the beat.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.base.units import INT64_MAX
from nimdsl.base.values import Fields, Value
from nimdsl.program import Attention, Level
from nimdsl.program.modes import resumed
from runtime import records
from runtime.kernel import effects
from runtime.kernel.beat import (
    BeatState,
    Item,
    OpenGate,
    begun,
    copied,
    ends_ns,
    next_instant_ns,
    remaining_ns,
)
from runtime.kernel.effects import BOUNDARY
from runtime.kernel.events import AnyEvent, Begin, Boundary, Finished, Marked, Received, Stimulus, TimerDue
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.scheduler import Scheduler
from runtime.kernel.sent import note_sent
from runtime.kernel.snapshot import Underway, is_known
from runtime.kernel.step_context import StepContext
from runtime.ledger.accounts import Charge, Release, Reserve, Settle, Urge
from runtime.ledger.sleep import SLUMBER
from runtime.records import AttentionBody, Moment

INSTANT, CHOICE = -2, -3
"""The timers of what is due within the beat, and of a choice at this instant."""
OPENED, CLOSED, SHED = "opened", "closed", "shed"
GRANTED, REVOKED = "granted", "revoked"
"""What nerves are told."""
GATE_COUNT_MAX = 1_000
"""How many gates may be open at once; what opens beyond that is ignored."""


class AttentionStep(MachineStep):
    """One event of an attention; the :class:`runtime.kernel.levels.Port` of its scheduler.

    It does not know the scheduler, so that nothing refers to itself: what a step leaves behind is gone
    with the step.
    """

    def __init__(
        self,
        kernel: Kernel,
        attention: Attention,
        context: StepContext,
        answers: Sequence[PriceDecision],
        asked: AskPrice | None,
    ) -> None:
        super().__init__(kernel, context, answers, asked)
        self.beat = attention.beat

    def take(self, event: AnyEvent) -> None:
        """Works off what was due, takes the event, and sets the timers for what comes."""
        context, beat, now_ns = self.context, self.beat, self.context.now_ns
        began = isinstance(event, Begin)
        state = begun(beat, now_ns) if began or context.beat is None else copied(context.beat)
        context.beat = state
        scheduler = Scheduler(beat, state, self)
        if began:
            self._at(state, state.start_ns)
            super().take(event)
            scheduler.begin()
        else:
            self._take(scheduler, event, now_ns)
        context.moment = None
        context.rearm(BOUNDARY, ends_ns(beat, state))
        context.rearm(INSTANT, next_instant_ns(beat, state))
        context.rearm(CHOICE, state.decide_ns)

    def _take(self, scheduler: Scheduler, event: AnyEvent, now_ns: int) -> None:
        context = self.context
        if isinstance(event, TimerDue | Boundary) and event.timer < 0:
            due_ns = context.timers.pop(event.timer).deadline_ns
            scheduler.advance(due_ns, boundary=True, instants=event.timer != BOUNDARY)
            return
        scheduler.advance(now_ns, boundary=True, instants=False)
        self._at(scheduler.state, now_ns)
        if not is_known(context.timers, context.works, event):
            return  # her modes have moved on in the meantime
        match event:
            case Stimulus() | Received():
                self._arrived(scheduler, event, now_ns)
            case Finished() if context.works[event.work].level:
                self._ended(scheduler, event, now_ns)
            case Marked(name=name, sender=sender):
                scheduler.state.asleep = name == SLUMBER
                context.note(records.Slumbering(sender, name == SLUMBER))
                self.mode(name, now_ns)
            case _:
                super().take(event)

    def _at(self, state: BeatState, at_ns: int) -> None:
        """The instant that records and mode timers are to know."""
        moment = self.context.moment
        if moment is None or moment.at_ns != at_ns or moment.beat != state.beat:
            self.context.now_ns = at_ns
            self.context.moment = Moment(state.beat, at_ns, remaining_ns(state, at_ns))

    # Events from outside

    def _arrived(self, scheduler: Scheduler, event: Stimulus | Received, now_ns: int) -> None:
        levels = scheduler.beat.levels
        payload = event.payload if isinstance(event.payload, dict) else {}
        match payload:
            case {"level": str(level)} if any(level == one.name for one in levels):
                takes_ns, content = payload.get("takes", 0), payload.get("payload", {})
                if type(takes_ns) is int and 0 <= takes_ns <= INT64_MAX:
                    scheduler.arrive(level, event.name, takes_ns, content, now_ns)
                    return
            case {"gate": str(gate), "tier": int(tier)} if self._opens(scheduler, event.name, gate, tier):
                scheduler.open_gate(gate, _opened(event, tier, payload, now_ns), now_ns)
                return
            case {"gate": str(gate)} if event.name == CLOSED:
                scheduler.close_gate(gate, _opening(event, payload), now_ns)
                return
        self.context.note(records.Ignored(event.name, self.table.states[self.context.state]))

    def _opens(self, scheduler: Scheduler, event: str, gate: str, tier: int) -> bool:
        """Whether a gate may open: a level has its tier, and there is room for one more."""
        gates = scheduler.state.gates
        known = any(tier in level.tiers for level in scheduler.beat.levels)
        return event == OPENED and known and (gate in gates or len(gates) < GATE_COUNT_MAX)

    def _ended(self, scheduler: Scheduler, event: Finished, now_ns: int) -> None:
        """Work of a level came back: before its time was over, or after."""
        started = self.context.works.pop(event.work)
        if started.revoked_ns is None:
            scheduler.finished(event.work, event.outcome, now_ns)
            return
        overrun_ns = now_ns - started.revoked_ns
        if overrun_ns > 0:
            scheduler.overran(overrun_ns)
            self.context.note(records.Overran(started.item, started.level, overrun_ns))

    # What the scheduler asks for

    def tell(self, at_ns: int, body: AttentionBody) -> None:
        """See :class:`runtime.kernel.levels.Port`."""
        self._at(self._state, at_ns)
        self.context.note(body)

    def mode(self, event: str, at_ns: int, stage: str = "", level: str = "", item: str = "") -> None:
        """See :class:`runtime.kernel.levels.Port`."""
        context, table = self.context, self.table
        name = resumed(event, stage) if stage else event
        number = table.event_numbers.get(name)
        if number is None or (context.state, number) not in table.candidates:
            return
        state = self._state
        self._at(state, at_ns)
        about = {"level": level, "item": item} if level else {}
        self.fire(name, {**about, "beat": state.beat, "remaining": remaining_ns(state, at_ns)})
        if context.queue:
            self.drain()

    @property
    def _state(self) -> BeatState:
        if self.context.beat is None:
            raise InternalError(f"{self.context.actor.id} has not begun")
        return self.context.beat

    def reserve(self, level: str, amount: int, certain: bool, at_ns: int) -> str | None:
        """See :class:`runtime.kernel.levels.Port`."""
        context = self.context
        self._at(self._state, at_ns)
        key, scope = f"{context.actor.id}/{context.effect_number}", context.actor.id
        said = self.ask(Charge(key, level, amount, scope) if certain else Reserve(key, amount, scope))
        context.next_number()
        if said.granted:
            return "" if certain else key
        state = self.table.states[context.state]
        context.note(records.Refused(level, state, amount, said.balance, level))
        return None

    def settle(self, level: str, hold: str, used: int, left: int) -> None:
        """See :class:`runtime.kernel.levels.Port`."""
        context = self.context
        if used:
            key = f"{level}/{context.actor.id}/{context.next_number()}"
            context.effects.append(effects.Book(Settle(hold, key, level, used)))
        if left:
            context.effects.append(effects.Book(Release(hold)))

    def shed(self, gate: str) -> None:
        """See :class:`runtime.kernel.levels.Port`."""
        context = self.context
        number = context.next_number()
        context.effects.append(effects.SendMessage(number, gate, SHED, {}))
        note_sent(context, gate, SHED, {}, number)

    def grant(self, gate: str, opened: OpenGate) -> None:
        """See :class:`runtime.kernel.levels.Port`."""
        told: dict[str, Value] = {"gate": gate, "tier": opened.tier, "opening": opened.opening}
        self._tell_nerves(gate, GRANTED, {**told, "since": opened.since_ns, "beat": self._state.beat})

    def withdraw(self, gate: str) -> None:
        """See :class:`runtime.kernel.levels.Port`."""
        opened = self._state.gates.get(gate)
        opening = opened.opening if opened is not None else 0
        self._tell_nerves(gate, REVOKED, {"gate": gate, "opening": opening})

    def _tell_nerves(self, gate: str, event: str, payload: dict[str, Value]) -> None:
        for nerve in self.kernel.nerves.get(gate, ()):
            number = self.context.next_number()
            self.context.effects.append(effects.SendMessage(number, nerve, event, payload))
            note_sent(self.context, nerve, event, payload, number, times=("since",))

    def urge(self, urgency: int) -> None:
        """See :class:`runtime.kernel.levels.Port`."""
        self.context.effects.append(effects.Book(Urge(urgency)))

    def start(self, level: Level, item: Item) -> int:
        """See :class:`runtime.kernel.levels.Port`."""
        context = self.context
        number = context.next_number()
        arguments = {"item": item.name, "level": level.name, "payload": item.payload}
        context.works[number] = Underway(level.work, arguments, item=item.number, level=level.name)
        context.effects.append(effects.StartWork(number, level.work, arguments))
        return number

    def revoke(self, number: int, at_ns: int) -> None:
        """See :class:`runtime.kernel.levels.Port`."""
        context = self.context
        started = context.works.get(number)
        if started is not None:
            context.works[number] = replace(started, revoked_ns=at_ns)
            context.effects.append(effects.RevokeWork(number))


def _opened(event: Stimulus | Received, tier: int, payload: Fields, now_ns: int) -> OpenGate:
    """The gate that opened; nobody is behind one of a stimulus."""
    if not event.sender.startswith("gate/"):
        return OpenGate(tier)
    since_ns = payload.get("since")
    since_ns = since_ns if type(since_ns) is int else 0
    return OpenGate(tier, event.sender, _opening(event, payload), since_ns, now_ns)


def _opening(event: Stimulus | Received, payload: Fields) -> int:
    """Which opening a gate speaks of; 0 where it is no gate that speaks."""
    opening = payload.get("opening")
    return opening if type(opening) is int and event.sender.startswith("gate/") else 0
