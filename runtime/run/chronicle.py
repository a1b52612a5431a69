"""What a garden's gates and nerves did, read from its journal while it lives.

A journal tells everything in the order of each actor, and nothing across actors.  So openings, and what
became of them, are read here actor by actor, each time from where the last reading ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nimdsl.base.units import MICRO
from nimdsl.base.values import Fields
from nimdsl.program import Gate, Nerve, Program, Scenario
from runtime.creature_records import OutcomeJudged, ReadingChanged, Weighed
from runtime.kernel.events import WAVE, AnyEvent, Received, Stimulus
from runtime.kernel.gate import OPEN, OUTCOMES, SIGNAL
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
    """A nerve judged an opening of its gate; ``discrepancy`` is in millionths."""

    gate: str
    opening: int
    time_ns: int
    outcome: str
    discrepancy: int


Told = GateOpened | Signalled | Judged


@dataclass
class _Reader:
    """One actor's journal, as far as it was read."""

    position: int = 0
    event: AnyEvent | None = None
    time_ns: int = 0
    waves: tuple[HeardWave, ...] = ()
    """What a gate was told lately."""
    opening: int = 0
    """Which opening is at hand; 0: it is not open."""
    gain: int = MICRO


@dataclass
class Chronicle:
    """Reads on, each time that it is asked, what has happened since."""

    program: Program
    scenario: Scenario
    journal: Journal
    _readers: dict[str, _Reader] = field(default_factory=dict)

    def read(self) -> list[Told]:
        """What is new: of each actor in its order."""
        told: list[Told] = []
        for actor in actors_of(self.program, self.scenario):
            if isinstance(actor, Gate | Nerve):
                reader = self._readers.setdefault(actor.id, _Reader())
                for event, bodies in self._turns(actor.id, reader):
                    if isinstance(actor, Gate):
                        told += _of_gate(actor, reader, event, bodies)
                    else:
                        told += _of_nerve(actor, reader.time_ns, bodies)
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


def _of_gate(gate: Gate, reader: _Reader, event: AnyEvent, bodies: list[Body]) -> Iterator[Told]:
    heard = _heard(event, reader.time_ns)
    if heard is not None:
        reader.waves = (*reader.waves, heard)[-gate.resonance.waves_max :]
    for body in bodies:
        if isinstance(body, Weighed):
            reader.gain = body.gain
        elif isinstance(body, ReadingChanged):
            reader.opening = body.opening if body.target == OPEN else 0
            if body.target == OPEN and heard is not None:
                sure = amplified(gate.resonance.alike, _in_mind(reader, body), heard)
                sure = min(1.0, sure * reader.gain / MICRO)
                yield GateOpened(gate.name, body.opening, reader.time_ns, sure, heard.content)
    is_signal = isinstance(event, Received | Stimulus) and event.name == SIGNAL
    if is_signal and heard is not None and reader.opening:
        yield Signalled(gate.name, heard.number, reader.opening)


def _heard(event: AnyEvent, time_ns: int) -> HeardWave | None:
    if not isinstance(event, Received | Stimulus) or event.name not in (WAVE, SIGNAL):
        return None
    said = event.payload if isinstance(event.payload, dict) else {}
    confidence, content = said.get("confidence"), said.get("content")
    if not isinstance(confidence, int | float) or not isinstance(content, dict):
        return None
    return HeardWave(time_ns, event.sender, event.number, float(confidence), content)


def _in_mind(reader: _Reader, change: ReadingChanged) -> list[HeardWave]:
    identities = {(one.asker, one.number) for one in change.triggers}
    return [one for one in reader.waves if (one.sender, one.number) in identities]


def _of_nerve(nerve: Nerve, time_ns: int, bodies: list[Body]) -> Iterator[Told]:
    for body in bodies:
        if isinstance(body, OutcomeJudged) and body.outcome != "expired":
            off = OUTCOMES.get(body.outcome, body.discrepancy)
            yield Judged(nerve.gate, body.opening, time_ns, body.outcome, min(off, MICRO))
