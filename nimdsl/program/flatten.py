"""From nested states to the flat integer table (SEMANTICS 1.2).

Only leaves remain.  A row holds everything that one transition of one leaf
does, in the order that nesting implies: exit actions from the leaf outwards,
the transition's own, entry actions inwards.  A child's transitions stand
before its parent's, so the first row whose guard holds is the one that the
nested machine would take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from nimdsl.expression.syntax import Literal
from nimdsl.expression.types import STRING
from nimdsl.program.amount import Amount
from nimdsl.program.expression import Expression
from nimdsl.program.format import tagged
from nimdsl.program.machine import Action, BeginWork, Price, State, Timer, Transition, walk

Part = TypeVar("Part")
STATE, STATE_ROOT = "state", "$state"
"""The name that means the state at hand, and where it would be found."""
REFUSED = "refused"
FAULT = "fault"
RETURNED = "returned"
REQUESTED = "request:"
"""How the events of requests begin: the name of their schema follows."""
"""What a cell hears that was down and is back, if its machine takes it."""
TIMER = "after:"
"""How the events of timers begin: no event of a document can."""


@tagged("remembered")
@dataclass(frozen=True)
class Remembered:
    """That a state was left in this leaf; an empty leaf: that it never was."""

    state: str
    leaf: str


@tagged("row")
@dataclass(frozen=True)
class Row:
    """One transition of one leaf.

    ``left`` are the states that it leaves; ``disarm`` and ``arm`` are numbers of timers.
    """

    source: int
    event: int
    guard: Expression | None
    price: Price | None
    target: int
    actions: tuple[Action, ...]
    left: tuple[str, ...]
    disarm: tuple[int, ...]
    arm: tuple[int, ...]
    returns: Remembered | None = None
    """What must be remembered, for a row that goes back to where a state was left."""
    defers: bool = False
    """Whether it only keeps the event, until another row takes it."""
    costs: tuple[Price, ...] = ()
    """What it costs besides the price."""
    flowing: tuple[str, ...] = ()
    """The states that it enters in which lifeforce flows."""
    answer: str = ""
    """The answer that it is a part of, beside a machine: it is tried while that serves a request."""

    @cached_property
    def reserves(self) -> bool:
        """Whether its actions begin work for which something is put aside."""
        return any(isinstance(one, BeginWork) and one.reserve is not None for one in self.actions)

    @property
    def bill(self) -> tuple[Price, ...]:
        """All that it costs, but for what is put aside for work."""
        return (self.price, *self.costs) if self.price is not None else self.costs


@tagged("flat_timer")
@dataclass(frozen=True)
class FlatTimer:
    """A timer: how long after its arming which event fires."""

    after_ns: Amount
    event: int
    jitter: int = 0


@tagged("flow")
@dataclass(frozen=True)
class Flow:
    """What flows while a state stands (:func:`nimdsl.program.amount.rate_of`)."""

    income: Amount
    upkeep: Amount


@tagged("table")
@dataclass(frozen=True)
class Table:
    """The machine that the kernel runs: states, events, rows, timers, by number."""

    states: tuple[str, ...]
    events: tuple[str, ...]
    rows: tuple[Row, ...]
    timers: tuple[FlatTimer, ...]
    begin: Row
    final: frozenset[int]
    remembered: frozenset[str] = field(default=frozenset(), kw_only=True)
    """The states of which it is remembered in which leaf they were left."""
    flows: Mapping[str, Flow] = field(default_factory=dict, kw_only=True)
    """What flows, by state."""
    fails: bool = field(default=False, kw_only=True)
    """Whether a guard without a value is a fault, and not false."""
    candidates: Mapping[tuple[int, int], tuple[int, ...]] = field(compare=False)
    event_numbers: Mapping[str, int] = field(compare=False)
    state_numbers: Mapping[str, int] = field(compare=False)


def own_event(owner: str, event: str) -> str:
    """What happens inside an answer, or to its work: no document can write such a name, so nobody else
    sends it, and no machine takes it.  Without an owner it is the machine's."""
    return f"{owner}/{event}" if owner else event


def flatten(root: State) -> Table:
    """The flat table of a checked machine: every target exists, every composite has an initial child."""
    return _Flattening(root).table()


def leaf_of(root: State, path: str) -> str:
    """The leaf that is entered when the state at ``path`` is."""
    state = state_at(root, path)
    while state.states:
        path = f"{path}/{state.initial}" if path else state.initial
        state = state_at(root, path)
    return path


