"""The scheduler of attention: a beat of time, and who has it (SEMANTICS 5).

Pure, and on a grid: what is due between two events is worked off at the instant
at which it was due, so the parts of a beat add up exactly, however late an
event loop wakes.  The laws, by number:

- 5.1  a beat is overhead, the window of the levels, settle; R is what remains of
       the window.  What runs past its revocation is charged to the next beat.
- 5.2  ``share`` and ``rest`` fix what a level may have when it is first selected
       in a beat; a ``rest`` level is tested once.
- 5.3  the highest level that has an item and something left runs.  The choice is
       made once at an instant, after everything that arrives at it.
- 5.4  a reflex starts at the instant of its stimulus, wherever in the beat, and
       suspends the levels.  What is suspended keeps its progress; it is preempted
       only if something higher has come when the reflex is over.
- 5.5  a level's time is paid item by item: reserved when the item starts in a
       beat, settled when it ends or the beat settles.  Refused, the level stays
       out for the beat.

A baseline belongs to its beat: what is left of it ends there, and is no drop.
Stages of an item are noted when the next thing happens, at their own instant; where a
mode acts on them (``Level.live``), that instant is a thing that happens.

Not here: the state (:mod:`runtime.kernel.beat`); modes, prices' answers, records' shape
(:mod:`runtime.kernel.attention`).
"""

from __future__ import annotations

from typing import Protocol

from nimdsl.base.canonical import Plain
from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.program import Beat, Level
from runtime.kernel.beat import (
    OVERHEAD,
    SETTLE,
    WINDOW,
    Item,
    State,
    ends_ns,
    follow,
    next_instant_ns,
    remaining_ns,
    summary,
)


class Port(Protocol):
    """What the scheduler asks of the step that it is a part of."""

    def tell(self, type_: str, at_ns: int, **fields: Plain) -> None:
        """Leaves a record."""

    def mode(self, event: str, at_ns: int, stage: str = "", **fields: Plain) -> None:
        """Lets the modes hear an event."""

    def reserve(self, level: str, amount: int, certain: bool, at_ns: int) -> str | None:
        """The key of a hold of so many micro-LF, empty if that is ``certain``; None when it was refused."""

    def settle(self, level: str, hold: str, used: int, left: int) -> None:
        """Pays what was used from a hold, and gives back what is left."""

    def start(self, level: Level, item: Item) -> int:
        """Starts the level's work on an item; its number."""

    def revoke(self, number: int, at_ns: int) -> None:
        """Takes the time from work; it will be heard of once more."""


