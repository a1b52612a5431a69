"""Two interpreters of one table: ``transitions`` and a plain loop (SEMANTICS 1.2).

An interpreter chooses the row: it offers the candidates of a state and an
event to ``decide`` in document order and returns the first that was taken.
``decide`` covers guard and payment; a refused price leaves by an exception, so
nothing else is tried.  That both choose alike is a property test.

``transitions`` is used flat: one ``Machine(model=None)`` a table, scratch
models that are never registered, callables only.  Its classes are put in by its
own hooks (``event_cls``, ``transition_cls``, ``condition_cls``) without what no
table asks for: queues, callbacks, log lines.  That they choose as the classes
they stand for do is a property test too.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Final, Protocol

from transitions import Event, EventData, Machine, Transition
from transitions.core import Condition

from nimdsl.program.flatten import Table

Decide = Callable[[int], bool]


class Interpreter(Protocol):
    """Chooses which row of a table an event takes."""

    def choose(self, state: int, event: int, decide: Decide) -> int | None:
        """The number of the row, or None when no candidate is taken."""
        ...


class PlainInterpreter:
    """The table, read directly."""

    def __init__(self, table: Table) -> None:
        self._candidates = table.candidates

    def choose(self, state: int, event: int, decide: Decide) -> int | None:
        """See :class:`Interpreter`."""
        for row in self._candidates.get((state, event), ()):
            if decide(row):
                return row
        return None


class _Scratch:
    """A model for one trigger."""

    __slots__ = ("chosen", "decide", "state")

    def __init__(self, state: str, decide: Decide) -> None:
        self.state = state
        self.decide = decide
        self.chosen: int | None = None


class _Asked(Condition):
    """A condition that is a callable: there is no name to look up."""

    def check(self, event_data: EventData) -> bool:
        holds: Any = self.func
        return bool(holds(event_data.model))


class _Edge(Transition):
    """A transition with conditions and nothing else: no callbacks, and none on its states."""

    condition_cls = _Asked

    def execute(self, event_data: Any) -> bool:
        if not self._eval_conditions(event_data):
            return False
        event_data.model.state = self.dest
        return True


class _Event(Event):
    """An event that nobody else listens to and that waits for no other: its edges, in order."""

    def trigger(self, model: Any, *args: Any, **kwargs: Any) -> bool:
        event_data = EventData(None, self, self.machine, model, args, kwargs)
        for edge in self.transitions[model.state]:  # noqa: SIM110  a generator costs more than the rest
            if edge.execute(event_data):
                return True
        return False


class Lean(Machine):
    """A ``transitions`` machine that only chooses."""

    event_cls = _Event
    transition_cls = _Edge


class TransitionsInterpreter:
    """The table as one shared ``transitions`` machine."""

    def __init__(self, table: Table, machine: type[Machine] = Lean) -> None:
        self._states = [f"s{number}" for number in range(len(table.states))]
        self._machine: Any = machine(
            model=None,
            states=self._states,
            initial=self._states[table.begin.target],
            auto_transitions=False,
            send_event=False,
        )
        used = {event for _, event in table.candidates}
        for number, row in enumerate(table.rows):
            self._machine.add_transition(
                f"e{row.event}",
                self._states[row.source],
                self._states[row.target],
                conditions=[_condition(number)],
            )
        self._events = {event: self._machine.events[f"e{event}"] for event in used}
        self._candidates = table.candidates

    def choose(self, state: int, event: int, decide: Decide) -> int | None:
        """See :class:`Interpreter`."""
        if (state, event) not in self._candidates:
            return None
        model = _Scratch(self._states[state], decide)
        self._events[event].trigger(model, model)
        return model.chosen


_MACHINES: Final[dict[int, TransitionsInterpreter]] = {}
"""Those of the tables that live, by their identity: tables are too large to be compared."""


def transitions_of(table: Table) -> TransitionsInterpreter:
    """The interpreter of a table: built once and shared by every run, for it keeps nothing of one."""
    number = id(table)
    known = _MACHINES.get(number)
    if known is None:
        known = _MACHINES[number] = TransitionsInterpreter(table)
        weakref.finalize(table, _MACHINES.pop, number, None).atexit = False
    return known


def _condition(number: int) -> Callable[[_Scratch], bool]:
    def holds(model: _Scratch) -> bool:
        if not model.decide(number):
            return False
        model.chosen = number
        return True

    return holds
