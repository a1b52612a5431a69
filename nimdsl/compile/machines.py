"""Compiles ``machine``: nested states, transitions, timers and actions of a cell.

Events get their types here: a guard or an action may read ``event.<field>``
of exactly the fields that whoever raises the event gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nimdsl.base.diagnostics import Place
from nimdsl.base.suggest import phrase
from nimdsl.compile.reader import Reader
from nimdsl.compile.sending import compile_send
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.conversion import converter
from nimdsl.expression.evaluate import Fault
from nimdsl.expression.syntax import Literal
from nimdsl.expression.types import ANY, DURATION, LIFEFORCE, REAL, STRING, Type, join, record_of
from nimdsl.program import Work
from nimdsl.program.expression import Expression
from nimdsl.program.flatten import FAULT, REFUSED
from nimdsl.program.machine import (
    Action,
    AskReward,
    BeginWork,
    Emit,
    Price,
    PriceSource,
    Raise,
    Set,
    State,
    Timer,
    Transition,
)
from nimdsl.schema.remedies import of_work
from nimdsl.text.tree import ListNode, MapNode, Node


@dataclass
class EventSource:
    """Where an event comes from: the fields that every source gives it, and whether it can come again."""

    fields: dict[str, Type]
    origins: set[str] = field(default_factory=set)
    place: Place | None = None
    """Where it is declared or raised first."""

    @property
    def once(self) -> bool:
        """Whether it comes once for something the cell did, so that missing it is final."""
        return not any(origin == "accepts" or origin.startswith("attention: ") for origin in self.origins)


@dataclass
class Interface:
    """What a cell's machine can read and use besides its states."""

    scope: Scope
    data: Mapping[str, Type]
    works: Mapping[str, Work]
    arguments: Mapping[str, Expression]
    events: dict[str, EventSource]
    rewards: frozenset[str] | None
    name: str = ""
    kind: str = "cell"
    stages: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The stages of an attention's levels, by level."""

    def scope_for(self, event: str) -> Scope:
        """The scope of a guard or action that ``event`` leads to."""
        source = self.events.get(event)
        kind = record_of(source.fields, f"event `{event}`") if source else ANY
        return self.scope.extended({"event": Binding(kind, ("$event",))})


def add_source(
    events: dict[str, EventSource],
    name: str,
    origin: str,
    fields: Mapping[str, Type],
    place: Place | None = None,
) -> None:
    """Adds a source of an event; only fields that all sources give remain."""
    known = events.setdefault(name, EventSource(dict(fields)))
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


def event_sources(
    accepts: Mapping[str, tuple[Mapping[str, Type], Place]], works: Mapping[str, Work]
) -> dict[str, EventSource]:
    """Every event that can reach the cell, but for those that it raises itself."""
    events: dict[str, EventSource] = {}
    for name, (fields, place) in accepts.items():
        add_source(events, name, "accepts", fields, place)
    for work in works.values():
        for outcome, event in work.outcomes.items():
            fields = work.returns if outcome == "done" else {"reason": STRING}
            add_source(events, event, f"work {work.name}: {outcome}", fields)
    add_source(events, REFUSED, "refused", {"price": LIFEFORCE, "balance": LIFEFORCE})
    add_source(events, FAULT, "fault", {"reason": STRING})
    return events


def compile_machine(reader: Reader, interface: Interface) -> State:
    """The root of the state tree.  Targets that do not exist are reported and kept as they are."""
    return _Compiler(reader, interface).root()


