"""Machines that earn for nothing: a way round by timers alone that is rewarded with more than it costs.

The law: from the leaf that is told the machine comes back to it, as long as nothing else happens, by what
surely happens (:mod:`nimdsl.checks.reactions`): the first timer of a leaf, of a fixed time, and what is
raised then.  No state around a leaf has a timer: that could come before.  No wave, work, reply or guard
takes part, so nothing shows that anything was earned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from nimdsl.base.diagnostics import Place, Severity
from nimdsl.base.units import format_lifeforce
from nimdsl.checks.reactions import Reacting, place_of, surely
from nimdsl.compile.reader import Findings
from nimdsl.program.amount import Computed, most_of
from nimdsl.program.flatten import Row, lineage, state_at, timer_event
from nimdsl.program.machine import AskReward, BeginWork, Raise

RAISED_COUNT_MAX = 64
"""After so many events that are raised in one step an actor is faulted (SEMANTICS 1.3)."""


class Turn(NamedTuple):
    """From one leaf to the next: what it earns and costs at most, micro-LF, and where it is rewarded."""

    target: int
    earned: int
    cost: int
    place: Place | None


def check_pumping(findings: Findings, one: Reacting, economy: str, rewards: Mapping[str, int]) -> None:
    """NIM0518: a machine that earns more than it pays with nothing from outside.  It is a warning.

    ``rewards`` are those of the ``economy`` that it lives on, micro-LF.
    """
    table, turns = one.table, dict[int, Turn]()
    for leaf in range(len(table.states)):
        if (turn := _turn(one, leaf, rewards)) is not None:
            turns[leaf] = turn
    way = next(_rounds(turns), [])
    if not way:
        return
    earned, cost = (sum(getattr(turns[leaf], what) for leaf in way) for what in ("earned", "cost"))
    name, lf = findings.document.name, format_lifeforce
    around = " → ".join(f"`{table.states[leaf]}`" for leaf in (*way, way[0]))
    message = (
        f"`{name}` earns {lf(earned)} LF in {around} and pays {lf(cost)} LF for it, and nothing from"
        f" outside shows that it was earned: it fills `{economy}` for nothing"
    )
    fix = (
        f"let it cost {lf(earned)} LF, or ask for the reward where a wave, work, a reply or a guard shows"
        " that it was earned"
    )
    place = next(turns[leaf].place for leaf in way if turns[leaf].place is not None)
    findings.report("NIM0518", message, place or findings.document.place, fix, Severity.WARNING)


def _rounds(turns: Mapping[int, Turn]) -> Iterator[list[int]]:
    """The leaves of each way round that earns more than it costs, in order."""
    done: set[int] = set()
    for start in turns:
        path: list[int] = []
        leaf = start
        while leaf in turns and leaf not in done:
            done.add(leaf)
            path.append(leaf)
            leaf = turns[leaf].target
        way = path[path.index(leaf) :] if leaf in path else []
        if sum(turns[one].earned - turns[one].cost for one in way) > 0:
            yield way


def _turn(one: Reacting, leaf: int, rewards: Mapping[str, int]) -> Turn | None:
    """What the first timer of a leaf leads to; None where that is not sure, or something flows out."""
    table, path = one.table, one.table.states[leaf]
    own = [timer for timer in table.timers if table.events[timer.event] in _timers(one, path)]
    around = any(state_at(one.root, state).timers for state in lineage(path)[1:])
    first = min(own, key=lambda timer: most_of(timer.after_ns), default=None)
    flows = any(flow.upkeep for state, flow in table.flows.items() if f"{path}/".startswith(f"{state}/"))
    if first is None or around or flows or any(isinstance(timer.after_ns, Computed) for timer in own):
        return None
    waiting, here, earned, cost = [table.events[first.event]], leaf, 0, 0
    place: Place | None = None
    for _ in range(RAISED_COUNT_MAX):
        number = surely(table, here, waiting.pop(0)) if waiting else None
        if number is None or not _is_plain(row := table.rows[number], rewards):
            return None
        reward = sum(rewards[ask.name] for ask in row.actions if isinstance(ask, AskReward))
        earned, here = earned + reward, row.target
        cost += sum(most_of(price.amount) for price in row.bill)
        place = place or (place_of(one, row) if reward > 0 else None)
        waiting += [action.event for action in row.actions if isinstance(action, Raise)]
        if not waiting:
            armed = any(table.events[table.timers[timer].event] in _timers(one, path) for timer in row.arm)
            return Turn(here, earned, cost, place) if armed or here != leaf else None
    return None


def _timers(one: Reacting, path: str) -> set[str]:
    """The events of the timers that a state has itself."""
    return {event for event in one.table.events if event.startswith(timer_event(path, 0)[:-1])}


def _is_plain(row: Row, rewards: Mapping[str, int]) -> bool:
    """Whether it is known what a row earns and costs: each time the same, and no work reserves more."""
    asked = [action for action in row.actions if isinstance(action, AskReward)]
    known = all(ask.name in rewards and ask.keys is None and ask.amount is None for ask in asked)
    reserving = any(isinstance(one, BeginWork) and one.reserve is not None for one in row.actions)
    return known and not reserving
