"""Compiles ``machine``: nested states, transitions, timers and actions of a cell.

Events get their types here: a guard or an action may read ``event.<field>``
of exactly the fields that whoever raises the event gives it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
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
from nimdsl.program.flatten import FAULT, REFUSED, RETURNED, STATE
from nimdsl.program.machine import (
    Action,
    AskReward,
    BeginWork,
    Emit,
    Price,
    PriceSource,
    Raise,
    ReplyToAsk,
    Set,
    State,
    Timer,
    Transition,
)
from nimdsl.schema.remedies import of_work
from nimdsl.text.tree import ListNode, MapNode, Node

UNCLAIMED = "unclaimed"
"""Where the events come from that give a reply back."""
RAISED = "raise"
"""Where events come from that a cell raises itself."""
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
        others = ("accepts", UNCLAIMED, RETURNED)
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
    name: str = ""
    kind: str = "cell"
    stages: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The stages of an attention's levels, by level."""
    replies: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)
    """The events that are answered, with the fields of the answer."""

    def scope_in(self, state: str) -> Scope:
        """The scope of what stands in a state, by its path (the root: empty)."""
        if self.kind != "cell":
            return self.scope
        depth = state.count("/") + 1 if state else 0
        return self.scope.extended({ELAPSED: Binding(DURATION, ("$elapsed", str(depth)))})

    def scope_for(self, event: str, state: str) -> Scope:
        """The scope of a guard or action of a state that ``event`` leads to."""
        source = self.events.get(event)
        kind = record_of(source.fields, f"event `{event}`", source.unsure) if source else ANY
        return self.scope_in(state).extended({"event": Binding(kind, ("$event",))})

    @property
    def scope_on_entry(self) -> Scope:
        """The scope of what is done or read on entering a state: no time has passed in it."""
        if self.kind != "cell":
            return self.scope
        return Scope(self.scope.names, {**self.scope.constants, ELAPSED: Literal(0, DURATION)})


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
    accepts: Mapping[str, tuple[Mapping[str, Type], Place]],
    works: Mapping[str, Work],
    replies: Mapping[str, Mapping[str, Type]],
    unsure: Container[str] = (),
) -> dict[str, EventSource]:
    """Every event that can reach the cell, but for those that it raises itself.

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
    add_source(events, REFUSED, "refused", {"price": LIFEFORCE, "balance": LIFEFORCE})
    add_source(events, FAULT, "fault", {"reason": STRING})
    add_source(events, RETURNED, RETURNED, {})
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
            add_source(self.interface.events, name, RAISED, {}, place)
        return State(
            name="",
            initial=self._initial(self.reader),
            states=self._states(self.reader, ""),
            transitions=tuple(self._transition(item, "") for item in self.reader.items("any")),
            fails=self.reader.text("failure_policy") == "fail",
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
            enter=self._actions(reader, "enter", self.interface.scope_on_entry),
            exit=self._actions(reader, "exit", self.interface.scope_in(path)),
            defer=self._deferred(reader),
            transitions=tuple(self._transition(item, path) for item in reader.items("transitions")),
            timers=tuple(self._timer(item, path) for item in reader.items("timers")),
            place=place,
        )

    def _deferred(self, reader: Reader) -> tuple[str, ...]:
        """The events that a state keeps; NIM0416 for those that nobody else sends, or that it takes."""
        taken = {item.text("event") for item in reader.items("transitions") if "if" not in item}
        found = []
        for item in reader.scalars("defer"):
            event, place = item.text("defer"), item.place("defer")
            source = self.interface.events.get(event)
            own = (RAISED, RETURNED)
            if source is None or source.once or source.origins.intersection(own):
                events = self.interface.events.items()
                others = [name for name, one in events if not (one.once or one.origins.intersection(own))]
                message = f"`{event}` is no event that only others send, so it cannot be deferred"
                self.findings.report("NIM0416", message, place, phrase(event, others))
            elif event in taken:
                message = f"`{event}` is always taken here, so it is never deferred"
                fix = "give its transition an `if`, or remove one of them"
                self.findings.report("NIM0416", message, place, fix)
            else:
                found.append(event)
        return tuple(dict.fromkeys(found))

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
        return self._edge(reader, owner, event, self.interface.scope_for(event, owner))

    def _timer(self, reader: Reader, owner: str) -> Timer:
        edge = self._edge(reader, owner, "", self.interface.scope_in(owner))
        scope = self.interface.scope_on_entry
        names = {name: one for name, one in scope.names.items() if name != STATE}
        after = reader.amount("after", Scope(names, scope.constants), DURATION)
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
            actions=self._actions(reader, "do", scope, event),
            internal=bool(reader.value("internal", False)),
            history=self._history(reader, owner),
            place=reader.place("event") if "event" in reader else reader.place(),
        )

    def _history(self, reader: Reader, owner: str) -> bool:
        """Whether it goes back to where its target was left; NIM0417 where that makes no sense."""
        if not reader.value("history", False) or "to" not in reader:
            return False
        target, place = self._target(reader, owner), reader.place("history")
        inside = owner == target or owner.startswith(target + "/")
        if target and inside:
            message = f"`{target}` is not left here, so nobody can come back to it"
            self.findings.report("NIM0417", message, place, "remove `history`")
        elif target and not any(path.startswith(target + "/") for path in self.paths):
            message = f"`{target}` has no inner states to come back to"
            self.findings.report("NIM0417", message, place, "remove `history`, or name the state around it")
        else:
            return bool(target)
        return False

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

    def _actions(self, reader: Reader, key: str, scope: Scope, event: str = "") -> tuple[Action, ...]:
        return compile_actions(reader, key, scope, self.interface, event)


def compile_actions(
    reader: Reader, key: str, scope: Scope, interface: Interface, event: str = ""
) -> tuple[Action, ...]:
    """The actions in the list at ``key``, done on an ``event``; wrong ones are reported and left out."""
    actions: list[Action] = []
    for item in reader.items(key):
        actions += _action(item, scope, interface, event)
    return tuple(actions)


def _action(reader: Reader, scope: Scope, interface: Interface, event: str) -> list[Action]:
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
        case "reply":
            return _reply(reader, scope, interface, event)
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


def _reply(reader: Reader, scope: Scope, interface: Interface, event: str) -> list[Action]:
    """The answer to the ask at hand; elsewhere to any that can be served there."""
    asked = [event] if event in interface.replies else [*interface.replies]
    place = reader.place("reply")
    if not asked or interface.kind != "cell":
        message, fix = "the cell replies to no event", "declare it: `replies: {<event>: {<field>: <type>}}`"
        reader.findings.report("NIM0310", message, place, fix)
        return []
    fields = interface.replies[asked[0]]
    if any(dict(interface.replies[one]) != dict(fields) for one in asked):
        both = " and ".join(f"`{one}`" for one in asked[:2])
        message = f"{both} are answered with different fields, and either may be served here"
        reader.findings.report("NIM0310", message, place, "reply in the transition on the event itself")
        return []
    payload = reader.template("reply", scope, record_of(fields))
    missing = [key for key in fields if payload.type.field(key) is None]
    if missing:
        message = f"the answer to `{asked[0]}` needs `{missing[0]}`"
        reader.findings.report("NIM0306", message, place, f"add `{missing[0]}:`")
    return [ReplyToAsk(payload, place)]


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
