"""What a level does with its queue: how much it may have, what it pays, when its item starts and stops.

The part of the scheduler that knows one level at a time (SEMANTICS 5.2, 5.5).  Who has the time is
decided in :mod:`runtime.kernel.scheduler`.
"""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.program import Beat, Level
from runtime.kernel.beat import BeatState, Item, LevelState, OpenGate, remaining_ns
from runtime.records import AttentionBody, GivenUp, Ran


class Port(Protocol):
    """What the scheduler asks of the step that it is a part of."""

    def tell(self, at_ns: int, body: AttentionBody) -> None:
        """Leaves a record."""

    def mode(self, event: str, at_ns: int, stage: str = "", level: str = "", item: str = "") -> None:
        """Lets the modes hear an event, of a level and one of its items where there is one."""

    def reserve(self, level: str, amount: int, certain: bool, at_ns: int) -> str | None:
        """The key of a hold of so many micro-LF, empty if that is ``certain``; None when it was refused."""

    def settle(self, level: str, hold: str, used: int, left: int) -> None:
        """Pays what was used from a hold, and gives back what is left."""

    def shed(self, gate: str) -> None:
        """Tells a gate, by its id, that there is no time for what it brings."""

    def grant(self, gate: str, opened: OpenGate) -> None:
        """Tells the nerves of a gate that what it brought has the time."""

    def withdraw(self, gate: str) -> None:
        """Tells them that it has it no more, and is not done."""

    def urge(self, urgency: int) -> None:
        """Tells the economy how urgent it is, millionths."""

    def start(self, level: Level, item: Item) -> int:
        """Starts the level's work on an item; its number."""

    def revoke(self, number: int, at_ns: int) -> None:
        """Takes the time from work; it will be heard of once more."""