class _Compiler:
    def __init__(self, reader: Reader, interface: Interface) -> None:
        self.reader = reader
        self.interface = interface
        self.findings = reader.findings
        self.paths = {""} | set(_paths(reader.node.get("states"), "", interface.stages))

    def root(self) -> State:
        """The whole machine."""
        for name, place in _raised(self.reader.node):
            add_source(self.interface.events, name, "raise", {}, place)
        return State(
            name="",
            initial=self._initial(self.reader),
            states=self._states(self.reader, ""),
            transitions=tuple(self._transition(item, "") for item in self.reader.items("any")),
            place=self.reader.node.place,
        )

    def _initial(self, reader: Reader) -> str:
        children = reader.keys("states")
        initial = reader.text("initial", children[0] if len(children) == 1 else "")
        if children and initial not in children:
            message = (
                f"the initial state `{initial}` is not among the states"
                if initial
                else "no `initial` state"
            )
            self.findings.report("NIM0405", message, reader.place("initial"), phrase(initial, children))
        return initial

    def _states(self, reader: Reader, path: str) -> tuple[State, ...]:
        node = reader.node.get("states")
        return tuple(
            self._state(name, inner, path, node.key_place(name))
            for name, inner in reader.named("states")
            if isinstance(node, MapNode)
        )

    def _state(self, name: str, reader: Reader, parent: str, place: Place) -> State:
        path = f"{parent}/{name}" if parent else name
        if "states" not in reader and "stages" not in reader and "initial" in reader:
            self.findings.report("NIM0203", "`initial` without inner `states`", reader.place("initial"))
        stages = self._stages(reader) if "stages" in reader else None
        if stages is not None:
            initial, inner = stages[0] if stages else "", self._staged(reader, path, stages)
        else:
            initial = self._initial(reader) if "states" in reader else ""
            inner = self._states(reader, path)
        return State(
            name=name,
            initial=initial,
            states=inner,
            final=bool(reader.value("final", False)),
            enter=self._actions(reader, "enter", self.interface.scope),
            exit=self._actions(reader, "exit", self.interface.scope),
            transitions=tuple(self._transition(item, path) for item in reader.items("transitions")),
            timers=tuple(self._timer(item, path) for item in reader.items("timers")),
            place=place,
        )

    def _stages(self, reader: Reader) -> Sequence[str]:
        """The stages that a state is made of; none where that makes no sense, which is reported."""
        report, level, known = self.findings.report, reader.text("stages"), self.interface.stages
        stages = known.get(level, ())
        if "initial" in reader:
            message = "the first of the `stages` is entered first"
            report("NIM0203", message, reader.place("initial"), "remove `initial`")
        if self.interface.kind == "cell":
            message = "`stages` are those of a level: only the modes of an attention have them"
            report("NIM0203", message, reader.place("stages"), "remove `stages`, and write `states:`")
        elif level not in known:
            staged = [name for name, inner in known.items() if inner]
            report("NIM0301", f"there is no level `{level}`", reader.place("stages"), phrase(level, staged))
        elif not stages:
            message = f"the level `{level}` has no stages"
            report("NIM0301", message, reader.place("stages"), "add `stages:` to the level")
        return stages

    def _staged(self, reader: Reader, path: str, stages: Sequence[str]) -> tuple[State, ...]:
        """A state for each stage; each leads to the next, on whose name it does not say otherwise."""
        said, node, found = dict(reader.named("states")), reader.node.get("states"), []
        for name in said:
            if stages and name not in stages and isinstance(node, MapNode):
                message = f"`{name}` is no stage of `{reader.text('stages')}`"
                self.findings.report("NIM0405", message, node.key_place(name), phrase(name, stages))
        for name, after in zip(stages, [*stages, ""][1:], strict=True):
            place = reader.place("stages")
            own = self._state(name, said[name], path, place) if name in said else State(name, place=place)
            onward = not any(way.event == after and way.guard is None for way in own.transitions)
            ways = [Transition(after, f"{path}/{after}", place=place)] if after and onward else []
            found.append(replace(own, transitions=(*own.transitions, *ways)))
        return tuple(found)

    def _transition(self, reader: Reader, owner: str) -> Transition:
        event = reader.text("event")
        return self._edge(reader, owner, event, self.interface.scope_for(event))

    def _timer(self, reader: Reader, owner: str) -> Timer:
        edge = self._edge(reader, owner, "", self.interface.scope)
        after = reader.amount("after", self.interface.scope, DURATION)
        return Timer(after, (edge,), reader.node.place)

    def _edge(self, reader: Reader, owner: str, event: str, scope: Scope) -> Transition:
        if "cost" in reader and event == REFUSED:
            message = "a transition on `refused` is free: nothing could pay for it"
            self.findings.report("NIM0411", message, reader.place("cost"), "remove `cost`")
        price = (
            Price(reader.amount("cost", scope, LIFEFORCE), PriceSource.POOL, self.interface.name)
            if "cost" in reader
            else None
        )
        return Transition(
            event=event,
            target=self._target(reader, owner),
            guard=reader.expression("if", scope),
            price=price if price and price.amount else None,
            actions=self._actions(reader, "do", scope),
            internal=bool(reader.value("internal", False)),
            place=reader.place("event") if "event" in reader else reader.place(),
        )

    def _target(self, reader: Reader, owner: str) -> str:
        if reader.value("internal", False):
            if "to" in reader:
                message = "an internal transition stays in its state"
                self.findings.report("NIM0203", message, reader.place("to"), "remove `to` or `internal`")
            return owner
        if "to" not in reader:
            fix = "add `to:`, or say `internal: true`"
            self.findings.report(
                "NIM0204", "this transition does not say where it leads", reader.place(), fix
            )
            return ""
        written = reader.text("to")
        scope = owner.rpartition("/")[0]
        while True:
            path = f"{scope}/{written}" if scope else written
            if path in self.paths and written:
                return path
            if not scope:
                break
            scope = scope.rpartition("/")[0]
        known = [path for path in self.paths if path]
        fix = phrase(written, sorted(known))
        self.findings.report("NIM0405", f"there is no state `{written}`", reader.place("to"), fix)
        return ""

    def _actions(self, reader: Reader, key: str, scope: Scope) -> tuple[Action, ...]:
        return compile_actions(reader, key, scope, self.interface)


