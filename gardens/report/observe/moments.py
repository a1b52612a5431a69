"""What an attention's records say, as plain data: stretches of running, arrivals, drops, beats.

Times are garden time in nanoseconds: ``at_ns`` is when it happened, not when the
actor noted it.  What is kept of all this is :mod:`gardens.report.observe.view`'s affair.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.kernel.turn import Record


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
class Arrival:
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


def stretch_of(record: Record) -> Stretch:
    """The stretch in a ``grant``."""
    return Stretch(
        record["item"], record["level"], record["name"], record["from_ns"], record["to_ns"], record["ended"]
    )


def arrival_of(record: Record) -> Arrival:
    """What an ``arrival`` says."""
    return Arrival(
        record["item"],
        record["level"],
        record["name"],
        record["at_ns"],
        record["takes_ns"],
        record["baseline"],
    )


def drop_of(record: Record) -> Drop:
    """What a ``drop`` says."""
    return Drop(
        record["item"],
        record["level"],
        record["name"],
        record["at_ns"],
        record["left_ns"],
        record["reason"],
    )


def move_of(record: Record) -> Move:
    """What a ``transition`` says."""
    return Move(
        record["event"], record["from"], record["to"], record["at_ns"], int(record.get("remaining_ns") or 0)
    )


def overrun_of(record: Record) -> Overrun:
    """What an ``overrun`` says."""
    return Overrun(record["item"], record["level"], record["at_ns"], record["overrun_ns"])


def refusal_of(record: Record) -> Refusal:
    """What a ``refused`` says; a price of the modes belongs to no level."""
    level = str(record.get("level") or "")
    return Refusal(level, record["at_ns"], record["price"], record["balance"])


def beat_of(record: Record, levels: tuple[str, ...]) -> BeatSummary:
    """What a ``beat`` says; the shares of ``levels`` in their order."""
    times, counts = record["times"], record["counts"]
    return BeatSummary(
        index=record["beat"],
        start_ns=times["start_ns"],
        end_ns=record["at_ns"],
        settled=record["settled"],
        overhead_ns=times["overhead_ns"],
        charged_ns=times["charged_ns"],
        reflex_ns=times["reflex_ns"],
        idle_ns=times["idle_ns"],
        settle_ns=times["settle_ns"],
        shares=tuple(
            Share(
                **{key: times["levels"][name][key] for key in ("spent_ns", "granted_ns", "started_ns")},
                **{key: counts[name][key] for key in ("preempted", "dropped", "done")},
            )
            for name in levels
        ),
    )
