"""A beat as data: what the scheduler of attention knows between two steps.

The state of a beat and of its levels is changed in place: it belongs to one step, which has copied it
(:func:`copied`).  Items and queues are replaced, never changed.  What is done with all of it is in
:mod:`runtime.kernel.scheduler`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from nimdsl.base.units import MICRO
from nimdsl.base.values import Value
from nimdsl.program import Beat, Level
from runtime.records import BeatEnded, BeatTimes, LevelCounts, LevelTimes

Phase = Literal["overhead", "window", "settle"]
UNHEARD_BEATS = 2
"""So many beats without a word, and an open gate is taken for closed."""


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that wants time from a level; ``number`` is its own, in the order of arrival."""

    number: int
    name: str
    takes_ns: int
    left_ns: int
    baseline: bool
    payload: Value
    ran_ns: int = 0
    """How long it ran since it was paid for."""
    from_ns: int = 0
    """Since when it runs."""
    stage: int = 0
    granted: bool = False
    """Whether it had time in this beat."""
    known: bool = False
    """Whether it ever had time."""
    paid: bool = False
    hold: str = ""
    held: int = 0
    owes: int = 0
    work: int = 0
    """The effect number of its work under way; 0: none."""
    gate: str = ""
    """The gate that brought it."""
    beat: int = 0
    """In which it arrived."""


class LevelState(Struct, forbid_unknown_fields=True):
    """What a level had of the beat so far, and what waits for it."""

    queue: list[Item]
    allotted: bool = False
    """Whether it is fixed what it may have."""
    left_ns: int = 0
    """What it may still have."""
    out: bool = False
    """Whether it gets nothing more in this beat."""
    starts: int = 0
    spent_ns: int = 0
    granted_ns: int = 0
    started_ns: int | None = None
    preempted: int = 0
    dropped: int = 0
    done: int = 0
    fixed: bool = False
    """Whether its fixed price is paid."""


class Reflex(NamedTuple):
    """A reflex that is active: its level, its item, from when to when."""

    level: int
    item: int
    from_ns: int
    to_ns: int
    name: str
    gate: str = ""


class OpenGate(NamedTuple):
    """A gate that is open: its tier, and the id of the actor, empty where a stimulus stands for it."""

    tier: int
    actor: str = ""
    opening: int = 0
    since_ns: int = 0
    """When the wave came that opened it."""
    heard_ns: int = 0
    """When it said so last."""


class BeatState(Struct, forbid_unknown_fields=True):
    """Where a beat is; ``item`` is the number that the next item gets."""

    item: int
    levels: list[LevelState]
    gates: Mapping[str, OpenGate]
    """The gates that are open, by name."""
    owed_ns: int
    """What overran, and is charged to the next beat."""
    reflexes: list[Reflex]
    decide_ns: int | None
    """The instant at which somebody is to be chosen."""
    beat: int = 0
    start_ns: int = 0
    opens_ns: int = 0
    closes_ns: int = 0
    charged_ns: int = 0
    phase: Phase = "overhead"
    running: int | None = None
    interrupted: int | None = None
    mode: str = ""
    """What the modes were last told; empty: they are to be told again."""
    at_ns: int = 0
    """Up to when time is accounted for."""
    idle_ns: int = 0
    reflex_ns: int = 0
    asleep: bool = False
    """Whether the economy sleeps."""
    urgency: int = 0
    """What the economy was last told, millionths."""
    flashed: tuple[str, ...] = ()
    """The gates that have brought a reflex."""
    shut: Mapping[str, int] = {}
    """With which opening each gate closed last, of those that are actors."""


