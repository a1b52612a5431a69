"""The closed loop of two gardens: a virtual one explores, a real one finds out (SEMANTICS 10).

Beat by beat: the virtual garden lives a beat; what opened there and was sure enough is told to the real
one as a signal; the real garden lives the same beat; what came of its openings is told to the virtual
gates, which learn from it.  What is told goes through inboxes like any message, so the journal of each
garden replays to the byte without the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gardens.report.result.result import RunResult, result_of
from nimdsl.base.units import SECOND_NS
from nimdsl.base.values import Value
from nimdsl.program import Program, Scenario
from nimdsl.program.garden import Signals
from runtime.kernel.events import Stimulus
from runtime.kernel.gate import LIVED, SIGNAL
from runtime.run.chronicle import Chronicle
from runtime.run.living import LivingGarden
from runtime.run.predictions import Prediction, Predictions
from runtime.run.run import Run, Stopped, actors_of

BEAT_NS = 30 * SECOND_NS
"""Where neither garden has an attention to say how long a beat is."""


@dataclass(frozen=True)
class Side:
    """One of the two gardens: how it is called when it tells the other one something."""

    name: str
    living: LivingGarden
    seed: int


@dataclass(frozen=True)
class LoopResult:
    """What came of a loop.  Each garden has its own result; ``beat_ns`` is the length of a beat."""

    virtual: RunResult
    real: RunResult
    predictions: tuple[Prediction, ...]
    beat_ns: int
    beats: int
    """How many were led."""

    @property
    def ok(self) -> bool:
        """Whether both lived to the end; what their scenarios expect is for runs that are not led."""
        return all(run.run.stopped in ("horizon", "quiet") for run in (self.virtual, self.real))


def run_loop(
    rules: Signals,
    virtual: Side,
    real: Side,
    beats: int,
    beat_ns: int,
    progress: Callable[[int, Predictions], None] = lambda *_: None,
) -> LoopResult:
    """Leads both gardens for ``beats`` beats of ``beat_ns``, or until one of them ends.

    ``progress`` is told how many are over.  Raises PortErrors; nothing is left running in any case.
    """
    try:
        return _Loop(rules, virtual, real, beats, beat_ns).run(progress)
    finally:
        virtual.living.close()
        real.living.close()


def beat_of(program: Program, *scenarios: Scenario) -> int:
    """The length of a beat (ns): that of the first of these scenarios that has an attention."""
    named = [one.attention for one in scenarios if one.attention]
    return program.attentions[named[0]].beat.length_ns if named else BEAT_NS


def gates_of(program: Program, scenario: Scenario) -> set[str]:
    """The names of the gates that take part."""
    return {actor.name for actor in actors_of(program, scenario) if actor.kind == "gate"}


class _Loop:
    def __init__(self, rules: Signals, virtual: Side, real: Side, beats: int, beat_ns: int) -> None:
        self._virtual = virtual
        self._real = real
        self._beats = beats
        self._beat_ns = beat_ns
        first, other = (gates_of(one.living.program, one.living.scenario) for one in (virtual, real))
        self._predictions = Predictions(rules, frozenset(first & other))
        self._explored = _chronicle(virtual)
        self._lived = _chronicle(real, _sender(virtual))
        self._told = 0
        """How many outcomes the virtual garden was told."""

    def run(self, progress: Callable[[int, Predictions], None]) -> LoopResult:
        virtual, real = self._virtual.living, self._real.living
        virtual.begin()
        real.begin()
        stopped: tuple[Stopped | None, Stopped | None] = None, None
        for beat in range(1, self._beats + 1):
            stopped = self._live(beat)
            progress(beat, self._predictions)
            if any(stopped):
                break
        explored, lived = virtual.end(stopped[0]), real.end(stopped[1])
        self._predictions.find(self._explored.read())
        self._predictions.live(self._lived.read())
        made = tuple(self._predictions.made)
        return LoopResult(
            _result(self._virtual, explored), _result(self._real, lived), made, self._beat_ns, beat
        )

    def _live(self, beat: int) -> tuple[Stopped | None, Stopped | None]:
        """A beat of both; where one of them has ended, the other one ends with it."""
        begins_ns, ends_ns = (beat - 1) * self._beat_ns, beat * self._beat_ns
        if (explored := self._virtual.living.until(ends_ns)) is not None:
            return explored, "ended"
        for one in self._predictions.expect(self._explored.read(), beat):
            content: Value = {"confidence": one.confidence, "content": dict(one.content)}
            self._tell(self._virtual, self._real, one.gate, SIGNAL, one.number, content, begins_ns)
        if (lived := self._real.living.until(ends_ns)) is not None:
            return "ended", lived
        for one in self._predictions.live(self._lived.read()):
            self._told += 1
            outcome: Value = {"opening": one.opening, "outcome": one.outcome, "discrepancy": one.lived}
            self._tell(self._real, self._virtual, one.gate, LIVED, self._told, outcome, ends_ns)
        self._predictions.fade()
        return None, None

    def _tell(
        self, by: Side, to: Side, gate: str, event: str, number: int, payload: Value, at_ns: int
    ) -> None:
        said = Stimulus(name=event, payload=payload, sender=_sender(by), number=number)
        to.living.tell(f"gate/{gate}", said, at_ns)


def _sender(side: Side) -> str:
    """As whom a garden tells the other one something."""
    return f"garden/{side.name}"


def _chronicle(side: Side, signaller: str = "") -> Chronicle:
    return Chronicle(side.living.program, side.living.scenario, side.living.journal, signaller)


def _result(side: Side, run: Run) -> RunResult:
    living = side.living
    return result_of(living.program, living.scenario, side.seed, run, living.journal, side.name)
