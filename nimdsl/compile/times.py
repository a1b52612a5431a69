"""Which values are times: those that come from ``now``, ``elapsed`` or ``time_of_day``, wherever they go.

The law: two gardens that decide alike differ in when they do it.  So a value that an expression makes of
the clock is no decision, nor is what is made of it: through data, the fields of events and of asks, the
arguments of work and what it returns.  Guards are not followed: a transition that was taken remains a
decision.

What is found stands at the actions (``times``); the kernel keeps it apart in records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from nimdsl.expression.syntax import ExpressionNode, Field, Macro, Name, RecordOf, children
from nimdsl.program import AskSpec, OrganSpec, Work
from nimdsl.program.address import members_of
from nimdsl.program.expression import Expression
from nimdsl.program.machine import Action, BeginWork, Emit, ReplyToAsk, Send, Set, State, Transition, walk

CLOCK = frozenset({"$now", "$elapsed", "$time_of_day"})
"""Where the clock is read."""
Asking = TypeVar("Asking", bound=AskSpec | OrganSpec | None)
WHOLE = ""
"""Stands for a value that is no record."""


@dataclass(frozen=True)
class Timed:
    """A cell as this looks at it: its machine, its work, and the arguments of that by name."""

    root: State
    works: Mapping[str, Work]
    arguments: Mapping[str, Expression]


@dataclass
class _Known:
    """The fields that are times: of data by cell, of events by cell and event."""

    data: dict[str, set[str]] = field(default_factory=dict)
    events: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    grown: bool = False

    def add(self, known: set[str], names: set[str]) -> None:
        if not names <= known:
            known |= names
            self.grown = True


def with_times(cells: Mapping[str, Timed]) -> dict[str, Timed]:
    """The same cells, each action with the fields that are times; by the ids of the cells."""
    known = _Known()
    if not any(_reads_clock(one) for one in cells.values()):
        return dict(cells)
    known.grown = True
    while known.grown:
        known.grown = False
        for name, cell in cells.items():
            _follow(name, cell, cells, known)
    return {name: _marked(name, cell, known) for name, cell in cells.items()}


def _actions(root: State) -> Iterator[tuple[str, Action]]:
    """Every action with the event that it is done on; empty where that is not known."""
    for state in (root, *(state for _, state in walk(root))):
        yield from (("", action) for action in (*state.enter, *state.exit))
        for way in (*state.transitions, *(way for timer in state.timers for way in timer.transitions)):
            yield from ((way.event, action) for action in way.actions)


def _reads_clock(cell: Timed) -> bool:
    found = [one for _, action in _actions(cell.root) for one in _expressions(action)]
    works = cell.works.values()
    found += [*cell.arguments.values(), *(one.ask.payload for one in works if one.ask)]
    found += [one.organ.payload for one in works if one.organ]
    return any(one.reads(root) for one in found for root in CLOCK)


def _expressions(action: Action) -> list[Expression]:
    return [value for value in vars(action).values() if isinstance(value, Expression)]


def _follow(name: str, cell: Timed, cells: Mapping[str, Timed], known: _Known) -> None:
    """One round: what the actions of a cell make of what is known."""
    data = known.data.setdefault(name, set())
    for event, action in _actions(cell.root):
        fields = known.events.get((name, event), set())
        match action:
            case Set(path=path, value=value) if _is_time(value, data, fields):
                known.add(data, {path[0]})
            case Send():
                sent = times_in(action.payload, data, fields)
                for to in members_of(action.to):
                    known.add(known.events.setdefault((to, action.event), set()), sent)
            case ReplyToAsk():
                _answer(name, times_in(action.payload, data, fields), event, cells, known)
            case BeginWork(work=work) if work in cell.works:
                _begin(name, cell, work, known)


def _begin(name: str, cell: Timed, work: str, known: _Known) -> None:
    """Work that is given times may return some; an ask carries them to who is asked."""
    declared, data = cell.works[work], known.data[name]
    if declared.ask is not None:
        for to in members_of(declared.ask.to):
            sent = times_in(declared.ask.payload, data, set())
            known.add(known.events.setdefault((to, declared.ask.event), set()), sent)
    elif (
        times_in(declared.organ.payload, data, set())
        if declared.organ is not None
        else work in cell.arguments and _is_time(cell.arguments[work], data, set())
    ):
        event = declared.outcomes["done"]
        known.add(known.events.setdefault((name, event), set()), {*declared.returns})


def _answer(name: str, times: set[str], event: str, cells: Mapping[str, Timed], known: _Known) -> None:
    """What a reply brings to everybody who may have asked, and back if nobody waits."""
    for asker, cell in cells.items():
        for work in cell.works.values():
            if work.ask is not None and name in members_of(work.ask.to):
                known.add(known.events.setdefault((asker, work.outcomes["done"]), set()), times)
    if event:
        known.add(known.events.setdefault((name, f"{event}.unclaimed"), set()), times)


def times_in(payload: Expression, data: set[str], event: set[str]) -> set[str]:
    """The fields of a record that are times; :data:`WHOLE` for a value that is one and no record."""
    if not isinstance(payload.node, RecordOf):
        return {WHOLE} if _is_time(payload, data, event) else set()
    return {name for name, part in payload.node.fields if _reads(part, payload, data, event, frozenset())}


def _is_time(value: Expression, data: set[str], event: set[str]) -> bool:
    return _reads(value.node, value, data, event, frozenset())


def _reads(
    node: ExpressionNode, whole: Expression, data: set[str], event: set[str], bound: frozenset[str]
) -> bool:
    match node:
        case Field(target=Name(name=name), name=field_) if _root(name, whole, bound) == ("$event",):
            return field_ in event
        case Name(name=name):
            path = _root(name, whole, bound)
            root = path[0] if path else ""
            if root == "$data":
                return path[1] in data
            return root in CLOCK or (root == "$event" and bool(event))
        case Macro():
            inner = bound | {node.variable}
            return _reads(node.target, whole, data, event, bound) or _reads(
                node.body, whole, data, event, inner
            )
    return any(_reads(part, whole, data, event, bound) for part in children(node))


def _root(name: str, whole: Expression, bound: frozenset[str]) -> tuple[str, ...]:
    """Where a name is found; nothing for what a macro binds and for constants."""
    known = name in whole.scope.names and name not in bound and name not in whole.scope.constants
    return whole.scope.names[name].path if known else ()


# What is found, at the actions


def _marked(name: str, cell: Timed, known: _Known) -> Timed:
    data = known.data.get(name, set())

    def mark(action: Action, event: str) -> Action:
        fields = known.events.get((name, event), set())
        match action:
            case Emit(content=content):
                return replace(action, times=_sorted(times_in(content, data, fields)))
            case Send(payload=payload) | ReplyToAsk(payload=payload):
                return replace(action, times=_sorted(times_in(payload, data, fields)))
        return action

    works = {
        one: replace(work, ask=_timed(work.ask, data), organ=_timed(work.organ, data))
        for one, work in cell.works.items()
    }
    return Timed(_rewritten(cell.root, mark), works, cell.arguments)


def _timed(asking: Asking, data: set[str]) -> Asking:
    if asking is None:
        return asking
    return replace(asking, times=_sorted(times_in(asking.payload, data, set())))


def _sorted(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _rewritten(state: State, change: Callable[[Action, str], Action]) -> State:
    """A state with every action changed, in all of its transitions and those of the states inside."""

    def ways(transitions: tuple[Transition, ...]) -> tuple[Transition, ...]:
        return tuple(
            replace(way, actions=tuple(change(action, way.event) for action in way.actions))
            for way in transitions
        )

    return replace(
        state,
        states=tuple(_rewritten(inner, change) for inner in state.states),
        enter=tuple(change(action, "") for action in state.enter),
        exit=tuple(change(action, "") for action in state.exit),
        transitions=ways(state.transitions),
        timers=tuple(replace(timer, transitions=ways(timer.transitions)) for timer in state.timers),
    )
