"""What actors did when there is no attention to show: states, phases, handshakes as slices of time.

A slice of a state lasts from its transition to the next one.  A handshake begins
when the one before it ended, or with its phase: a phase runs them one after the
other (SEMANTICS 4.3).  How many of them are kept, :mod:`gardens.report.observe.slices`
says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gardens.report.observe.slices import Slice, Slices, Track
from runtime.records import Began, HandshakeEnded, Moved, PhaseMarked, Record

PHASES, HANDSHAKES, STATES = "phases", "handshakes", "states"


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
        self._kinds = (PHASES, HANDSHAKES) if actor.startswith("protocol/") else (STATES,)
        self._told: dict[str, Slices] = {}
        self._rest = ""
        self._slicing = Slicing(self._tell)

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""
        self._slicing.take(record)
        if isinstance(record.body, Began):
            self._rest = record.body.state

    def _tell(self, what: str, piece: Slice) -> None:
        if what in self._kinds:
            is_seen = piece.to_ns > piece.from_ns or bool(piece.verdict)
            self._told.setdefault(what, Slices()).add(piece, is_seen=is_seen)

    def tracks(self, end_ns: int) -> tuple[Track, ...]:
        """What is known up to ``end_ns``."""
        ending = Tracking(self._actor)
        ending._told = {what: Slices(told) for what, told in self._told.items()}
        replace(self._slicing, tell=ending._tell).close(end_ns)
        return tuple(
            told.track(self._actor, what, self._rest if what == STATES else "")
            for what in self._kinds
            if (told := ending._told.get(what)) is not None
        )
