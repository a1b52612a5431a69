"""The scheduler of attention: a beat of time, and who has it (SEMANTICS 5).

Pure, and on a grid: what is due between two events is worked off at the instant
at which it was due, so the parts of a beat add up exactly, however late an
event loop wakes.  The laws, by number:

- 5.1  a beat is overhead, the window of the levels, settle; R is what remains of
       the window.  What runs past its revocation is charged to the next beat.
- 5.2  ``share`` and ``rest`` fix what a level may have when it is first selected
       in a beat; a ``rest`` level is tested once.
- 5.3  the highest level that has an item and something left runs.  The choice is
       made once at an instant, after everything that arrives at it.  What is
       ``preempted: never`` keeps the time that it has, and nobody is looked at.
- 5.4  a reflex starts at the instant of its stimulus, wherever in the beat, and
       suspends the levels.  What is suspended keeps its progress; it is preempted
       only if something higher has come when the reflex is over.
- 5.5  a level's time is paid item by item: reserved when the item starts in a
       beat, settled when it ends or the beat settles.  Refused, the level stays
       out for the beat.

A baseline belongs to its beat: what is left of it ends there, and is no drop.
Stages of an item are noted when the next thing happens, at their own instant; where a
mode acts on them (``Level.live``), that instant is a thing that happens.

Not here: the state (:mod:`runtime.kernel.beat`); what a level does with its queue
(:mod:`runtime.kernel.levels`); modes, prices' answers, records' shape
(:mod:`runtime.kernel.attention`).
"""

from __future__ import annotations

from msgspec.structs import replace

from nimdsl.base.values import Value
from nimdsl.program import Beat, Level
from runtime.kernel.beat import (
    BeatState,
    Item,
    OpenGate,
    Reflex,
    ends_ns,
    follow,
    heard_until_ns,
    next_instant_ns,
    summary,
)
from runtime.kernel.levels import Levels, Port
from runtime.records import Arrived, Ran


