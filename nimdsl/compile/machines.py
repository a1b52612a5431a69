"""Compiles ``machine``: nested states, transitions and timers of a cell.

Not here: what can be read and which events there are (:mod:`nimdsl.compile.interface`),
what is done (:mod:`nimdsl.compile.actions`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nimdsl.base.diagnostics import Place
from nimdsl.base.suggest import did_you_mean, phrase
from nimdsl.compile.actions import compile_actions
from nimdsl.compile.amounts import duration_or_lifeforce, rate
from nimdsl.compile.interface import ANSWERED, RAISED, Interface, add_source
from nimdsl.compile.reader import Reader
from nimdsl.expression.check import Scope
from nimdsl.expression.types import DURATION, LIFEFORCE
from nimdsl.program.amount import Amount
from nimdsl.program.flatten import REFUSED, RETURNED, STATE
from nimdsl.program.machine import (
    Action,
    Price,
    PriceSource,
    State,
    Timer,
    Transition,
)
from nimdsl.schema.remedies import of_initial
from nimdsl.text.tree import ListNode, MapNode, Node, Scalar


def compile_machine(reader: Reader, interface: Interface, beside: Sequence[Node | None] = ()) -> State:
    """The root of the state tree.  Targets that do not exist are reported and kept as they are.

    ``beside`` are other actions of the cell, which can raise events for it.
    """
    return _Compiler(reader, interface).root(beside)


class _Compiler:
    def __init__(self, reader: Reader, interface: Interface) -> None:
        self.reader = reader
        self.interface = interface
        self.findings = reader.findings
        self.paths = {""} | set(_paths(reader.node.get("states"), "", interface.stages))

    def root(self, beside: Sequence[Node | None]) -> State:
        """The whole machine."""
        for origin, nodes in ((RAISED, [self.reader.node]), (ANSWERED, beside)):
            for name, place in (one for node in nodes for one in _raised(node)):
                add_source(self.interface.events, name, origin, {}, place)
        return State(
            name="",
            initial=self._initial(self.reader, "", self.reader.place()),
            states=self._states(self.reader, ""),
            transitions=tuple(self._transition(item, "") for item in self.reader.items("any")),
            fails=self.reader.text("failure_policy") == "fail",
            place=self.reader.node.place,
        )

    def _initial(self, reader: Reader, path: str, place: Place) -> str:
        """The state that is entered first; ``path`` and ``place`` are of the state around it."""
        children = reader.keys("states")
        initial = reader.text("initial", children[0] if len(children) == 1 else "")
        if not children or initial in children:
            return initial
        if initial:
            message, fix = (
                f"the initial state `{initial}` is not among the states",
                phrase(initial, children),
            )
            self.findings.report("NIM0405", message, reader.place("initial"), fix)
            return initial
        whose = f"`{path}`" if path else "the machine"
        message = f"{whose} does not say which of its states is entered first"
        self.findings.report("NIM0405", message, place, of_initial(children))
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
            initial = self._initial(reader, path, place) if "states" in reader else ""
            inner = self._states(reader, path)
        return State(
            name=name,
            initial=initial,
            states=inner,
            final=bool(reader.value("final", False)),
            income=self._rate(reader, "income"),
            upkeep=self._rate(reader, "upkeep"),
            enter=self._actions(reader, "enter", self.interface.scope_on_entry),
            exit=self._actions(reader, "exit", self.interface.scope_in(path)),
            defer=self._deferred(reader),
            transitions=tuple(self._transition(item, path) for item in reader.items("transitions")),
            timers=tuple(self._timer(item, path) for item in reader.items("timers")),
            place=place,
        )

    def _rate(self, reader: Reader, key: str) -> Amount:
        """What comes in or goes out while a state stands."""
        if key in reader and not self.interface.stands:
            message = f"`{key}` of a state is for cells: what a level costs is in the attention"
            self.findings.report("NIM0203", message, reader.place(key), f"remove `{key}`")
        return rate(reader, key, self._scope_once) if key in reader else 0

    @property
    def _scope_once(self) -> Scope:
        """The scope of what is read once, on entering: also of a state in which there are others."""
        scope = self.interface.scope_on_entry
        names = {name: one for name, one in scope.names.items() if name != STATE}
        return Scope(names, scope.constants, scope.lets)

    def _deferred(self, reader: Reader) -> tuple[str, ...]:
        """The events that a state keeps; NIM0416 for those that nobody else sends, or that it takes."""
        taken = {item.text("event") for item in reader.items("transitions") if "if" not in item}
        found = []
        for item in reader.scalars("defer"):
            event, place = item.text("defer"), item.place("defer")
            source = self.interface.events.get(event)
            own = (RAISED, ANSWERED, RETURNED)
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
        if self.interface.stands:
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
        after = duration_or_lifeforce(reader, "after", self._scope_once, DURATION)
        return Timer(after, (edge,), reader.share("jitter"), reader.node.place)

    def _edge(self, reader: Reader, owner: str, event: str, scope: Scope) -> Transition:
        for key in ("cost", "costs"):
            if key in reader and event == REFUSED:
                message = "a transition on `refused` is free: nothing could pay for it"
                self.findings.report("NIM0411", message, reader.place(key), f"remove `{key}`")
        price = self._price(reader, "cost", scope) if "cost" in reader else None
        return Transition(
            event=event,
            target=self._target(reader, owner),
            guard=reader.expression("if", scope),
            price=price if price and price.amount else None,
            actions=self._actions(reader, "do", scope, event),
            internal=bool(reader.value("internal", False)),
            history=self._history(reader, owner),
            costs=self._costs(reader, scope),
            place=reader.place("event") if "event" in reader else reader.place(),
        )

    def _price(self, reader: Reader, key: str, scope: Scope, economy: str = "") -> Price:
        amount = duration_or_lifeforce(reader, key, scope, LIFEFORCE)
        return Price(amount, PriceSource.POOL, self.interface.name, economy)

    def _costs(self, reader: Reader, scope: Scope) -> tuple[Price, ...]:
        """What a transition costs of other economies than the cell's own."""
        inner = reader.sub("costs")
        found = []
        for economy in reader.keys("costs") if inner else ():
            assert inner is not None
            place = inner.node.key_place(economy)
            if economy == self.interface.economy:
                message = f"`{economy}` is what the cell lives on"
                self.findings.report("NIM0203", message, place, "write it as `cost:`")
            elif inner.refer(economy, "Economy", place):
                price = self._price(inner, economy, scope, economy)
                found += [price] if price.amount else []
        return tuple(sorted(found, key=lambda price: price.economy))

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
        known = {path for path in self.paths if path}
        around = [owner[:at] for at, sign in enumerate(owner) if sign == "/"]
        short = {
            path.removeprefix(f"{one}/") for one in around for path in known if path.startswith(f"{one}/")
        }
        fix = phrase(written, known | short) if did_you_mean(written, short) else phrase(written, known)
        self.findings.report("NIM0405", f"there is no state `{written}`", reader.place("to"), fix)
        return ""

    def _actions(self, reader: Reader, key: str, scope: Scope, event: str = "") -> tuple[Action, ...]:
        return compile_actions(reader, key, scope, self.interface, event)


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
            elif not isinstance(value, Scalar):
                yield from _raised(value)
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _raised(item)
