"""SEMANTICS 1: purity, the flat table, the two interpreters, priced transitions, timers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from transitions import Machine

from nimdsl.base import canonical
from nimdsl.program.flatten import REFUSED, Table
from nimdsl.program.machine import State
from runtime.kernel.events import BEGIN, AnyEvent, Returned, Stimulus, TimerDue
from runtime.kernel.interpreters import Interpreter, PlainInterpreter, TransitionsInterpreter
from runtime.kernel.snapshot import Snapshot, initial
from runtime.kernel.step import Kernel, PriceDecision, PriceQuery, Step, step
from runtime.records import Emitted
from runtime.run.host import awaited
from tests.properties.machines import BACK, EVENTS, Reference, actor_of, returning_trees, trees
from tests.support.plain import plain_notes

EVENT_LISTS = st.lists(st.sampled_from(EVENTS), max_size=12)


def kernel_of(root: State, interpreter: Callable[[Table], Interpreter] = PlainInterpreter) -> Kernel:
    actor = actor_of(root)
    return Kernel(actor, interpreter(actor.table), {})


def stimulus(name: str, number: int) -> Stimulus:
    return Stimulus(name, {}, sender="test", number=number)


def run(kernel: Kernel, names: list[str], purse: list[bool] | None = None) -> list[Step]:
    """Every step of a run; prices are granted in the order of ``purse``, then refused."""
    left, steps = list(purse or []), []
    snapshot = initial(kernel.actor)
    heard = [Returned() if name == BACK else stimulus(name, n + 1) for n, name in enumerate(names)]
    events: list[AnyEvent] = [BEGIN, *heard]
    for number, event in enumerate(events):
        answers: list[PriceDecision] = []
        while isinstance(taken := step(kernel, snapshot, event, number, answers), PriceQuery):
            answers.append(PriceDecision(bool(left and left.pop(0)), 0))
        steps.append(taken)
        snapshot = taken.snapshot
    return steps


@given(trees(), st.lists(st.sampled_from((*EVENTS, BACK)), max_size=12))
def test_1_2_the_flat_table_does_what_the_nested_machine_does(root: State, names: list[str]) -> None:
    does_what_is_nested(root, names)


@given(returning_trees(), st.lists(st.sampled_from(EVENTS), min_size=4, max_size=16))
def test_1_2_what_is_remembered_and_kept_is_the_same_flat_and_nested(root: State, names: list[str]) -> None:
    does_what_is_nested(root, names)


def does_what_is_nested(root: State, names: list[str]) -> None:
    reference = Reference(root)
    reference.begin()
    expected = []
    for name in [None, *names]:
        if name is not None:
            reference.event(name)
        said = (reference.path(), reference.x, list(reference.marks), reference.faulted)
        expected.append((*said, list(reference.kept)))
        reference.marks.clear()
    found = []
    for taken in run(kernel_of(root), names):
        marks = [one.body.content for one in taken.records if isinstance(one.body, Emitted)]
        left, x = taken.snapshot, taken.snapshot.data["x"]
        kept = [one.name for one in left.deferred if isinstance(one, Stimulus)]
        found.append((left.state, x, marks, bool(left.fault), kept))
    assert found == expected


@given(trees(priced=True), EVENT_LISTS, st.lists(st.booleans()))
def test_1_2_both_interpreters_give_the_same_steps(
    root: State, names: list[str], purse: list[bool]
) -> None:
    steps = run(kernel_of(root), names, purse)
    assert run(kernel_of(root, TransitionsInterpreter), names, purse) == steps
    whole = partial(TransitionsInterpreter, machine=Machine)
    assert run(kernel_of(root, whole), names, purse) == steps, "the classes of transitions itself"


@given(trees(priced=True), EVENT_LISTS, st.lists(st.booleans()))
def test_1_1_snapshots_round_trip_through_canonical_bytes(
    root: State, names: list[str], purse: list[bool]
) -> None:
    for taken in run(kernel_of(root), names, purse):
        data = taken.snapshot.to_data()
        assert Snapshot.from_data(canonical.decode(canonical.encode(data))) == taken.snapshot


@given(trees(priced=True), EVENT_LISTS)
def test_3_2_a_step_that_needs_an_answer_has_changed_nothing(root: State, names: list[str]) -> None:
    kernel = kernel_of(root)
    for taken in run(kernel, names):
        before = canonical.encode(taken.snapshot.to_data())
        first = step(kernel, taken.snapshot, stimulus("a", 99), 7)
        again = step(kernel, taken.snapshot, stimulus("a", 99), 7)
        assert first == again
        assert canonical.encode(taken.snapshot.to_data()) == before


@given(trees(priced=True), EVENT_LISTS)
def test_3_3_a_refused_transition_does_not_happen_and_the_actor_hears_of_it(
    root: State, names: list[str]
) -> None:
    begun, *rest = run(kernel_of(root), names)
    snapshot = begun.snapshot
    for taken in rest:
        records = plain_notes(taken.records)
        refused = [r for r in records if r["type"] == "refused"]
        heard = [r for r in records if r["type"] in ("transition", "ignored") and r["event"] == REFUSED]
        if not taken.snapshot.fault:
            assert len(refused) == len(heard)
        if refused and not any(r["type"] == "transition" for r in records):
            assert (taken.snapshot.state, taken.snapshot.data) == (snapshot.state, snapshot.data)
        snapshot = taken.snapshot


@given(trees(), EVENT_LISTS)
def test_1_4_timers_are_armed_on_entry_and_disarmed_on_exit(root: State, names: list[str]) -> None:
    kernel = kernel_of(root)
    table = kernel.actor.table
    for taken in run(kernel, names):
        if taken.snapshot.fault:
            return
        parts = taken.snapshot.state.split("/")
        inside = {"/".join(parts[: n + 1]) for n in range(len(parts))}
        owned = {
            number
            for number, timer in enumerate(table.timers)
            if table.events[timer.event].split(":")[1] in inside
        }
        assert set(taken.snapshot.timers) == owned


@given(trees(), EVENT_LISTS, st.integers(0, 20))
def test_1_4_a_timer_of_an_old_arming_is_stale(root: State, names: list[str], generation: int) -> None:
    for taken in run(kernel_of(root), names):
        armed = {(timer, value.generation) for timer, value in taken.snapshot.timers.items()}
        for timer in range(len(kernel_of(root).actor.table.timers)):
            assert awaited(taken.snapshot, TimerDue(timer, generation)) == ((timer, generation) in armed)