class Scheduler:
    """One step's hands on the state."""

    def __init__(self, beat: Beat, state: BeatState, port: Port) -> None:
        self.beat = beat
        self.state = state
        self.port = port
        self.levels = Levels(beat, state, port)
        self._late: list[tuple[Level, str]] | None = None
        """While a beat ends: who is to be told in the next one."""

    # Time

    def begin(self) -> None:
        """The first beat: its baselines arrive."""
        self._baselines(self.state.start_ns)

    def advance(self, until_ns: int, *, boundary: bool, instants: bool) -> None:
        """Works off, in order, what is due before ``until_ns``.

        At ``until_ns`` itself: with ``boundary`` the end of a beat, with ``instants`` all else.
        """
        while True:
            due = self._due()
            end = ends_ns(self.beat, self.state)
            if end <= due and (end < until_ns or (boundary and end == until_ns)):
                self._end_beat(end)
            elif due < end and (due < until_ns or (instants and due == until_ns)):
                self._instant(due)
            else:
                break
        self._account(until_ns)

    def _due(self) -> int:
        instant, decide = next_instant_ns(self.beat, self.state), self.state.decide_ns
        if instant is None:
            return ends_ns(self.beat, self.state) if decide is None else decide
        return instant if decide is None else min(instant, decide)

    def _account(self, at_ns: int) -> None:
        """The time since the last look goes to whoever had it."""
        state = self.state
        passed_ns = at_ns - state.at_ns
        if passed_ns <= 0:
            return
        state.at_ns = at_ns
        if state.phase != "window":
            return
        if state.reflexes:
            state.reflex_ns += passed_ns
            for reflex in state.reflexes:
                state.levels[reflex.level].spent_ns += passed_ns
        elif state.running is None:
            state.idle_ns += passed_ns
        else:
            self.levels.spend(state.running, passed_ns, at_ns)

    def _instant(self, at_ns: int) -> None:
        """Everything that is due at an instant within a beat, and then one choice."""
        state = self.state
        self._account(at_ns)
        if state.running is not None:
            number = state.running
            self.levels.note_stages(self.beat.levels[number], state.levels[number], at_ns)
        self._forget(at_ns)
        deciding = state.decide_ns == at_ns
        state.decide_ns = None
        deciding |= self._end_reflexes(at_ns)
        if state.phase == "overhead" and state.opens_ns == at_ns:
            state.phase = "window"
            deciding = True
        deciding |= self._end_stretch(at_ns)
        if state.phase == "window" and state.closes_ns == at_ns:
            self._close(at_ns)
        elif deciding and state.phase == "window" and not state.reflexes:
            self._choose(at_ns)

    def _end_stretch(self, at_ns: int) -> bool:
        """Whether the running item is done, or its level has nothing left."""
        state = self.state
        if state.running is None:
            return False
        number = state.running
        level = state.levels[number]
        if level.queue[0].left_ns == 0:
            self._done(number, at_ns, "done")
        elif level.left_ns == 0:
            self.levels.cut(number, at_ns)
        else:
            return False
        return True

    def _close(self, at_ns: int) -> None:
        """The window closes: what runs is cut, every hold is settled, the beat settles."""
        state = self.state
        if state.running is not None:
            self.levels.cut(state.running, at_ns)
        state.phase = "settle"
        for number in range(len(self.beat.levels)):
            self.levels.settle_queue(number)
        if not state.reflexes:
            self.port.mode("settle", at_ns)

    def _end_beat(self, at_ns: int) -> None:
        state = self.state
        self._account(at_ns)
        state.decide_ns = None
        self._late = []
        if state.phase != "settle":
            state.phase = "window"
            self._end_stretch(at_ns)
            self._close(at_ns)
        self._forget(at_ns)
        for number, level in enumerate(self.beat.levels):
            self.levels.leave_over(number, level, at_ns)
        self.port.tell(at_ns, summary(self.beat, state, at_ns))
        follow(self.beat, state)
        if not state.reflexes:
            self.port.mode("beat", at_ns)
        self._baselines(at_ns)
        told, self._late = self._late, None
        for level_, name in told:
            self._tell_on(level_, name, at_ns)

    def _baselines(self, at_ns: int) -> None:
        for number, level in enumerate(self.beat.levels):
            if level.baseline_ns and (level.goes or not self.state.asleep):
                self._arrive(number, "baseline", level.baseline_ns, {}, at_ns, baseline=True)
        for gate in sorted(self.state.gates):
            self._gate_item(gate, at_ns)

    # Arrivals

    def arrive(self, level: str, name: str, takes_ns: int, payload: Value, at_ns: int) -> None:
        """A stimulus: an item for a level.  ``takes_ns`` 0: what the level says.  Raises KeyError."""
        number = next((n for n, one in enumerate(self.beat.levels) if one.name == level), -1)
        if number < 0:
            raise KeyError(level)
        self._arrive(number, name, takes_ns, payload, at_ns)

    def open_gate(self, gate: str, opened: OpenGate, at_ns: int) -> None:
        """A gate opens, or is of another tier from now on: it brings an item now and in every beat.

        Now only once, and not while the beat settles: nobody could begin it.  What it says again only shows
        that it is open; what comes late, behind a later opening or behind its own closing, is nothing.
        """
        known = self.state.gates.get(gate)
        latest = self.state.shut.get(gate, 0) + 1 if known is None else known.opening
        if opened.opening and opened.opening < latest:
            return
        opens = known is None
        self.state.gates = {**self.state.gates, gate: opened}
        if opens and at_ns < self.state.closes_ns:
            self._gate_item(gate, at_ns)

    def close_gate(self, gate: str, opening: int, at_ns: int) -> None:
        """A gate closes; what it has brought stays if it ever had the time.

        ``opening`` is which one is over, 0 where nobody said so; one before the latest is over anyway.
        """
        known = self.state.gates.get(gate)
        if opening:
            if known is not None and opening < known.opening:
                return
            self.state.shut = {**self.state.shut, gate: opening}
        self._leave(gate, "closed", at_ns)

    def _forget(self, at_ns: int) -> None:
        """Gates that were not heard of for too long are open no more."""
        unheard = [
            name
            for name, one in self.state.gates.items()
            if one.actor and heard_until_ns(self.beat, one) <= at_ns
        ]
        for gate in sorted(unheard):
            self._leave(gate, "unheard", at_ns)

    def _leave(self, gate: str, reason: str, at_ns: int) -> None:
        self.state.gates = {name: one for name, one in self.state.gates.items() if name != gate}
        self.levels.close_gate(gate, reason, at_ns)

    def _gate_item(self, gate: str, at_ns: int) -> None:
        """An item for the level of the gate's tier, unless one is not finished; in a beat one reflex."""
        state = self.state
        tier = state.gates[gate].tier
        number = next((n for n, level in enumerate(self.beat.levels) if tier in level.tiers), None)
        waits = any(item.gate == gate for level in state.levels for item in level.queue)
        if number is None or waits or any(reflex.gate == gate for reflex in state.reflexes):
            return
        if self.beat.levels[number].reflex:
            if gate in state.flashed:
                return
            state.flashed = (*state.flashed, gate)
        self._arrive(number, gate, 0, {}, at_ns, gate=gate)

    def _arrive(
        self,
        number: int,
        name: str,
        takes_ns: int,
        payload: Value,
        at_ns: int,
        baseline: bool = False,
        gate: str = "",
    ) -> None:
        state, level = self.state, self.beat.levels[number]
        if not baseline and (level.policy == "each" or not takes_ns):
            takes_ns = level.takes_ns
        item = Item(state.item, name, takes_ns, takes_ns, baseline, payload, gate=gate, beat=state.beat)
        state.item += 1
        self.port.tell(at_ns, Arrived(item.number, level.name, name, takes_ns, baseline, gate))
        if takes_ns <= 0:
            self.levels.drop(number, item, "takes nothing", at_ns)
        elif level.reflex:
            self._reflex(number, item, at_ns)
        else:
            self._enqueue(number, item, at_ns)

    def _enqueue(self, number: int, item: Item, at_ns: int) -> None:
        state = self.state
        level = state.levels[number]
        if len(level.queue) >= self.beat.levels[number].queue_max and not item.baseline:
            self.levels.drop(number, item, "queue", at_ns)
            return
        level.queue = [*level.queue, item]
        waits = state.running is not None and (number >= state.running or self.levels.holds(state.running))
        if state.phase == "settle" or state.reflexes or item.baseline or waits:
            return
        self.port.mode("stimulus", at_ns, level=self.beat.levels[number].name, item=item.name)
        state.mode = ""
        if state.phase == "window":
            state.decide_ns = at_ns

    # Reflexes

    def _reflex(self, number: int, item: Item, at_ns: int) -> None:
        state, level = self.state, self.beat.levels[number]
        own = state.levels[number]
        if level.items_max and own.starts >= level.items_max:
            self.levels.drop(number, item, "max_per_beat", at_ns)
            return
        if state.running is not None and not self._ends(state.running, at_ns):
            state.interrupted = state.running
            self.levels.stop(state.running, at_ns, "suspended")
        own.starts += 1
        own.granted_ns += item.takes_ns
        if own.started_ns is None:
            own.started_ns = at_ns - state.start_ns
        reflex = Reflex(number, item.number, at_ns, at_ns + item.takes_ns, item.name, item.gate)
        state.reflexes.append(reflex)
        state.mode = level.name
        self.port.mode(level.name, at_ns, level=level.name, item=item.name)
        self._urge()

    def _ends(self, number: int, at_ns: int) -> bool:
        """Whether the level that runs ends at this very instant anyway: then it is not suspended."""
        level = self.state.levels[number]
        return min(level.queue[0].left_ns, level.left_ns, self.state.closes_ns - at_ns) <= 0

    def _end_reflexes(self, at_ns: int) -> bool:
        """Ends the reflexes that are over; whether the levels have the time again."""
        state = self.state
        over = [reflex for reflex in state.reflexes if reflex.to_ns <= at_ns]
        if not over:
            return False
        state.reflexes = [reflex for reflex in state.reflexes if reflex.to_ns > at_ns]
        for number, item, from_ns, to_ns, name, _ in over:
            level = self.beat.levels[number]
            state.levels[number].done += 1
            self.port.tell(to_ns, Ran(item, level.name, name, from_ns, to_ns, "done"))
            self._tell_on(level, name, at_ns)
        if state.reflexes:
            return False
        if state.phase != "window":
            state.mode = ""
            self.port.mode("settle" if state.phase == "settle" else "beat", at_ns)
        return True

    def _tell_on(self, level: Level, name: str, at_ns: int) -> None:
        if level.tells and self._late is not None:
            self._late.append((level, name))
        elif level.tells:
            self.arrive(level.tells, name, level.tells_ns, {}, at_ns)

    # The choice

    def _urge(self) -> None:
        """Tells the economy how urgent it is, where that is not what it was told."""
        state = self.state
        active = {reflex.level for reflex in state.reflexes}
        urgency = 0
        for number, level in enumerate(self.beat.levels):
            came = any(not item.baseline for item in state.levels[number].queue)
            if level.urgency > urgency and (came or number in active):
                urgency = level.urgency
        if urgency != state.urgency:
            state.urgency = urgency
            self.port.urge(urgency)

    def _choose(self, at_ns: int) -> None:
        self._urge()
        state = self.state
        before = state.running if state.running is not None else state.interrupted
        held = before is not None and self.levels.holds(before)
        chosen = before if held else self._highest(at_ns)
        if before is not None and chosen != before:
            self.levels.preempt(before, at_ns)
        state.interrupted = state.decide_ns = None
        if chosen is None:
            if state.mode != "idle":
                state.mode = "idle"
                self.port.mode("idle", at_ns)
            return
        if chosen != state.running:
            self.levels.grant(chosen, at_ns)
        elif state.mode == "":
            self.levels.show(chosen, at_ns)

    def _highest(self, at_ns: int) -> int | None:
        """The highest level that has an item, something left, and the means."""
        for number, level in enumerate(self.beat.levels):
            state = self.state.levels[number]
            if level.reflex or state.out or not state.queue:
                continue
            if not self.levels.may_start(level, state) or not self.levels.allotted(level, state, at_ns):
                continue
            if number == self.state.running or self.levels.afford(number, at_ns):
                return number
        return None

    def _done(self, number: int, at_ns: int, ended: str) -> None:
        item = self.levels.stop(number, at_ns, ended)
        state = self.state.levels[number]
        self.levels.pay(number, item)
        state.queue = state.queue[1:]
        if ended != "done" and item.gate:
            self.port.withdraw(item.gate)
        if ended == "done":
            state.done += 1
            self._tell_on(self.beat.levels[number], item.name, at_ns)

    # Work

    def finished(self, work: int, outcome: str, at_ns: int) -> None:
        """The work of the running item came back before its time was over."""
        state = self.state
        number = state.running
        if number is None or state.levels[number].queue[0].work != work:
            return
        level = state.levels[number]
        level.queue = [replace(level.queue[0], work=0), *level.queue[1:]]
        self._done(number, at_ns, "done" if outcome == "done" else "failed")
        state.decide_ns = at_ns

    def overran(self, overrun_ns: int) -> None:
        """Work went on for so long after its time was over: the next beat has less."""
        self.state.owed_ns += overrun_ns
