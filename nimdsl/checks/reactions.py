"""Reactions: what surely happens at one instant when an actor takes an event.

A *reaction* is a transition of one leaf that takes an event whatever the data are, with all that follows
from it at the same instant: waves to whoever hears them by name, events that are sent, asks, commands and
their replies, events that are raised, timers of no duration.  Work takes time, and other timers do; a
reflex opens once at an instant, for it must become silent first, and attention takes time for what is none.
None of these is followed.

A guard that reads what is not known before a run may end what goes round: what it guards, and what stands
behind it, is no reaction.  How buses delay messages is the garden's affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from nimdsl.base.diagnostics import Place
from nimdsl.checks.origins import senders_of
from nimdsl.expression.evaluate import Fault
from nimdsl.program import Work
from nimdsl.program.address import OriginAddress, members_of
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import REQUESTED, Row, Table, flatten, in_state, lineage, state_at, timer_event
from nimdsl.program.machine import Action, BeginWork, Emit, Raise, Reply, ReplyToAsk, Send, State

OUTCOMES = {"ACK": "done", "NACK": "nack"}
"""What a command comes back with, by the status of the reply; RETRY is another attempt."""


@dataclass(frozen=True)
class Reacting:
    """An actor as this looks at it: its machine, its work, and whom it hears, by event."""

    root: State
    works: Mapping[str, Work]
    heard: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def table(self) -> Table:
        """The flat table of its machine."""
        return flatten(self.root)


class MadeEvent(NamedTuple):
    """An event for an actor; of a wave also which `emit` it comes from, else -1."""

    actor: str
    event: str
    wave: int = -1


@dataclass(frozen=True)
class Reaction:
    """One transition of one leaf: what it takes, and what comes of it at the same instant."""

    event: MadeEvent
    source: int
    target: int
    makes: tuple[MadeEvent, ...]
    place: Place

    @property
    def actor(self) -> str:
        """Whose it is."""
        return self.event.actor


def reactions_of(actors: Mapping[str, Reacting]) -> list[Reaction]:
    """All reactions of some actors, by id: in the order of actors, leaves and events."""
    return _Reactions(actors).found()


class _Reactions:
    def __init__(self, actors: Mapping[str, Reacting]) -> None:
        self._actors = actors
        self._emits: dict[int, tuple[int, Emit]] = {}
        self._senders = senders_of({name: (one.root, one.works) for name, one in actors.items()})

    def found(self) -> list[Reaction]:
        made = {
            (name, number): tuple(self._made(name, row))
            for name, one in self._actors.items()
            for number, row in enumerate(one.table.rows)
        }
        waves = dict(self._emits.values())
        events: dict[str, dict[MadeEvent, None]] = {}
        for event in (event for together in made.values() for event in together):
            events.setdefault(event.actor, {})[event] = None
        found = []
        for name, one in self._actors.items():
            for leaf in range(len(one.table.states)):
                for event in events.get(name, ()):
                    number = surely(one.table, leaf, event.event, waves.get(event.wave))
                    if number is not None:
                        row = one.table.rows[number]
                        place = place_of(one, row)
                        found.append(Reaction(event, leaf, row.target, made[name, number], place))
        return found

    def _made(self, name: str, row: Row) -> Iterator[MadeEvent]:
        """What comes of a row, in order."""
        table = self._actors[name].table
        for action in row.actions:
            yield from self._follows(name, table.events[row.event], action)
        for number in row.arm:
            if table.timers[number].after_ns == 0:
                yield MadeEvent(name, table.events[table.timers[number].event])

    def _follows(self, name: str, event: str, action: Action) -> Iterator[MadeEvent]:
        match action:
            case Emit():
                number, _ = self._emits.setdefault(id(action), (len(self._emits), action))
                for hearer, one in self._actors.items():
                    yield from (
                        MadeEvent(hearer, ear, number) for ear, who in one.heard.items() if who == name
                    )
            case Raise(event=raised):
                yield MadeEvent(name, raised)
            case Send(to=OriginAddress()):
                yield from (MadeEvent(to, action.event) for to in self._senders.get((name, event), ()))
            case Send(to=to):
                yield from (MadeEvent(one, action.event) for one in members_of(to))
            case Reply(status=status, schema=schema) if status in OUTCOMES:
                yield from self._told(name, schema, OUTCOMES[status])
            case ReplyToAsk():
                yield from self._answered(name)
            case BeginWork(work=work) if work in self._actors[name].works:
                yield from _begun(name, self._actors[name].works[work])

    def _told(self, name: str, schema: str, outcome: str) -> Iterator[MadeEvent]:
        """What a reply is to those who command."""
        for asker, one in self._actors.items():
            for work in one.works.values():
                if work.command and (work.command.to, work.command.reply) == (name, schema):
                    yield MadeEvent(asker, work.outcomes[outcome])

    def _answered(self, name: str) -> Iterator[MadeEvent]:
        """What a reply is to those who ask."""
        for asker, one in self._actors.items():
            for work in one.works.values():
                if work.ask and name in members_of(work.ask.to):
                    yield MadeEvent(asker, work.outcomes["done"])


def _begun(name: str, work: Work) -> Iterator[MadeEvent]:
    """What begins with work that somebody else does; units may be there at once."""
    if work.command is not None:
        yield MadeEvent(work.command.to, REQUESTED + work.command.schema)
    elif work.ask is not None:
        yield from (MadeEvent(to, work.ask.event) for to in members_of(work.ask.to))
    elif work.acquire is not None:
        yield MadeEvent(name, work.outcomes["done"])


def surely(table: Table, leaf: int, event: str, wave: Emit | None = None) -> int | None:
    """The row that takes an event in a leaf, whatever the data are; ``wave`` is where it comes from."""
    event_number = table.event_numbers.get(event, -1)
    for number in table.candidates.get((leaf, event_number), ()):
        row = table.rows[number]
        holds = True if row.guard is None else _holds(row.guard, wave)
        if holds is None or row.defers or row.returns is not None:
            return None
        if holds:
            return number
    return None


def _holds(guard: Expression, wave: Emit | None) -> bool | None:
    """Whether a guard holds, by what it reads of the wave; None where that is not known before a run."""
    if not guard.roots <= ({"$event"} if wave is not None else set()):
        return None
    parts = {"confidence": wave.confidence, "content": wave.content} if wave is not None else {}
    try:
        known = {name: one.evaluate({}) for name, one in parts.items() if not one.roots}
        return guard.evaluate({"$event": known}) is True
    except Fault:
        return None


def place_of(one: Reacting, row: Row) -> Place:
    """Where the transition of a row is written: the first of its event whose guard is that of the row."""
    leaf, event = one.table.states[row.source], one.table.events[row.event]
    states = [(path, state_at(one.root, path)) for path in lineage(leaf)]
    ways = [(way.event, way) for _, state in states for way in state.transitions]
    ways += [
        (one.table.events[number], way)
        for path, state in states
        for position, timer in enumerate(state.timers)
        for number in [one.table.event_numbers[timer_event(path, position)]]
        for way in timer.transitions
    ]
    fitting = (way for name, way in ways if name == event and in_state(way.guard, leaf) == row.guard)
    return next(fitting).place
