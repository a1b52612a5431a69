"""The context of a step: the working copy of a snapshot while one event is taken.

Everything a step changes is changed here first; :meth:`StepContext.finish` makes the
new snapshot.  Data is copied along the path that is written, never in place.
What each action does stands in :mod:`runtime.kernel.actions`, how events are taken in
:mod:`runtime.kernel.step`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nimdsl.base.units import MICRO, NANOSECONDS
from nimdsl.base.values import Fields, Value
from nimdsl.expression.evaluate import Fault
from nimdsl.program import Nerve
from nimdsl.program.amount import rate_of, value_of
from nimdsl.program.flatten import Row
from runtime.kernel.arbiter import RackState
from runtime.kernel.beat import BeatState
from runtime.kernel.effects import AnyEffect, Book, CancelTimer, SetTimer
from runtime.kernel.kernel import Kernel
from runtime.kernel.nervous import Nervous, environment
from runtime.kernel.resonance import Resonating
from runtime.kernel.snapshot import Armed, Deferrable, Snapshot, Underway
from runtime.ledger.accounts import SetRates
from runtime.records import AnyBody, Moment, Noted

DAY_NS = NANOSECONDS["d"]


class Internal(NamedTuple):
    """An event that the actor raised for itself."""

    name: str
    fields: Fields


class Prepared(NamedTuple):
    """What a row leads to that has been computed before the actor moves."""

    delays_ns: list[int]
    """How long the timers run that it arms."""
    flows: dict[str, tuple[int, int]]
    """What flows in the states that it enters, micro-LF a day."""


class _Elapsed:
    """How long the states of a lineage have stood, by their depth (the root has 0)."""

    def __init__(self, entered: tuple[int, ...], now_ns: int) -> None:
        self._entered = entered
        self._now_ns = now_ns

    def __getitem__(self, depth: str) -> int:
        return self._now_ns - self._entered[int(depth)]


class StepContext:
    """The mutable state of one step."""

    def __init__(self, kernel: Kernel, snapshot: Snapshot, now_ns: int) -> None:
        actor = kernel.actor
        self.actor = actor
        self.schemas = kernel.schemas
        self.racks = kernel.racks
        self.day_ns = kernel.day_ns
        self.before = snapshot
        self.now_ns = now_ns
        self.entered = snapshot.entered
        self.elapsed = _Elapsed(snapshot.entered, now_ns)
        self.history = snapshot.history
        self.state = actor.table.state_numbers.get(snapshot.state, -1)
        self.data: Fields = snapshot.data
        self.timers: dict[int, Armed] = dict(snapshot.timers)
        self.works: dict[int, Underway] = dict(snapshot.works)
        self.hold = snapshot.hold
        self.request = snapshot.request
        self.serving = snapshot.serving
        self.answered = snapshot.answered
        self.claimed = snapshot.claimed
        self.deferred: list[Deferrable] = list(snapshot.deferred)
        self.effect_number = snapshot.effect_number
        self.generation = snapshot.generation
        self.fault = snapshot.fault
        self.flows = snapshot.flows
        self.effects: list[AnyEffect] = []
        self.records: list[Noted] = []
        self.queue: deque[Internal] = deque()
        """Internal events still to take."""
        self.event_fields: Fields = {}
        self.sender = ""
        """The id of who sent the event at hand; empty for stimuli and for the actor's own."""
        self.holds: deque[tuple[str, int]] = deque()
        """What was put aside for the work that the transition at hand begins: its keys and amounts."""
        self.rehearsed: list[int] | None = None
        """In a rehearsal: what would have to be put aside for each work, micro-LF."""
        self.changed: dict[str, Value] = {}
        """What the transition at hand has set, by path."""
        self.appended: dict[str, list[Value]] = {}
        """What it has added to lists, by path."""
        self.beat: BeatState | None = snapshot.beat
        self.gate: Resonating | None = snapshot.gate
        self.nerve: Nervous | None = snapshot.nerve
        self.rack: RackState | None = snapshot.rack
        self.moment: Moment | None = None
        """What every record of this step says besides its own."""

    @property
    def stage(self) -> str:
        """The stage of the opening on which a nerve acts; empty for everybody else."""
        return self.nerve.stage if self.nerve is not None else ""

    def environment(self) -> dict[str, object]:
        """What expressions read."""
        nerve = self.actor if isinstance(self.actor, Nerve) else None
        sensed = environment(nerve, self.nerve) if nerve is not None and self.nerve is not None else {}
        return {
            **sensed,
            "$data": self.data,
            "$event": self.event_fields,
            "$origin": self.sender.removeprefix("cell/"),
            "$request": self.serving.message if self.serving else {},
            "$tables": self.actor.tables,
            "$now": self.now_ns,
            "$time_of_day": (self.day_ns + self.now_ns) % DAY_NS,
            "$elapsed": self.elapsed,
        }

    def next_number(self) -> int:
        """A fresh effect number."""
        number = self.effect_number
        self.effect_number += 1
        return number

    def note(self, body: AnyBody) -> None:
        """Leaves a record."""
        self.records.append(Noted(body, self.moment))

    def origin_id(self) -> str:
        """The id of who sent the event at hand.  Raises Fault when nobody did."""
        if not self.sender:
            raise Fault("nobody sent this event: there is no `origin`")
        return self.sender

    def prepared(self, row: Row) -> Prepared:
        """What the row leads to; its actions have been done.  Raises Fault."""
        if not row.arm and not row.flowing:
            return Prepared([], {})
        table, environment = self.actor.table, self.environment()
        delays_ns = [value_of(table.timers[number].after_ns, environment) for number in row.arm]
        flowing = ((path, table.flows[path]) for path in row.flowing)
        return Prepared(
            delays_ns,
            {
                path: (rate_of(flow.income, environment), rate_of(flow.upkeep, environment))
                for path, flow in flowing
            },
        )

    def move(self, row: Row, prepared: Prepared) -> None:
        """Disarms and arms timers and changes the state; the row's actions have been done."""
        for timer in row.disarm:
            armed = self.timers.pop(timer, None)
            if armed is not None:
                self.effects.append(CancelTimer(timer, armed.generation))
        timers = self.actor.table.timers
        for timer, delay_ns in zip(row.arm, prepared.delays_ns, strict=True):
            self.arm(timer, self.now_ns + delay_ns, delay_ns * timers[timer].jitter // MICRO)
        if self.flows or prepared.flows:
            self._let_flow(row, prepared.flows)
        self._leave(row)
        self.state = row.target

    def _let_flow(self, row: Row, entered: dict[str, tuple[int, int]]) -> None:
        self.let_flow({path: one for path, one in self.flows.items() if path not in row.left} | entered)

    def let_flow(self, flows: Mapping[str, tuple[int, int]]) -> None:
        """Tells the economy where what flows in all is not what flowed before."""
        before, after = _sums(self.flows), _sums(flows)
        self.flows = flows
        if before != after:
            actor = self.actor
            self.effects.append(Book(SetRates(actor.id, *after, actor.economy)))

    def _leave(self, row: Row) -> None:
        """What is remembered of the states that the row leaves, and since when those around them stand."""
        table = self.actor.table
        if row.left:
            kept = row.left[-1].count("/") + 1
            leaf = table.states[row.source]
            if table.remembered:
                left = {path: leaf for path in row.left if path in table.remembered}
                self.history = {**self.history, **left}
        elif row.source >= 0:
            return
        else:
            kept = 0
        depth = table.states[row.target].count("/") + 2
        self.entered = (*self.entered[:kept], *[self.now_ns] * (depth - kept))
        self.elapsed = _Elapsed(self.entered, self.now_ns)

    def arm(self, timer: int, deadline_ns: int, jitter_ns: int = 0) -> None:
        """Arms a timer anew; it may be due by up to ``jitter_ns`` earlier."""
        self.timers[timer] = Armed(self.generation, deadline_ns, jitter_ns)
        self.effects.append(SetTimer(timer, self.generation, deadline_ns, jitter_ns))
        self.generation += 1

    def rearm(self, timer: int, deadline_ns: int | None) -> None:
        """Arms a timer for then, unless it is armed so already; None: disarms it."""
        armed = self.timers.get(timer)
        if armed is not None and armed.deadline_ns == deadline_ns:
            return
        if armed is not None:
            del self.timers[timer]
            self.effects.append(CancelTimer(timer, armed.generation))
        if deadline_ns is not None:
            self.arm(timer, deadline_ns)

    def finish(self, accepted: Mapping[str, tuple[int, ...]]) -> Snapshot:
        """The snapshot after the step."""
        return Snapshot(
            state=self.actor.table.states[self.state],
            data=self.data,
            timers=self.timers,
            works=self.works,
            hold=self.hold,
            request=self.request,
            serving=self.serving,
            answered=self.answered,
            accepted=accepted,
            claimed=self.claimed,
            deferred=tuple(self.deferred),
            entered=self.entered,
            history=self.history,
            beat=self.beat,
            gate=self.gate,
            nerve=self.nerve,
            rack=self.rack,
            effect_number=self.effect_number,
            generation=self.generation,
            fault=self.fault,
            flows=self.flows,
        )


def _sums(flows: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """What comes in and what goes out in all."""
    return sum(income for income, _ in flows.values()), sum(upkeep for _, upkeep in flows.values())


def with_value(data: Fields, path: Sequence[str], value: Value) -> dict[str, Value]:
    """A copy of ``data`` in which the value at ``path`` is ``value``."""
    head, *rest = path
    if not rest:
        return {**data, head: value}
    inner = data.get(head)
    return {**data, head: with_value(inner if isinstance(inner, dict) else {}, rest, value)}


def value_at(data: Fields, path: Sequence[str]) -> Value:
    """The value at ``path``.  Raises KeyError when there is none."""
    value: Value = dict(data)
    for key in path:
        if not isinstance(value, dict):
            raise KeyError(key)
        value = value[key]
    return value
