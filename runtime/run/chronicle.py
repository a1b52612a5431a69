"""What a garden's gates did, read from its journal while it lives.

A journal tells everything in the order of each actor, and nothing across actors.  So openings, and what
became of them, are read here gate by gate, each time from where the last reading ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields
from nimdsl.program import Gate, Program, Scenario
from runtime.creature_records import ReadingChanged, Resonated, Weighed
from runtime.kernel.events import WAVE, AnyEvent, Received, Stimulus
from runtime.kernel.gate import OPEN, OUTCOMES, SIGNAL, VERIFIED
from runtime.kernel.resonance import HeardWave, amplified
from runtime.ports.journal import Journal
from runtime.record_base import Body
from runtime.record_bytes import noted_from_data
from runtime.run.lines import Accepted, Witness, line_of
from runtime.run.run import actors_of


@dataclass(frozen=True)
class GateOpened:
    """A gate opened: its ``number``-th opening, how sure it was, and of what.

    It is as sure as all waves together, times its gain: what outcomes have taught it to make of them.
    """

    gate: str
    number: int
    time_ns: int
    confidence: float
    content: Fields


@dataclass(frozen=True)
class Signalled:
    """A gate took the signal of this number while open, or opened at it: ``opening`` is which."""

    gate: str
    signal: int
    opening: int


@dataclass(frozen=True)
class Judged:
    """A gate learnt what became of an opening, from its own garden; ``discrepancy`` is in millionths."""

    gate: str
    opening: int
    time_ns: int
    outcome: str
    discrepancy: int


Told = GateOpened | Signalled | Judged


@dataclass
class _Reader:
    """One gate's journal, as far as it was read."""

    position: int = 0
    event: AnyEvent | None = None
    time_ns: int = 0
    waves: tuple[HeardWave, ...] = ()
    """What it has heard lately."""
    opening: int = 0
    """Which opening is at hand; 0: it is not open."""
    gain: int = MICRO


@dataclass
class Chronicle:
    """Reads on, each time that it is asked, what has happened since.

    Of signals it tells those of ``signaller``.
    """

    program: Program
    scenario: Scenario
    journal: Journal
    signaller: str = ""
    _readers: dict[str, _Reader] = field(default_factory=dict)

    def read(self) -> list[Told]:
        """What is new: of each gate in its order."""
        told: list[Told] = []
        for actor in actors_of(self.program, self.scenario):
            if isinstance(actor, Gate):
                reader = self._readers.setdefault(actor.id, _Reader())
                for event, bodies in self._turns(actor.id, reader):
                    told += self._of_turn(actor, reader, event, bodies)
        return told

    def _turns(self, actor: str, reader: _Reader) -> Iterator[tuple[AnyEvent, list[Body]]]:
        """The events that were stepped, each with what it left."""
        for entry in self.journal.read(actor, reader.position):
            reader.position = entry.position + 1
            line = line_of(entry)
            if isinstance(line, Accepted):
                reader.event, reader.time_ns = line.event, line.time_ns
            elif isinstance(line, Witness) and reader.event is not None:
                yield reader.event, [noted_from_data(one).body for one in line.records]

    def _of_turn(self, gate: Gate, reader: _Reader, event: AnyEvent, bodies: list[Body]) -> Iterator[Told]:
        heard = _heard(event, reader.time_ns, bodies)
        if heard is not None:
            reader.waves = (*reader.waves, heard)[-gate.resonance.waves_max :]
        for body in bodies:
            if isinstance(body, Weighed):
                reader.gain = body.gain
                if isinstance(event, Received | Stimulus) and event.name == VERIFIED:
                    off = OUTCOMES.get(body.outcome, _off(event))
                    yield Judged(gate.name, body.opening, reader.time_ns, body.outcome, off)
            elif isinstance(body, ReadingChanged):
                reader.opening = body.opening if body.target == OPEN else 0
                if reader.opening and heard is not None:
                    yield _opened(gate, reader, body, heard)
        signals = heard is not None and isinstance(event, Received | Stimulus) and event.name == SIGNAL
        if signals and reader.opening and event.sender == self.signaller:
            yield Signalled(gate.name, event.number, reader.opening)


def _heard(event: AnyEvent, time_ns: int, bodies: list[Body]) -> HeardWave | None:
    """The wave or signal that left a correlation: others were not heard."""
    if not isinstance(event, Received | Stimulus) or event.name not in (WAVE, SIGNAL):
        return None
    if not any(isinstance(body, Resonated) for body in bodies):
        return None
    said = event.payload if isinstance(event.payload, dict) else {}
    confidence, content = said.get("confidence"), said.get("content")
    sure = float(confidence) if isinstance(confidence, int | float) else 0.0
    fields: Fields = content if isinstance(content, dict) else {}
    return HeardWave(time_ns, event.sender, event.number, min(1.0, sure), fields)


def _opened(gate: Gate, reader: _Reader, change: ReadingChanged, trigger: HeardWave) -> GateOpened:
    identities = {(one.asker, one.number) for one in change.triggers}
    in_mind = [one for one in reader.waves if (one.sender, one.number) in identities]
    sure = amplified(gate.resonance.alike, in_mind, trigger) * reader.gain / MICRO
    return GateOpened(gate.name, change.opening, reader.time_ns, min(1.0, sure), trigger.content)


def _off(event: Received | Stimulus) -> int:
    said = event.payload if isinstance(event.payload, dict) else {}
    off = said.get("discrepancy")
    return off if isinstance(off, int) else MICRO
