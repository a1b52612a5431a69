"""What there is to see of an attention's run: a :class:`View`, put together record by record.

The law: memory is bounded by the number of beats alone.  Every beat's summary is
kept; what happened *in* a beat (stretches, arrivals, drops, modes) is kept of

* the first ``FIRST_COUNT`` beats,
* the ``WORST_COUNT`` beats in which most was dropped, refused or overrun, then
  most preempted or suspended; of two that are alike the earlier one,
* the beat of the first refused price that no level's payment has followed,
* the last ``RECENT_COUNT`` beats,

and of one beat at most ``MOMENT_COUNT_MAX`` moments of a kind.  What is left out
is counted, so that whoever draws a view can say so.  Totals, waiting times and
times in modes cover everything.

A collector can be fed while a run goes on, and its view taken at any time; a beat
that has not ended is in ``details`` without a summary.  Not here: the other actors
and the economy (:mod:`gardens.report.observe.watch` brings all of it together).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gardens.report.observe.doings import Doings
from gardens.report.observe.gathering import (
    Detail,
    DropCount,
    Happening,
    Kept,
    Losses,
    Modes,
    ModeTime,
    MoveCount,
    Trouble,
    Waiting,
    Waits,
)
from gardens.report.observe.lifeforce import Lifeforce
from gardens.report.observe.moments import (
    BeatSummary,
    Drop,
    Move,
    Overrun,
    QueuedItem,
    Refusal,
    Stretch,
    arrival_of,
    beat_of,
    drop_of,
    move_of,
    overrun_of,
    refusal_of,
    stretch_of,
)
from gardens.report.observe.slices import Track
from gardens.report.presentation import Observer
from nimdsl.program import Beat
from runtime.records import (
    Arrived,
    BeatEnded,
    Began,
    GivenUp,
    Moved,
    Overran,
    Ran,
    Record,
    Refused,
)


@dataclass(frozen=True)
class View:
    """Plain data for whoever draws: the page, the text."""

    attention: str = ""
    """The actor; empty for a run without one."""
    beat: Beat | None = None
    beats: tuple[BeatSummary, ...] = ()
    details: tuple[Detail, ...] = ()
    waits: tuple[Waits, ...] = ()
    """In the order of the levels, stimuli before baselines; levels that had none are missing."""
    drops: tuple[DropCount, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    modes: tuple[ModeTime, ...] = ()
    moves: tuple[MoveCount, ...] = ()
    lifeforce: Lifeforce | None = None
    """Of the scenario's own economy."""
    purses: Mapping[str, Lifeforce] = field(default_factory=dict)
    """Of the others, by name."""
    doings: tuple[Doings, ...] = ()
    """What each of the other actors did, in the order of their kinds and names."""
    actors_left_out: int = 0
    """How many actors there are besides those in ``doings``."""
    mode: Track = field(default_factory=Track)
    """What gates and attention amount to; see :mod:`gardens.report.observe.mode`."""
    time_ns: int = 0
    """How far it goes."""
    observers: Mapping[str, Observer] = field(default_factory=dict)
    """What is remembered of actors that have a presentation of their own, by id."""

    def of_kinds(self) -> dict[str, dict[str, Observer]]:
        """The observers by kind, and by actor."""
        found: dict[str, dict[str, Observer]] = {}
        for actor, observer in sorted(self.observers.items()):
            found.setdefault(actor.partition("/")[0], {})[actor] = observer
        return found

    def starves_in(self, detail: Detail) -> bool:
        """Whether it is in this beat that she begins to starve."""
        at_ns = self.lifeforce.starved_ns if self.lifeforce else None
        summary = detail.summary
        return at_ns is not None and summary is not None and detail.start_ns <= at_ns < summary.end_ns


