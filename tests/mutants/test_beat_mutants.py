"""Each law of SEMANTICS 5 kills a seeded defect of the scheduler, by the records alone.

A mutant is one small change of the scheduler, of what it does with one level, or of a beat, patched in;
over the random attentions that the laws are tested on, some run must break the named law.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from runtime.kernel import beat
from runtime.kernel.beat import Reflex, remaining_ns
from runtime.kernel.levels import Levels
from runtime.kernel.scheduler import Scheduler
from tests.properties.beat_laws import broken_laws
from tests.support.attentions import TIERS, Case, cases
from tests.support.killing import hunting

Patch = Callable[[pytest.MonkeyPatch], None]
TICK_NS = 1_000_000


def owner(name: str) -> type:
    """Where a method is: with what knows one level, or with what knows all of them."""
    return Levels if hasattr(Levels, name) else Scheduler


def after(name: str, change: Callable[..., Any]) -> Patch:
    """A mutant that does something more once a method has done its part."""
    original: Any = getattr(owner(name), name)

    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        result = original(self, *arguments, **named)
        changed = change(self, *arguments, **named)
        return result if changed is None else changed

    return lambda patch: patch.setattr(owner(name), name, method)


def with_level(
    name: str, changes: Mapping[str, Any], when: Callable[[Any], bool] = lambda _: True
) -> Patch:
    """A mutant whose method sees other levels than there are."""
    original: Any = getattr(owner(name), name)

    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        true = self.beat
        levels = tuple(replace(level, **changes) if when(level) else level for level in true.levels)
        self.beat = replace(true, levels=levels)
        arguments = tuple(
            levels[true.levels.index(one)] if one in true.levels else one for one in arguments
        )
        try:
            return original(self, *arguments, **named)
        finally:
            self.beat = true

    return lambda patch: patch.setattr(owner(name), name, method)


def instead(name: str, method: Callable[..., Any]) -> Patch:
    return lambda patch: patch.setattr(owner(name), name, method)


# The choice


def the_lowest_first(self: Any, at_ns: int) -> int | None:
    for number in reversed(range(len(self.beat.levels))):
        level, state = self.beat.levels[number], self.state.levels[number]
        if level.reflex or state.out or not state.queue:
            continue
        may_run = self.levels.may_start(level, state) and self.levels.allotted(level, state, at_ns)
        if may_run and (number == self.state.running or self.levels.afford(number, at_ns)):
            return number
    return None


def share_fixed_again(patch: pytest.MonkeyPatch) -> None:
    original = Levels.allotted

    def allotted(self: Any, level: Any, state: Any, at_ns: int) -> bool:
        if level.policy == "share" and state.left_ns:
            state.allotted = False
        return original(self, level, state, at_ns)

    patch.setattr(Levels, "allotted", allotted)


def minimum_tested_again(patch: pytest.MonkeyPatch) -> None:
    original = Levels.allotted

    def allotted(self: Any, level: Any, state: Any, at_ns: int) -> bool:
        enough = remaining_ns(self.state, at_ns) >= level.minimum_ns
        return original(self, level, state, at_ns) and enough

    patch.setattr(Levels, "allotted", allotted)


def chosen_on_each_arrival(self: Any, number: int, item: Any, at_ns: int) -> None:
    state = self.state
    if state.decide_ns == at_ns and state.phase == "window" and not state.reflexes:
        self._choose(at_ns)


def one_more_may_start(self: Any, level: Any, state: Any) -> bool:
    return bool(not level.items_max or state.starts <= level.items_max)


def refused_and_tried_again(patch: pytest.MonkeyPatch) -> None:
    original = Levels.afford

    def afford(self: Any, number: int, at_ns: int) -> bool:
        granted = original(self, number, at_ns)
        self.state.levels[number].out = False
        return granted

    patch.setattr(Levels, "afford", afford)


# Items


def time_given_back(self: Any, number: int, at_ns: int) -> None:
    state = self.state.levels[number]
    if state.queue and state.allotted:
        item = state.queue[0]
        state.left_ns += item.takes_ns - item.left_ns


def the_last_first(self: Any, number: int, item: Any, at_ns: int) -> None:
    state = self.state.levels[number]
    if self.state.running != number and state.queue[-1:] == [item]:
        state.queue = [item, *state.queue[:-1]]


def who_runs_does_not_wait(patch: pytest.MonkeyPatch) -> None:
    original = Scheduler._enqueue

    def enqueue(self: Any, number: int, item: Any, at_ns: int) -> None:
        true = self.beat
        if self.state.running == number:
            one = true.levels[number]
            more = replace(one, queue_max=one.queue_max + 1)
            levels = tuple(more if level is one else level for level in true.levels)
            self.beat = replace(true, levels=levels)
        original(self, number, item, at_ns)
        self.beat = true

    patch.setattr(Scheduler, "_enqueue", enqueue)


def baseline_carried(patch: pytest.MonkeyPatch) -> None:
    original = Levels.leave_over

    def leave_over(self: Any, number: int, level: Any, at_ns: int) -> None:
        state = self.state.levels[number]
        kept = [item for item in state.queue if item.baseline and level.carry]
        original(self, number, level, at_ns)
        state.queue = [*(changed(item, granted=False, paid=False) for item in kept), *state.queue]

    patch.setattr(Levels, "leave_over", leave_over)


# Reflexes


def put_off(reflexes: list[Reflex], first: int, late_ns: int) -> None:
    """From the ``first`` on they come so much later."""
    reflexes[first:] = [
        one._replace(from_ns=one.from_ns + late_ns, to_ns=one.to_ns + late_ns) for one in reflexes[first:]
    ]


def late_reflex(patch: pytest.MonkeyPatch) -> None:
    """It starts when the running item ends."""
    original = Scheduler._reflex

    def reflex(self: Any, number: int, item: Any, at_ns: int) -> None:
        state = self.state
        late_ns = 0
        if state.running is not None:
            own = state.levels[state.running]
            late_ns = min(own.queue[0].left_ns, own.left_ns)
        before = len(state.reflexes)
        original(self, number, item, at_ns)
        put_off(state.reflexes, before, late_ns)

    patch.setattr(Scheduler, "_reflex", reflex)


def not_suspended(patch: pytest.MonkeyPatch) -> None:
    original = Levels.stop

    def stop(self: Any, number: int, at_ns: int, ended: str) -> Any:
        if ended == "suspended":
            return self.state.levels[number].queue[0]
        return original(self, number, at_ns, ended)

    patch.setattr(Levels, "stop", stop)


def suspended_counts_as_preempted(self: Any, number: int, item: Any, at_ns: int) -> None:
    interrupted = self.state.interrupted
    if interrupted is not None:
        self.state.levels[interrupted].preempted += 1


def each_reflex_is_charged(patch: pytest.MonkeyPatch) -> None:
    original = Scheduler._account

    def account(self: Any, at_ns: int) -> None:
        state = self.state
        passed_ns, more = at_ns - state.at_ns, len(state.reflexes) - 1
        if passed_ns > 0 and more > 0 and state.phase == "window":
            state.reflex_ns += passed_ns * more
        original(self, at_ns)

    patch.setattr(Scheduler, "_account", account)


# The beat


def window_from(key: str, at_ns: Callable[[Any, Any], int]) -> Patch:
    """A mutant of where the window opens or closes."""
    original = beat._open

    def opened(of: Any, state: Any, index: int) -> None:
        original(of, state, index)
        setattr(state, key, at_ns(of, state))

    return lambda patch: patch.setattr(beat, "_open", opened)


def reflexes_wait_for_the_window(patch: pytest.MonkeyPatch) -> None:
    original = Scheduler._reflex

    def reflex(self: Any, number: int, item: Any, at_ns: int) -> None:
        late_ns = self.state.opens_ns - at_ns if self.state.phase == "overhead" else 0
        before = len(self.state.reflexes)
        original(self, number, item, at_ns)
        put_off(self.state.reflexes, before, late_ns)

    patch.setattr(Scheduler, "_reflex", reflex)


# Lifeforce


def fixed_for_each_item(self: Any, number: int, at_ns: int) -> None:
    self.state.levels[number].fixed = False


def item_paid_again(self: Any, number: int, level: Any, at_ns: int) -> None:
    state = self.state.levels[number]
    state.queue = [changed(item, known=False) for item in state.queue]


def item_in_each_beat(patch: pytest.MonkeyPatch) -> None:
    """Whether an item of the gate waits already is not looked at."""
    original: Any = Scheduler._gate_item

    def gate_item(self: Any, gate: str, at_ns: int) -> None:
        for level in self.state.levels:
            level.queue = [changed(item, gate="") for item in level.queue]
        self.state.reflexes = [one._replace(gate="") for one in self.state.reflexes]
        original(self, gate, at_ns)

    patch.setattr(Scheduler, "_gate_item", gate_item)


def opened_in_settle_at_once(self: Any, gate: str, tier: int, at_ns: int) -> None:
    """... and then again when the next beat begins."""
    if at_ns >= self.state.closes_ns:
        self._gate_item(gate, at_ns)


def any_reflex_again(self: Any, gate: str, at_ns: int) -> None:
    self.state.flashed = ()


def starves_for_ever(patch: pytest.MonkeyPatch) -> None:
    original: Any = Levels.leave_over

    def leave_over(self: Any, number: int, level: Any, at_ns: int) -> None:
        queue = self.state.levels[number].queue
        self.state.levels[number].queue = [changed(item, beat=self.state.beat) for item in queue]
        original(self, number, level, at_ns)

    patch.setattr(Levels, "leave_over", leave_over)


def tiers_everywhere(case: Case) -> Case:
    """Gates of all tiers bring something, to levels that carry."""
    levels = [replace(level, carry=True) for level in case.beat.levels]
    levels[-1] = replace(levels[-1], tiers=tuple(range(TIERS)), takes_ns=levels[-1].takes_ns or TICK_NS)
    return replace(case, beat=replace(case.beat, levels=tuple(levels)))


def reflexes_alone(case: Case) -> Case:
    """Gates of all tiers bring reflexes."""
    tiers = tuple(range(TIERS))
    levels = tuple(replace(level, tiers=tiers if level.reflex else ()) for level in case.beat.levels)
    return replace(case, beat=replace(case.beat, levels=levels))


def all_shares(case: Case) -> Case:
    """The same, but that every level has a small share, and goes on when it was preempted."""
    levels = tuple(
        level if level.reflex else replace(level, policy="share", share=200_000, preempted="resume")
        for level in case.beat.levels
    )
    return replace(case, beat=replace(case.beat, levels=levels))


PLAIN = cases(TICK_NS)
GATES = PLAIN.map(tiers_everywhere)
FLAPS = PLAIN.map(reflexes_alone)
SHARES = PLAIN.map(all_shares)
DEAR = cases(TICK_NS, dear=True)
WORK = cases(TICK_NS, work=True)

MUTANTS: Mapping[str, tuple[Patch, str, st.SearchStrategy[Case]]] = {
    "the lowest first": (instead("_highest", the_lowest_first), "5.3", PLAIN),
    "share fixed again": (share_fixed_again, "5.2", PLAIN),
    "share without cap": (with_level("allotted", {"cap_ns": 0}), "5.2", PLAIN),
    "minimum forgotten": (with_level("allotted", {"minimum_ns": 0}), "5.2", PLAIN),
    "minimum tested again": (minimum_tested_again, "5.3", PLAIN),
    "two choices at one instant": (after("_enqueue", chosen_on_each_arrival), "5.3", PLAIN),
    "max_per_beat forgotten": (instead("may_start", lambda *_: True), "5.3", PLAIN),
    "one more may start": (instead("may_start", one_more_may_start), "5.3", PLAIN),
    "time given back": (after("preempt", time_given_back), "5.3", SHARES),
    "never is preempted": (instead("holds", lambda *_: False), "5.3", PLAIN),
    "everything is held": (instead("holds", lambda *_: True), "5.3", PLAIN),
    "restart resumes": (with_level("preempt", {"preempted": "resume"}), "5.3", PLAIN),
    "resume restarts": (with_level("preempt", {"preempted": "restart"}), "5.3", PLAIN),
    "carry drops": (with_level("leave_over", {"carry": False}), "5.3", PLAIN),
    "carry drops what is cut": (with_level("cut", {"carry": False}), "5.3", PLAIN),
    "drop carries": (with_level("leave_over", {"carry": True}), "5.3", PLAIN),
    "baseline carried": (baseline_carried, "5.3", PLAIN),
    "the last first": (after("_enqueue", the_last_first), "5.1", PLAIN),
    "who runs does not wait": (who_runs_does_not_wait, "5.3", PLAIN),
    "queue without end": (with_level("_enqueue", {"queue_max": 10**9}), "5.3", PLAIN),
    "nobody is told": (instead("_tell_on", lambda *_: None), "5.1", PLAIN),
    "late reflex": (late_reflex, "5.4", PLAIN),
    "reflex does not suspend": (not_suspended, "5.4", PLAIN),
    "reflexes without bound": (with_level("_reflex", {"items_max": 0}), "5.4", PLAIN),
    "reflexes wait for the window": (reflexes_wait_for_the_window, "5.4", PLAIN),
    "suspended is preempted": (after("_reflex", suspended_counts_as_preempted), "5.3", PLAIN),
    "each reflex is charged": (each_reflex_is_charged, "5.5", PLAIN),
    "overhead forgotten": (window_from("opens_ns", lambda _, state: state.start_ns), "5.5", PLAIN),
    "settle forgotten": (
        window_from("closes_ns", lambda of, state: state.start_ns + of.length_ns),
        "5.1",
        PLAIN,
    ),
    "an item in each beat": (item_in_each_beat, "5.1", GATES),
    "opened in settle at once": (after("open_gate", opened_in_settle_at_once), "5.1", GATES),
    "a flapping gate": (after("_gate_item", any_reflex_again), "5.1", FLAPS),
    "closed and kept": (instead("close_gate", lambda *_: None), "5.3", GATES),
    "starves for ever": (starves_for_ever, "5.3", GATES),
    "overrun forgotten": (instead("overran", lambda *_: None), "5.1", WORK),
    "holds not settled": (instead("settle_queue", lambda *_: None), "5.5", DEAR),
    "refused and tried again": (refused_and_tried_again, "5.3", DEAR),
    "fixed price for each item": (after("grant", fixed_for_each_item), "5.5", DEAR),
    "item paid again": (after("leave_over", item_paid_again), "5.5", DEAR),
}


class Killed(Exception):  # noqa: N818
    """Ends the hunt."""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_laws_kill(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch, law, attentions = MUTANTS[mutant]
    patch(monkeypatch)
    broken: list[str] = []

    @given(attentions)
    @hunting(20_000)
    def hunt(case: Case) -> None:
        broken.extend(broken_laws(case, case.run()))
        if any(sentence.startswith(law) for sentence in broken):
            raise Killed

    with pytest.raises(Killed):
        hunt()


def test_the_scheduler_itself_survives() -> None:
    @given(cases(TICK_NS, dear=True, work=True))
    @settings(max_examples=20)
    def hunt(case: Case) -> None:
        assert list(broken_laws(case, case.run())) == []

    hunt()