class Scheduler:
    """One step's hands on the state."""

    def __init__(self, beat: Beat, state: State, port: Port) -> None:
        self.beat = beat
        self.state = state
        self.port = port
        self._late: list[tuple[Level, str]] | None = None
        """While a beat ends: who is to be told in the next one."""

    # Time

    def begin(self) -> None:
        """The first beat: its baselines arrive."""
        self._baselines(int(self.state["start_ns"]))

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
        instant, decide = next_instant_ns(self.beat, self.state), self.state["decide_ns"]
        if instant is None:
            return ends_ns(self.beat, self.state) if decide is None else int(decide)
        return instant if decide is None else min(instant, decide)

    def _account(self, at_ns: int) -> None:
        """The time since the last look goes to whoever had it."""
        state = self.state
        passed_ns = at_ns - state["at_ns"]
        if passed_ns <= 0:
            return
        state["at_ns"] = at_ns
        if state["phase"] != WINDOW:
            return
        if state["reflexes"]:
            state["reflex_ns"] += passed_ns
            for number, *_ in state["reflexes"]:
                state["levels"][number]["spent_ns"] += passed_ns
        elif state["running"] is None:
            state["idle_ns"] += passed_ns
        else:
            self._spend(state["levels"][state["running"]], passed_ns, at_ns)

    def _spend(self, level: State, passed_ns: int, at_ns: int) -> None:
        head = level["queue"][0]
        item = {**head, "left_ns": head["left_ns"] - passed_ns, "ran_ns": head["ran_ns"] + passed_ns}
        level["queue"] = [item, *level["queue"][1:]]
        level["spent_ns"] += passed_ns
        level["left_ns"] -= passed_ns
        self._stages(self.beat.levels[self.state["running"]], level, at_ns)

    def _stages(self, level: Level, state: State, at_ns: int) -> None:
        """Notes the stages that the running item has entered by now, each at its own instant."""
        item = state["queue"][0]
        stage, takes_ns = item["stage"], item["takes_ns"]
        progress_ns = takes_ns - item["left_ns"]
        while stage + 1 < len(level.stages):
            entered_ns = takes_ns * level.stages[stage][1] // MICRO
            if progress_ns < entered_ns:
                break
            stage += 1
            name = level.stages[stage][0]
            self.port.mode(name, at_ns - (progress_ns - entered_ns), level=level.name, item=item["name"])
        if stage != item["stage"]:
            state["queue"] = [{**item, "stage": stage}, *state["queue"][1:]]

    def _instant(self, at_ns: int) -> None:
        """Everything that is due at an instant within a beat, and then one choice."""
        state = self.state
        self._account(at_ns)
        if state["running"] is not None:
            number = state["running"]
            self._stages(self.beat.levels[number], state["levels"][number], at_ns)
        deciding = state["decide_ns"] == at_ns
        state["decide_ns"] = None
        deciding |= self._end_reflexes(at_ns)
        if state["phase"] == OVERHEAD and state["opens_ns"] == at_ns:
            state["phase"] = WINDOW
            deciding = True
        deciding |= self._end_stretch(at_ns)
        if state["phase"] == WINDOW and state["closes_ns"] == at_ns:
            self._close(at_ns)
        elif deciding and state["phase"] == WINDOW and not state["reflexes"]:
            self._choose(at_ns)

    def _end_stretch(self, at_ns: int) -> bool:
        """Whether the running item is done, or its level has nothing left."""
        state = self.state
        if state["running"] is None:
            return False
        number = state["running"]
        level = state["levels"][number]
        if level["queue"][0]["left_ns"] == 0:
            self._done(number, at_ns, "done")
        elif level["left_ns"] == 0:
            self._cut(number, at_ns)
        else:
            return False
        return True

    def _close(self, at_ns: int) -> None:
        """The window closes: what runs is cut, every hold is settled, the beat settles."""
        state = self.state
        if state["running"] is not None:
            self._cut(state["running"], at_ns)
        state["phase"] = SETTLE
        for number in range(len(self.beat.levels)):
            self._settle_queue(number)
        if not state["reflexes"]:
            self.port.mode("settle", at_ns)

    def _settle_queue(self, number: int) -> None:
        level = self.state["levels"][number]
        if any(item["hold"] for item in level["queue"]):
            level["queue"] = [self._paid(number, item) for item in level["queue"]]

    def _end_beat(self, at_ns: int) -> None:
        state = self.state
        self._account(at_ns)
        state["decide_ns"] = None
        self._late = []
        if state["phase"] != SETTLE:
            state["phase"] = WINDOW
            self._end_stretch(at_ns)
            self._close(at_ns)
        for number, level in enumerate(self.beat.levels):
            self._leave_over(number, level, at_ns)
        self.port.tell("beat", at_ns, **summary(self.beat, state, at_ns))
        follow(self.beat, state)
        if not state["reflexes"]:
            self.port.mode("beat", at_ns)
        self._baselines(at_ns)
        told, self._late = self._late, None
        for level_, name in told:
            self._tell_on(level_, name, at_ns)

    def _leave_over(self, number: int, level: Level, at_ns: int) -> None:
        """What the beat leaves is carried, dropped or, of baselines, forgotten."""
        state = self.state["levels"][number]
        kept = []
        for item in state["queue"]:
            if item["baseline"]:
                continue
            if level.carry:
                kept.append({**item, "granted": False, "paid": False})
            else:
                self._drop(number, item, "beat", at_ns)
        state["queue"] = kept

    def _baselines(self, at_ns: int) -> None:
        for number, level in enumerate(self.beat.levels):
            if level.baseline_ns:
                self._arrive(number, "baseline", level.baseline_ns, {}, at_ns, baseline=True)
        gates = self.state["gates"]
        for gate in sorted(gates):
            self._gate_item(gate, gates[gate], at_ns)

    # Arrivals

    def arrive(self, level: str, name: str, takes_ns: int, payload: Plain, at_ns: int) -> None:
        """A stimulus: an item for a level.  ``takes_ns`` 0: what the level says.  Raises KeyError."""
        number = next((n for n, one in enumerate(self.beat.levels) if one.name == level), -1)
        if number < 0:
            raise KeyError(level)
        self._arrive(number, name, takes_ns, payload, at_ns)

    def open_gate(self, gate: str, tier: int, at_ns: int) -> None:
        """A gate opens: it brings an item now and in every beat, until it closes; once."""
        if gate not in self.state["gates"]:
            self._gate_item(gate, tier, at_ns)
        self.state["gates"] = {**self.state["gates"], gate: tier}

    def close_gate(self, gate: str) -> None:
        """A gate closes; what it has brought stays."""
        self.state["gates"] = {name: tier for name, tier in self.state["gates"].items() if name != gate}

    def _gate_item(self, gate: str, tier: int, at_ns: int) -> None:
        for number, level in enumerate(self.beat.levels):
            if tier in level.tiers:
                self._arrive(number, gate, 0, {}, at_ns)
                return

    def _arrive(
        self, number: int, name: str, takes_ns: int, payload: Plain, at_ns: int, baseline: bool = False
    ) -> None:
        state, level = self.state, self.beat.levels[number]
        if not baseline and (level.policy == "each" or not takes_ns):
            takes_ns = level.takes_ns
        item: Item = {
            "item": state["item"],
            "name": name,
            "takes_ns": takes_ns,
            "left_ns": takes_ns,
            "ran_ns": 0,
            "stage": 0,
            "baseline": baseline,
            "granted": False,
            "known": False,
            "paid": False,
            "payload": payload,
            "hold": "",
            "held": 0,
            "owes": 0,
            "work": 0,
        }
        state["item"] += 1
        self.port.tell(
            "arrival",
            at_ns,
            item=item["item"],
            level=level.name,
            name=name,
            takes_ns=takes_ns,
            baseline=baseline,
        )
        if takes_ns <= 0:
            self._drop(number, item, "takes nothing", at_ns)
        elif level.reflex:
            self._reflex(number, item, at_ns)
        else:
            self._enqueue(number, item, at_ns)

    def _enqueue(self, number: int, item: Item, at_ns: int) -> None:
        state = self.state
        level = state["levels"][number]
        if len(level["queue"]) >= self.beat.levels[number].queue_max and not item["baseline"]:
            self._drop(number, item, "queue", at_ns)
            return
        level["queue"] = [*level["queue"], item]
        waits = state["running"] is not None and number >= state["running"]
        if state["phase"] == SETTLE or state["reflexes"] or item["baseline"] or waits:
            return
        self.port.mode("stimulus", at_ns, level=self.beat.levels[number].name, item=item["name"])
        state["mode"] = ""
        if state["phase"] == WINDOW:
            state["decide_ns"] = at_ns

    # Reflexes

    def _reflex(self, number: int, item: Item, at_ns: int) -> None:
        state, level = self.state, self.beat.levels[number]
        own = state["levels"][number]
        if level.items_max and own["starts"] >= level.items_max:
            self._drop(number, item, "max_per_beat", at_ns)
            return
        if state["running"] is not None and not self._ends(at_ns):
            state["interrupted"] = state["running"]
            self._stop(state["running"], at_ns, "suspended")
        own["starts"] += 1
        own["granted_ns"] += item["takes_ns"]
        if own["started_ns"] is None:
            own["started_ns"] = at_ns - state["start_ns"]
        state["reflexes"].append([number, item["item"], at_ns, at_ns + item["takes_ns"], item["name"]])
        state["mode"] = level.name
        self.port.mode(level.name, at_ns, level=level.name, item=item["name"])

    def _ends(self, at_ns: int) -> bool:
        """Whether what runs ends at this very instant anyway: then it is not suspended."""
        level = self.state["levels"][self.state["running"]]
        left_ns = min(level["queue"][0]["left_ns"], level["left_ns"], self.state["closes_ns"] - at_ns)
        return bool(left_ns <= 0)

    def _end_reflexes(self, at_ns: int) -> bool:
        """Ends the reflexes that are over; whether the levels have the time again."""
        state = self.state
        over = [reflex for reflex in state["reflexes"] if reflex[3] <= at_ns]
        if not over:
            return False
        state["reflexes"] = [reflex for reflex in state["reflexes"] if reflex[3] > at_ns]
        for number, item, from_ns, to_ns, name in over:
            level = self.beat.levels[number]
            state["levels"][number]["done"] += 1
            self._tell_grant(level, item, name, from_ns, to_ns, "done")
            self._tell_on(level, name, at_ns)
        if state["reflexes"]:
            return False
        if state["phase"] != WINDOW:
            state["mode"] = ""
            self.port.mode("settle" if state["phase"] == SETTLE else "beat", at_ns)
        return True

    def _tell_on(self, level: Level, name: str, at_ns: int) -> None:
        if level.tells and self._late is not None:
            self._late.append((level, name))
        elif level.tells:
            self.arrive(level.tells, name, level.tells_ns, {}, at_ns)

    # The choice

    def _choose(self, at_ns: int) -> None:
        state = self.state
        before = state["running"] if state["running"] is not None else state["interrupted"]
        chosen = self._highest(at_ns)
        if before is not None and chosen != before:
            self._preempt(before, at_ns)
        state["interrupted"] = state["decide_ns"] = None
        if chosen is None:
            if state["mode"] != "idle":
                state["mode"] = "idle"
                self.port.mode("idle", at_ns)
            return
        if chosen != state["running"]:
            self._grant(chosen, at_ns)
        elif state["mode"] == "":
            self._show(chosen, at_ns)

    def _highest(self, at_ns: int) -> int | None:
        """The highest level that has an item, something left, and the means."""
        for number, level in enumerate(self.beat.levels):
            state = self.state["levels"][number]
            if level.reflex or state["out"] or not state["queue"]:
                continue
            if not self._may_start(level, state) or not self._allotted(level, state, at_ns):
                continue
            if number == self.state["running"] or self._afford(number, at_ns):
                return number
        return None

    def _may_start(self, level: Level, state: State) -> bool:
        return bool(
            state["queue"][0]["granted"] or not level.items_max or state["starts"] < level.items_max
        )

    def _allotted(self, level: Level, state: State, at_ns: int) -> bool:
        """Fixes what the level may have, when it is first asked in the beat; whether any is left."""
        left_ns = remaining_ns(self.state, at_ns)
        if state["left_ns"] is None:
            if level.policy == "share":
                part_ns = level.share * left_ns // MICRO
                state["left_ns"] = min(part_ns, level.cap_ns) if level.cap_ns else part_ns
            elif level.policy == "rest" and left_ns < level.minimum_ns:
                state["left_ns"] = 0
            else:
                state["left_ns"] = left_ns
        if state["left_ns"] == 0:
            state["out"] = True
        return not state["out"]

    def _afford(self, number: int, at_ns: int) -> bool:
        """Whether the head of the queue is paid for, now or before; refused, the level is out."""
        level, state = self.beat.levels[number], self.state["levels"][number]
        item = state["queue"][0]
        if item["paid"]:
            return True
        base = (0 if state["fixed"] else level.cost_fixed) + (0 if item["known"] else level.cost_per_item)
        most_ns = min(item["left_ns"], state["left_ns"], remaining_ns(self.state, at_ns))
        amount = base + level.cost_per_second * most_ns // SECOND_NS
        hold: str | None = ""
        if amount:
            hold = self.port.reserve(level.name, amount, not level.cost_per_second, at_ns)
            if hold is None:
                state["out"] = True
                return False
        item = {**item, "hold": hold, "held": amount, "owes": base, "ran_ns": 0, "paid": True}
        state["queue"] = [item, *state["queue"][1:]]
        return True

    def _grant(self, number: int, at_ns: int) -> None:
        level, state = self.beat.levels[number], self.state["levels"][number]
        item = state["queue"][0]
        if not item["granted"]:
            state["starts"] += 1
            state["fixed"] = True
            if level.policy in ("each", "all"):
                state["granted_ns"] += min(item["left_ns"], remaining_ns(self.state, at_ns))
        if state["started_ns"] is None:
            state["started_ns"] = at_ns - self.state["start_ns"]
            if level.policy in ("share", "rest"):
                state["granted_ns"] = state["left_ns"]
        item = {**item, "granted": True, "known": True, "from_ns": at_ns}
        if level.work:
            item["work"] = self.port.start(level, item)
        state["queue"] = [item, *state["queue"][1:]]
        self.state["running"] = number
        self._show(number, at_ns)

    def _show(self, number: int, at_ns: int) -> None:
        """The modes hear who has the time, unless they know."""
        level = self.beat.levels[number]
        if level.stages or self.state["mode"] != level.name:
            item = self.state["levels"][number]["queue"][0]
            stage = level.stages[item["stage"]][0] if level.stages else ""
            self.state["mode"] = level.name
            self.port.mode(level.name, at_ns, stage, level=level.name, item=item["name"])

    # The end of a stretch

    def _stop(self, number: int, at_ns: int, ended: str) -> Item:
        """The running item loses the time; it stays at the head of its queue."""
        state = self.state["levels"][number]
        item: Item = state["queue"][0]
        if item["from_ns"] < at_ns:
            level = self.beat.levels[number]
            self._tell_grant(level, item["item"], item["name"], item["from_ns"], at_ns, ended)
        if item["work"]:
            self.port.revoke(item["work"], at_ns)
            item = {**item, "work": 0}
            state["queue"] = [item, *state["queue"][1:]]
        self.state["running"] = None
        return item

    def _done(self, number: int, at_ns: int, ended: str) -> None:
        item = self._stop(number, at_ns, ended)
        state = self.state["levels"][number]
        self._paid(number, item)
        state["queue"] = state["queue"][1:]
        if ended == "done":
            state["done"] += 1
            self._tell_on(self.beat.levels[number], item["name"], at_ns)

    def _cut(self, number: int, at_ns: int) -> None:
        """The level's time, or everybody's, is over."""
        item = self._paid(number, self._stop(number, at_ns, "cut"))
        state, level = self.state["levels"][number], self.beat.levels[number]
        state["out"] = True
        keep = level.carry and not item["baseline"]
        state["queue"] = [item, *state["queue"][1:]] if keep else state["queue"][1:]
        if not keep and not item["baseline"]:
            self._drop(number, item, "cut", at_ns)

    def _preempt(self, number: int, at_ns: int) -> None:
        """Something else has the time now that this level was interrupted."""
        state, level = self.state["levels"][number], self.beat.levels[number]
        if self.state["running"] == number:
            self._stop(number, at_ns, "preempted")
        if not state["queue"] or state["out"] or not state["queue"][0]["granted"]:
            return
        item = state["queue"][0]
        state["preempted"] += 1
        if level.preempted == "restart":
            item = {**self._paid(number, item), "left_ns": item["takes_ns"], "stage": 0, "paid": False}
            state["queue"] = [item, *state["queue"][1:]]
        elif level.preempted == "abandon":
            state["queue"] = state["queue"][1:]
            self._paid(number, item)
            self._drop(number, item, "abandoned", at_ns)

    def _paid(self, number: int, item: Item) -> Item:
        """The item without its hold: what it used is paid, the rest given back."""
        if not item["hold"]:
            return item
        level = self.beat.levels[number]
        used = item["owes"] + level.cost_per_second * item["ran_ns"] // SECOND_NS
        self.port.settle(level.name, item["hold"], used, item["held"] - used)
        return {**item, "hold": "", "owes": 0, "ran_ns": 0, "paid": False}

    def _drop(self, number: int, item: Item, reason: str, at_ns: int) -> None:
        level = self.beat.levels[number]
        self.state["levels"][number]["dropped"] += 1
        self.port.tell(
            "drop",
            at_ns,
            item=item["item"],
            level=level.name,
            name=item["name"],
            left_ns=item["left_ns"],
            reason=reason,
        )

    def _tell_grant(self, level: Level, item: int, name: str, from_ns: int, to_ns: int, ended: str) -> None:
        self.port.tell(
            "grant",
            to_ns,
            item=item,
            level=level.name,
            name=name,
            from_ns=from_ns,
            to_ns=to_ns,
            ended=ended,
        )

    # Work

    def finished(self, work: int, outcome: str, at_ns: int) -> None:
        """The work of the running item came back before its time was over."""
        state = self.state
        number = state["running"]
        if number is None or state["levels"][number]["queue"][0]["work"] != work:
            return
        level = state["levels"][number]
        level["queue"] = [{**level["queue"][0], "work": 0}, *level["queue"][1:]]
        self._done(number, at_ns, "done" if outcome == "done" else "failed")
        state["decide_ns"] = at_ns

    def overran(self, overrun_ns: int) -> None:
        """Work went on for so long after its time was over: the next beat has less."""
        self.state["owed_ns"] += overrun_ns
