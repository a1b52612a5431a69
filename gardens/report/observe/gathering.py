"""What grows while an attention is looked at: the beats that are kept, waiting times, modes.

Each is bounded (:mod:`gardens.report.observe.view` says how), and gives plain data when asked.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import TypeVar

from gardens.report.observe.moments import BeatSummary, Drop, Move, Overrun, QueuedItem, Refusal, Stretch
from gardens.report.observe.spread import Counting, Spread

FIRST_COUNT = 8
WORST_COUNT = 16
RECENT_COUNT = 4
MOMENT_COUNT_MAX = 400
NAME_COUNT_MAX = 200
"""How many kinds of dropped items are told apart."""
OTHERS = "others"

Severity = tuple[int, int, int]
Group = tuple[str, bool]
"""A level, and whether its baselines are meant or what stimuli brought."""
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Detail:
    """What happened in one beat; ``summary`` is None while it has not ended."""

    index: int
    start_ns: int
    mode: str
    """The mode at its start."""
    summary: BeatSummary | None
    stretches: tuple[Stretch, ...]
    arrivals: tuple[QueuedItem, ...]
    drops: tuple[Drop, ...]
    moves: tuple[Move, ...]
    overruns: tuple[Overrun, ...]
    refusals: tuple[Refusal, ...]
    left_out: int
    """How many moments of this beat are missing here."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the items of a level took: until they first had the time, and until they were done."""

    level: str
    baseline: bool
    arrived: int
    started: Spread
    done: Spread

    @property
    def never_started(self) -> int:
        """Those that never had the time: given up, or still waiting."""
        return self.arrived - self.started.total


@dataclass(frozen=True, slots=True)
class DropCount:
    """How many items were given up, and how much was left of them."""

    level: str
    name: str
    reason: str
    count: int
    left_ns: int


@dataclass(frozen=True, slots=True)
class ModeTime:
    """How often a mode was entered and how long she was in it."""

    mode: str
    entered: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class MoveCount:
    """How often she went from one mode to another."""

    event: str
    source: str
    target: str
    count: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """What else went wrong on a level: refused prices, overruns and their sum."""

    level: str
    refused: int
    overruns: int
    overrun_ns: int


@dataclass(slots=True)
class Happening:
    """A beat while things are added to it."""

    index: int
    start_ns: int
    mode: str
    summary: BeatSummary | None = None
    stretches: list[Stretch] = field(default_factory=list)
    arrivals: list[QueuedItem] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    overruns: list[Overrun] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    left_out: int = 0
    suspended: int = 0
    troubles: int = 0
    """Overruns and refusals."""

    def add(self, kept: list[Kind], moment: Kind) -> None:
        """One more, while there is room."""
        if len(kept) < MOMENT_COUNT_MAX:
            kept.append(moment)
        else:
            self.left_out += 1

    @property
    def severity(self) -> Severity:
        """What makes a beat worth a look."""
        summary = self.summary
        return (
            (summary.dropped + self.troubles, summary.preempted, self.suspended) if summary else (0, 0, 0)
        )

    def detail(self) -> Detail:
        """As it is now."""
        return Detail(
            self.index,
            self.start_ns,
            self.mode,
            self.summary,
            tuple(self.stretches),
            tuple(self.arrivals),
            tuple(self.drops),
            tuple(self.moves),
            tuple(self.overruns),
            tuple(self.refusals),
            self.left_out,
        )


class Kept:
    """The beats whose details are kept; a beat is offered once, when it has ended."""

    def __init__(self) -> None:
        self._first: list[Happening] = []
        self._worst: list[tuple[Severity, int, Happening]] = []
        self._recent: deque[Happening] = deque(maxlen=RECENT_COUNT)
        self._hungry: Happening | None = None

    def refuse(self, beat: Happening) -> None:
        """A price was refused in this beat, which may be the first of many."""
        self._hungry = self._hungry or beat

    def feed(self) -> None:
        """A price was paid: whatever was refused before was not the end."""
        self._hungry = None

    def offer(self, beat: Happening) -> None:
        """Keeps it, if it is one of the first, the worst or the last."""
        self._recent.append(beat)
        if len(self._first) < FIRST_COUNT:
            self._first.append(beat)
        elif beat.severity > (0, 0, 0):
            heapq.heappush(self._worst, (beat.severity, -beat.index, beat))
            if len(self._worst) > WORST_COUNT:
                heapq.heappop(self._worst)

    def beats(self) -> list[Happening]:
        """In the order of time, each once."""
        hungry = [self._hungry] if self._hungry and self._hungry.summary else []
        every = [*self._first, *(beat for _, _, beat in self._worst), *hungry, *self._recent]
        return [beat for _, beat in sorted({beat.index: beat for beat in every}.items())]


