"""The modes of an attention as the scheduler drives them.

A level with stages gets the time by the event of the stage that its item is in: each
transition on the level's name stands for one on each of these events, in its own order,
straight into the stage where its target contains it.  So what was interrupted goes on
where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nimdsl.program.machine import State, Transition, walk


def resumed(level: str, stage: str) -> str:
    """The event by which a level with stages gets the time."""
    return f"{level}/{stage}"


def expanded(root: State, stages: Mapping[str, Sequence[str]]) -> State:
    """The machine that hears these events; ``stages`` are those of each level."""
    inner = {path: leaves(state, path) for path, state in walk(root)}

    def straight(way: Transition, stage: str) -> Transition:
        target = way.target if way.internal else inner.get(way.target, {}).get(stage, way.target)
        return replace(way, event=resumed(way.event, stage), target=target)

    def ways(state: State) -> list[Transition]:
        found: list[Transition] = []
        for way in state.transitions:
            staged = stages.get(way.event, ())
            found += [straight(way, stage) for stage in staged] if staged else [way]
        return found

    def expand(state: State) -> State:
        return replace(state, transitions=tuple(ways(state)), states=tuple(map(expand, state.states)))

    return expand(root)


def leaves(state: State, path: str) -> dict[str, str]:
    """The leaves below a state, by name, with their paths."""
    if not state.states:
        return {state.name: path}
    found: dict[str, str] = {}
    for child in state.states:
        found |= leaves(child, f"{path}/{child.name}")
    return found