class Collector:
    """Puts the view of one attention together."""

    def __init__(self, beat: Beat, attention: str) -> None:
        self.beat = beat
        self.attention = attention
        self._levels = tuple(level.name for level in beat.levels)
        self._priced = {
            level.name
            for level in beat.levels
            if level.cost_fixed or level.cost_per_item or level.cost_per_second
        }
        self._beats: list[BeatSummary] = []
        self._kept = Kept()
        self._waiting = Waiting()
        self._modes = Modes()
        self._losses = Losses()
        self._time_ns = 0
        self._previous: Happening | None = None
        self._now = Happening(0, 0, "")

    def take(self, record: Record) -> None:
        """One record more, in the actor's order; those of other actors and types are passed over."""
        if record.actor == self.attention and self._take(record):
            self._time_ns = max(self._time_ns, record.at_ns)

    def _take(self, record: Record) -> bool:
        """Whether there is something to see in it."""
        at_ns = record.at_ns
        match record.body:
            case Began() as began:
                self._begin(began, at_ns)
            case Arrived() as arrived:
                self._arrival(arrival_of(arrived, at_ns))
            case Ran() as ran:
                self._grant(stretch_of(ran))
            case GivenUp() as given_up:
                self._drop(drop_of(given_up, at_ns))
            case Moved() as moved:
                self._transition(move_of(moved, at_ns, record.moment))
            case Overran() as overran:
                self._overrun(overrun_of(overran, at_ns))
            case Refused() as refused:
                self._refused(refusal_of(refused, at_ns))
            case BeatEnded() as ended:
                index = record.moment.beat if record.moment else 0
                self._beat(beat_of(ended, index, at_ns, self._levels))
            case _:
                return False
        return True

    def view(self, end_ns: int = 0) -> View:
        """What there is to see up to now, or to ``end_ns`` if that is later."""
        time_ns = max(self._time_ns, end_ns)
        now = [self._now] if self._now.stretches or self._now.arrivals else []
        return View(
            attention=self.attention,
            beat=self.beat,
            beats=tuple(self._beats),
            details=tuple(beat.detail() for beat in [*self._kept.beats(), *now]),
            waits=self._waiting.waits(self._levels),
            drops=self._losses.drops(self._levels),
            troubles=self._losses.troubles(),
            modes=self._modes.times(time_ns),
            moves=self._modes.moves(),
            time_ns=time_ns,
        )

    def _begin(self, body: Began, at_ns: int) -> None:
        self._modes.begin(body.state, at_ns)
        index = at_ns // self.beat.length_ns
        self._now = Happening(index, index * self.beat.length_ns, body.state)

    def _arrival(self, arrival: QueuedItem) -> None:
        self._now.add(self._now.arrivals, arrival)
        self._waiting.arrive(arrival)

    def _grant(self, stretch: Stretch) -> None:
        self._now.add(self._now.stretches, stretch)
        self._now.suspended += stretch.ended == "suspended"
        if self._previous is not None and stretch.from_ns < self._now.start_ns:
            self._previous.add(self._previous.stretches, stretch)
        self._waiting.run(stretch)
        if stretch.level in self._priced:
            self._kept.feed()

    def _drop(self, drop: Drop) -> None:
        self._now.add(self._now.drops, drop)
        self._waiting.drop(drop.item)
        self._losses.drop(drop)

    def _transition(self, move: Move) -> None:
        self._now.add(self._now.moves, move)
        self._modes.move(move)

    def _overrun(self, overrun: Overrun) -> None:
        self._now.add(self._now.overruns, overrun)
        self._now.troubles += 1
        self._losses.overrun(overrun)

    def _refused(self, refusal: Refusal) -> None:
        self._now.add(self._now.refusals, refusal)
        self._now.troubles += 1
        self._losses.refuse(refusal)
        self._kept.refuse(self._now)

    def _beat(self, summary: BeatSummary) -> None:
        self._beats.append(summary)
        self._now.index, self._now.start_ns, self._now.summary = summary.index, summary.start_ns, summary
        self._kept.offer(self._now)
        self._waiting.end_beat()
        self._previous = self._now
        self._now = Happening(summary.index + 1, summary.end_ns, self._modes.mode)
