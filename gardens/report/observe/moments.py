"""What an attention's records say, as plain data: stretches of running, arrivals, drops, beats.

Times are garden time in nanoseconds: ``at_ns`` is when it happened, not when the
actor noted it.  What is kept of all this is :mod:`gardens.report.observe.view`'s affair.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.records import (
    Arrived,
    BeatEnded,
    GivenUp,
    LevelCounts,
    LevelTimes,
    Moment,
    Moved,
    Overran,
    Ran,
    Refused,
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """An item had the time; ``ended`` is done, failed, preempted, suspended, cut, or running at the end."""

    item: int
    level: str
    name: str
    from_ns: int
    to_ns: int
    ended: str


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """An item joined a level."""

    item: int
    level: str
    name: str
    at_ns: int
    takes_ns: int
    baseline: bool


@dataclass(frozen=True, slots=True)
class Drop:
    """An item was given up, with so much of it left to do."""

    item: int
    level: str
    name: str
    at_ns: int
    left_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class Move:
    """Her mode changed."""

    event: str
    source: str
    target: str
    at_ns: int
    remaining_ns: int


@dataclass(frozen=True, slots=True)
class Overrun:
    """Work went on after its time was over."""

    item: int
    level: str
    at_ns: int
    overrun_ns: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The economy refused a level's price; micro-LF."""

    level: str
    at_ns: int
    price: int
    balance: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a level had of a beat.  ``started_ns`` counts from the beat's start; None: never."""

    spent_ns: int
    granted_ns: int
    started_ns: int | None
    preempted: int
    dropped: int
    done: int


@dataclass(frozen=True, slots=True)
class BeatSummary:
    """A beat in figures; ``shares`` are in the order of the levels.

    ``settled`` is false for one that the end of the run cut short.
    """

    index: int
    start_ns: int
    end_ns: int
    settled: bool
    overhead_ns: int
    charged_ns: int
    reflex_ns: int
    idle_ns: int
    settle_ns: int
    shares: tuple[Share, ...]

    @property
    def dropped(self) -> int:
        """Items given up, of all levels."""
        return sum(share.dropped for share in self.shares)

    @property
    def preempted(self) -> int:
        """How often a level lost the time to a higher one."""
        return sum(share.preempted for share in self.shares)


def stretch_of(body: Ran) -> Stretch:
    """The stretch in a ``grant``."""
    return Stretch(body.item, body.level, body.name, body.from_ns, body.to_ns, body.ended)


def arrival_of(body: Arrived, at_ns: int) -> QueuedItem:
    """What an ``arrival`` says."""
    return QueuedItem(body.item, body.level, body.name, at_ns, body.takes_ns, body.baseline)


def drop_of(body: GivenUp, at_ns: int) -> Drop:
    """What a ``drop`` says."""
    return Drop(body.item, body.level, body.name, at_ns, body.left_ns, body.reason)


def move_of(body: Moved, at_ns: int, moment: Moment | None) -> Move:
    """What a ``transition`` says."""
    remaining_ns = moment.remaining_ns if moment else None
    return Move(body.event, body.source, body.target, at_ns, remaining_ns or 0)


def overrun_of(body: Overran, at_ns: int) -> Overrun:
    """What an ``overrun`` says."""
    return Overrun(body.item, body.level, at_ns, body.overrun_ns)


def refusal_of(body: Refused, at_ns: int) -> Refusal:
    """What a ``refused`` says; a price of the modes belongs to no level."""
    return Refusal(body.level, at_ns, body.price, body.balance)


def beat_of(body: BeatEnded, index: int, end_ns: int, levels: tuple[str, ...]) -> BeatSummary:
    """What a ``beat`` says; the shares of ``levels`` in their order."""
    times = body.times
    return BeatSummary(
        index=index,
        start_ns=times.start_ns,
        end_ns=end_ns,
        settled=body.settled,
        overhead_ns=times.overhead_ns,
        charged_ns=times.charged_ns,
        reflex_ns=times.reflex_ns,
        idle_ns=times.idle_ns,
        settle_ns=times.settle_ns,
        shares=tuple(_share(body.counts[name], times.levels[name]) for name in levels),
    )


def _share(counts: LevelCounts, times: LevelTimes) -> Share:
    return Share(
        times.spent_ns, times.granted_ns, times.started_ns, counts.preempted, counts.dropped, counts.done
    )
