"""A gate alone: waves in, what it reads out; and the same said again with a timer for every window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import nimdsl
from gardens.stores.memory import MemoryJournal
from nimdsl.program import Gate
from runtime import records
from runtime.kernel.effects import Book, CancelTimer, SendMessage, SetTimer
from runtime.kernel.events import BEGIN, Begin, Marked, Received, TimerDue
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.kernel import Kernel, PriceDecision
from runtime.kernel.resonance import Resonating
from runtime.ledger.accounts import Question, Reward
from runtime.ledger.sleep import SLUMBER
from runtime.run.host import Checks, Host

MS = 1_000_000
DOCUMENT = """\
apiVersion: nimdsl.dev/v1
kind: Gate
metadata: {name: g}
spec:
  hears: [{domain: distance}]
  similarity: {cm: {scale: 50}}
"""


def gate_of(**spec: str) -> Gate:
    """A gate with these fields of its spec, in flow style."""
    fields = {"thresholds": "{open: 0.5}", **spec}
    text = DOCUMENT + "".join(f"  {key}: {value}\n" for key, value in fields.items())
    gate = nimdsl.load_text(text).of("Gate")["g"]
    assert isinstance(gate, Gate)
    return gate


@dataclass
class GateAlone:
    """A gate in time: what is due before an event happens before it, at its own instant."""

    gate: Gate
    pays: Callable[[Question], bool] = lambda _: True
    begins: Begin = BEGIN
    timers: dict[int, SetTimer] = field(default_factory=dict)
    number: int = 0
    sent: list[tuple[int, str]] = field(default_factory=list)
    again_ns: int = 0
    """How often it tells attention that it is open; 0: as it opens."""
    told: list[tuple[int, SendMessage]] = field(default_factory=list)
    """What it sent, in full."""
    booked: list[tuple[int, Reward]] = field(default_factory=list)
    """The rewards that it asked for."""

    def __post_init__(self) -> None:
        kernel = Kernel(
            self.gate,
            PlainInterpreter(self.gate.table),
            {},
            attention="attention/day",
            again_ns=self.again_ns,
        )
        self.host = Host(kernel, MemoryJournal(), Checks(round_trip=True, restore=True))
        self._take(self.begins, 0)

    @property
    def state(self) -> Resonating:
        """What it has in mind."""
        assert self.host.snapshot.gate is not None
        return self.host.snapshot.gate

    @property
    def reading(self) -> str:
        """What it reads."""
        return self.host.snapshot.state

    def wave(self, at_ns: int, confidence: float, cm: float = 20.0, sender: str = "cell/a") -> None:
        """A wave comes; what is due at its very instant comes after it."""
        self.until(at_ns)
        self.number += 1
        payload: Any = {"domain": "distance", "confidence": confidence, "content": {"cm": cm}}
        self._take(Received("wave", payload, sender=sender, number=self.number), at_ns)

    def tell(self, at_ns: int, name: str, payload: Any) -> None:
        """An event that is no wave."""
        self.until(at_ns)
        self.number += 1
        self._take(Received(name, payload, sender="nerve/n", number=self.number), at_ns)

    def fall_asleep(self, at_ns: int) -> None:
        """Its economy falls asleep."""
        self.until(at_ns)
        self.number += 1
        self._take(Marked(SLUMBER, 0, sender="economy/body", number=self.number), at_ns)

    def until(self, at_ns: int) -> None:
        """Everything that is due before that instant."""
        while due := sorted(
            (one for one in self.timers.values() if one.deadline_ns < at_ns),
            key=lambda one: one.deadline_ns,
        ):
            one = due[0]
            del self.timers[one.timer]
            self._take(TimerDue(one.timer, one.generation), one.deadline_ns)

    def _take(self, event: Any, now_ns: int) -> None:
        taken = self.host.accept(event, now_ns, lambda asked: PriceDecision(self.pays(asked), 0))
        for effect in taken or ():  # type: ignore[union-attr]
            if isinstance(effect, SetTimer):
                self.timers[effect.timer] = effect
            elif isinstance(effect, Book) and isinstance(effect.command, Reward):
                self.booked.append((now_ns, effect.command))
            elif isinstance(effect, CancelTimer):
                self.timers.pop(effect.timer, None)
            elif isinstance(effect, SendMessage):
                self.sent.append((now_ns, effect.event))
                self.told.append((now_ns, effect))

    def readings(self) -> list[tuple[int, str]]:
        """When it read what."""
        found = (one for one in self.host.records if isinstance(one.body, records.ReadingChanged))
        return [
            (one.time_ns, one.body.target) for one in found if isinstance(one.body, records.ReadingChanged)
        ]


@dataclass
class GateAgain:
    """The readings again: every window is a timer, and everything is computed from the list of waves."""

    gate: Gate
    value: float = 0.0
    reading: str = "stable"
    came: list[tuple[int, float, float, str]] = field(default_factory=list)
    found: list[tuple[int, str]] = field(default_factory=list)

    def wave(self, at_ns: int, confidence: float, cm: float, sender: str) -> None:
        spec = self.gate.resonance
        self.until(at_ns)
        if confidence <= 0.0:
            return
        near = [one for one in self.came if one[0] > at_ns - spec.window_ns][-spec.waves_max :]
        total = 0.0
        for one in near:
            total += max(-1.0, 1.0 - abs(one[2] - cm) / 50.0)
        score = max(-1.0, min(1.0, total / len(near))) if near else 0.0
        self.set(max(-1.0, min(1.0, self.value + score * confidence)) * spec.decay)
        self.came.append((at_ns, confidence, cm, sender))
        self.quiet = 0
        self.read(at_ns)

    quiet: int = 0

    def until(self, at_ns: int) -> None:
        window_ns = self.gate.resonance.window_ns
        while self.came and self.quiet < 3_000:
            due_ns = self.came[-1][0] + (self.quiet + 1) * window_ns
            if due_ns >= at_ns:
                return
            self.quiet += 1
            self.set(self.value * self.gate.resonance.silence)
            self.read(due_ns)

    def set(self, value: float) -> None:
        self.value = 0.0 if abs(value) < 1e-6 else value

    def read(self, at_ns: int) -> None:
        spec = self.gate.resonance
        leaves = {
            "open": self.value <= spec.open - spec.slack,
            "closed": self.value >= spec.close + spec.slack,
        }
        if leaves.get(self.reading, False):
            self.move("stable", at_ns)
        if self.reading == "stable" and self.value > spec.open:
            self.move("open", at_ns)
        elif self.reading == "stable" and self.value < spec.close:
            self.move("closed", at_ns)

    def move(self, to: str, at_ns: int) -> None:
        self.reading = to
        self.found.append((at_ns, to))


Waves = Sequence[tuple[int, float, float, str]]


def both(gate: Gate, waves: Waves, end_ns: int) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """What the gate reads and what it should, in the same time."""
    alone, again = GateAlone(gate), GateAgain(gate)
    for one in waves:
        alone.wave(*one)
        again.wave(*one)
    alone.until(end_ns)
    again.until(end_ns)
    return alone.readings(), again.found
