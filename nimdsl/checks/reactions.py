"""Reactions: what surely happens at one instant when an actor takes an event.

A *reaction* is a transition of one leaf that takes an event whatever the data are, with all that follows
from it at the same instant: waves to whoever hears them by name, events that are sent, asks, commands and
their replies, events that are raised, timers of no duration.  Work takes time, and other timers do; a
reflex opens once at an instant, for it must become silent first, and attention takes time for what is none.
None of these is followed.

What may end what goes round is no reaction: what stands under or behind a guard that reads what is not
known before a run, and what is paid or put aside, for that may be refused.  Nor is it said who gets what
goes to the `origin`, or to a name that the run computes, or which of several askers gets a reply.  How
buses delay messages is the garden's affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from nimdsl.base.diagnostics import Place
from nimdsl.expression.evaluate import Fault
from nimdsl.program import Work
from nimdsl.program.address import EVERY, Address, FamilyAddress, members_of
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import REQUESTED, Row, Table, flatten, in_state, lineage, state_at, timer_event
from nimdsl.program.machine import (
    Action,
    BeginWork,
    Emit,
    PriceSource,
    Raise,
    Reply,
    ReplyToAsk,
    Send,
    State,
    every_action,
)

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
        self._hearers: dict[str, list[tuple[str, str]]] = {}
        for name, one in actors.items():
            for ear, who in one.heard.items():
                self._hearers.setdefault(who, []).append((name, ear))
        self._asking = _asking(actors)
        self._commanding: dict[tuple[str, str], list[tuple[str, Work]]] = {}
        for name, one in actors.items():
            for work in one.works.values():
                if (command := work.command) is not None:
                    self._commanding.setdefault((command.to, command.reply), []).append((name, work))

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
                    if number is not None and not _may_be_refused(row := one.table.rows[number]):
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
                yield from (MadeEvent(hearer, ear, number) for hearer, ear in self._hearers.get(name, ()))
            case Raise(event=raised):
                yield MadeEvent(name, raised)
            case Send(to=to):
                yield from (MadeEvent(one, action.event) for one in _reached(to, name))
            case Reply(status=status, schema=schema) if status in OUTCOMES:
                yield from _answered(self._commanding.get((name, schema), ()), OUTCOMES[status])
            case ReplyToAsk():
                yield from _answered(self._asking.get((name, event), ()), "done")
            case BeginWork(work=work) if work in self._actors[name].works:
                yield from _begun(name, self._actors[name].works[work])


def _may_be_refused(row: Row) -> bool:
    """Whether a row is paid, or puts something aside; what a request brings with it is there already."""
    return row.reserves or any(price.purse is not PriceSource.REQUEST for price in row.bill)


def _asking(actors: Mapping[str, Reacting]) -> dict[tuple[str, str], list[tuple[str, Work | None]]]:
    """Who asks an actor by an event, and by which work; without one, who sends it the event."""
    found: dict[tuple[str, str], list[tuple[str, Work | None]]] = {}
    for name, one in actors.items():
        for sent in (action for action in every_action(one.root) if isinstance(action, Send)):
            for to in members_of(sent.to):
                found.setdefault((to, sent.event), []).append((name, None))
        for work in one.works.values():
            if (ask := work.ask) is not None:
                for to in members_of(ask.to):
                    found.setdefault((to, ask.event), []).append((name, work))
    return found


def _answered(asking: Sequence[tuple[str, Work | None]], outcome: str) -> Iterator[MadeEvent]:
    """What a reply is to who asks, where only one does."""
    match asking:
        case [(asker, Work() as work)]:
            yield MadeEvent(asker, work.outcomes[outcome])


def _begun(name: str, work: Work) -> Iterator[MadeEvent]:
    """What surely begins with work that somebody else does; units may be there at once."""
    if work.command is not None:
        yield MadeEvent(work.command.to, REQUESTED + work.command.schema)
    elif work.ask is not None and isinstance(work.ask.to, str):
        yield MadeEvent(work.ask.to, work.ask.event)
    elif work.acquire is not None:
        yield MadeEvent(name, work.outcomes["done"])


def _reached(to: Address, sender: str) -> Iterator[str]:
    """Whom a message surely reaches: who is named, or all of a family but the sender."""
    match to:
        case str():
            yield to
        case FamilyAddress(holes=holes) if all(hole == EVERY for hole in holes):
            yield from (one.actor for one in to.members if one.actor != sender)


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
