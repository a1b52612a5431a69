"""A nerve alone: waves, grants, answers and silence in, what it commands and tells out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nimdsl
from gardens.stores.memory import MemoryJournal
from nimdsl.program import Nerve, Program
from runtime import records
from runtime.kernel.effects import CancelTimer, SendMessage, SendRequest, SetTimer, StartWork
from runtime.kernel.events import BEGIN, Answered, Finished, Received, TimerDue
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.kernel import Kernel, PriceDecision
from runtime.kernel.nervous import Nervous
from runtime.ledger.accounts import Question
from runtime.records import Identity
from runtime.run.host import Checks, Host

MS = 1_000_000
TEXT = Path(__file__).with_name("creature.yaml").read_text(encoding="utf-8")
PROGRAM: Program = nimdsl.load_text(TEXT)
NERVE: Nerve = PROGRAM.of("Nerve")["avoid"]


@dataclass
class NerveAlone:
    """A nerve in time: what is due before an event happens before it, at its own instant."""

    nerve: Nerve = NERVE
    pays: Callable[[Question], bool] = lambda _: True
    timers: dict[int, SetTimer] = field(default_factory=dict)
    number: int = 0
    now_ns: int = 0
    told: list[tuple[int, str, Any]] = field(default_factory=list)
    """What it told its gate: when, the event, the payload."""
    commanded: list[tuple[int, Identity]] = field(default_factory=list)
    paid: list[int] = field(default_factory=list)
    translations: list[StartWork] = field(default_factory=list)
    checks: Checks = field(default_factory=Checks)

    def __post_init__(self) -> None:
        kernel = Kernel(self.nerve, PlainInterpreter(self.nerve.table), PROGRAM.schemas)
        self.host = Host(kernel, MemoryJournal(), self.checks)
        self._take(BEGIN, 0)

    @property
    def state(self) -> Nervous:
        """What it has in mind."""
        assert self.host.snapshot.nerve is not None
        return self.host.snapshot.nerve

    def bodies(self, kind: type[Any]) -> list[Any]:
        """Its records of a class."""
        return [one.body for one in self.host.records if isinstance(one.body, kind)]

    def wave(self, at_ns: int, sense: str, cm: float) -> None:
        """A wave of a sense."""
        payload: Any = {"domain": "distance", "confidence": 0.9, "content": {"cm": cm}}
        self._hear(at_ns, "wave", payload, f"cell/distance-{sense}")

    def grant(self, at_ns: int, opening: int, tier: int) -> None:
        """An opening gets time."""
        payload = {"gate": "collision", "tier": tier, "opening": opening, "beat": 0, "since": at_ns}
        self._hear(at_ns, "granted", payload, "attention/day")

    def say(self, at_ns: int, event: str, opening: int) -> None:
        """``revoked`` or ``closed``."""
        self._hear(at_ns, event, {"gate": "collision", "opening": opening}, "attention/day")

    def answer(self, at_ns: int, status: str) -> None:
        """The motor answers the latest command, or the translator writes it."""
        self.until(at_ns)
        if self.translations:
            asked = self.translations.pop()
            text = '{"$schema": "turn", "type": "TURN", "payload": {"side": "%s"}}'
            side: Any = asked.arguments["payload"]
            good = text % side["side"] if status == "ACK" else "nonsense"
            self._take(Finished(asked.number, "done", {"text": good}), at_ns)
        elif self.commanded:
            message: Any = {"$schema": "turned", "type": "TURNED", "status": status}
            message |= {"payload": {"accepted": True}} if status == "ACK" else {"reason": "so"}
            self.number += 1
            request = self.commanded[-1][1]
            self._take(Answered(request, message, sender="cell/motor", number=self.number), at_ns)

    def _hear(self, at_ns: int, event: str, payload: Any, sender: str) -> None:
        self.until(at_ns)
        self.number += 1
        self._take(Received(event, payload, sender=sender, number=self.number), at_ns)

    def until(self, at_ns: int) -> None:
        """Everything that is due before that instant."""
        while due := [one for one in self.timers.values() if one.deadline_ns < at_ns]:
            one = min(due, key=lambda one: (one.deadline_ns, one.generation))
            del self.timers[one.timer]
            self._take(TimerDue(one.timer, one.generation), one.deadline_ns)
        self.now_ns = at_ns

    def _take(self, event: Any, now_ns: int) -> None:
        def decide(question: Question) -> PriceDecision:
            granted = self.pays(question)
            if granted:
                self.paid.append(getattr(question, "amount", 0))
            return PriceDecision(granted, 0)

        for effect in self.host.accept(event, now_ns, decide) or ():  # type: ignore[union-attr]
            match effect:
                case SetTimer():
                    self.timers[effect.timer] = effect
                case CancelTimer(timer=timer, generation=generation):
                    if timer in self.timers and self.timers[timer].generation == generation:
                        del self.timers[timer]
                case StartWork():
                    self.translations.append(effect)
                case SendRequest():
                    self.commanded.append((now_ns, effect.request))
                case SendMessage(to="gate/collision"):
                    self.told.append((now_ns, effect.event, effect.payload))
        self.translations = [one for one in self.translations if one.number in self.host.snapshot.works]


def outcomes(nerve: NerveAlone) -> list[tuple[int, str]]:
    """The openings that were judged, in order."""
    return [(one.opening, one.outcome) for one in nerve.bodies(records.OutcomeJudged)]