class Waiting:
    """The items under way, and how long those took that are not any more.

    As many items are under way as the queues of the levels hold.
    """

    def __init__(self) -> None:
        self._open: dict[int, tuple[Group, int, bool]] = {}
        self.arrived: dict[Group, int] = {}
        self.started: dict[Group, Counting] = {}
        self.done: dict[Group, Counting] = {}

    def arrive(self, arrival: QueuedItem) -> None:
        """An item is under way."""
        group = arrival.level, arrival.baseline
        self.arrived[group] = self.arrived.get(group, 0) + 1
        self._open[arrival.item] = group, arrival.at_ns, False

    def run(self, stretch: Stretch) -> None:
        """It had the time; done or failed, it is under way no more."""
        known = self._open.get(stretch.item)
        if known is None:
            return
        group, at_ns, started = known
        if not started:
            self.started.setdefault(group, Counting()).add(stretch.from_ns - at_ns)
            self._open[stretch.item] = group, at_ns, True
        if stretch.ended == "done":
            self.done.setdefault(group, Counting()).add(stretch.to_ns - at_ns)
        if stretch.ended in ("done", "failed"):
            del self._open[stretch.item]

    def drop(self, item: int) -> None:
        """It is given up."""
        self._open.pop(item, None)

    def end_beat(self) -> None:
        """A baseline ends with its beat."""
        self._open = {item: known for item, known in self._open.items() if not known[0][1]}

    def waits(self, levels: tuple[str, ...]) -> tuple[Waits, ...]:
        """What is known of each level to which something came."""
        groups = [(level, baseline) for level in levels for baseline in (False, True)]
        none = Counting()
        return tuple(
            Waits(
                *group,
                self.arrived[group],
                self.started.get(group, none).spread(),
                self.done.get(group, none).spread(),
            )
            for group in groups
            if group in self.arrived
        )


class Modes:
    """The mode she is in, and what it was before."""

    def __init__(self) -> None:
        self.mode = ""
        self._since_ns = 0
        self._times: dict[str, tuple[int, int]] = {}
        self._moves: dict[tuple[str, str, str], int] = {}

    def begin(self, mode: str, at_ns: int) -> None:
        """The mode that she begins in."""
        self.mode, self._since_ns = mode, at_ns
        self._times[mode] = (1, 0)

    def move(self, move: Move) -> None:
        """She goes into another one."""
        entered, time_ns = self._times.get(move.source, (1, 0))
        self._times[move.source] = entered, time_ns + max(0, move.at_ns - self._since_ns)
        entered, time_ns = self._times.get(move.target, (0, 0))
        self._times[move.target] = entered + 1, time_ns
        self.mode, self._since_ns = move.target, move.at_ns
        key = move.source, move.event, move.target
        self._moves[key] = self._moves.get(key, 0) + 1

    def times(self, at_ns: int) -> tuple[ModeTime, ...]:
        """Every mode with its time up to ``at_ns``, the longest first."""
        since_ns = max(0, at_ns - self._since_ns)
        every = [
            ModeTime(mode, entered, time_ns + (since_ns if mode == self.mode else 0))
            for mode, (entered, time_ns) in self._times.items()
        ]
        return tuple(sorted(every, key=lambda one: (-one.time_ns, one.mode)))

    def moves(self) -> tuple[MoveCount, ...]:
        """Every kind of transition, the most frequent first."""
        every = [
            MoveCount(event, source, target, count)
            for (source, event, target), count in self._moves.items()
        ]
        return tuple(sorted(every, key=lambda one: (-one.count, one.source, one.event, one.target)))


class Losses:
    """What was dropped, refused or overrun, counted."""

    def __init__(self) -> None:
        self._drops: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._troubles: dict[str, tuple[int, int, int]] = {}

    def drop(self, drop: Drop) -> None:
        """An item was given up."""
        key = drop.level, drop.name, drop.reason
        if key not in self._drops and len(self._drops) >= NAME_COUNT_MAX:
            key = drop.level, OTHERS, drop.reason
        count, left_ns = self._drops.get(key, (0, 0))
        self._drops[key] = count + 1, left_ns + drop.left_ns

    def overrun(self, overrun: Overrun) -> None:
        """Work went on after its time."""
        refused, overruns, overrun_ns = self._troubles.get(overrun.level, (0, 0, 0))
        self._troubles[overrun.level] = refused, overruns + 1, overrun_ns + overrun.overrun_ns

    def refuse(self, refusal: Refusal) -> None:
        """A price was refused."""
        refused, *overruns = self._troubles.get(refusal.level, (0, 0, 0))
        self._troubles[refusal.level] = refused + 1, overruns[0], overruns[1]

    def drops(self, levels: tuple[str, ...]) -> tuple[DropCount, ...]:
        """By level, the most frequent first."""
        every = [DropCount(*key, *counted) for key, counted in self._drops.items()]
        return tuple(
            sorted(every, key=lambda one: (levels.index(one.level), -one.count, one.name, one.reason))
        )

    def troubles(self) -> tuple[Trouble, ...]:
        """By the name of the level."""
        return tuple(Trouble(level, *counted) for level, counted in sorted(self._troubles.items()))
