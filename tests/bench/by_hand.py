"""The busy hour as one would write it by hand: simpy for the time, transitions for her modes.

No documents, no journal, no replay, no hashes: a script for this one model, with the
records that its author wants to look at.  It gets the same arrivals and must come to the
same sums, so that its time can be compared.

Twice: with her modes as the nested machine that they are (``Nested``), and, for who does not
mind that her modes then are nothing but names, flat, each reached from everywhere (``Flat``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import simpy
from transitions import Machine
from transitions.extensions import HierarchicalMachine

MS = 1_000_000
S = 1_000 * MS
BEAT, OVERHEAD, SETTLE = 30 * S, 100 * MS, 200 * MS
REFLEX, SAFETY, DIALOGUE, SENSORY, THINKING, VIRTUAL = range(6)
NAMES = ("reflex", "safety", "dialogue", "sensory", "thinking", "virtual")
BASELINES = {SENSORY: 500 * MS, THINKING: 1 * S, VIRTUAL: 30 * S}
SHARES = {SENSORY: (60, 15 * S), THINKING: (90, 12 * S)}
CARRIED = (SAFETY, DIALOGUE, THINKING)
ITEMS_MAX = {REFLEX: 100, SAFETY: 10, DIALOGUE: 4}
PER_ITEM = {SAFETY: 500_000, DIALOGUE: 2_000_000}
PER_SECOND = {SENSORY: 100_000, THINKING: 500_000, VIRTUAL: 20_000}
STAGES: dict[int, tuple[tuple[str, int], ...]] = {
    DIALOGUE: (("listening", 40), ("processing", 20), ("responding", 40), ("yielding", 0)),
    SENSORY: (("sampling", 30), ("translating", 30), ("prioritizing", 20), ("delivering", 20)),
    THINKING: (("receiving", 10), ("routing", 10), ("inferring", 70), ("deciding", 10)),
    VIRTUAL: (("budgeting", 1), ("selecting", 1), ("simulating", 97), ("recording", 1)),
}
STATES = ["idle", "alert", "reflex", "settle", "safety"]
STATES += [f"{NAMES[level]}_{stage}" for level, stages in STAGES.items() for stage, _ in stages]
PATHS = {"dialogue": "attend_dialogue", "sensory": "attend_process_sensory"}
PATHS |= {"thinking": "attend_process_thinking", "virtual": "idle_virtual", "safety": "attend_safety"}


def staged(level: int) -> dict[str, Any]:
    """A level's machine inside her modes."""
    stages = [stage for stage, _ in STAGES[level]]
    return {"name": NAMES[level], "initial": stages[0], "states": stages}


@dataclass
class Item:
    """Something to do."""

    takes: int
    left: int
    baseline: bool = False
    stage: int = 0
    started: bool = False
    known: bool = False
    reserved: int = 0
    base: int = 0
    ran: int = 0


@dataclass
class Level:
    """A level in this beat."""

    queue: deque[Item] = field(default_factory=deque)
    left: int | None = None
    out: bool = False
    starts: int = 0
    spent: int = 0