def begun_by(root: State, owner: str, way: Transition) -> list[BeginWork]:
    """The work that a transition of the state ``owner`` begins: itself, and in the states that it enters.

    Where it goes back to what was left, the state's first leaf stands for that.
    """
    actions = [*way.actions]
    if not way.internal:
        around = {*lineage(owner)}
        for path in reversed(lineage(leaf_of(root, way.target))):
            if path not in around or path == way.target or path.startswith(f"{way.target}/"):
                actions += state_at(root, path).enter
    return [action for action in actions if isinstance(action, BeginWork)]


def state_at(root: State, path: str) -> State:
    """The state at a path from the root.  Raises KeyError when there is none."""
    for name in path.split("/") if path else ():
        child = root.child(name)
        if child is None:
            raise KeyError(path)
        root = child
    return root


class _Flattening:
    def __init__(self, root: State) -> None:
        self.root = root
        self.nested = {"": root, **dict(walk(root))}
        self.leaves = tuple(path for path, state in self.nested.items() if not state.states and path)
        self.state_numbers = {path: number for number, path in enumerate(self.leaves)}
        self.timers_of: dict[str, list[int]] = {}
        self.timers: list[FlatTimer] = []
        self.events: dict[str, int] = {}
        self.folds = any(_reads_state(part) for state in self.nested.values() for part in _parts(state))
        self.flows = {
            path: Flow(state.income, state.upkeep)
            for path, state in self.nested.items()
            if state.income or state.upkeep
        }
        self._number_events()

    def _number_events(self) -> None:
        for path, state in self.nested.items():
            for transition in state.transitions:
                self.events.setdefault(transition.event, len(self.events))
            for kept in state.defer:
                self.events.setdefault(kept, len(self.events))
            numbers = self.timers_of.setdefault(path, [])
            for position, timer in enumerate(state.timers):
                numbers.append(len(self.timers))
                event = self.events.setdefault(timer_event(path, position), len(self.events))
                self.timers.append(FlatTimer(timer.after_ns, event, timer.jitter))

    def table(self) -> Table:
        rows = tuple(row for leaf in self.leaves for row in self._rows(leaf))
        candidates: dict[tuple[int, int], list[int]] = {}
        for number, row in enumerate(rows):
            candidates.setdefault((row.source, row.event), []).append(number)
        final = (number for number, leaf in enumerate(self.leaves) if self.nested[leaf].final)
        return Table(
            states=self.leaves,
            events=tuple(self.events),
            rows=rows,
            timers=tuple(self.timers),
            begin=self._entering("", leaf_of(self.root, "")),
            final=frozenset(final),
            remembered=frozenset(row.returns.state for row in rows if row.returns),
            flows=self.flows,
            fails=self.root.fails,
            candidates={key: tuple(numbers) for key, numbers in candidates.items()},
            event_numbers=self.events,
            state_numbers=self.state_numbers,
        )

    def _rows(self, leaf: str) -> list[Row]:
        rows: list[Row] = []
        for path in lineage(leaf):
            state = self.nested[path]
            for transition in state.transitions:
                rows += self._rows_of(leaf, path, transition)
            rows += [self._keeping(leaf, event) for event in state.defer]
            for position, timer in enumerate(state.timers):
                rows += self._timer_rows(leaf, path, position, timer)
        return rows

    def _rows_of(self, leaf: str, owner: str, transition: Transition, event: str = "") -> Iterator[Row]:
        """One row; of a transition with history one for each leaf that may be remembered, and one more."""
        target = transition.target
        if not transition.history:
            yield self._row(leaf, owner, transition, event)
            return
        if leaf.startswith(target + "/"):  # it is left now, here
            yield self._row(leaf, owner, replace(transition, target=leaf), event, whole=target)
            return
        for inner in self.leaves:
            if inner.startswith(target + "/"):
                back = replace(transition, target=inner)
                row = self._row(leaf, owner, back, event, whole=target)
                yield replace(row, returns=Remembered(target, inner))
        yield replace(self._row(leaf, owner, transition, event), returns=Remembered(target, ""))

    def _keeping(self, leaf: str, event: str) -> Row:
        """The row that defers an event: behind those of its state, before those around it."""
        source = self.state_numbers[leaf]
        return Row(source, self.events[event], None, None, source, (), (), (), (), defers=True)

    def _in_state(self, part: Part, leaf: str) -> Part:
        return in_state(part, leaf) if self.folds else part

    def _timer_rows(self, leaf: str, path: str, position: int, timer: Timer) -> list[Row]:
        event = timer_event(path, position)
        return [row for one in timer.transitions for row in self._rows_of(leaf, path, one, event)]

    def _row(self, leaf: str, owner: str, transition: Transition, event: str = "", whole: str = "") -> Row:
        number = self.events[event or transition.event]
        source = self.state_numbers[leaf]
        guard = self._in_state(transition.guard, leaf)
        price = self._in_state(transition.price, leaf)
        costs = tuple(self._in_state(one, leaf) for one in transition.costs)
        own = tuple(self._in_state(action, leaf) for action in transition.actions)
        if transition.internal:
            answer = transition.answer
            return Row(source, number, guard, price, source, own, (), (), (), costs=costs, answer=answer)
        left, entered, target = self._crossed(leaf, owner, transition.target, whole)
        actions = (
            *(self._in_state(action, leaf) for path in left for action in self.nested[path].exit),
            *own,
            *(self._in_state(action, target) for path in entered for action in self._enter_actions(path)),
        )
        return Row(
            source,
            number,
            guard,
            price,
            self.state_numbers[target],
            actions,
            tuple(left),
            tuple(timer for path in left for timer in self.timers_of[path]),
            tuple(timer for path in entered for timer in self.timers_of[path]),
            costs=costs,
            flowing=tuple(path for path in entered if path in self.flows),
            answer=transition.answer,
        )

    def _crossed(self, leaf: str, owner: str, target: str, whole: str) -> tuple[list[str], list[str], str]:
        """States left (leaf first), states entered (outermost first), and the leaf reached.

        ``whole`` is the state that is returned to, where ``target`` is a leaf inside it.
        """
        landing = leaf_of(self.root, target)
        target = whole or target
        shared = _common(owner, target)
        if shared in (owner, target) and shared:
            shared = shared.rpartition("/")[0]
        left = [path for path in lineage(leaf) if path and _below(path, shared)]
        entered = [path for path in reversed(lineage(landing)) if path and _below(path, shared)]
        return left, entered, landing

    def _entering(self, root: str, leaf: str) -> Row:
        entered = [path for path in reversed(lineage(leaf)) if path != root]
        actions = tuple(
            self._in_state(action, leaf) for path in entered for action in self._enter_actions(path)
        )
        arm = tuple(timer for path in entered for timer in self.timers_of[path])
        flowing = tuple(path for path in entered if path in self.flows)
        return Row(-1, -1, None, None, self.state_numbers[leaf], actions, (), (), arm, flowing=flowing)

    def _enter_actions(self, path: str) -> list[Action]:
        """What is done on entering; work that is started so belongs to the state."""
        return [
            replace(action, owner=path) if isinstance(action, BeginWork) else action
            for action in self.nested[path].enter
        ]


