"""What becomes of an attention's beats, in a form that two schedulers can be compared in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nimdsl.base.values import Value
from runtime.records import Record
from tests.support.plain import plain


@dataclass(frozen=True)
class Comes:
    """A stimulus: an item for a level, or a gate that opens or closes."""

    at_ns: int
    event: str
    payload: Mapping[str, Value]


class Stretch(NamedTuple):
    beat: int
    level: str
    item: int
    from_ns: int
    to_ns: int
    ended: str


class Drop(NamedTuple):
    beat: int
    level: str
    item: int
    left_ns: int
    reason: str
    at_ns: int


@dataclass
class Sums:
    """Of one level in one beat."""

    spent: int = 0
    granted: int = 0
    started: int | None = None
    preempted: int = 0
    dropped: int = 0
    done: int = 0


@dataclass
class Outcome:
    """Stretches, drops, and of each beat: the sums of the levels, reflex and idle time."""

    stretches: list[Stretch] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    beats: list[tuple[dict[str, Sums], int, int]] = field(default_factory=list)
    item_count: int = 0

    def of_first(self, beats: int) -> Outcome:
        """Of the first beats, in an order of its own."""
        stretches = sorted(one for one in self.stretches if one.beat < beats)
        drops = sorted(one for one in self.drops if one.beat < beats)
        return Outcome(stretches, drops, self.beats[:beats], 0)


def outcome_of(records: Iterable[Record], beats: int) -> Outcome:
    """What the records of an attention say."""
    outcome = Outcome()
    for record in plain(records):
        match record["type"]:
            case "grant":
                fields = ("beat", "level", "item", "from_ns", "to_ns", "ended")
                outcome.stretches.append(Stretch(*(record[name] for name in fields)))
            case "drop":
                fields = ("beat", "level", "item", "left_ns", "reason", "at_ns")
                outcome.drops.append(Drop(*(record[name] for name in fields)))
            case "beat":
                times, counts = record["times"], record["counts"]
                levels = {
                    name: Sums(own["spent_ns"], own["granted_ns"], own["started_ns"], **counts[name])
                    for name, own in times["levels"].items()
                }
                outcome.beats.append((levels, times["reflex_ns"], times["idle_ns"]))
    return outcome.of_first(beats)
