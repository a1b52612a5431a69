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
EVENTS = ("a", "b", "c")
GUARDS = ("x < 2", "x == 1", "x >= 1", "10 / x > 3")
STEPS = ("x + 1", "x - 1", "0")


@st.composite
def trees(draw: Any, priced: bool = False) -> State:
    """A machine of up to three levels; every action that matters emits a ``mark``."""
    shape = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    growing = _Growing(draw, priced, [])
    roots = [growing.shape(f"t{n}", "", [size], 0) for n, size in enumerate(shape)]
    return State("", roots[0]["name"], tuple(growing.state(root) for root in roots))


@dataclass
class _Growing:
    """A tree while it is drawn: first its shape, then what happens in it, for a target may be anywhere."""

    draw: Any
    priced: bool
    names: list[str]

    def shape(self, name: str, path: str, inner: list[int], depth: int) -> dict[str, Any]:
        here = f"{path}/{name}" if path else name
        self.names.append(here)
        counts = inner[:1] if depth < 2 else []
        children = [self.draw(st.integers(0, 1)) for count in counts for _ in range(count)]
        kids = [self.shape(f"s{n}", here, [child], depth + 1) for n, child in enumerate(children)]
        return {"name": name, "path": here, "children": kids}

    def state(self, shape: dict[str, Any]) -> State:
        draw, path = self.draw, shape["path"]
        events = st.sampled_from((*EVENTS, "refused") if self.priced else EVENTS)
        drawn = [draw(events) for _ in range(draw(st.integers(0, 3)))]
        timer = Timer(draw(st.integers(0, 3)), (self.transition(f"{path} timer", ""),))
        return State(
            shape["name"],
            initial=shape["children"][0]["name"] if shape["children"] else "",
            states=tuple(self.state(child) for child in shape["children"]),
            enter=self.actions(f"enter {path}"),
            exit=(mark(f"exit {path}"),),
            transitions=tuple(self.transition(f"{path} t{n}", event) for n, event in enumerate(drawn)),
            timers=(timer,) if draw(st.integers(0, 3)) == 0 else (),
        )

    def transition(self, label: str, event: str) -> Transition:
        draw = self.draw
        guard = draw(st.none() | st.sampled_from(GUARDS))
        is_paid = self.priced and event != "refused" and draw(st.booleans())
        return Transition(
            event,
            draw(st.sampled_from(self.names)),
            expression(guard, SCOPE) if guard else None,
            Price(draw(st.integers(1, 3)), PriceSource.POOL, "cost") if is_paid else None,
            self.actions(label),
            internal=draw(st.integers(0, 4)) == 0,
        )

    def actions(self, label: str) -> tuple[Action, ...]:
        found: list[Action] = [mark(label)]
        if self.draw(st.booleans()):
            found.append(Set(("x",), expression(self.draw(st.sampled_from(STEPS)), SCOPE)))
        if self.draw(st.integers(0, 5)) == 0:
            found.append(Raise(self.draw(st.sampled_from(EVENTS))))
        return tuple(found)


def mark(label: str) -> Emit:
    return Emit(constant(1.0), constant(label))


def actor_of(root: State) -> Actor:
    return Actor("cell", "c", root, {"x": 0}, {}, {}, accepts=EVENTS)


@dataclass
class Reference:
    """A nested machine, run naively."""

    root: State
    marks: list[str] = field(default_factory=list)
    x: int = 0
    active: list[State] = field(default_factory=list)
    queue: list[str] = field(default_factory=list)
    faulted: bool = False

    def begin(self) -> None:
        self._enter(self.root, self.root.initial)
        self._drain()

    def path(self) -> str:
        return "/".join(state.name for state in self.active)

    def event(self, name: str) -> None:
        self._take(name)
        self._drain()

    def _drain(self) -> None:
        for _ in range(64):
            if not self.queue:
                return
            self._take(self.queue.pop(0))
        self.faulted = True
        self.queue.clear()

    def _take(self, name: str) -> None:
        if self.faulted:
            return
        for depth in range(len(self.active), -1, -1):
            owner = self.active[depth - 1] if depth else self.root
            for transition in owner.transitions:
                if transition.event == name and self._holds(transition):
                    self._follow(transition, depth)
                    return

    def _holds(self, transition: Transition) -> bool:
        if transition.guard is None:
            return True
        text = str(transition.guard.node)
        if "'/'" in text:
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
        while len(self.active) > shared:
            self._do(self.active[-1].exit)
            self.active.pop()
        self._do(transition.actions)
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
