"""The scheduler said again: slow, one tick of time after the other (SEMANTICS 5).

A tick is a nanosecond, so that shares come out exactly; beats of some hundred ticks are enough.  The law
is the order of what is due at one instant: what ends with the beat, and its end; what arrives (reflexes
start at once); what ends; then one choice, if levels may run.

It knows nothing of :mod:`runtime.kernel.scheduler`.  Not here: prices, modes, stages, work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nimdsl.program import Beat, Level
from tests.support.outcomes import Comes, Drop, Outcome, Stretch, Sums

MICRO = 1_000_000


@dataclass(eq=False)
class Item:
    """``takes`` and ``left`` are ticks; ``since`` is when its last stretch began."""

    number: int
    queue: Queue
    name: str
    takes: int
    left: int
    baseline: bool
    since: int = 0
    started: bool = False
    """Whether it has run in this beat."""
    gate: str = ""
    beat: int = 0
    """In which it arrived."""
    ever: bool = False
    """Whether it has run at all."""


@dataclass(eq=False)
class Queue:
    """A level: its items, and what became of it in this beat."""

    level: Level
    items: list[Item] = field(default_factory=list)
    budget: int | None = None
    """What it may have of the beat, once that is fixed."""
    started: int = 0
    sums: Sums = field(default_factory=Sums)

    def begin(self) -> None:
        self.budget, self.started, self.sums = None, 0, Sums()
        for item in self.items:
            item.started = False


class Clock:
    """Where time has come to."""

    def __init__(self, beat: Beat) -> None:
        self.beat = beat
        self.queues = [Queue(level) for level in beat.levels]
        self.gates: dict[str, int] = {}
        self.flashed: set[str] = set()
        """The gates that have brought a reflex in this beat."""
        self.start, self.number = 0, 0
        self.running: Item | None = None
        self.suspended: Item | None = None
        self.reflexes: list[Item] = []
        self.outcome = Outcome()
        self.reflex = self.idle = 0

    @property
    def closing(self) -> int:
        return self.start + self.beat.length_ns - self.beat.settle_ns

    def tick(self, now: int, coming: Sequence[Comes]) -> None:
        """Everything that happens at one instant."""
        self.pass_time(now)
        if now % self.beat.length_ns == 0:
            told: list[Item] = []
            self.end_running(now, told)
            if now:
                self.end_beat(now)
            self.begin_beat(now)
            for item in told:
                self.tell(item, now)
        for one in coming:
            self.come(one, now)
        self.end_reflexes(now)
        self.end_running(now)
        if now == self.closing:
            self.suspended = None
        if self.start + self.beat.overhead_ns <= now < self.closing and not self.reflexes:
            self.choose(now)

    def pass_time(self, now: int) -> None:
        """The tick that has passed."""
        if not self.start + self.beat.overhead_ns < now <= self.closing:
            return
        if self.reflexes:
            self.reflex += 1
            for reflex in self.reflexes:
                reflex.queue.sums.spent += 1
        elif self.running:
            self.running.left -= 1
            self.running.queue.sums.spent += 1
        else:
            self.idle += 1

    # The beat

    def begin_beat(self, now: int) -> None:
        self.start = now
        self.flashed = set()
        for queue in self.queues:
            queue.begin()
        for queue in self.queues:
            if queue.level.baseline_ns:
                self.arrive(queue, "baseline", queue.level.baseline_ns, now, baseline=True)
        for gate in sorted(self.gates):
            self.bring(gate, now)

    def end_beat(self, now: int) -> None:
        for queue in self.queues:
            for item in list(queue.items):
                if item.baseline:
                    queue.items.remove(item)
                elif not queue.level.carry:
                    self.drop(item, "beat", now)
                elif item.gate and not item.ever and item.beat < self.number:
                    self.drop(item, "starved", now)
        levels = {queue.level.name: queue.sums for queue in self.queues}
        self.outcome.beats.append((levels, self.reflex, self.idle))
        self.reflex = self.idle = 0
        self.suspended = None
        self.number += 1

    # What arrives

    def come(self, one: Comes, now: int) -> None:
        payload: Any = one.payload
        if "level" in payload:
            (queue,) = (queue for queue in self.queues if queue.level.name == payload["level"])
            self.arrive(queue, one.event, payload["takes"], now)
        elif one.event == "closed":
            self.gates.pop(payload["gate"], None)
            for item in self.unfinished(payload["gate"]):
                if not item.ever:
                    self.drop(item, "closed", now)
        else:
            is_open = payload["gate"] in self.gates
            self.gates[payload["gate"]] = payload["tier"]
            if not is_open and now < self.closing:
                self.bring(payload["gate"], now)

    def unfinished(self, gate: str) -> list[Item]:
        items = [*self.reflexes, *(item for queue in self.queues for item in queue.items)]
        return [item for item in items if item.gate == gate]

    def bring(self, gate: str, now: int) -> None:
        for queue in self.queues:
            if self.gates[gate] in queue.level.tiers:
                if not self.unfinished(gate) and not (queue.level.reflex and gate in self.flashed):
                    self.arrive(queue, gate, 0, now, gate=gate)
                    if queue.level.reflex:
                        self.flashed.add(gate)
                return

    def arrive(
        self, queue: Queue, name: str, takes: int, now: int, baseline: bool = False, gate: str = ""
    ) -> None:
        level = queue.level
        if level.policy == "each" and not baseline:
            takes = level.takes_ns
        takes = takes or level.takes_ns
        self.outcome.item_count += 1
        item = Item(self.outcome.item_count, queue, name, takes, takes, baseline, now)
        item.gate, item.beat = gate, self.number
        if takes == 0:
            self.drop(item, "takes nothing", now)
        elif level.reflex and level.items_max and queue.started >= level.items_max:
            self.drop(item, "max_per_beat", now)
        elif level.reflex:
            self.begin_item(item, now, takes)
            self.reflexes.append(item)
        elif len(queue.items) >= level.queue_max and not baseline:
            self.drop(item, "queue", now)
        else:
            queue.items.append(item)

    def begin_item(self, item: Item, now: int, granted: int) -> None:
        sums = item.queue.sums
        item.since, item.ever = now, True
        if not item.started:
            item.started = True
            item.queue.started += 1
            sums.granted += granted
        if sums.started is None:
            sums.started = now - self.start

    # What ends

    def end_reflexes(self, now: int) -> None:
        for item in [one for one in self.reflexes if one.since + one.takes == now]:
            self.reflexes.remove(item)
            self.done(item, now)

    def ending(self) -> bool:
        item = self.running
        return item is not None and (item.left == 0 or item.queue.sums.spent == item.queue.budget)

    def end_running(self, now: int, told: list[Item] | None = None) -> None:
        """``told``: where what is done waits that tells only in the next beat."""
        item = self.running
        if item is None:
            return
        queue = item.queue
        if item.left == 0:
            queue.items.remove(item)
            self.running = None
            self.done(item, now, told)
        elif self.ending() or now == self.closing:
            self.stop(item, "cut", now)
            if item.baseline:
                queue.items.remove(item)
            elif not queue.level.carry:
                self.drop(item, "cut", now)
        elif self.reflexes:
            self.stop(item, "suspended", now)
            self.suspended = item

    def done(self, item: Item, now: int, told: list[Item] | None = None) -> None:
        self.stop(item, "done", now)
        item.queue.sums.done += 1
        if told is None:
            self.tell(item, now)
        else:
            told.append(item)

    def tell(self, item: Item, now: int) -> None:
        for queue in self.queues:
            if queue.level.name == item.queue.level.tells:
                self.arrive(queue, item.name, item.queue.level.tells_ns, now)

    def stop(self, item: Item, ended: str, now: int) -> None:
        self.running = None
        name = item.queue.level.name
        self.outcome.stretches.append(Stretch(self.number, name, item.number, item.since, now, ended))

    def drop(self, item: Item, reason: str, now: int) -> None:
        if item in item.queue.items:
            item.queue.items.remove(item)
        item.queue.sums.dropped += 1
        name = item.queue.level.name
        self.outcome.drops.append(Drop(self.number, name, item.number, item.left, reason, now))

    # The choice

    def choose(self, now: int) -> None:
        interrupted = self.running or self.suspended
        self.suspended = None
        if interrupted and interrupted.queue.level.preempted == "never":
            chosen: Queue | None = interrupted.queue
        else:
            chosen = next((queue for queue in self.queues if self.may_run(queue, now)), None)
        if interrupted and chosen is not interrupted.queue:
            self.preempt(interrupted, now)
        if chosen and not self.running:
            self.running = chosen.items[0]
            summed = chosen.level.policy in ("each", "all")
            self.begin_item(self.running, now, min(self.running.left, self.closing - now) * summed)

    def may_run(self, queue: Queue, now: int) -> bool:
        level = queue.level
        if not queue.items:
            return False
        if level.items_max and queue.started >= level.items_max and not queue.items[0].started:
            return False
        if queue.budget is None:
            remaining = self.closing - now
            queue.budget = remaining
            if level.policy == "share":
                part = level.share * remaining // MICRO
                queue.budget = min(part, level.cap_ns) if level.cap_ns else part
            elif level.policy == "rest" and remaining < level.minimum_ns:
                queue.budget = 0
            queue.sums.granted += queue.budget * (level.policy in ("share", "rest"))
        return queue.sums.spent < queue.budget

    def preempt(self, item: Item, now: int) -> None:
        if item is self.running:
            self.stop(item, "preempted", now)
        item.queue.sums.preempted += 1
        if item.queue.level.preempted == "restart":
            item.left = item.takes
        elif item.queue.level.preempted == "abandon":
            self.drop(item, "abandoned", now)


def expected(beat: Beat, stimuli: Sequence[Comes], beats: int) -> Outcome:
    """What becomes of the stimuli in the first beats."""
    clock = Clock(beat)
    for now in range(beats * beat.length_ns + 1):
        clock.tick(now, [one for one in stimuli if one.at_ns == now])
    return clock.outcome.of_first(beats)