class Levels:
    """One step's hands on the levels."""

    def __init__(self, beat: Beat, state: BeatState, port: Port) -> None:
        self.beat = beat
        self.state = state
        self.port = port

    def spend(self, number: int, passed_ns: int, at_ns: int) -> None:
        """The running item had the time for so long."""
        level = self.state.levels[number]
        head = level.queue[0]
        item = replace(head, left_ns=head.left_ns - passed_ns, ran_ns=head.ran_ns + passed_ns)
        level.queue = [item, *level.queue[1:]]
        level.spent_ns += passed_ns
        level.left_ns -= passed_ns
        self.note_stages(self.beat.levels[number], level, at_ns)

    def note_stages(self, level: Level, state: LevelState, at_ns: int) -> None:
        """Notes the stages that the running item has entered by now, each at its own instant."""
        item = state.queue[0]
        stage, takes_ns = item.stage, item.takes_ns
        progress_ns = takes_ns - item.left_ns
        while stage + 1 < len(level.stages):
            entered_ns = takes_ns * level.stages[stage][1] // MICRO
            if progress_ns < entered_ns:
                break
            stage += 1
            name = level.stages[stage][0]
            self.port.mode(name, at_ns - (progress_ns - entered_ns), level=level.name, item=item.name)
        if stage != item.stage:
            state.queue = [replace(item, stage=stage), *state.queue[1:]]

    def may_start(self, level: Level, state: LevelState) -> bool:
        """Whether its next item may have time: it had some already, or the beat allows one more."""
        return bool(state.queue[0].granted or not level.items_max or state.starts < level.items_max)

    def allotted(self, level: Level, state: LevelState, at_ns: int) -> bool:
        """Fixes what the level may have, when it is first asked in the beat; whether any is left."""
        left_ns = remaining_ns(self.state, at_ns)
        if not state.allotted:
            state.allotted = True
            if level.policy == "share":
                part_ns = level.share * left_ns // MICRO
                state.left_ns = min(part_ns, level.cap_ns) if level.cap_ns else part_ns
            elif level.policy == "rest" and left_ns < level.minimum_ns:
                state.left_ns = 0
            else:
                state.left_ns = left_ns
        if state.left_ns == 0:
            state.out = True
        return not state.out

    def afford(self, number: int, at_ns: int) -> bool:
        """Whether the head of the queue is paid for, now or before; refused, the level is out."""
        level, state = self.beat.levels[number], self.state.levels[number]
        item = state.queue[0]
        if item.paid:
            return True
        base = (0 if state.fixed else level.cost_fixed) + (0 if item.known else level.cost_per_item)
        most_ns = min(item.left_ns, state.left_ns, remaining_ns(self.state, at_ns))
        amount = base + level.cost_per_second * most_ns // SECOND_NS
        hold: str | None = ""
        if amount:
            hold = self.port.reserve(level.name, amount, not level.cost_per_second, at_ns)
            if hold is None:
                state.out = True
                return False
        item = replace(item, hold=hold, held=amount, owes=base, ran_ns=0, paid=True)
        state.queue = [item, *state.queue[1:]]
        return True

    def grant(self, number: int, at_ns: int) -> None:
        """The level gets the time for the head of its queue."""
        level, state = self.beat.levels[number], self.state.levels[number]
        item = state.queue[0]
        if not item.granted:
            state.starts += 1
            state.fixed = True
            if level.policy in ("each", "all"):
                state.granted_ns += min(item.left_ns, remaining_ns(self.state, at_ns))
        if state.started_ns is None:
            state.started_ns = at_ns - self.state.start_ns
            if level.policy in ("share", "rest"):
                state.granted_ns = state.left_ns
        if item.gate and not item.known and item.gate in self.state.gates:
            self.port.grant(item.gate, self.state.gates[item.gate])
        work = self.port.start(level, item) if level.work else 0
        item = replace(item, granted=True, known=True, from_ns=at_ns, work=work)
        state.queue = [item, *state.queue[1:]]
        self.state.running = number
        self.show(number, at_ns)

    def show(self, number: int, at_ns: int) -> None:
        """The modes hear who has the time, unless they know."""
        level = self.beat.levels[number]
        if level.stages or self.state.mode != level.name:
            item = self.state.levels[number].queue[0]
            stage = level.stages[item.stage][0] if level.stages else ""
            self.state.mode = level.name
            self.port.mode(level.name, at_ns, stage, level=level.name, item=item.name)

    def stop(self, number: int, at_ns: int, ended: str) -> Item:
        """The running item loses the time; it stays at the head of its queue."""
        state = self.state.levels[number]
        item = state.queue[0]
        if item.from_ns < at_ns:
            level = self.beat.levels[number]
            ran = Ran(item.number, level.name, item.name, item.from_ns, at_ns, ended)
            self.port.tell(at_ns, ran)
        if item.work:
            self.port.revoke(item.work, at_ns)
            item = replace(item, work=0)
            state.queue = [item, *state.queue[1:]]
        self.state.running = None
        return item

    def cut(self, number: int, at_ns: int) -> None:
        """The level's time, or everybody's, is over."""
        item = self.pay(number, self.stop(number, at_ns, "cut"))
        state, level = self.state.levels[number], self.beat.levels[number]
        state.out = True
        keep = level.carry and not item.baseline
        state.queue = [item, *state.queue[1:]] if keep else state.queue[1:]
        if not keep and not item.baseline:
            self.drop(number, item, "cut", at_ns)

    def holds(self, number: int) -> bool:
        """Whether nothing but a reflex takes the time from its item once it has begun in a beat."""
        return self.beat.levels[number].preempted == "never"

    def preempt(self, number: int, at_ns: int) -> None:
        """Something else has the time now that this level was interrupted."""
        state, level = self.state.levels[number], self.beat.levels[number]
        if self.state.running == number:
            self.stop(number, at_ns, "preempted")
        if not state.queue or state.out or not state.queue[0].granted:
            return
        item = state.queue[0]
        state.preempted += 1
        if level.preempted == "restart":
            item = replace(self.pay(number, item), left_ns=item.takes_ns, stage=0, paid=False)
            state.queue = [item, *state.queue[1:]]
        elif level.preempted == "abandon":
            state.queue = state.queue[1:]
            self.pay(number, item)
            self.drop(number, item, "abandoned", at_ns)

    def pay(self, number: int, item: Item) -> Item:
        """The item without its hold: what it used is paid, the rest given back."""
        if not item.hold:
            return item
        level = self.beat.levels[number]
        used = item.owes + level.cost_per_second * item.ran_ns // SECOND_NS
        self.port.settle(level.name, item.hold, used, item.held - used)
        return replace(item, hold="", owes=0, ran_ns=0, paid=False)

    def drop(self, number: int, item: Item, reason: str, at_ns: int) -> None:
        """An item is given up."""
        level = self.beat.levels[number]
        self.state.levels[number].dropped += 1
        self.port.tell(at_ns, GivenUp(item.number, level.name, item.name, item.left_ns, reason))
        if item.gate and item.known:
            self.port.withdraw(item.gate)

    def close_gate(self, gate: str, reason: str, at_ns: int) -> None:
        """What a gate has brought and nobody has begun is given up."""
        for number, state in enumerate(self.state.levels):
            vain = [item for item in state.queue if item.gate == gate and not item.known]
            for item in vain:
                self.drop(number, item, reason, at_ns)
            if vain:
                state.queue = [item for item in state.queue if item not in vain]

    def _shed(self, gate: str) -> None:
        """A gate whose item starved, and that is an actor, is told to rest."""
        opened = self.state.gates.get(gate)
        if opened is not None and opened.actor:
            self.port.shed(opened.actor)

    def settle_queue(self, number: int) -> None:
        """Pays for what its items used, and gives back what they did not."""
        level = self.state.levels[number]
        if any(item.hold for item in level.queue):
            level.queue = [self.pay(number, item) for item in level.queue]

    def leave_over(self, number: int, level: Level, at_ns: int) -> None:
        """What the beat leaves is carried, dropped or, of baselines, forgotten."""
        state = self.state.levels[number]
        kept = []
        for item in state.queue:
            if item.baseline:
                continue
            if level.carry and item.gate and not item.known and item.beat < self.state.beat:
                self.drop(number, item, "starved", at_ns)
                self._shed(item.gate)
            elif level.carry:
                kept.append(replace(item, granted=False, paid=False))
            else:
                self.drop(number, item, "beat", at_ns)
        state.queue = kept
