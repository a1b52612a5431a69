"""How an attention takes one event: the scheduler, and her modes as a machine.

Time is worked off first (:mod:`runtime.kernel.scheduler`), then the event is taken, then the
timers are set for what is due next: the end of the beat, the next instant within
it, a choice at this very instant.  What the scheduler decides the modes hear as
events; an event that a mode has no transition for is not a record.

Events from outside, by their payload: ``{level, takes, payload}`` is an item for a
level, named after the event; ``opened`` and ``closed`` with ``{gate, tier}`` are
gates.  Every record says the beat, the instant, and what remained of the beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nimdsl.base.canonical import Plain
from nimdsl.base.units import INT64_MAX
from nimdsl.program import Level
from nimdsl.program.modes import resumed
from runtime.kernel import effects
from runtime.kernel.beat import begun, copied, ends_ns, next_instant_ns, remaining_ns
from runtime.kernel.effects import BOUNDARY, CancelTimer, SetTimer
from runtime.kernel.events import Event, EventKind
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.scheduler import Scheduler
from runtime.kernel.snapshot import is_known
from runtime.ledger.economy import Charge, Release, Reserve, Settle

INSTANT, CHOICE = -2, -3
"""The timers of what is due within the beat, and of a choice at this instant."""
OPENED, CLOSED = "opened", "closed"
GATE_COUNT_MAX = 1_000
"""How many gates may be open at once; what opens beyond that is ignored."""


class AttentionStep(MachineStep):
    """One event of an attention; the :class:`runtime.kernel.scheduler.Port` of its scheduler.

    It does not know the scheduler, so that nothing refers to itself: what a step leaves behind is gone
    with the step.
    """

    def take(self, event: Event) -> None:
        """Works off what was due, takes the event, and sets the timers for what comes."""
        turn, beat = self.turn, self.kernel.actor.beat
        assert beat is not None
        now_ns = turn.now_ns
        began = event.kind is EventKind.BEGIN
        turn.beat = begun(beat, now_ns) if began else copied(turn.beat)
        scheduler = Scheduler(beat, turn.beat, self)
        if began:
            self._at(turn.beat["start_ns"])
            super().take(event)
            scheduler.begin()
        else:
            self._take(scheduler, event, now_ns)
        turn.context = {}
        self._arm(BOUNDARY, ends_ns(beat, turn.beat))
        self._arm(INSTANT, next_instant_ns(beat, turn.beat))
        self._arm(CHOICE, turn.beat["decide_ns"])

    def _take(self, scheduler: Scheduler, event: Event, now_ns: int) -> None:
        turn = self.turn
        if event.kind in (EventKind.TIMER, EventKind.BEAT) and event.payload["timer"] < 0:
            timer = event.payload["timer"]
            _, due_ns = turn.timers.pop(str(timer))
            scheduler.advance(due_ns, boundary=True, instants=timer != BOUNDARY)
            return
        scheduler.advance(now_ns, boundary=True, instants=False)
        self._at(now_ns)
        if not is_known(turn.timers, turn.works, event):
            return  # her modes have moved on in the meantime
        match event.kind:
            case EventKind.STIMULUS | EventKind.MESSAGE:
                self._arrived(scheduler, event, now_ns)
            case EventKind.FINISHED if "item" in turn.works[str(event.payload["work"])]:
                self._ended(scheduler, event.payload, now_ns)
            case _:
                super().take(event)

    def _at(self, at_ns: int) -> None:
        """The instant that records and mode timers are to know."""
        turn = self.turn
        beat, context = turn.beat["beat"], turn.context
        if not context or context["at_ns"] != at_ns or context["beat"] != beat:
            turn.now_ns = at_ns
            remains_ns = remaining_ns(turn.beat, at_ns)
            turn.context = {"beat": beat, "at_ns": at_ns, "remaining_ns": remains_ns}

    def _arm(self, timer: int, deadline_ns: int | None) -> None:
        turn, name = self.turn, str(timer)
        armed = turn.timers.get(name)
        if armed is not None and armed[1] == deadline_ns:
            return
        if armed is not None:
            del turn.timers[name]
            turn.effects.append(CancelTimer(timer, armed[0]))
        if deadline_ns is not None:
            turn.timers[name] = [turn.generation, deadline_ns]
            turn.effects.append(SetTimer(timer, turn.generation, deadline_ns))
            turn.generation += 1

    # Events from outside

    def _arrived(self, scheduler: Scheduler, event: Event, now_ns: int) -> None:
        payload: Any = event.payload
        levels = scheduler.beat.levels
        match payload:
            case {"level": str(level), **more} if any(level == one.name for one in levels):
                takes_ns = more.get("takes", 0)
                if type(takes_ns) is int and 0 <= takes_ns <= INT64_MAX:
                    content = more.get("payload", {})
                    scheduler.arrive(level, event.name, takes_ns, content, now_ns)
                    return
            case {"gate": str(gate), "tier": int(tier)} if self._opens(event, levels, gate, tier):
                scheduler.open_gate(gate, tier, now_ns)
                return
            case {"gate": str(gate)} if event.name == CLOSED:
                scheduler.close_gate(gate)
                return
        self.turn.record("ignored", event=event.name, state=self.table.states[self.turn.state])

    def _opens(self, event: Event, levels: Sequence[Level], gate: str, tier: int) -> bool:
        """Whether a gate may open: a level has its tier, and there is room for one more."""
        gates = self.turn.beat["gates"]
        known = any(tier in level.tiers for level in levels)
        return event.name == OPENED and known and (gate in gates or len(gates) < GATE_COUNT_MAX)

    def _ended(self, scheduler: Scheduler, payload: Plain, now_ns: int) -> None:
        """Work of a level came back: before its time was over, or after."""
        number = int(payload["work"])
        started = self.turn.works.pop(str(number))
        if "revoked_ns" not in started:
            scheduler.finished(number, payload["outcome"], now_ns)
            return
        overrun_ns = now_ns - started["revoked_ns"]
        if overrun_ns > 0:
            scheduler.overran(overrun_ns)
            self.turn.record("overrun", item=started["item"], level=started["level"], overrun_ns=overrun_ns)

    # What the scheduler asks for

    def tell(self, type_: str, at_ns: int, **fields: Plain) -> None:
        """See :class:`runtime.kernel.scheduler.Port`."""
        self._at(at_ns)
        self.turn.record(type_, **fields)

    def mode(self, event: str, at_ns: int, stage: str = "", **fields: Plain) -> None:
        """See :class:`runtime.kernel.scheduler.Port`."""
        turn, table = self.turn, self.table
        numbers, candidates = table.event_numbers, table.candidates
        name = resumed(event, stage) if stage else event
        number = numbers.get(name)
        if number is not None and (turn.state, number) in candidates:
            self._at(at_ns)
            fields |= {"beat": turn.context["beat"], "remaining": turn.context["remaining_ns"]}
            self.fire(name, fields)
            if turn.queue:
                self.drain()

    def reserve(self, level: str, amount: int, certain: bool, at_ns: int) -> str | None:
        """See :class:`runtime.kernel.scheduler.Port`."""
        turn = self.turn
        self._at(at_ns)
        key, scope = f"{turn.actor.id}/{turn.effect_number}", turn.actor.id
        said = self.ask(Charge(key, level, amount, scope) if certain else Reserve(key, amount, scope))
        turn.next_number()
        if said.granted:
            return "" if certain else key
        turn.record(
            "refused",
            event=level,
            state=self.table.states[turn.state],
            price=amount,
            balance=said.balance,
            level=level,
        )
        return None

    def settle(self, level: str, hold: str, used: int, left: int) -> None:
        """See :class:`runtime.kernel.scheduler.Port`."""
        turn = self.turn
        if used:
            key = f"{level}/{turn.actor.id}/{turn.next_number()}"
            turn.effects.append(effects.Book(Settle(hold, key, level, used)))
        if left:
            turn.effects.append(effects.Book(Release(hold)))

    def start(self, level: Level, item: dict[str, Any]) -> int:
        """See :class:`runtime.kernel.scheduler.Port`."""
        turn = self.turn
        number = turn.next_number()
        arguments = {"item": item["name"], "level": level.name, "payload": item["payload"]}
        turn.works[str(number)] = {
            "work": level.work,
            "arguments": arguments,
            "owner": "",
            "item": item["item"],
            "level": level.name,
        }
        turn.effects.append(effects.StartWork(number, level.work, arguments))
        return number

    def revoke(self, number: int, at_ns: int) -> None:
        """See :class:`runtime.kernel.scheduler.Port`."""
        turn = self.turn
        started = turn.works.get(str(number))
        if started is not None:
            turn.works[str(number)] = {**started, "revoked_ns": at_ns}
            turn.effects.append(effects.RevokeWork(number))