def begun(beat: Beat, now_ns: int) -> BeatState:
    """The state at the start of the beat that ``now_ns`` lies in."""
    state = BeatState(1, [LevelState([]) for _ in beat.levels], {}, 0, [], None)
    _open(beat, state, now_ns // beat.length_ns)
    return state


def follow(beat: Beat, state: BeatState) -> None:
    """Becomes the state at the start of the next beat; what is queued stays."""
    state.levels = [LevelState(level.queue) for level in state.levels]
    _open(beat, state, state.beat + 1)


def copied(state: BeatState) -> BeatState:
    """A copy that can be changed; items and queues are replaced, never changed."""
    levels = [replace(level) for level in state.levels]
    return replace(state, levels=levels, reflexes=list(state.reflexes))


def next_instant_ns(beat: Beat, state: BeatState) -> int | None:
    """When something is due, besides the end of the beat and a choice; None: nothing before that."""
    due_ns: int | None = None
    if state.phase == "window":
        due_ns = state.closes_ns
        if state.running is not None:
            level, own = beat.levels[state.running], state.levels[state.running]
            item = own.queue[0]
            left_ns = min(item.left_ns, own.left_ns)
            if level.live:
                left_ns = min(left_ns, _stage_left_ns(level, item))
            due_ns = min(due_ns, state.at_ns + left_ns)
    elif state.phase == "overhead":
        due_ns = state.opens_ns
    for reflex in state.reflexes:
        due_ns = reflex.to_ns if due_ns is None else min(due_ns, reflex.to_ns)
    forgets_ns = min((heard_until_ns(beat, one) for one in state.gates.values() if one.actor), default=None)
    if forgets_ns is not None and forgets_ns < ends_ns(beat, state):
        due_ns = forgets_ns if due_ns is None else min(due_ns, forgets_ns)
    return due_ns


def heard_until_ns(beat: Beat, gate: OpenGate) -> int:
    """When a gate that is an actor is forgotten, unless it is heard of again before."""
    return gate.heard_ns + UNHEARD_BEATS * beat.length_ns


def _stage_left_ns(level: Level, item: Item) -> int:
    """How long it takes until the item's next stage."""
    return item.takes_ns * level.stages[item.stage][1] // MICRO - item.takes_ns + item.left_ns


def ends_ns(beat: Beat, state: BeatState) -> int:
    """The end of the beat."""
    return state.start_ns + beat.length_ns


def remaining_ns(state: BeatState, at_ns: int) -> int:
    """R: what the levels can still have of the beat."""
    return max(0, state.closes_ns - max(at_ns, state.opens_ns))


def _open(beat: Beat, state: BeatState, index: int) -> None:
    start_ns = index * beat.length_ns
    charged_ns = min(state.owed_ns, beat.window_ns)
    state.beat, state.start_ns, state.at_ns = index, start_ns, start_ns
    state.opens_ns = start_ns + beat.overhead_ns + charged_ns
    state.closes_ns = start_ns + beat.length_ns - beat.settle_ns
    state.charged_ns = charged_ns
    state.owed_ns -= charged_ns
    state.phase, state.mode = "overhead", ""
    state.running = state.interrupted = state.decide_ns = None
    state.idle_ns = state.reflex_ns = 0
    state.flashed = ()


def summary(beat: Beat, state: BeatState, at_ns: int) -> BeatEnded:
    """What a beat comes to by ``at_ns``: its parts add up to the time since its start."""
    passed_ns = at_ns - state.start_ns
    levels = list(zip(beat.levels, state.levels, strict=True))
    return BeatEnded(
        settled=passed_ns >= beat.length_ns,
        counts={level.name: LevelCounts(one.preempted, one.dropped, one.done) for level, one in levels},
        times=BeatTimes(
            start_ns=state.start_ns,
            overhead_ns=min(beat.overhead_ns, passed_ns),
            charged_ns=min(state.charged_ns, max(0, passed_ns - beat.overhead_ns)),
            reflex_ns=state.reflex_ns,
            idle_ns=state.idle_ns,
            settle_ns=max(0, at_ns - state.closes_ns),
            levels={
                level.name: LevelTimes(one.spent_ns, one.granted_ns, one.started_ns)
                for level, one in levels
            },
        ),
    )
