"""Slices of time and instants, one by one while they are few, and else how much was when.

Up to ``SLICE_COUNT_MAX`` are kept as they are; of more there is their density
(:mod:`gardens.report.observe.density`).  Totals cover everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gardens.report.observe.density import Binning, Density, Stay

SLICE_COUNT_MAX = 200


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

    actor: str = ""
    what: str = ""
    rest: str = ""
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


class Slices:
    """Slices that come one after the other."""

    def __init__(self, known: Slices | None = None) -> None:
        self._binning: Binning = Binning(known._binning.density() if known else None)
        self._kept: list[Slice] | None = []
        """None: too many."""
        if known is not None:
            self._kept = None if known._kept is None else [*known._kept]

    def add(self, piece: Slice, *, is_seen: bool = True) -> None:
        """One more; it is counted also where there is nothing of it to be seen."""
        self._binning.add(piece.from_ns, piece.to_ns, piece.kind)
        if self._kept is not None and is_seen:
            self._kept.append(piece)
            if len(self._kept) > SLICE_COUNT_MAX:
                self._kept = None

    def mark(self, at_ns: int, name: str) -> None:
        """An instant."""
        self.add(Slice(at_ns, at_ns, name))

    def track(self, actor: str = "", what: str = "", rest: str = "") -> Track:
        """What was added up to now."""
        return Track(actor, what, rest, tuple(self._kept or ()), self._binning.density())


class Staying:
    """What something is, and what it was before."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._since_ns = 0
        self._slices = Slices()

    def turn(self, name: str, at_ns: int) -> None:
        """It is something else."""
        if name != self.name:
            self._end(at_ns)
            self.name, self._since_ns = name, max(at_ns, self._since_ns)

    def copy(self) -> Staying:
        """The same, to look ahead."""
        other = Staying(self.name)
        other._since_ns, other._slices = self._since_ns, Slices(self._slices)
        return other

    def track(self, end_ns: int) -> Track:
        """What is known up to ``end_ns``."""
        ended = self.copy()
        if end_ns > ended._since_ns:
            ended._end(end_ns)
        return ended._slices.track()

    def _end(self, at_ns: int) -> None:
        to_ns = max(at_ns, self._since_ns)
        self._slices.add(Slice(self._since_ns, to_ns, self.name), is_seen=to_ns > self._since_ns)
