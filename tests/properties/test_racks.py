"""SEMANTICS 9 over random cards, models, requests and failures: what every life of a rack obeys."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from nimdsl.base.errors import InternalError
from nimdsl.program import Card, Organ
from nimdsl.program.organ import Training
from runtime import records
from runtime.kernel import arbiter, learning
from runtime.kernel.arbiter import RackState, Serve
from runtime.kernel.events import Begin, Role
from runtime.kernel.rack import RackStep
from runtime.run.host import fold
from tests.properties.rack_laws import GB, ORIGINAL, SLICES, is_lawful, lived, worlds
from tests.support.effort import examples
from tests.support.killing import hunting
from tests.support.racks import (
    RackAlone,
    S,
    kernel_for,
    lasting,
)


@given(worlds)
@settings(max_examples=examples(150))
def test_every_life_is_lawful(world: dict[str, Any]) -> None:
    is_lawful(world)


def test_who_finishes_at_the_very_instant_has_finished() -> None:
    organ = Organ("o0", 4 * GB, load=lasting(2 * S), serve=lasting(S))
    for patience_ns, outcome in ((3 * S, Role.REPLY), (3 * S - 1, Role.IGNORED)):
        rack = RackAlone({"o0": organ}, [Card("a", 8 * GB)])
        who = rack.ask(0, "o0", timeout_ns=patience_ns)
        rack.run()
        assert [role for _, role, _ in rack.asked[who].answers] == [outcome]


@given(worlds)
@settings(max_examples=examples(20))
def test_cards_come_from_the_first_event_alone(world: dict[str, Any]) -> None:
    """The journal folds to the same under a garden that has other cards."""
    rack = lived(world, judge=False)
    other = kernel_for(rack.organs, [Card("z", GB)], 77, Begin())
    snapshot, made, _ = fold(other, rack.host.journal.read(rack.host.id))  # type: ignore[attr-defined]
    assert (snapshot, made) == (rack.host.snapshot, rack.host.records)


@pytest.mark.parametrize(("asked_ns", "answered_ns"), [(S - 1, 2 * S), (S, 32 * S), (15 * S, 32 * S)])
def test_a_request_waits_for_one_slice_at_most(asked_ns: int, answered_ns: int) -> None:
    """What is left to train goes on when it has been served."""
    training = Training(1, 3, work=lasting(30 * S))
    organ = Organ("o0", 4 * GB, load=lasting(0), serve=lasting(S), training=training)
    rack = RackAlone({"o0": organ}, [Card("a", 4 * GB)])
    rack.ask(0, "o0")
    late = rack.ask(asked_ns, "o0")
    rack.run()
    ((at_ns, role, _),) = rack.asked[late].answers
    assert (at_ns, role) == (answered_ns, Role.REPLY)
    told = [one.body for one in rack.host.records if isinstance(one.body, records.ModelMoved)]
    assert [one.cause for one in told if one.source == "training"] == ["slice", "slice", "trained"]


# Defects that the laws kill

Mutant = Callable[[pytest.MonkeyPatch], None]


def _without(patch: pytest.MonkeyPatch, state: str) -> None:
    """Models in that state take no room."""

    def unseen(found: RackState) -> RackState:
        kept = {name: one for name, one in found.residents.items() if one.state != state}
        return RackState(found.cards, found.waiting, kept, found.troubles, found.arrivals)

    has_room = arbiter.has_room
    patch.setattr(arbiter, "has_room", lambda organs, found, *rest: has_room(organs, unseen(found), *rest))


def memory_freed_at_unloading(patch: pytest.MonkeyPatch) -> None:
    _without(patch, "unloading")
    _alone(patch)


def two_loads_of_one_instant(patch: pytest.MonkeyPatch) -> None:
    _without(patch, "loading")
    _alone(patch)


def _alone(patch: pytest.MonkeyPatch) -> None:
    """The rule said again agrees with the defect: the laws alone must find it."""
    patch.setattr("tests.properties.rack_laws.turn_again", lambda *given: ORIGINAL(*given))


def _serves_past(patch: pytest.MonkeyPatch, may_pass: Callable[[Any, Any], bool]) -> None:
    """Some that need room are passed whatever they have borne."""
    serve = arbiter._serve

    def served(organs: Any, state: RackState, line: Any, place: int, now_ns: int) -> Any:
        seen = [one for one in line[:place] if not may_pass(one, line[place])]
        return serve(organs, state, [*seen, line[place]], len(seen), now_ns)

    patch.setattr(arbiter, "_serve", served)
    _alone(patch)


def batch_without_end(patch: pytest.MonkeyPatch) -> None:
    _serves_past(patch, lambda one, request: one.priority == request.priority)


def past_a_higher_one(patch: pytest.MonkeyPatch) -> None:
    _serves_past(patch, lambda one, request: one.priority > request.priority)


def bypass_not_counted(patch: pytest.MonkeyPatch) -> None:
    original = RackStep._serve
    patch.setattr(RackStep, "_serve", lambda self, move: original(self, Serve(move.request, ())))


def only_the_first_bears_it(patch: pytest.MonkeyPatch) -> None:
    original = RackStep._serve
    patch.setattr(
        RackStep, "_serve", lambda self, move: original(self, Serve(move.request, move.passed[1:]))
    )


def loads_past_one_that_waits(patch: pytest.MonkeyPatch) -> None:
    place = arbiter._place

    def placed(organs: Any, state: RackState, line: Any, at: int, now_ns: int) -> Any:
        return place(organs, state, line[at:], 0, now_ns)

    patch.setattr(arbiter, "_place", placed)
    _alone(patch)


def no_retry_timer(patch: pytest.MonkeyPatch) -> None:
    original = arbiter.next_due_ns

    def without(organs: Any, state: RackState, now_ns: int) -> int | None:
        return original(organs, RackState(state.cards, state.waiting, state.residents), now_ns)

    patch.setattr(arbiter, "next_due_ns", without)


def served_and_late_at_one_instant(patch: pytest.MonkeyPatch) -> None:
    original = RackStep.finished

    def late(self: RackStep, event: Any) -> None:
        self._expire()
        original(self, event)

    patch.setattr(RackStep, "finished", late)


def held_ones_need_room(patch: pytest.MonkeyPatch) -> None:
    """While a load may not be tried again, it holds up everybody behind it."""

    def needs(state: RackState, organ: str, _: int) -> bool:
        resident = state.residents.get(organ)
        return resident is None or resident.state == "unloading"

    patch.setattr(arbiter, "_needs_room", needs)
    _alone(patch)


def revoked_is_answered_too(patch: pytest.MonkeyPatch) -> None:
    """What serves a request that is over goes on to its end."""
    original = RackStep._revoke

    def forgets(self: RackStep, work: int) -> None:
        state = self._state
        organ = next(name for name, one in state.residents.items() if one.work == work)
        original(self, work)
        before = self.context.before.rack
        assert before is not None
        if (was := before.residents.get(organ)) is not None and was.request is not None:
            self._set(organ, was)

    patch.setattr(RackStep, "_revoke", forgets)


def freed_when_it_begins_to_leave(patch: pytest.MonkeyPatch) -> None:
    original = RackStep._unload

    def twice(self: RackStep, organ: str, cause: str, room: str = "") -> None:
        original(self, organ, cause, room)
        self._set(organ, None)

    patch.setattr(RackStep, "_unload", twice)


def trains_while_somebody_waits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(arbiter, "_is_claimed", lambda *_: False)
    patch.setattr("tests.properties.rack_laws.slices_again", lambda *given: [SLICES(*given)])


def training_takes_no_memory(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(arbiter, "_bytes_of", lambda organ, _: organ.memory_bytes)
    patch.setattr("tests.properties.rack_laws.slices_again", lambda *given: [SLICES(*given)])
    _alone(patch)


def wiser_by_a_slice_that_failed(patch: pytest.MonkeyPatch) -> None:
    original = learning.after_slice
    patch.setattr(learning, "after_slice", lambda training, learnt, _: original(training, learnt, True))


def slices_forgotten_by_an_unload(patch: pytest.MonkeyPatch) -> None:
    original = RackStep._unload

    def forgets(self: RackStep, organ: str, cause: str, room: str = "") -> None:
        original(self, organ, cause, room)
        if organ in self._state.learnt:
            self._learns(organ, replace(self._state.learnt[organ], slices=0))

    patch.setattr(RackStep, "_unload", forgets)


def trains_for_ever(patch: pytest.MonkeyPatch) -> None:
    """One that fails is tried again as often as it takes."""
    original = learning.after_slice

    def patient(training: Any, learnt: Any, done: bool) -> Any:
        return original(dataclasses.replace(training, attempts=1_000), learnt, done)

    patch.setattr(learning, "after_slice", patient)


MUTANTS: Sequence[Mutant] = (
    trains_while_somebody_waits,
    training_takes_no_memory,
    wiser_by_a_slice_that_failed,
    slices_forgotten_by_an_unload,
    trains_for_ever,
    memory_freed_at_unloading,
    two_loads_of_one_instant,
    batch_without_end,
    bypass_not_counted,
    only_the_first_bears_it,
    past_a_higher_one,
    loads_past_one_that_waits,
    no_retry_timer,
    held_ones_need_room,
    revoked_is_answered_too,
    freed_when_it_begins_to_leave,
)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_a_defect_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)

    @given(worlds)
    @hunting(20_000)
    def law(world: dict[str, Any]) -> None:
        is_lawful(world)

    with pytest.raises((AssertionError, InternalError, KeyError)):
        law()


def test_late_and_served_at_one_instant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    served_and_late_at_one_instant(monkeypatch)
    with pytest.raises(AssertionError):
        test_who_finishes_at_the_very_instant_has_finished()
