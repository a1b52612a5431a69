"""A beat as data: what the scheduler of attention knows between two steps.

The state is plain data, changed in place: it belongs to one step, which has
copied it (:func:`copied`).  What is done with it is in :mod:`runtime.kernel.scheduler`.
"""

from __future__ import annotations

from typing import Any

from nimdsl.base.canonical import Plain
from nimdsl.base.units import MICRO
from nimdsl.program import Beat, Level

OVERHEAD, WINDOW, SETTLE = "overhead", "window", "settle"
State = dict[str, Any]
Item = dict[str, Any]


def begun(beat: Beat, now_ns: int) -> State:
    """The state at the start of the beat that ``now_ns`` lies in."""
    index = now_ns // beat.length_ns
    levels = [_fresh([]) for _ in beat.levels]
    state: State = {
        "item": 1,
        "levels": levels,
        "gates": {},
        "owed_ns": 0,
        "reflexes": [],
        "decide_ns": None,
    }
    _open(beat, state, index)
    return state


def follow(beat: Beat, state: State) -> None:
    """Becomes the state at the start of the next beat; what is queued stays."""
    state["levels"] = [_fresh(level["queue"]) for level in state["levels"]]
    _open(beat, state, state["beat"] + 1)


def copied(state: State) -> State:
    """A copy whose levels can be changed; items and queues are replaced, never changed."""
    return {
        **state,
        "levels": [dict(level) for level in state["levels"]],
        "reflexes": list(state["reflexes"]),
    }


def next_instant_ns(beat: Beat, state: State) -> int | None:
    """When something is due, besides the end of the beat and a choice; None: nothing before that."""
    phase, reflexes = state["phase"], state["reflexes"]
    due_ns: int | None = None
    if phase == WINDOW:
        due_ns = state["closes_ns"]
        if state["running"] is not None:
            level = state["levels"][state["running"]]
            item = level["queue"][0]
            left_ns = min(item["left_ns"], level["left_ns"])
            if beat.levels[state["running"]].live:
                left_ns = min(left_ns, _stage_left_ns(beat.levels[state["running"]], item))
            due_ns = min(state["closes_ns"], state["at_ns"] + left_ns)
    elif phase == OVERHEAD:
        due_ns = state["opens_ns"]
    for reflex in reflexes:
        due_ns = reflex[3] if due_ns is None else min(due_ns, reflex[3])
    return due_ns


def _stage_left_ns(level: Level, item: Item) -> int:
    """How long it takes until the item's next stage."""
    end_ns = int(item["takes_ns"]) * level.stages[item["stage"]][1] // MICRO
    return end_ns - int(item["takes_ns"]) + int(item["left_ns"])


def ends_ns(beat: Beat, state: State) -> int:
    """The end of the beat."""
    return int(state["start_ns"]) + beat.length_ns


def remaining_ns(state: State, at_ns: int) -> int:
    """R: what the levels can still have of the beat."""
    return max(0, int(state["closes_ns"]) - max(at_ns, int(state["opens_ns"])))


def _fresh(queue: list[Item]) -> State:
    return {
        "queue": queue,
        "left_ns": None,
        "out": False,
        "starts": 0,
        "spent_ns": 0,
        "granted_ns": 0,
        "started_ns": None,
        "preempted": 0,
        "dropped": 0,
        "done": 0,
        "fixed": False,
    }


def _open(beat: Beat, state: State, index: int) -> None:
    start_ns = index * beat.length_ns
    charged_ns = min(state["owed_ns"], beat.window_ns)
    state.update(
        beat=index,
        start_ns=start_ns,
        opens_ns=start_ns + beat.overhead_ns + charged_ns,
        closes_ns=start_ns + beat.length_ns - beat.settle_ns,
        charged_ns=charged_ns,
        owed_ns=state["owed_ns"] - charged_ns,
        phase=OVERHEAD,
        running=None,
        interrupted=None,
        mode="",
        at_ns=start_ns,
        idle_ns=0,
        reflex_ns=0,
        decide_ns=None,
    )


def summary(beat: Beat, state: State, at_ns: int) -> dict[str, Plain]:
    """What a beat comes to by ``at_ns``: its parts add up to the time since its start."""
    passed_ns = at_ns - state["start_ns"]
    levels = list(zip(beat.levels, state["levels"], strict=True))
    return {
        "settled": passed_ns >= beat.length_ns,
        "counts": {
            level.name: {key: one[key] for key in ("preempted", "dropped", "done")} for level, one in levels
        },
        "times": {
            "start_ns": state["start_ns"],
            "overhead_ns": min(beat.overhead_ns, passed_ns),
            "charged_ns": min(state["charged_ns"], max(0, passed_ns - beat.overhead_ns)),
            "reflex_ns": state["reflex_ns"],
            "idle_ns": state["idle_ns"],
            "settle_ns": max(0, at_ns - state["closes_ns"]),
            "levels": {
                level.name: {key: one[key] for key in ("spent_ns", "granted_ns", "started_ns")}
                for level, one in levels
            },
        },
    }
