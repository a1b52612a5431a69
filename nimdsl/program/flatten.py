"""From nested states to the flat integer table (SEMANTICS 1.2).

Only leaves remain.  A row holds everything that one transition of one leaf
does, in the order that nesting implies: exit actions from the leaf outwards,
the transition's own, entry actions inwards.  A child's transitions stand
before its parent's, so the first row whose guard holds is the one that the
nested machine would take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nimdsl.program.amount import Amount
from nimdsl.program.expression import Expression as Guard
from nimdsl.program.format import tagged
from nimdsl.program.machine import Action, BeginWork, Price, State, Timer, Transition, walk

REFUSED = "refused"
FAULT = "fault"
TIMER = "after:"
"""How the events of timers begin: no event of a document can."""


@tagged("row")
@dataclass(frozen=True)
class Row:
    """One transition of one leaf.

    ``left`` are the states that it leaves; ``disarm`` and ``arm`` are numbers of timers.
    """

    source: int
    event: int
    guard: Guard | None
    price: Price | None
    target: int
    actions: tuple[Action, ...]
    left: tuple[str, ...]
    disarm: tuple[int, ...]
    arm: tuple[int, ...]


@tagged("flat_timer")
@dataclass(frozen=True)
class FlatTimer:
    """A timer: how long after its arming which event fires."""

    after_ns: Amount
    event: int


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
    deferred: Mapping[int, frozenset[str]]
    candidates: Mapping[tuple[int, int], tuple[int, ...]] = field(compare=False)
    event_numbers: Mapping[str, int] = field(compare=False)
    state_numbers: Mapping[str, int] = field(compare=False)


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
        self._number_events()

    def _number_events(self) -> None:
        for path, state in self.nested.items():
            for transition in state.transitions:
                self.events.setdefault(transition.event, len(self.events))
            numbers = self.timers_of.setdefault(path, [])
            for position, timer in enumerate(state.timers):
                numbers.append(len(self.timers))
                event = self.events.setdefault(timer_event(path, position), len(self.events))
                self.timers.append(FlatTimer(timer.after_ns, event))

    def table(self) -> Table:
        rows = tuple(row for leaf in self.leaves for row in self._rows(leaf))
        candidates: dict[tuple[int, int], list[int]] = {}
        for number, row in enumerate(rows):
            candidates.setdefault((row.source, row.event), []).append(number)
        final = (number for number, leaf in enumerate(self.leaves) if self.nested[leaf].final)
        deferred = {
            self.state_numbers[leaf]: frozenset(self.nested[leaf].defer)
            for leaf in self.leaves
            if self.nested[leaf].defer
        }
        return Table(
            states=self.leaves,
            events=tuple(self.events),
            rows=rows,
            timers=tuple(self.timers),
            begin=self._entering("", leaf_of(self.root, "")),
            final=frozenset(final),
            deferred=deferred,
            candidates={key: tuple(numbers) for key, numbers in candidates.items()},
            event_numbers=self.events,
            state_numbers=self.state_numbers,
        )

    def _rows(self, leaf: str) -> list[Row]:
        rows: list[Row] = []
        for path in lineage(leaf):
            state = self.nested[path]
            rows += [self._row(leaf, path, transition) for transition in state.transitions]
            for position, timer in enumerate(state.timers):
                rows += self._timer_rows(leaf, path, position, timer)
        return rows

    def _timer_rows(self, leaf: str, path: str, position: int, timer: Timer) -> list[Row]:
        event = timer_event(path, position)
        return [self._row(leaf, path, transition, event) for transition in timer.transitions]

    def _row(self, leaf: str, owner: str, transition: Transition, event: str = "") -> Row:
        number = self.events[event or transition.event]
        source = self.state_numbers[leaf]
        if transition.internal:
            actions = transition.actions
            return Row(source, number, transition.guard, transition.price, source, actions, (), (), ())
        left, entered, target = self._crossed(leaf, owner, transition.target)
        actions = (
            *(action for path in left for action in self.nested[path].exit),
            *transition.actions,
            *(action for path in entered for action in self._enter_actions(path)),
        )
        return Row(
            source,
            number,
            transition.guard,
            transition.price,
            self.state_numbers[target],
            actions,
            tuple(left),
            tuple(timer for path in left for timer in self.timers_of[path]),
            tuple(timer for path in entered for timer in self.timers_of[path]),
        )

    def _crossed(self, leaf: str, owner: str, target: str) -> tuple[list[str], list[str], str]:
        """States left (leaf first), states entered (outermost first), and the leaf reached."""
        landing = leaf_of(self.root, target)
        shared = _common(owner, target)
        if shared in (owner, target) and shared:
            shared = shared.rpartition("/")[0]
        left = [path for path in lineage(leaf) if path and _below(path, shared)]
        entered = [path for path in reversed(lineage(landing)) if path and _below(path, shared)]
        return left, entered, landing

    def _entering(self, root: str, leaf: str) -> Row:
        entered = [path for path in reversed(lineage(leaf)) if path != root]
        actions = tuple(action for path in entered for action in self._enter_actions(path))
        arm = tuple(timer for path in entered for timer in self.timers_of[path])
        return Row(-1, -1, None, None, self.state_numbers[leaf], actions, (), (), arm)

    def _enter_actions(self, path: str) -> list[Action]:
        """What is done on entering; work that is started so belongs to the state."""
        return [
            replace(action, owner=path) if isinstance(action, BeginWork) else action
            for action in self.nested[path].enter
        ]


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
