"""How a gate takes one event (SEMANTICS 6).

Its machine is what it reads: stable, open, closed, resting, pruned.  Waves move the value
(:mod:`runtime.kernel.resonance`), the value moves the reading, and what a reading costs is paid as any
transition's price is: refused, it stays where it was.  One timer counts the windows of silence, and only
while the gate is open or closed; between, what the silence took is computed when a wave comes.
Another one, only while it is open, has attention told again: a message that was lost is made good.

Events: ``wave`` from whoever emits in a domain that it hears; ``verified`` {opening, outcome,
discrepancy} and ``shed`` from others; ``signal`` {confidence, content} and ``lived`` {as verified} from
another garden.  It tells attention ``opened`` and ``closed``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields, Value
from nimdsl.expression.evaluate import Fault
from nimdsl.program import Actor
from nimdsl.program.amount import most_of
from nimdsl.program.gate import Gate, GateEar, Resonance, tier_of
from runtime import records
from runtime.kernel import resonance
from runtime.kernel.effects import Book, PublishWave, SendMessage
from runtime.kernel.events import WAVE, AnyEvent, Begin, Marked, Received, Stimulus, TimerDue
from runtime.kernel.kernel import AskPrice, Kernel, PriceDecision
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.resonance import Echo, HeardWave, Resonating
from runtime.kernel.sent import apart, note_sent
from runtime.kernel.snapshot import Snapshot
from runtime.kernel.step_context import StepContext
from runtime.ledger.accounts import Reward
from runtime.ledger.sleep import SLUMBER
from runtime.ports.topics import WAVES, is_exact, matches
from runtime.records import Identity

SILENCE, DISUSE, REST, AGAIN = -2, -3, -4, -5
"""The timers of the next window in silence, of disuse, of the end of a rest, and of telling again."""
VERIFIED, SHED = "verified", "shed"
SIGNAL, LIVED = "signal", "lived"
"""What another garden is sure of, and what became in another one of what this one was sure of."""
OPENED, CLOSED, GRANTED = "opened", "closed", "granted"
STABLE, OPEN, SHUT, RESTING, PRUNED = "stable", "open", "closed", "resting", "pruned"
OPENS, FLASHES, SHUTS, SETTLES, RESTS, WAKES, PRUNES = (
    "opens",
    "flashes",
    "shuts",
    "settles",
    "rests",
    "wakes",
    "prunes",
)
"""The events of its machine; ``flashes`` is the opening of a reflex, which is free."""
SILENT_COUNT_MAX = 2_000
"""After so many windows in silence every value is 0."""
OUTCOMES = {"confirmed": 0, "failed": MICRO}


class GateStep(MachineStep):
    """One event of a gate."""

    def __init__(
        self,
        kernel: Kernel,
        gate: Gate,
        context: StepContext,
        answers: Sequence[PriceDecision],
        asked: AskPrice | None,
    ) -> None:
        super().__init__(kernel, context, answers, asked)
        self.gate = gate
        self.spec = gate.resonance

    def take(self, event: AnyEvent) -> None:
        """Waves, silence, outcomes, and what attention says."""
        context = self.context
        match event:
            case Begin(explores=explores):
                context.gate = Resonating(self.gate.weighing.start, explores=explores)
                super().take(event)
                self._arm_disuse()
            case TimerDue(timer=timer) if timer < 0:
                del context.timers[timer]
                self._due(timer)
            case Received(name=name) | Stimulus(name=name) if name == WAVE:
                self._wave(event)
            case Received(name=name) | Stimulus(name=name) if name == SIGNAL:
                self._signal(event)
            case Received(name=name, payload=payload) | Stimulus(name=name, payload=payload) if name in (
                VERIFIED,
                LIVED,
            ):
                self._verified(payload, lived=name == LIVED)
            case Received(name=name) | Stimulus(name=name) if name == SHED:
                self._shed()
            case Marked(name=name):
                context.gate = replace(self._state, asleep=name == SLUMBER)
                context.note(records.Slumbering(event.sender, name == SLUMBER))
                if name == SLUMBER and self._reading == OPEN and not self.gate.goes:
                    self._settle("asleep")
            case _:
                super().take(event)
        self._arm_silence()
        self._arm_again()

    @property
    def _state(self) -> Resonating:
        if self.context.gate is None:
            raise InternalError(f"{self.context.actor.id} has not begun")
        return self.context.gate

    @property
    def _reading(self) -> str:
        return self.table.states[self.context.state]

    @property
    def _tier(self) -> int:
        return tier_of(self._state.weight, self.gate.below)

    @property
    def _is_deaf(self) -> bool:
        """It rests, is gone, or sleeps: a reflex never does."""
        sleeps = self._state.asleep and not self.gate.goes and self._tier > 0
        return sleeps or self._reading in (RESTING, PRUNED)

    # Waves

    def _wave(self, event: Received | Stimulus) -> None:
        heard = None if self._is_deaf else self._heard(event)
        if heard is None:
            return
        self._take_in(heard, resonance.hear)

    def _signal(self, event: Received | Stimulus) -> None:
        """What another garden has verified is not asked to agree with anything again."""
        heard = None if self._is_deaf else self._sure(event, _payload(event))
        if heard is None:
            self.context.note(records.Ignored(SIGNAL, self._reading))
            return
        self._take_in(heard, resonance.trust)

    def _take_in(
        self, heard: HeardWave, echoed: Callable[[Resonance, Resonating, HeardWave], Echo]
    ) -> None:
        hushed = resonance.hushed(self.spec, self._state, self.context.now_ns)
        echo = echoed(self.spec, hushed, heard)
        self.context.gate = echo.state
        identity = Identity(heard.sender, heard.number)
        self.context.note(records.Resonated(identity, echo.score, echo.raw, echo.state.value))
        self._read(heard)

    def _heard(self, event: Received | Stimulus) -> HeardWave | None:
        """The wave, if it is heard: it is sure of something, and what the ear asks for holds."""
        payload = _payload(event)
        heard = self._sure(event, payload)
        ear = ear_of(self.gate, str(payload.get("domain", "")))
        return heard if heard is not None and ear is not None and self._lets_in(ear, payload) else None

    def _sure(self, event: Received | Stimulus, payload: Fields) -> HeardWave | None:
        """What is said, if it is sure of anything."""
        confidence, content = payload.get("confidence"), payload.get("content")
        if not isinstance(confidence, int | float) or isinstance(confidence, bool) or confidence <= 0:
            return None
        fields: Fields = content if isinstance(content, dict) else {}
        return HeardWave(
            self.context.now_ns, event.sender, event.number, min(1.0, float(confidence)), fields
        )

    def _lets_in(self, ear: GateEar, payload: Fields) -> bool:
        if ear.guard is None:
            return True
        try:
            return ear.guard.evaluate({**self.context.environment(), "$wave": payload}) is True
        except Fault as fault:
            self.context.note(records.Faulted(self._reading, str(fault)))
            return False

    # Readings

    def _read(self, trigger: HeardWave | None) -> None:
        """What the value makes of the reading; ``trigger`` is the wave that came, None for silence."""
        spec, value, flashes = self.spec, self._state.value, trigger is not None and self._tier == 0
        reading = self._reading
        if reading == OPEN and value <= spec.open - spec.slack and not flashes:
            self._settle()
        elif reading == SHUT and value >= spec.close + spec.slack:
            self._move(SETTLES, "waves")
        if self._reading != STABLE:
            return
        if flashes:
            self._open(FLASHES, trigger)
        elif value > spec.open:
            self._open(OPENS, trigger)
        elif value < spec.close and self._may_ask and not self._move(SHUTS, "waves"):
            self._refused()

    @property
    def _may_ask(self) -> bool:
        return self.context.now_ns >= self._state.dry_until_ns

    def _open(self, event: str, trigger: HeardWave | None) -> None:
        context, state = self.context, self._state
        if event == OPENS and not self._may_ask:
            return
        context.gate = replace(state, opening=state.opening + 1, used=True, opened_ns=context.now_ns)
        if not self._move(event, "waves"):
            context.gate = state
            self._refused()
            return
        self._tell(OPENED)
        if self._tier == 0 or not self.kernel.attention:
            self._tell_nerves(GRANTED, {**self._opening, "beat": 0})
        if self.gate.domain and trigger is not None:
            sure = resonance.amplified(self.spec.alike, self._state.window, trigger)
            number = context.next_number()
            context.effects.append(PublishWave(number, sure, dict(trigger.content)))
            decided, times = apart(dict(trigger.content), self.gate.times)
            context.note(records.Emitted(sure, decided, number, times))

    def _settle(self, cause: str = "waves") -> None:
        self._move(SETTLES, cause)
        self._leave()

    def _leave(self) -> None:
        """It is not open any more: attention and nerves are told."""
        self._tell(CLOSED)
        self._tell_nerves(CLOSED, {"gate": self.gate.name, "opening": self._state.opening})

    def _refused(self) -> None:
        """The price was refused: nobody asks again before a window is over."""
        context = self.context
        context.queue.clear()
        context.gate = replace(self._state, dry_until_ns=context.now_ns + self.spec.window_ns)

    def _move(self, event: str, cause: str) -> bool:
        """Another reading, if it is paid; it leaves a record of its own besides the transition's."""
        context, before, state = self.context, self._reading, self._state
        if not self.fire(event, {}):
            return False
        waves = tuple(Identity(one.sender, one.number) for one in state.window)
        changed = records.ReadingChanged(
            before,
            self._reading,
            self._state.opening,
            self._tier,
            cause,
            self._cost(event),
            state.value,
            waves,
        )
        context.note(changed)
        return True

    def _cost(self, event: str) -> int:
        number = self.table.event_numbers[event]
        prices = (price for row in self.table.rows if row.event == number for price in row.bill)
        return sum(most_of(price.amount) for price in prices)

    def _tell(self, event: str) -> None:
        """Tells the scenario's attention, if there is one."""
        if self.kernel.attention:
            self._send(self.kernel.attention, event, self._opening)

    @property
    def _opening(self) -> dict[str, Value]:
        """What others are told of the opening at hand."""
        state = self._state
        told: dict[str, Value] = {"gate": self.gate.name, "tier": self._tier, "opening": state.opening}
        return {**told, "since": state.opened_ns}

    def _tell_nerves(self, event: str, payload: dict[str, Value]) -> None:
        for nerve in self.kernel.nerves.get(self.gate.name, ()):
            self._send(nerve, event, payload)

    def _send(self, to: str, event: str, payload: dict[str, Value]) -> None:
        number = self.context.next_number()
        self.context.effects.append(SendMessage(number, to, event, payload))
        note_sent(self.context, to, event, payload, number, times=("since",))

    # What others say

    def _verified(self, payload: Value, *, lived: bool) -> None:
        said = payload if isinstance(payload, dict) else {}
        opening, outcome = said.get("opening"), str(said.get("outcome"))
        discrepancy, context = OUTCOMES.get(outcome, said.get("discrepancy")), self.context
        after, tier = None, self._tier
        if type(opening) is int and type(discrepancy) is int and 0 <= discrepancy <= MICRO:
            after = resonance.verified(self.gate.weighing, self._state, opening, discrepancy, lived=lived)
        if after is None or type(opening) is not int:
            context.note(records.Ignored(LIVED if lived else VERIFIED, self._reading))
            return
        context.gate = after
        context.note(records.Weighed(opening, outcome, after.weight, after.gain))
        if self._tier != tier and self._reading == OPEN:
            self._tell(OPENED)
        if tier > self._tier == 0 and self.gate.weighing.reward:
            self._earned()

    def _earned(self) -> None:
        """Outcomes have made it a reflex.  The key is the gate's own, so the economy gives it once."""
        context, actor = self.context, self.context.actor
        key = f"{actor.id}/reflex"
        context.effects.append(Book(Reward(actor.id, (key,), actor.id, purse=actor.economy)))
        context.note(records.Rewarded(actor.id, [key]))

    def _shed(self) -> None:
        if self._reading != OPEN or self._tier == 0:
            self.context.note(records.Ignored(SHED, self._reading))
            return
        until_ns = self.context.now_ns + (self.gate.rest_ns or 2 * self.spec.window_ns)
        self._move(RESTS, "shed")
        self.context.gate = resonance.shed(self._state, until_ns)
        self._leave()
        self.context.arm(REST, until_ns)

    # Timers

    def _due(self, timer: int) -> None:
        context, rules = self.context, self.gate.weighing
        if timer == REST:
            if self._reading == RESTING:  # it may be pruned by now
                self._move(WAKES, "rested")
        elif timer == DISUSE:
            if not self._state.used and self._state.weight == 0:
                if self._reading == OPEN:
                    self._settle()
                self._move(PRUNES, "unused")
                return
            context.gate = resonance.disused(rules, self._state)
            self._arm_disuse()
        elif timer == AGAIN:
            number = context.next_number()
            context.effects.append(SendMessage(number, self.kernel.attention, OPENED, self._opening))
        else:
            while (due_ns := resonance.silence_ns(self.spec, self._state)) and due_ns <= context.now_ns:
                context.gate = resonance.silenced(self.spec, self._state)
            self._read(None)

    def _arm_disuse(self) -> None:
        rules = self.gate.weighing
        if rules.unused_every_ns and rules.learns:
            self.context.arm(DISUSE, self.context.now_ns + rules.unused_every_ns)

    def _arm_silence(self) -> None:
        """One timer, while it is open or closed, at the first window in silence that changes that."""
        self.context.rearm(SILENCE, self._changing_ns() if self._reading in (OPEN, SHUT) else None)

    def _arm_again(self) -> None:
        """One timer, while it is open and not asleep: attention hears of it twice a beat."""
        if self._reading != OPEN or self._is_deaf or not self.kernel.again_ns:
            self.context.rearm(AGAIN, None)
        elif AGAIN not in self.context.timers:
            self.context.arm(AGAIN, self.context.now_ns + self.kernel.again_ns)

    def _changing_ns(self) -> int | None:
        """When silence changes the reading, if no wave comes."""
        spec, state = self.spec, self._state
        for _ in range(SILENT_COUNT_MAX):
            due_ns = resonance.silence_ns(spec, state)
            state = resonance.silenced(spec, state)
            left = state.value <= spec.open - spec.slack
            if left if self._reading == OPEN else state.value >= spec.close + spec.slack:
                return due_ns
        return None


def _payload(event: Received | Stimulus) -> Fields:
    return event.payload if isinstance(event.payload, dict) else {}


def ear_of(gate: Gate, domain: str) -> GateEar | None:
    """The most exact ear of a gate for a domain."""
    fitting = [one for one in gate.ears if matches(WAVES + one.domain, WAVES + domain)]
    return max(fitting, key=lambda one: (is_exact(one.domain), len(one.domain)), default=None)


def gate_outcome(actor: Actor, snapshot: Snapshot) -> dict[str, Value]:
    """What expectations see of a gate when a run is over; the weight is a share."""
    state, reading = snapshot.gate, snapshot.state
    if state is None or not isinstance(actor, Gate):
        return {"state": reading, "openings": 0, "weight": 0, "tier": 0, "value": 0.0}
    return {
        "state": reading,
        "openings": state.opening,
        "weight": state.weight,
        "tier": tier_of(state.weight, actor.below),
        "value": state.value,
    }
