"""What a virtual garden expects of a real one, and what became of it.

A fold over what the two gardens did: no clock, no draws, the same in the same order.

* An opening of a gate that both gardens have becomes a prediction where it is at least as sure as
  declared; of the others, one in ``probe``, so that what was refuted once is tried again.  It is
  numbered from 1, and told to the real gate as a signal of that number.
* What the virtual gate learns of its own opening is what is expected; until then, that all goes well.
* The real gate takes the signal in one of its openings; what it learns of that, before or after, is the
  outcome of all predictions in it that still wait.
* One that waits loses a share of its confidence each beat.  When half of it is gone it has faded, and what
  may become of it later is nobody's outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields
from nimdsl.program.garden import Signals
from runtime.run.chronicle import GateOpened, Judged, Signalled, Told

Fate = Literal["waiting", "verified", "faded"]


@dataclass
class Prediction:
    """One opening of the virtual garden, and what it came to in the real one."""

    number: int
    gate: str
    opening: int
    """The virtual gate's."""
    beat: int
    time_ns: int
    content: Fields
    confidence: float
    """How sure it was."""
    left: float
    """How much of that is left."""
    expected: int = 0
    """The discrepancy that the virtual garden found itself, millionths."""
    fate: Fate = "waiting"
    real_opening: int = 0
    """The real gate's; 0 while it has taken none."""
    real_ns: int = 0
    outcome: str = ""
    lived: int = 0
    """The discrepancy in the real garden, millionths."""

    @property
    def off(self) -> int:
        """How far apart the two gardens were, millionths; of one that was verified."""
        return abs(self.expected - self.lived)


@dataclass
class Predictions:
    """All of them, in their order."""

    rules: Signals
    gates: frozenset[str]
    """Those that both gardens have."""
    made: list[Prediction] = field(default_factory=list)
    _waiting: dict[tuple[str, int], Prediction] = field(default_factory=dict)
    """Those without an outcome, by their virtual opening."""
    _foreseen: dict[tuple[str, int], Prediction] = field(default_factory=dict)
    """All, by their virtual opening."""
    _unsure: int = 0
    """How many openings were not sure enough."""
    _judged: dict[tuple[str, int], Judged] = field(default_factory=dict)
    """Outcomes in the real garden, by its openings; the last one of each gate."""

    def expect(self, told: Iterable[Told], beat: int) -> list[Prediction]:
        """What the virtual garden did in a beat; returns what is to be told to the real one."""
        every = list(told)
        opened = [one for one in every if isinstance(one, GateOpened) and one.gate in self.gates]
        fresh = [self._made(one, beat) for one in opened if self._is_told(one.confidence)]
        self.find(every)
        return fresh

    def find(self, told: Iterable[Told]) -> None:
        """What the virtual garden has learnt of its own openings."""
        for one in told:
            if isinstance(one, Judged) and (one.gate, one.opening) in self._foreseen:
                self._foreseen[one.gate, one.opening].expected = one.discrepancy

    def _is_told(self, confidence: float) -> bool:
        if self._is_sure(confidence):
            return True
        self._unsure += 1
        return self.rules.probe > 0 and self._unsure % self.rules.probe == 0

    def _is_sure(self, confidence: float) -> bool:
        return round(confidence * MICRO) >= self.rules.confidence

    def _made(self, one: GateOpened, beat: int) -> Prediction:
        number = len(self.made) + 1
        prediction = Prediction(
            number, one.gate, one.number, beat, one.time_ns, one.content, one.confidence, one.confidence
        )
        self.made.append(prediction)
        self._waiting[one.gate, one.number] = self._foreseen[one.gate, one.number] = prediction
        return prediction

    def live(self, told: Iterable[Told]) -> list[Prediction]:
        """What the real garden did; returns those that have an outcome now."""
        for one in told:
            match one:
                case Signalled():
                    self.made[one.signal - 1].real_opening = one.opening
                case Judged():
                    self._judged[one.gate, one.opening] = one
        verified = [*self._verified()]
        last = {gate: (gate, opening) for gate, opening in sorted(self._judged)}
        self._judged = {key: self._judged[key] for key in last.values()}
        return verified

    def _verified(self) -> Iterator[Prediction]:
        for known in [*self._waiting.values()]:
            judged = self._judged.get((known.gate, known.real_opening))
            if judged is not None:
                known.fate, known.real_ns = "verified", judged.time_ns
                known.outcome, known.lived = judged.outcome, judged.discrepancy
                del self._waiting[known.gate, known.opening]
                yield known

    def fade(self) -> None:
        """A beat is over."""
        for known in [*self._waiting.values()]:
            known.left *= 1.0 - self.rules.fade / MICRO
            if known.left < known.confidence / 2:
                known.fate = "faded"
                del self._waiting[known.gate, known.opening]


def mean_off(verified: Sequence[Prediction]) -> float:
    """How far the two gardens were apart in the mean, millionths; of at least one."""
    return sum(one.off for one in verified) / len(verified)
