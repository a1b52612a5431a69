"""What became of each item of an attention, read from its records in their order.

:class:`Lives` keeps the items, the queues and the beats, and notes which laws about items a record
breaks (SEMANTICS 2.1, 5.1, 5.3).  The other laws are in :mod:`tests.properties.beat_laws`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from nimdsl.program import Beat, Level
from runtime.records import Record
from tests.support.plain import Plain, plain


@dataclass(eq=False)
class Life:
    """An item, from the records about it."""

    number: int
    level: Level
    name: str
    takes_ns: int
    baseline: bool
    from_ns: int
    beat: int
    gate: str = ""
    stretches: list[Plain] = field(default_factory=list)
    ran_ns: int = 0
    """Since it began, or began again."""
    again: list[int] = field(default_factory=list)
    """After how many stretches it gave way to something higher."""
    to_ns: int | None = None
    """When it was done, dropped or forgotten."""
    dropped: Plain | None = None

    @property
    def done_ns(self) -> int | None:
        """When it was done."""
        done = [one["to_ns"] for one in self.stretches if one["ended"] == "done"]
        return done[-1] if done else None

    def left_ns(self, beat: int) -> int:
        """What was left of it at the start of that beat."""
        before = [one for one in self.stretches if one["beat"] < beat]
        since = (
            max((one for one in self.again if one <= len(before)), default=0)
            if self.level.preempted == "restart"
            else 0
        )
        return self.takes_ns - sum(int(one["to_ns"]) - int(one["from_ns"]) for one in before[since:])

    def lives(self, at_ns: int) -> bool:
        """Whether it is there after everything that happens at that instant."""
        return self.from_ns <= at_ns and (self.to_ns is None or at_ns < self.to_ns)


class Lives:
    """The records of a run in their order; ``broken`` are the laws about items that it breaks."""

    def __init__(self, beat: Beat, records: Iterable[Record]) -> None:
        self.beat = beat
        self.levels = {level.name: level for level in beat.levels}
        self.items: dict[int, Life] = {}
        self.queues: dict[str, list[Life]] = {name: [] for name in self.levels}
        self.beats: list[Plain] = []
        self.refused: list[Plain] = []
        self.charged: list[int] = [0]
        """For each beat, what of it had gone to earlier ones."""
        self.owed_ns = 0
        self.paused: Life | None = None
        """Who ran when a reflex came."""
        self.preempted: Counter[tuple[int, str]] = Counter()
        self.broken: list[str] = []
        takers = {
            "arrival": self.arrived,
            "grant": self.ran,
            "drop": self.dropped,
            "beat": self.ended,
            "refused": self.refused.append,
            "overrun": self.overran,
        }
        at_ns = 0
        for record in plain(records):
            self.check(record["at_ns"] >= at_ns, f"2.1: time goes back to {record['at_ns']}")
            at_ns = max(at_ns, record["at_ns"])
            if record["type"] in takers:
                takers[record["type"]](record)

    def check(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.broken.append(sentence)

    @property
    def reflexes(self) -> list[Life]:
        """Those that have started."""
        return [one for one in self.items.values() if one.level.reflex and one.dropped is None]

    def stretches(self, beat: int) -> list[Plain]:
        """When levels had the time of a beat, in order."""
        found = [s for one in self.items.values() if not one.level.reflex for s in one.stretches]
        return sorted((one for one in found if one["beat"] == beat), key=lambda one: one["from_ns"])

    # In the order of the records

    def arrived(self, record: Plain) -> None:
        level, number = self.levels[record["level"]], record["item"]
        self.check(number == len(self.items) + 1, f"5.1: item {number} is numbered out of order")
        life = Life(
            number,
            level,
            record["name"],
            record["takes_ns"],
            record["baseline"],
            record["at_ns"],
            record["beat"],
            record.get("gate", ""),
        )
        self.items[number] = life
        if not level.reflex:
            self.queues[level.name].append(life)

    def ran(self, record: Plain) -> None:
        life = self.items[record["item"]]
        lasted_ns = record["to_ns"] - record["from_ns"]
        what = f"item {life.number} of {life.level.name}"
        self.check(record["from_ns"] >= life.from_ns, f"5.1: {what} runs before it has arrived")
        self.check(life.to_ns is None, f"5.3: {what} runs after it was over")
        self.check(lasted_ns > 0 and record["at_ns"] == record["to_ns"], f"5.1: {what} ran for {lasted_ns}")
        self.check(
            not life.baseline or record["beat"] == life.beat, f"5.3: the baseline {what} was carried"
        )
        if not life.level.reflex:
            self.check(
                self.queues[life.level.name][:1] == [life], f"5.1: {what} is not the first in its queue"
            )
            if self.paused not in (None, life):
                self.interrupted(self.paused, record["beat"])
            self.paused = life if record["ended"] == "suspended" else None
        life.stretches.append(record)
        life.ran_ns += lasted_ns
        match record["ended"]:
            case "done":
                whole = life.ran_ns == life.takes_ns or life.level.work
                self.check(bool(whole), f"5.3: {what} is done after {life.ran_ns} of {life.takes_ns}")
                self.over(life, record["to_ns"])
            case "cut" if life.baseline:
                self.over(life, record["to_ns"])
            case "preempted":
                self.interrupted(life, record["beat"])

    def interrupted(self, life: Life | None, beat: int) -> None:
        assert life is not None
        never = life.level.preempted == "never"
        self.check(not never, f"5.3: item {life.number} of {life.level.name} gave way, and never does")
        self.preempted[beat, life.level.name] += 1
        life.again.append(len(life.stretches))
        if life.level.preempted == "restart":
            life.ran_ns = 0

    def dropped(self, record: Plain) -> None:
        life, reason, at_ns = self.items[record["item"]], record["reason"], record["at_ns"]
        level, what = life.level, f"item {life.number} of {life.level.name}"
        self.check(life.to_ns is None, f"5.3: {what} is dropped after it was over")
        left_ns = life.takes_ns - life.ran_ns
        self.check(record["left_ns"] == left_ns, f"5.3: {what} is dropped with another rest than {left_ns}")
        allowed = {
            "takes nothing": life.takes_ns == 0,
            "max_per_beat": level.reflex and level.items_max > 0,
            "queue": len(self.queues[level.name]) > level.queue_max,
            "cut": not level.carry and not life.baseline,
            "abandoned": level.preempted == "abandon",
            "beat": not level.carry and not life.baseline and at_ns % self.beat.length_ns == 0,
            "closed": bool(life.gate) and not life.stretches and not level.reflex,
            "starved": bool(life.gate) and not life.stretches and record["beat"] == life.beat + 1,
        }
        self.check(allowed.get(reason, False), f"5.3: {what} is dropped ({reason})")
        life.dropped = record
        self.over(life, at_ns)

    def over(self, life: Life, at_ns: int) -> None:
        life.to_ns = at_ns
        queue = self.queues[life.level.name]
        if life in queue:
            queue.remove(life)

    def overran(self, record: Plain) -> None:
        self.owed_ns += record["overrun_ns"]

    def ended(self, record: Plain) -> None:
        """A beat is over: what is there now is carried, but for baselines."""
        self.beats.append(record)
        self.paused = None
        for name, queue in self.queues.items():
            for life in list(queue):
                if life.baseline:
                    self.over(life, record["at_ns"])
            carry = self.levels[name].carry
            forgotten = [
                one for one in queue if one.gate and not one.stretches and one.beat < record["beat"]
            ]
            self.check(not forgotten, f"5.3: {name} carries an item that starves")
            self.check(carry or not queue, f"5.3: {name} keeps {len(queue)} items without carry")
            too_many = len(queue) > self.levels[name].queue_max
            self.check(not too_many, f"5.3: {name} lets {len(queue)} items wait")
        self.charged.append(min(self.owed_ns, self.beat.window_ns))
        self.owed_ns -= self.charged[-1]


def window(lives: Lives, number: int) -> tuple[int, int]:
    """When levels may run in a beat."""
    beat = lives.beat
    start_ns = number * beat.length_ns
    opens_ns = start_ns + beat.overhead_ns + lives.charged[number]
    return opens_ns, start_ns + beat.length_ns - beat.settle_ns
