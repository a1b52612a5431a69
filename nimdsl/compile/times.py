"""Which values are times: those that come from ``now``, ``elapsed`` or ``time_of_day``, wherever they go.

The law: two gardens that decide alike differ in when they do it.  So a value that an expression makes of
the clock is no decision, nor is what is made of it: through data, the fields of events and of asks, the
content of waves, the arguments of work and what it returns.  Guards are not followed, nor what a gate or a
nerve's ``verify`` asks: a transition that was taken, an opening and an outcome remain decisions.

What is found stands at the actions (``times``); the kernel keeps it apart in records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
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
CONFIDENCE, CONTENT = "confidence", "content"
"""The fields of a wave."""


@dataclass(frozen=True)
class Seen:
    """The fields that are times that an expression can read: of data, of the event at hand, of senses."""

    data: AbstractSet[str] = frozenset()
    event: AbstractSet[str] = frozenset()
    senses: Mapping[str, AbstractSet[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Timed:
    """A cell or a nerve as this looks at it: its machine, its work, and the arguments of that by name."""

    root: State
    works: Mapping[str, Work]
    arguments: Mapping[str, Expression]
    heard: Mapping[str, str] = field(default_factory=dict)
    """The ids of those whose waves it hears, by the event that they are."""


@dataclass
class _Known:
    """The fields that are times: of data by cell, of events by cell and event, of waves by emitter.

    Of an event that is a wave, those of its content are known as ``content.<field>``.
    """

    data: dict[str, set[str]] = field(default_factory=dict)
    events: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    waves: dict[str, set[str]] = field(default_factory=dict)
    grown: bool = False

    def seen(self, name: str, cell: Timed, event: str = "") -> Seen:
        """What the expressions of a cell can read that is a time, where an event is at hand."""
        data = self.data.setdefault(name, set())
        fields = self.waves.get(cell.heard[event], set()) if event in cell.heard else set()
        senses = {one: self.waves.get(emitter, set()) for one, emitter in cell.heard.items()}
        return Seen(data, fields or self.events.get((name, event), set()), senses)

    def add(self, known: set[str], names: set[str]) -> None:
        if not names <= known:
            known |= names
            self.grown = True


def with_times(
    cells: Mapping[str, Timed], relays: Mapping[str, Collection[str]]
) -> tuple[dict[str, Timed], dict[str, tuple[str, ...]]]:
    """The same cells, each action with the fields that are times; by the ids of the cells.

    ``relays`` are those who emit what they hear, gates, with the ids of whom they hear; what of that are
    times is given back too.
    """
    known = _Known()
    if not any(_reads_clock(one) for one in cells.values()):
        return dict(cells), dict.fromkeys(relays, ())
    known.grown = True
    while known.grown:
        known.grown = False
        for name, cell in cells.items():
            _follow(name, cell, cells, known)
        for relay, emitters in relays.items():
            for emitter in emitters:
                known.add(known.waves.setdefault(relay, set()), known.waves.get(emitter, set()))
    marked = {name: _marked(name, cell, known) for name, cell in cells.items()}
    content = {
        relay: {one.removeprefix(CONTENT).removeprefix(".") for one in known.waves.get(relay, set())}
        for relay in relays
    }
    return marked, {relay: _sorted(fields - {CONFIDENCE}) for relay, fields in content.items()}


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
    for event, action in _actions(cell.root):
        seen = known.seen(name, cell, event)
        match action:
            case Set(path=path, value=value) if _is_time(value, seen):
                known.add(known.data[name], {path[0]})
            case Emit():
                known.add(known.waves.setdefault(name, set()), _times_of_wave(action, seen))
            case Send():
                sent = times_in(action.payload, seen)
                for to in members_of(action.to):
                    known.add(known.events.setdefault((to, action.event), set()), sent)
            case ReplyToAsk():
                _answer(name, times_in(action.payload, seen), event, cells, known)
            case BeginWork(work=work) if work in cell.works:
                _begin(name, cell, work, known)


def _begin(name: str, cell: Timed, work: str, known: _Known) -> None:
    """Work that is given times may return some; an ask carries them to who is asked."""
    declared, seen = cell.works[work], known.seen(name, cell)
    if declared.ask is not None:
        for to in members_of(declared.ask.to):
            sent = times_in(declared.ask.payload, seen)
            known.add(known.events.setdefault((to, declared.ask.event), set()), sent)
    elif (
        times_in(declared.organ.payload, seen)
        if declared.organ is not None
        else work in cell.arguments and _is_time(cell.arguments[work], seen)
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


def _times_of_wave(wave: Emit, seen: Seen) -> set[str]:
    """Those of its fields, and of the fields of its content."""
    content = {f"{CONTENT}.{one}" if one else CONTENT for one in times_in(wave.content, seen)}
    return content | ({CONFIDENCE} if _is_time(wave.confidence, seen) else set())


def times_in(payload: Expression, seen: Seen) -> set[str]:
    """The fields of a record that are times; :data:`WHOLE` for a value that is one and no record."""
    if not isinstance(payload.node, RecordOf):
        return {WHOLE} if _is_time(payload, seen) else set()
    return {name for name, part in payload.node.fields if _reads(part, payload, seen, frozenset())}


def _is_time(value: Expression, seen: Seen) -> bool:
    return _reads(value.node, value, seen, frozenset())


def _reads(node: ExpressionNode, whole: Expression, seen: Seen, bound: frozenset[str]) -> bool:
    match node:
        case Field():
            names = _names(node)
            root = _root(names[0], whole, bound)
            if root == ("$event",):
                return _is_among(names[1:], seen.event)
            if root == ("$senses",):
                return _is_among(names[2:], seen.senses.get(names[1], frozenset()))
        case Name(name=name):
            path = _root(name, whole, bound)
            root_name = path[0] if path else ""
            if root_name == "$data":
                return path[1] in seen.data
            sensed = root_name == "$senses" and any(seen.senses.values())
            return root_name in CLOCK or sensed or (root_name == "$event" and bool(seen.event))
        case Macro():
            inner = bound | {node.variable}
            return _reads(node.target, whole, seen, bound) or _reads(node.body, whole, seen, inner)
    return any(_reads(part, whole, seen, bound) for part in children(node))


def _names(node: ExpressionNode) -> list[str]:
    """``a.b.c`` as its names; an empty one first where something else than a name is at the root."""
    if isinstance(node, Field):
        return [*_names(node.target), node.name]
    return [node.name if isinstance(node, Name) else ""]


def _is_among(path: list[str], times: AbstractSet[str]) -> bool:
    """Whether what is found at a path is one of the times, lies in one, or contains one."""
    written = ".".join(path)
    return any(
        not written or f"{one}.".startswith(f"{written}.") or f"{written}.".startswith(f"{one}.")
        for one in times
    )


def _root(name: str, whole: Expression, bound: frozenset[str]) -> tuple[str, ...]:
    """Where a name is found; nothing for what a macro binds and for constants."""
    known = name in whole.scope.names and name not in bound and name not in whole.scope.constants
    return whole.scope.names[name].path if known else ()


# What is found, at the actions


def _marked(name: str, cell: Timed, known: _Known) -> Timed:
    def mark(action: Action, event: str) -> Action:
        seen = known.seen(name, cell, event)
        match action:
            case Emit(content=content):
                return replace(action, times=_sorted(times_in(content, seen)))
            case Send(payload=payload) | ReplyToAsk(payload=payload):
                return replace(action, times=_sorted(times_in(payload, seen)))
        return action

    seen = known.seen(name, cell)
    works = {
        one: replace(work, ask=_timed(work.ask, seen), organ=_timed(work.organ, seen))
        for one, work in cell.works.items()
    }
    return replace(cell, root=_rewritten(cell.root, mark), works=works)


def _timed(asking: Asking, seen: Seen) -> Asking:
    if asking is None:
        return asking
    return replace(asking, times=_sorted(times_in(asking.payload, seen)))


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
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
