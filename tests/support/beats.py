"""Lawful records of an attention's beats, without its scheduler: for tests of what reads them.

A small priority scheduler on the instants that matter.  It knows reflexes, ``all``,
``share`` and ``rest``, baselines, preemption and drops; nothing is carried.  The laws
of SEMANTICS 5.3 to 5.5 hold for what it writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nimdsl.base.units import MICRO, NANOSECONDS
from nimdsl.program import Beat, Level

SECOND, MILLI = NANOSECONDS["s"], NANOSECONDS["ms"]
ACTOR = "attention/test"

BEAT = Beat(
    30 * SECOND,
    100 * MILLI,
    200 * MILLI,
    (
        Level("reflex", "each", takes_ns=50 * MILLI, reflex=True),
        Level("safety", "all"),
        Level("dialogue", "all"),
        Level("sensory", "share", share=600_000, cap_ns=15 * SECOND, baseline_ns=500 * MILLI),
        Level("thinking", "share", share=900_000, cap_ns=12 * SECOND, baseline_ns=SECOND),
        Level("virtual", "rest", minimum_ns=3 * SECOND, baseline_ns=30 * SECOND),
    ),
)


class Stimulus(NamedTuple):
    """Something for a level."""

    at_ns: int
    level: str
    takes_ns: int
    name: str = "stimulus"


@dataclass
class _Item:
    number: int
    name: str
    left_ns: int
    baseline: bool


@dataclass
class _Lane:
    level: Level
    queue: list[_Item] = field(default_factory=list)
    left_ns: int | None = None
    spent_ns: int = 0
    granted_ns: int = 0
    started_ns: int | None = None
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("preempted", "dropped", "done"), 0)
    )


class _Beats:
    def __init__(self, beat: Beat) -> None:
        self.beat = beat
        self.index = 0
        self.item = 0
        self.sequence = 0
        self.mode = "idle"
        self.lanes: list[_Lane] = []
        self.written: list[dict[str, Any]] = []

    def write(self, type_: str, at_ns: int, **fields: Any) -> None:
        self.written.append(
            {"type": type_, **fields, "beat": self.index, "at_ns": at_ns, "actor": ACTOR}
            | {"sequence": self.sequence, "time_ns": at_ns}
        )
        self.sequence += 1

    def move(self, to: str, at_ns: int) -> None:
        if to != self.mode:
            ends_ns = (self.index + 1) * self.beat.length_ns - self.beat.settle_ns
            remaining_ns = max(0, ends_ns - at_ns)
            event = to.partition("/")[0]
            moved = {"event": event, "from": self.mode, "to": to, "remaining_ns": remaining_ns}
            self.write("transition", at_ns, **moved)
            self.mode = to

    def arrive(self, lane: _Lane, name: str, takes_ns: int, at_ns: int, baseline: bool = False) -> _Item:
        self.item += 1
        item = _Item(self.item, name, takes_ns, baseline)
        said = {"item": item.number, "level": lane.level.name, "name": name, "takes_ns": takes_ns}
        self.write("arrival", at_ns, **said, baseline=baseline)
        return item

    def grant(self, lane: _Lane, item: _Item, from_ns: int, to_ns: int, ended: str) -> None:
        lane.counts["preempted"] += ended == "preempted"
        lane.counts["done"] += ended == "done"
        if to_ns > from_ns:
            said = {"item": item.number, "level": lane.level.name, "name": item.name}
            self.write("grant", to_ns, **said, from_ns=from_ns, to_ns=to_ns, ended=ended)

    def drop(self, lane: _Lane, item: _Item, at_ns: int, reason: str) -> None:
        if not item.baseline:
            lane.counts["dropped"] += 1
            said = {"item": item.number, "level": lane.level.name, "name": item.name}
            self.write("drop", at_ns, **said, left_ns=item.left_ns, reason=reason)

    def run(self, index: int, stimuli: list[Stimulus]) -> None:
        """One beat; ``stimuli`` are those of its interval, in the order of time."""
        beat, self.index = self.beat, index
        start_ns = index * beat.length_ns
        opens_ns, end_ns = start_ns + beat.overhead_ns, start_ns + beat.length_ns
        closes_ns = end_ns - beat.settle_ns
        self.lanes = [_Lane(level) for level in beat.levels]
        for lane in self.lanes:
            if lane.level.baseline_ns:
                item = self.arrive(lane, "baseline", lane.level.baseline_ns, start_ns, baseline=True)
                lane.queue.append(item)
        waiting, now_ns, idle_ns, reflex_ns = list(stimuli), start_ns, 0, 0
        while now_ns < closes_ns:
            now_ns = self._take(waiting, now_ns)
            next_ns = min([closes_ns, *(s.at_ns for s in waiting[:1])])
            if now_ns < opens_ns:
                now_ns = min(next_ns, opens_ns)
                continue
            if self.reflex_ends_ns > now_ns:
                until_ns = min(self.reflex_ends_ns, closes_ns)
                reflex_ns += until_ns - now_ns
                now_ns = until_ns
                continue
            chosen = self._choose(closes_ns - now_ns)
            if chosen is None:
                self.move("idle", now_ns)
                idle_ns += next_ns - now_ns
                now_ns = next_ns
            else:
                now_ns = self._stretch(chosen, now_ns, next_ns, closes_ns, waiting)
        self.move("settle", closes_ns)
        self._take(waiting, end_ns)
        self._end(start_ns, end_ns, idle_ns, reflex_ns)

    reflex_ends_ns = 0

    def _take(self, waiting: list[Stimulus], now_ns: int) -> int:
        while waiting and waiting[0].at_ns <= now_ns:
            at_ns, level, takes_ns, name = waiting.pop(0)
            lane = next(lane for lane in self.lanes if lane.level.name == level)
            item = self.arrive(lane, name, takes_ns or lane.level.takes_ns, at_ns)
            if not lane.level.reflex:
                lane.queue.append(item)
                continue
            lane.spent_ns += item.left_ns
            lane.granted_ns += item.left_ns
            if lane.started_ns is None:
                lane.started_ns = at_ns - self.index * self.beat.length_ns
            self.move("reflex", at_ns)
            self.reflex_ends_ns = max(self.reflex_ends_ns, at_ns + item.left_ns)
            self.grant(lane, item, at_ns, at_ns + item.left_ns, "done")
        return now_ns

    def _choose(self, remaining_ns: int) -> _Lane | None:
        for lane in self.lanes:
            level = lane.level
            if not lane.queue:
                continue
            if lane.left_ns is None:
                lane.left_ns = remaining_ns
                if level.policy == "share":
                    lane.left_ns = min(level.cap_ns, level.share * remaining_ns // MICRO)
                elif level.policy == "rest" and remaining_ns < level.minimum_ns:
                    lane.left_ns = 0
                lane.granted_ns = 0 if level.policy == "all" else lane.left_ns
            if lane.left_ns:
                return lane
        return None

    def _stretch(
        self, lane: _Lane, now_ns: int, next_ns: int, closes_ns: int, waiting: list[Stimulus]
    ) -> int:
        item = lane.queue[0]
        assert lane.left_ns is not None
        until_ns = now_ns + min(item.left_ns, lane.left_ns)
        names = [level.name for level in self.beat.levels]
        for stimulus in waiting:
            if stimulus.at_ns < until_ns and names.index(stimulus.level) < names.index(lane.level.name):
                until_ns = stimulus.at_ns
        until_ns = min(until_ns, closes_ns)
        if lane.started_ns is None:
            lane.started_ns = now_ns - self.index * self.beat.length_ns
        self.move(lane.level.name, now_ns)
        ran_ns = until_ns - now_ns
        item.left_ns -= ran_ns
        lane.left_ns -= ran_ns
        lane.spent_ns += ran_ns
        while waiting and waiting[0].at_ns < until_ns:
            self._take(waiting, waiting[0].at_ns)
        if not item.left_ns:
            ended = "done"
        elif not lane.left_ns or until_ns == closes_ns:
            ended = "cut"
        else:
            ended = "suspended" if waiting[0].level == names[0] else "preempted"
        self.grant(lane, item, now_ns, until_ns, ended)
        if ended in ("done", "cut"):
            lane.queue.pop(0)
        if ended == "cut":
            self.drop(lane, item, until_ns, "cut")
        return until_ns

    def _end(self, start_ns: int, end_ns: int, idle_ns: int, reflex_ns: int) -> None:
        for lane in self.lanes:
            for item in lane.queue:
                self.drop(lane, item, end_ns, "beat")
        times = {
            "start_ns": start_ns,
            "overhead_ns": self.beat.overhead_ns,
            "charged_ns": 0,
            "reflex_ns": reflex_ns,
            "idle_ns": idle_ns,
            "settle_ns": self.beat.settle_ns,
            "levels": {
                lane.level.name: {
                    key: getattr(lane, key) for key in ("spent_ns", "granted_ns", "started_ns")
                }
                for lane in self.lanes
            },
        }
        counts = {lane.level.name: lane.counts for lane in self.lanes}
        self.write("beat", end_ns, settled=True, counts=counts, times=times)
        self.written.sort(key=lambda record: record["sequence"])


def beats(count: int, stimuli: Iterable[Stimulus] = (), beat: Beat = BEAT) -> Iterator[dict[str, Any]]:
    """The records of ``count`` beats, in order."""
    writing = _Beats(beat)
    writing.write("begin", 0, state="idle")
    waiting = sorted(stimuli)
    for index in range(count):
        end_ns = (index + 1) * beat.length_ns
        here = [stimulus for stimulus in waiting if stimulus.at_ns < end_ns]
        waiting = waiting[len(here) :]
        writing.run(index, here)
        yield from writing.written
        writing.written = []