def _parts(state: State) -> Iterator[object]:
    """Everything in a state that may hold expressions."""
    yield from (*state.enter, *state.exit)
    for way in (*state.transitions, *(way for timer in state.timers for way in timer.transitions)):
        yield from (way.guard, way.price, *way.costs, *way.actions)


def expressions_in(part: object) -> Iterator[Expression]:
    """Every expression in a state itself, or in a part of one; not those of the states inside it."""
    if isinstance(part, Expression):
        yield part
    elif isinstance(part, State):
        for inner in _parts(part):
            yield from expressions_in(inner)
    else:
        for name in getattr(part, "__dataclass_fields__", ()):
            if is_dataclass(inner := getattr(part, name)):
                yield from expressions_in(inner)


def _reads_state(part: object) -> bool:
    return in_state(part, "") is not part


def in_state(part: Part, state: str) -> Part:
    """An expression, or what holds some, in which the name ``state`` stands for this leaf."""
    if isinstance(part, Expression):
        folded: Any = part.where(STATE, Literal(state, STRING)) if part.reads(STATE_ROOT) else part
        found: Part = folded
        return found
    if not is_dataclass(part) or isinstance(part, type):
        return part
    changes = {
        one.name: changed
        for one in fields(part)
        if is_dataclass(value := getattr(part, one.name))
        and (changed := in_state(value, state)) is not value
    }
    return replace(part, **changes) if changes else part


def timer_event(path: str, position: int) -> str:
    """The name of the event that a timer fires; no document can write it."""
    return f"{TIMER}{path}:{position}"


def lineage(path: str) -> list[str]:
    """A path and its ancestors, innermost first, the root (empty) last."""
    parts = path.split("/") if path else []
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]


def _common(one: str, other: str) -> str:
    ancestors = set(lineage(other))
    return next(path for path in lineage(one) if path in ancestors)


def _below(path: str, ancestor: str) -> bool:
    return path != ancestor and (not ancestor or path.startswith(ancestor + "/"))
