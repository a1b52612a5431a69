"""What actors did when there is no attention to show: states, phases, handshakes as slices of time.

A slice of a state lasts from its transition to the next one.  A handshake begins
when the one before it ended, or with its phase: a phase runs them one after the
other (SEMANTICS 4.3).  Of one actor up to ``SLICE_COUNT_MAX`` slices of a kind are
kept as they are; of more there is how long it was what, bin by bin
(:mod:`gardens.report.observe.density`).  Totals cover everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gardens.report.observe.density import Binning, Density, Stay
from runtime.records import Began, HandshakeEnded, Moved, PhaseMarked, Record

SLICE_COUNT_MAX = 200
PHASES, HANDSHAKES, STATES = "phases", "handshakes", "states"


@dataclass(frozen=True, slots=True)
class Slice:
    """From, to, and what it was; ``verdict`` is empty for states."""

    from_ns: int
    to_ns: int
    name: str
    verdict: str = ""

    @property
    def kind(self) -> str:
        """What it counts as among many: a state by its name, a phase or handshake by how it ended."""
        return self.verdict or self.name


@dataclass(frozen=True, slots=True)
class Track:
    """What one actor did, of one kind."""

    actor: str
    what: str
    rest: str
    """The state at the beginning, in which most cells wait."""
    slices: tuple[Slice, ...] = ()
    """Empty when there are too many of them."""
    density: Density = field(default_factory=Density)
    """The same by bins of time, and by :attr:`Slice.kind`."""

    @property
    def totals(self) -> dict[str, Stay]:
        """The time of each kind of slice, and how many there were, in the order of their names."""
        found: dict[str, Stay] = {}
        for stays in self.density.bins.values():
            for name, (time_ns, count) in stays.items():
                before_ns, before = found.get(name, (0, 0))
                found[name] = before_ns + time_ns, before + count
        return dict(sorted(found.items()))


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


class _Told:
    """The slices of one kind that were told."""

    def __init__(self, slices: list[Slice] | None, density: Density | None = None) -> None:
        self.slices = slices
        """None: too many."""
        self.binning = Binning(density)

    def add(self, piece: Slice) -> None:
        self.binning.add(piece.from_ns, piece.to_ns, piece.kind)
        if self.slices is not None and (piece.to_ns > piece.from_ns or piece.verdict):
            self.slices.append(piece)
            if len(self.slices) > SLICE_COUNT_MAX:
                self.slices = None

    def copy(self) -> _Told:
        return _Told(None if self.slices is None else [*self.slices], self.binning.density())


class Tracking:
    """The tracks of one actor: a protocol's phases and handshakes, the states of everybody else."""

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._kinds = (PHASES, HANDSHAKES) if actor.startswith("protocol/") else (STATES,)
        self._told: dict[str, _Told] = {}
        self._rest = ""
        self._slicing = Slicing(self._tell)

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""
        self._slicing.take(record)
        if isinstance(record.body, Began):
            self._rest = record.body.state

    def _tell(self, what: str, piece: Slice) -> None:
        if what in self._kinds:
            self._told.setdefault(what, _Told([])).add(piece)

    def tracks(self, end_ns: int) -> tuple[Track, ...]:
        """What is known up to ``end_ns``."""
        ending = Tracking(self._actor)
        ending._told = {what: told.copy() for what, told in self._told.items()}
        replace(self._slicing, tell=ending._tell).close(end_ns)
        return tuple(
            Track(
                self._actor,
                what,
                self._rest if what == STATES else "",
                tuple(told.slices or ()),
                told.binning.density(),
            )
            for what in self._kinds
            if (told := ending._told.get(what)) is not None
        )
