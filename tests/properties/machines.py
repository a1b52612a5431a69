"""Random nested machines, and an independent statement of what a nested machine does.

The reference walks the tree: no table, no row, no lineage of the product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from nimdsl.compile.generated import constant, expression
from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import INT
from nimdsl.program import Actor
from nimdsl.program.machine import Action, Emit, Price, PriceSource, Raise, Set, State, Timer, Transition

SCOPE = Scope({"x": Binding(INT, ("$data", "x"))})
OWN = ("a", "b", "c")
KEPT = ("d", "e")
"""Events that may be deferred: nobody raises them."""
EVENTS = (*OWN, *KEPT)
BACK = "returned"
"""What a cell hears that was down."""
GUARDS = ("x < 2", "x == 1", "x >= 1", "10 / x > 3")
STEPS = ("x + 1", "x - 1", "0")


@st.composite
def trees(draw: Any, priced: bool = False) -> State:
    """A machine of up to three levels; every action that matters emits a ``mark``."""
    shape = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    growing = _Growing(draw, priced, [], [])
    roots = [growing.shape(f"t{n}", "", [size], 0) for n, size in enumerate(shape)]
    states = tuple(growing.state(root) for root in roots)
    return State("", roots[0]["name"], states, fails=draw(st.booleans()))


@st.composite
def returning_trees(draw: Any) -> State:
    """A machine in which states are left in many places, come back to, and keep events meanwhile."""
    growing = _Growing(draw, False, [], [], calm=True)
    inner = growing.known("w", "", [("a", []), ("c", [("x", []), ("y", [])])])
    outer = growing.known("out", "", [])
    return State("", "w", (growing.state(inner), growing.state(outer)))


@dataclass
class _Growing:
    """A tree while it is drawn: first its shape, then what happens in it, for a target may be anywhere."""

    draw: Any
    priced: bool
    names: list[str]
    composites: list[str]
    calm: bool = False
    """Without guards, data and events of its own: what happens is decided by the states alone."""

    def known(self, name: str, path: str, children: Any) -> dict[str, Any]:
        """A shape that is given."""
        here = f"{path}/{name}" if path else name
        self.names.append(here)
        kids = [self.known(child, here, below) for child, below in children]
        self.composites += [here] if kids else []
        return {"name": name, "path": here, "children": kids}

    def shape(self, name: str, path: str, inner: list[int], depth: int) -> dict[str, Any]:
        here = f"{path}/{name}" if path else name
        self.names.append(here)
        counts = inner[:1] if depth < 2 else []
        children = [self.draw(st.integers(0, 1)) for count in counts for _ in range(count)]
        kids = [self.shape(f"s{n}", here, [child], depth + 1) for n, child in enumerate(children)]
        if kids:
            self.composites.append(here)
        return {"name": name, "path": here, "children": kids}

    def state(self, shape: dict[str, Any]) -> State:
        draw, path = self.draw, shape["path"]
        heard = ("refused",) if self.priced else () if self.calm else ("fault", BACK)
        events = st.sampled_from((*EVENTS, *heard))
        drawn = [draw(events) for _ in range(draw(st.integers(0, 3)))]
        timer = Timer(draw(st.integers(0, 3)), (self.transition(f"{path} timer", "", path),))
        return State(
            shape["name"],
            initial=shape["children"][0]["name"] if shape["children"] else "",
            states=tuple(self.state(child) for child in shape["children"]),
            enter=self.actions(f"enter {path}"),
            exit=(mark(f"exit {path}"),),
            defer=tuple(draw(st.sets(st.sampled_from(KEPT), max_size=1))),
            transitions=tuple(
                self.transition(f"{path} t{n}", event, path) for n, event in enumerate(drawn)
            ),
            timers=(timer,) if draw(st.integers(0, 3)) == 0 else (),
        )

    def transition(self, label: str, event: str, owner: str) -> Transition:
        draw = self.draw
        internal = draw(st.integers(0, 4)) == 0
        target = draw(st.sampled_from(self.names))
        back = [one for one in self.composites if one != owner and not owner.startswith(one + "/")]
        history = bool(back) and not internal and draw(st.integers(0, 2)) == 0
        if history:
            target = draw(st.sampled_from(back))
        guard = None if self.calm else draw(st.none() | st.sampled_from(GUARDS))
        is_paid = self.priced and event != "refused" and draw(st.booleans())
        return Transition(
            event,
            target,
            expression(guard, SCOPE) if guard else None,
            Price(draw(st.integers(1, 3)), PriceSource.POOL, "cost") if is_paid else None,
            self.actions(label),
            internal=internal,
            history=history,
        )

    def actions(self, label: str) -> tuple[Action, ...]:
        found: list[Action] = [mark(label)]
        if self.calm:
            return tuple(found)
        if self.draw(st.booleans()):
            found.append(Set(("x",), expression(self.draw(st.sampled_from(STEPS)), SCOPE)))
        if self.draw(st.integers(0, 5)) == 0:
            found.append(Raise(self.draw(st.sampled_from(OWN))))
        return tuple(found)


def mark(label: str) -> Emit:
    return Emit(constant(1.0), constant(label))


def actor_of(root: State) -> Actor:
    return Actor("cell", "c", root, {"x": 0}, {}, {}, accepts=EVENTS)


class NoValue(Exception):  # noqa: N818
    """A guard has no value, in a machine that fails."""


@dataclass
class Reference:
    """A nested machine, run naively."""

    root: State
    marks: list[str] = field(default_factory=list)
    x: int = 0
    active: list[State] = field(default_factory=list)
    queue: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    last: dict[str, list[str]] = field(default_factory=dict)
    moved: bool = False
    faulted: bool = False

    def begin(self) -> None:
        self._enter(self.root, self.root.initial)
        self._drain()

    def path(self) -> str:
        return "/".join(state.name for state in self.active)

    def event(self, name: str) -> None:
        self.moved = False
        self._take(name, kept=True)
        self._drain()
        while self.moved and not self.faulted:
            waiting = [one for one in self.kept if not self._waits(one)]
            if not waiting:
                return
            self.kept.remove(waiting[0])
            self._take(waiting[0], kept=True)
            self._drain()

    def _drain(self) -> None:
        for _ in range(64):
            if not self.queue:
                return
            self._take(self.queue.pop(0))
        self.faulted = True
        self.queue.clear()

    def _take(self, name: str, kept: bool = False) -> None:
        if self.faulted:
            return
        try:
            chosen = self._choice(name)
        except NoValue:
            self.queue.append("fault")
            return
        if chosen == "defer":
            assert kept
            self.kept.append(name)
        elif chosen is not None:
            self.moved = True
            self._follow(*chosen)

    def _waits(self, name: str) -> bool:
        try:
            return self._choice(name) == "defer"
        except NoValue:
            return False

    def _choice(self, name: str) -> tuple[Transition, int] | str | None:
        """The nearest state decides: one of its transitions, with its depth, or that it keeps the event."""
        for depth in range(len(self.active), -1, -1):
            owner = self.active[depth - 1] if depth else self.root
            for transition in owner.transitions:
                if transition.event == name and self._holds(transition):
                    return transition, depth
            if name in owner.defer:
                return "defer"
        return None

    def _holds(self, transition: Transition) -> bool:
        if transition.guard is None:
            return True
        text = str(transition.guard.node)
        if "'/'" in text:
            if self.x == 0 and self.root.fails and transition.event != "fault":
                raise NoValue
            return self.x != 0 and int(10 / self.x) > 3
        return {"<": self.x < 2, "==": self.x == 1, ">=": self.x >= 1}[transition.guard.node.operator]  # type: ignore[attr-defined]

    def _follow(self, transition: Transition, depth: int) -> None:
        if transition.internal:
            self._do(transition.actions)
            return
        target = transition.target.split("/")
        here = [state.name for state in self.active[:depth]]
        shared = 0
        while shared < min(len(here), len(target)) and here[shared] == target[shared]:
            shared += 1
        if shared and shared in (len(here), len(target)):
            shared -= 1
        leaf = [state.name for state in self.active]
        while len(self.active) > shared:
            self.last["/".join(leaf[: len(self.active)])] = leaf
            self._do(self.active[-1].exit)
            self.active.pop()
        self._do(transition.actions)
        if transition.history:
            target = self.last.get(transition.target, target)
        for name in target[shared:]:
            self._down(name)
        while self.active[-1].states:
            self._down(self.active[-1].initial)

    def _enter(self, parent: State, name: str) -> None:
        self._down(name)
        while self.active[-1].states:
            self._down(self.active[-1].initial)

    def _down(self, name: str) -> None:
        parent = self.active[-1] if self.active else self.root
        state = next(child for child in parent.states if child.name == name)
        self.active.append(state)
        self._do(state.enter)

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            if isinstance(action, Emit):
                self.marks.append(action.content.evaluate({}))
            elif isinstance(action, Raise):
                self.queue.append(action.event)
            elif isinstance(action, Set):
                self.x = action.value.evaluate({"$data": {"x": self.x}})