def compile_actions(reader: Reader, key: str, scope: Scope, interface: Interface) -> tuple[Action, ...]:
    """The actions in the list at ``key``; wrong ones are reported and left out."""
    actions: list[Action] = []
    for item in reader.items(key):
        actions += _action(item, scope, interface)
    return tuple(actions)


def _action(reader: Reader, scope: Scope, interface: Interface) -> list[Action]:
    match next(iter(reader.node.entries)):
        case "set":
            return _sets(reader, scope, interface)
        case "raise":
            return [Raise(reader.text("raise"))]
        case "work":
            return _start(reader, interface)
        case "emit":
            wave = reader.sub("emit")
            return [Emit(_confidence(wave, scope), wave.template("content", scope))] if wave else []
        case "send":
            return compile_send(reader, scope)
        case _:
            return _reward(reader, interface)


def _confidence(wave: Reader, scope: Scope) -> Expression:
    """How sure the wave is; of a number that is written the schema says that it is from 0 to 1."""
    if "confidence" not in wave:
        return Expression(Literal(1.0, REAL), REAL, scope)
    found = wave.template("confidence", scope, REAL)
    try:
        value = found.evaluate({}) if found.is_constant else None
    except Fault as fault:
        wave.findings.report("NIM0304", str(fault), wave.place("confidence"))
        return found
    if isinstance(value, float) and not 0 <= value <= 1:
        message, fix = f"`confidence` is from 0 to 1, this is {value:g}", "write a number from 0 to 1"
        wave.findings.report("NIM0210", message, wave.place("confidence"), fix)
    return found


def _sets(reader: Reader, scope: Scope, interface: Interface) -> list[Action]:
    actions: list[Action] = []
    inner = reader.sub("set")
    for name in reader.keys("set") if inner else ():
        assert inner is not None
        if name not in interface.data:
            message = f"the cell has no data field `{name}`"
            reader.findings.report(
                "NIM0303", message, inner.node.key_place(name), phrase(name, interface.data)
            )
            continue
        actions.append(Set((name,), inner.template(name, scope, interface.data[name])))
    return actions


def _start(reader: Reader, interface: Interface) -> list[Action]:
    name = reader.text("work")
    if name in interface.works:
        return [BeginWork(name, interface.arguments[name])]
    fix = of_work(name, interface.works)
    message = f"the cell declares no work `{name}`"
    if interface.kind == "attention":
        fix, message = f"give it to a level: `work: {name}`", "modes start no work: levels do"
    reader.findings.report("NIM0301", message, reader.place("work"), fix)
    return []


def _reward(reader: Reader, interface: Interface) -> list[Action]:
    name = reader.text("reward")
    if interface.rewards is not None and name not in interface.rewards:
        fix = phrase(name, interface.rewards)
        message = f"no economy knows the reward `{name}`"
        reader.findings.report("NIM0301", message, reader.place("reward"), fix)
    return [AskReward(name, f"{interface.kind}/{interface.name}")]


def _paths(node: object, parent: str, stages: Mapping[str, Sequence[str]]) -> list[str]:
    found: list[str] = []
    for name, state in node.entries.items() if isinstance(node, MapNode) else ():
        path = f"{parent}/{name}" if parent else name
        found.append(path)
        if isinstance(state, MapNode):
            found += _paths(state.get("states"), path, stages)
            level = state.get("stages")
            found += [f"{path}/{stage}" for stage in stages.get(str(level.plain()), ())] if level else []
    return found


def _raised(node: Node | None) -> Iterator[tuple[str, Place]]:
    """Every event that some action in the tree raises, and where."""
    if isinstance(node, MapNode):
        for key, value in node.entries.items():
            if key == "raise":
                yield str(value.plain()), value.place
            else:
                yield from _raised(value)
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _raised(item)
