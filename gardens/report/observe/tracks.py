"""What actors did when there is no attention to show: states, phases, handshakes as slices of time.

A slice of a state lasts from its transition to the next one.  A handshake begins
when the one before it ended, or with its phase: a phase runs them one after the
other (SEMANTICS 4.3).  Of one actor at most ``SLICE_COUNT_MAX`` slices of a
kind are kept, the first ones; the rest is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from runtime.records import Began, HandshakeEnded, Moved, PhaseMarked, Record

SLICE_COUNT_MAX = 400
PHASES, HANDSHAKES, STATES = "phases", "handshakes", "states"


@dataclass(frozen=True, slots=True)
class Slice:
    """From, to, and what it was; ``verdict`` is empty for states."""

    from_ns: int
    to_ns: int
    name: str
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """The slices of one actor, of one kind."""

    actor: str
    what: str
    rest: str
    """The state at the beginning, in which most cells wait."""
    slices: tuple[Slice, ...]
    left_out: int = 0


@dataclass(slots=True)
class Slicing:
    """Turns one actor's records into slices, each told as it ends; knows no more than the open ones."""

    tell: Callable[[str, Slice], None]
    """Is given what kind of slice it is, and the slice."""
    state: str = ""
    since_ns: int = 0
    phase: str = ""
    phase_ns: int = 0
    handshake_ns: int = 0

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""
        time_ns = record.at_ns
        match record.body:
            case Began(state):
                self.state, self.since_ns = state, time_ns
            case Moved(_, source, target):
                self.tell(STATES, Slice(self.since_ns, time_ns, source))
                self.state, self.since_ns = target, time_ns
            case PhaseMarked(phase, "started"):
                self.phase, self.phase_ns, self.handshake_ns = phase, time_ns, time_ns
            case PhaseMarked(phase, verdict):
                self.tell(PHASES, Slice(self.phase_ns, time_ns, phase, verdict))
                self.phase = ""
            case HandshakeEnded(_, name, verdict):
                self.tell(HANDSHAKES, Slice(self.handshake_ns, time_ns, name, verdict))
                self.handshake_ns = time_ns

    def close(self, time_ns: int) -> None:
        """The run is over: what is still open ends here."""
        if self.phase:
            self.tell(PHASES, Slice(self.phase_ns, max(time_ns, self.phase_ns), self.phase, "unfinished"))
        if self.state and time_ns > self.since_ns:
            self.tell(STATES, Slice(self.since_ns, time_ns, self.state))


class Tracking:
    """The tracks of one actor: a protocol's phases and handshakes, the states of everybody else."""

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._protocol = actor.startswith("protocol/")
        self._slices: dict[str, list[Slice]] = {}
        self._left_out: dict[str, int] = {}
        self._rest = ""
        self._slicing = Slicing(self._tell)

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""
        self._slicing.take(record)
        if isinstance(record.body, Began):
            self._rest = record.body.state

    def _tell(self, what: str, piece: Slice) -> None:
        if (what == STATES) == self._protocol or (what == STATES and piece.to_ns <= piece.from_ns):
            return
        slices = self._slices.setdefault(what, [])
        if len(slices) < SLICE_COUNT_MAX:
            slices.append(piece)
        else:
            self._left_out[what] = self._left_out.get(what, 0) + 1

    def tracks(self, end_ns: int) -> tuple[Track, ...]:
        """What is known up to ``end_ns``."""
        ending = Tracking(self._actor)
        replace(self._slicing, tell=ending._tell).close(end_ns)
        return tuple(
            Track(
                self._actor,
                what,
                self._rest if what == STATES else "",
                (*self._slices.get(what, ()), *ending._slices.get(what, ())),
                self._left_out.get(what, 0),
            )
            for what in (PHASES, HANDSHAKES, STATES)
            if what in self._slices or what in ending._slices
        )