class Flat:
    """The model; her modes are names."""

    def __init__(self, arrivals: Iterable[tuple[int, int, int]], horizon: int) -> None:
        self.env: Any = simpy.Environment()
        self.records: list[dict[str, Any]] = []
        self.levels = [Level() for _ in NAMES]
        self.sums = [0] * len(NAMES)
        self.balance, self.held, self.spent, self.earned, self.paid_until = 500_000_000, 0, 0, 0, 0
        self.open, self.closes = False, 0
        self.reflexes = 0
        self.running: int | None = None
        self.changed = self.env.event()
        self.beats = 0
        self.make_modes()
        self.env.process(self.beat())
        self.env.process(self.stimuli(arrivals))
        self.env.run(until=horizon)

    def make_modes(self) -> None:
        """From each state there is a way to each."""
        Machine(
            self,
            STATES,
            initial="idle",
            auto_transitions=False,
            after_state_change="note",
            transitions=[[f"to_{state}", "*", state] for state in STATES],
        )

    def note(self) -> None:
        """Every change of mode is a record."""
        self.records.append(
            {
                "type": "mode",
                "beat": self.beats,
                "at": self.env.now,
                "to": self.state,  # type: ignore[attr-defined]
                "remaining": max(0, self.closes - self.env.now),
            }
        )

    def enter(self, state: str) -> None:
        """A mode."""
        if self.state != state:  # type: ignore[attr-defined]
            self.trigger(f"to_{state}")  # type: ignore[attr-defined]

    def record(self, type_: str, **more: Any) -> None:
        """A line of the log."""
        self.records.append({"type": type_, "beat": self.beats, "at": self.env.now, **more})

    def wake(self) -> None:
        """Whoever waits for a change is to look again."""
        if not self.changed.triggered:
            self.changed.succeed()

    def stimuli(self, arrivals: Iterable[tuple[int, int, int]]) -> Any:
        """What comes from outside."""
        for at, level, takes in arrivals:
            yield self.env.timeout(at - self.env.now)
            self.arrive(level, takes)

    def arrive(self, number: int, takes: int, baseline: bool = False) -> None:
        """An item."""
        self.record("arrival", level=NAMES[number], takes=takes, baseline=baseline)
        level = self.levels[number]
        if number == REFLEX:
            if level.starts < ITEMS_MAX[REFLEX]:
                level.starts += 1
                self.env.process(self.reflex())
            else:
                self.record("drop", level="reflex", reason="max_per_beat")
            return
        level.queue.append(Item(takes, takes, baseline))
        if self.open and not self.reflexes and (self.running is None or number < self.running):
            self.enter("alert")
            self.wake()

    def reflex(self) -> Any:
        """It acts at once."""
        self.reflexes += 1
        self.wake()
        self.enter("reflex")
        begun = self.env.now
        yield self.env.timeout(50 * MS)
        self.reflexes -= 1
        self.record("grant", level="reflex", begun=begun, ended="done")
        self.arrive(THINKING, 200 * MS)
        self.wake()

    def beat(self) -> Any:
        """One beat after the other."""
        while True:
            start = self.env.now
            self.closes = start + BEAT - SETTLE
            for number, takes in BASELINES.items():
                self.arrive(number, takes, baseline=True)
            yield self.env.timeout(OVERHEAD)
            self.open = True
            yield from self.window()
            self.open = False
            self.enter("settle")
            for number, level in enumerate(self.levels):
                for item in level.queue:
                    self.pay(number, item)
            yield self.env.timeout(start + BEAT - self.env.now)
            self.finish_beat()
            self.enter("idle")

    def window(self) -> Any:
        """The levels take turns until the beat settles."""
        while self.env.now < self.closes:
            self.changed = self.env.event()
            if self.reflexes:
                yield self.changed | self.env.timeout(self.closes - self.env.now)
                continue
            yield self.env.timeout(0)  # everything that comes at this instant
            if self.changed.triggered:
                continue
            number = self.choose()
            if number is None:
                self.enter("idle")
                yield self.changed | self.env.timeout(self.closes - self.env.now)
                continue
            yield from self.run(number)

    def choose(self) -> int | None:
        """The highest level that has something to do, and may."""
        left = self.closes - self.env.now
        for number in range(SAFETY, len(self.levels)):
            level = self.levels[number]
            if level.out or not level.queue:
                continue
            item = level.queue[0]
            if not item.started and level.starts >= ITEMS_MAX.get(number, 1 << 30):
                continue
            if level.left is None:
                if number in SHARES:
                    share, cap = SHARES[number]
                    level.left = min(cap, share * left // 100)
                elif number == VIRTUAL and left < 3 * S:
                    level.left = 0
                else:
                    level.left = left
            if level.left <= 0:
                level.out = True
                continue
            if not item.started and not self.reserve(number, level, item, left):
                level.out = True
                continue
            return number
        return None

    def reserve(self, number: int, level: Level, item: Item, left: int) -> bool:
        """Its price is put aside."""
        assert level.left is not None
        most = min(item.left, level.left, left)
        base = 0 if item.known else PER_ITEM.get(number, 0)
        amount = base + PER_SECOND.get(number, 0) * most // S
        self.income()
        if amount > self.balance:
            self.record("refused", level=NAMES[number], amount=amount)
            return False
        self.balance -= amount
        self.held += amount
        item.reserved, item.base, item.ran, item.known = amount, base, 0, True
        return True

    def income(self) -> None:
        """What came in since the last look."""
        self.earn(900_000 * self.env.now // S - 900_000 * self.paid_until // S)
        self.paid_until = self.env.now

    def earn(self, amount: int) -> None:
        """The pool and what is reserved of it have a limit."""
        amount = min(amount, 1_000_000_000 - self.balance - self.held)
        self.balance += amount
        self.earned += amount

    def pay(self, number: int, item: Item) -> None:
        """What it used is spent, the rest comes back."""
        if item.reserved:
            used = item.base + PER_SECOND.get(number, 0) * item.ran // S
            self.income()
            self.balance += item.reserved - used
            self.held -= item.reserved
            self.spent += used
            item.reserved = 0

    def run(self, number: int) -> Any:
        """The level has the time until it is done, cut, or something else comes."""
        level = self.levels[number]
        item = level.queue[0]
        assert level.left is not None
        if not item.started:
            item.started = True
            level.starts += 1
        self.running = number
        begun = self.env.now
        ended = ""
        while not ended:
            self.show(number, item, first=begun == self.env.now)
            until = self.stage_end(number, item) - (item.takes - item.left)
            span = min(until, item.left, level.left, self.closes - self.env.now)
            since = self.env.now
            if span:
                yield self.changed | self.env.timeout(span)
            ran = self.env.now - since
            item.left -= ran
            item.ran += ran
            level.left -= ran
            level.spent += ran
            if item.left == 0:
                ended = "done"
            elif level.left == 0 or self.env.now >= self.closes:
                ended = "cut"
            elif self.changed.triggered:
                ended = "interrupted"
            elif number in STAGES and item.stage + 1 < len(STAGES[number]):
                item.stage += 1
        while ended == "done" and number in STAGES and item.stage + 1 < len(STAGES[number]):
            item.stage += 1
            self.show(number, item)
        self.running = None
        if begun < self.env.now:
            self.record("grant", level=NAMES[number], begun=begun, ended=ended)
        if ended == "done":
            level.queue.popleft()
            self.pay(number, item)
            if number == DIALOGUE:
                self.earn(3_000_000)
        elif ended == "cut":
            level.out = True
            self.pay(number, item)
            if item.baseline or number not in CARRIED:
                level.queue.popleft()

    def stage_end(self, number: int, item: Item) -> int:
        """How far into the item its stage reaches."""
        if number not in STAGES:
            return item.takes
        return item.takes * sum(share for _, share in STAGES[number][: item.stage + 1]) // 100

    def show(self, number: int, item: Item, first: bool = False) -> None:
        """Her mode is what she does."""
        stages = STAGES.get(number)
        self.enter(f"{NAMES[number]}_{stages[item.stage][0]}" if stages else NAMES[number])

    def finish_beat(self) -> None:
        """The sums of the beat; the next one begins with what is carried."""
        spent = {}
        for number, level in enumerate(self.levels):
            spent[NAMES[number]] = level.spent
            self.sums[number] += level.spent
            kept = deque(item for item in level.queue if not item.baseline and number in CARRIED)
            for item in kept:
                item.started = False
            dropped = sum(not item.baseline for item in level.queue) - len(kept)
            if dropped:
                self.record("drop", level=NAMES[number], count=dropped)
            self.levels[number] = Level(kept)
        self.record("beat", spent=spent, balance=self.balance)
        self.beats += 1


class Nested(Flat):
    """The model; her modes are a nested machine that hears events."""

    def make_modes(self) -> None:
        """The machine of the shipped attention."""
        process = {"name": "process", "initial": "sensory", "states": [staged(SENSORY), staged(THINKING)]}
        attend = {"name": "attend", "initial": "safety", "states": ["safety", staged(DIALOGUE), process]}
        idle = {"name": "idle", "initial": "resting", "states": ["resting", staged(VIRTUAL)]}
        ways: list[Any] = [
            ["reflex", "*", "reflex"],
            ["settle", "*", "settle"],
            ["beat", ["settle", "reflex"], "idle"],
        ]
        ways += [["nothing", "*", "idle_resting"], ["stimulus", ["idle", "attend"], "alert"]]
        ways += [[level, "*", path] for level, path in PATHS.items()]
        for level, stages in STAGES.items():
            path = PATHS[NAMES[level]]
            for (stage, _), (following, _) in pairwise(stages):
                ways.append([following, f"{path}_{stage}", f"{path}_{following}"])
            ways += [[f"{NAMES[level]}_{stage}", "*", f"{path}_{stage}"] for stage, _ in stages]
        HierarchicalMachine(
            self,
            [idle, "alert", "reflex", attend, "settle"],
            initial="idle",
            auto_transitions=False,
            ignore_invalid_triggers=True,
            after_state_change="note",
            transitions=ways,
        )

    def enter(self, state: str) -> None:
        """An event."""
        event = {"idle": "nothing", "alert": "stimulus"}.get(state, state)
        self.trigger(event)  # type: ignore[attr-defined]

    def show(self, number: int, item: Item, first: bool = False) -> None:
        """What begins is an event: a level, in the middle of an item too, or its next stage."""
        stages = STAGES.get(number)
        if not stages:
            self.enter(NAMES[number])
        elif first:
            self.enter(f"{NAMES[number]}_{stages[item.stage][0]}")
        else:
            self.enter(stages[item.stage][0])
