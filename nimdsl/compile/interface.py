"""What a machine can read and use besides its states: data, work, and the events that can reach it.

Events get their types here: a guard or an action may read ``event.<field>``
of exactly the fields that whoever raises the event gives it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nimdsl.base.diagnostics import Place
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.conversion import converter
from nimdsl.expression.syntax import Literal
from nimdsl.expression.types import ANY, DURATION, LIFEFORCE, STRING, Type, join, record_of
from nimdsl.program import Work
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import FAULT, REFUSED, RETURNED

UNCLAIMED = "unclaimed"
"""Where the events come from that give a reply back."""
MARK = "mark"
"""Where the events come from that tell of an economy's balance."""
WAVES = "wave"
"""Where events come from that are waves of other cells."""
TOLD = "told"
"""Where events come from that the actors around tell, as gates and attention do."""
RAISED = "raise"
"""Where events come from that a cell raises itself."""
ANSWERED = "answers"
"""Where events come from that answers raise: again with each request."""
ELAPSED = "elapsed"
"""The name that means since when the state stands in whose lines it is read."""


@dataclass
class EventSource:
    """Where an event comes from: the fields that every source gives it, and whether it can come again."""

    fields: dict[str, Type]
    origins: set[str] = field(default_factory=set)
    place: Place | None = None
    """Where it is declared or raised first."""
    unsure: bool = False
    """Whether it may have more fields, for one of its sources is wrong itself."""

    @property
    def once(self) -> bool:
        """Whether it comes once for something the cell did, so that missing it is final."""
        others = ("accepts", UNCLAIMED, MARK, RETURNED, WAVES, TOLD, ANSWERED)
        return not any(one in others or one.startswith("attention: ") for one in self.origins)


@dataclass
class Interface:
    """What a cell's machine can read and use besides its states."""

    scope: Scope
    data: Mapping[str, Type]
    works: Mapping[str, Work]
    arguments: Mapping[str, Expression]
    events: dict[str, EventSource]
    rewards: frozenset[str] | None
    """The rewards that economies know; None where that is not sure."""
    name: str = ""
    kind: str = "cell"
    stages: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The stages of an attention's levels, by level."""
    economy: str = ""
    """Whose lifeforce it lives on; empty for the scenario's."""
    unsure: bool = False
    """Whether there may be more events than are known."""
    replies: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)
    """The events that are answered, with the fields of the answer."""
    answering: frozenset[str] = frozenset()
    """The works that answers do."""
    _inside: dict[int, Scope] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The scopes of states, by how deep they are."""

    @property
    def stands(self) -> bool:
        """Whether its states stand for a while: those of an attention are its modes."""
        return self.kind != "attention"

    def scope_in(self, state: str) -> Scope:
        """The scope of what stands in a state, by its path (the root: empty)."""
        if not self.stands:
            return self.scope
        depth = state.count("/") + 1 if state else 0
        found = self._inside.get(depth)
        if found is None:
            elapsed = Binding(DURATION, ("$elapsed", str(depth)))
            found = self._inside[depth] = self.scope.extended({ELAPSED: elapsed})
        return found

    def scope_for(self, event: str, state: str) -> Scope:
        """The scope of a guard or action of a state that ``event`` leads to."""
        source = self.events.get(event)
        kind = record_of(source.fields, f"event `{event}`", source.unsure) if source else ANY
        return self.scope_in(state).extended({"event": Binding(kind, ("$event",))})

    @cached_property
    def scope_on_entry(self) -> Scope:
        """The scope of what is done or read on entering a state: no time has passed in it."""
        if not self.stands:
            return self.scope
        constants = {**self.scope.constants, ELAPSED: Literal(0, DURATION)}
        return Scope(self.scope.names, constants, self.scope.lets)


def add_source(
    events: dict[str, EventSource],
    name: str,
    origin: str,
    fields: Mapping[str, Type],
    place: Place | None = None,
) -> None:
    """Adds a source of an event; only fields that all sources give remain."""
    known = events.get(name)
    if known is None:
        events[name] = EventSource(dict(fields), {origin}, place)
        return
    common = {key: _either(kind, fields[key]) for key, kind in known.fields.items() if key in fields}
    known.fields = {key: kind for key, kind in common.items() if kind is not None}
    known.origins.add(origin)
    known.place = known.place or place


def _either(one: Type, other: Type) -> Type | None:
    """The type of a field that is of the one type or the other: ``any`` for int or real, None for none."""
    joined = join(one, other)
    if joined is None or (converter(joined, one) is None and converter(joined, other) is None):
        return joined
    return ANY


def add_refused(events: dict[str, EventSource]) -> None:
    """What an actor hears when a price is not paid."""
    fields = {"price": LIFEFORCE, "balance": LIFEFORCE, "economy": STRING}
    add_source(events, REFUSED, "refused", fields)


def event_sources(
    accepts: Mapping[str, tuple[Mapping[str, Type], Place]],
    works: Mapping[str, Work],
    replies: Mapping[str, Mapping[str, Type]],
    unsure: Container[str] = (),
    marks: Iterable[str] = (),
    told: Iterable[str] = (),
) -> dict[str, EventSource]:
    """Every event that can reach the cell, but for those that it raises itself.

    ``marks`` are those of the economies that it may live on, ``told`` what economies tell besides.
    Works whose names are in ``unsure`` may return more than is known.
    """
    events: dict[str, EventSource] = {}
    for name, (fields, place) in accepts.items():
        add_source(events, name, "accepts", fields, place)
    for work in works.values():
        for outcome, event in work.outcomes.items():
            fields = work.returns if outcome == "done" else {"reason": STRING}
            add_source(events, event, f"work {work.name}: {outcome}", fields)
            events[event].unsure |= work.name in unsure and outcome == "done"
    for name, answer in replies.items():
        add_source(events, f"{name}.unclaimed", UNCLAIMED, answer)
    for name in marks:
        for event in (name, f"{name}.over"):
            add_source(events, event, MARK, {"balance": LIFEFORCE})
    for name in told:
        add_source(events, name, MARK, {"balance": LIFEFORCE})
    add_refused(events)
    add_source(events, FAULT, "fault", {"reason": STRING})
    add_source(events, RETURNED, RETURNED, {})
    return events
