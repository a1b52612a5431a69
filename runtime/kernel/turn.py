"""A turn: the working copy of a snapshot while one event is taken.

Everything a step changes is changed here first; :meth:`Turn.finish` makes the
new snapshot.  Data is copied along the path that is written, never in place.
What each action does stands in :mod:`runtime.kernel.actions`, how events are taken in
:mod:`runtime.kernel.step`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from nimdsl.base.canonical import Plain
from nimdsl.program import Actor
from nimdsl.program.flatten import Row
from runtime.kernel.effects import CancelTimer, CancelWork, Effect, SetTimer
from runtime.kernel.events import Event
from runtime.kernel.snapshot import Snapshot

Record = dict[str, Plain]


class Turn:
    """The mutable state of one step."""

    def __init__(self, actor: Actor, snapshot: Snapshot, now_ns: int) -> None:
        self.actor = actor
        self.before = snapshot
        self.now_ns = now_ns
        self.state = actor.table.state_numbers.get(snapshot.state, -1)
        self.data: Mapping[str, Plain] = snapshot.data
        self.timers: dict[str, Plain] = dict(snapshot.timers)
        self.works: dict[str, Plain] = dict(snapshot.works)
        self.hold = snapshot.hold
        self.request = snapshot.request
        self.serving = snapshot.serving
        self.answered = snapshot.answered
        self.deferred: list[Plain] = list(snapshot.deferred)
        self.effect_number = snapshot.effect_number
        self.generation = snapshot.generation
        self.fault = snapshot.fault
        self.effects: list[Effect] = []
        self.records: list[Record] = []
        self.queue: deque[tuple[str, Plain, Event | None]] = deque()
        """Internal events still to take: name, fields, and the external event behind a deferred one."""
        self.event_fields: Plain = {}
        self.beat: Any = snapshot.beat
        self.context: dict[str, Plain] = {}
        """What every record of this turn says besides its own."""

    def environment(self) -> dict[str, Any]:
        """What expressions read."""
        return {
            "$data": self.data,
            "$event": self.event_fields,
            "$request": self.serving["message"] if self.serving else {},
            "$tables": self.actor.tables,
        }

    def next_number(self) -> int:
        """A fresh effect number."""
        number = self.effect_number
        self.effect_number += 1
        return number

    def record(self, type_: str, **fields: Plain) -> None:
        """Leaves a record."""
        self.leave({"type": type_, **fields})

    def leave(self, record: Record) -> None:
        """The same for a record whose fields have names that no argument may have."""
        self.records.append(record | self.context if self.context else record)

    def abandon(self, row: Row) -> None:
        """Forgets the work of the states that the row leaves."""
        for number, started in list(self.works.items()):
            if started["owner"] in row.left:
                del self.works[number]
                self.effects.append(CancelWork(int(number)))
                self.record("abandoned", work=started["work"], number=int(number))

    def move(self, row: Row) -> None:
        """Disarms and arms timers and changes the state; the row's actions have been done."""
        for timer in row.disarm:
            armed = self.timers.pop(str(timer), None)
            if armed is not None:
                self.effects.append(CancelTimer(timer, armed[0]))
        for timer in row.arm:
            deadline_ns = self.now_ns + self.actor.table.timers[timer].after_ns
            self.timers[str(timer)] = [self.generation, deadline_ns]
            self.effects.append(SetTimer(timer, self.generation, deadline_ns))
            self.generation += 1
        self.state = row.target

    def finish(self, accepted: Mapping[str, Plain]) -> Snapshot:
        """The snapshot after the step; every field is written out, which is cheaper than a copy."""
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
            deferred=tuple(self.deferred),
            beat=self.beat,
            effect_number=self.effect_number,
            generation=self.generation,
            fault=self.fault,
        )


def with_value(data: Mapping[str, Plain], path: Sequence[str], value: Plain) -> dict[str, Plain]:
    """A copy of ``data`` in which the value at ``path`` is ``value``."""
    head, *rest = path
    return {**data, head: with_value(data.get(head) or {}, rest, value) if rest else value}


def value_at(data: Mapping[str, Plain], path: Sequence[str]) -> Plain:
    """The value at ``path``."""
    value: Any = data
    for key in path:
        value = value[key]
    return value
