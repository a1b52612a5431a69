"""SEMANTICS 9 over random cards, models, requests and failures: what every life of a rack obeys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nimdsl.base.errors import InternalError
from nimdsl.program import Card, Organ
from runtime import records
from runtime.kernel import arbiter
from runtime.kernel.arbiter import LoadOnto, RackState, Serve
from runtime.kernel.events import Begin, Role
from runtime.kernel.rack import RackStep
from runtime.run.host import Checks, fold
from tests.support.effort import examples
from tests.support.killing import hunting
from tests.support.racks import (
    RackAlone,
    S,
    in_turn,
    kernel_for,
    lasting,
    load_on,
    needs_room_on,
    turn_again,
)

GB = 1_000_000_000
seconds = st.sampled_from([0, 1, 2, 5]).map(lambda number: number * S)
cards = st.lists(
    st.tuples(st.sampled_from([8, 20, 24]), st.sampled_from([0, 1, 2])), min_size=1, max_size=3
).map(lambda found: [Card("abc"[place], size * GB, most) for place, (size, most) in enumerate(found)])


def _organs(sizes: Sequence[int], least: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries(
        {
            "memory_bytes": st.sampled_from(sizes).map(lambda size: size * GB),
            "attempts": st.integers(1, 3),
            "cooldown_ns": st.sampled_from([5 * S, 60 * S]),
            "keep_ns": st.sampled_from([0, 5 * S, 60 * S]),
            "queue": st.sampled_from([1, 3, 64, 64]),
            "batch": st.sampled_from([0, 1, 3]),
            "price_load": st.sampled_from([0, 1]),
            "price_request": st.sampled_from([0, 1]),
            "warm": st.sampled_from([0, 5]),
            "load": seconds.map(lasting),
            "serve": seconds.map(lasting),
        }
    )
    return st.lists(one, min_size=least, max_size=4)


def _requests(
    gaps: Sequence[int], organs: Sequence[int], patience: Sequence[int]
) -> st.SearchStrategy[list[tuple[int, int, int, int, int | None]]]:
    one = st.tuples(
        st.sampled_from(gaps).map(lambda number: number * S),
        st.sampled_from(organs),
        st.sampled_from([0, 0, 0, 1]),
        st.sampled_from(patience).map(lambda number: number * S),
        st.sampled_from([None, None, None, None, 0, 2 * S, 9 * S]),
    )
    return st.lists(one, max_size=25)


common = {
    "failing": st.sets(st.integers(1, 8)),
    "poor": st.integers(0, 9),
    "unload_ns": st.sampled_from([0, 2 * S]),
    "lag_ns": st.sampled_from([0, 1 * S]),
}
sparse = st.fixed_dictionaries(
    {
        **common,
        "cards": cards,
        "organs": _organs([4, 7, 8, 12, 14, 20], 1),
        "requests": _requests([0, 0, 1, 1, 3, 20], range(4), [0, 3, 8, 30, 200]),
    }
)
crowded = st.fixed_dictionaries(
    {
        **common,
        "failing": st.just(frozenset[int]()),
        "poor": st.sampled_from([0, 9]),
        "cards": st.sampled_from([[Card("a", 20 * GB)], [Card("a", 20 * GB, 0), Card("b", 8 * GB)]]),
        "organs": _organs([8, 12, 14], 2),
        "requests": _requests([0, 0, 1], [0, 0, 0, 1, 2], [30, 200]),
    }
)
"""Many ask for the same, and some for what has no room beside it."""
worlds = st.one_of(sparse, crowded)


class Judge:
    """Looks at a rack after every event, and at every move that it decides on."""

    def __init__(self, organs: dict[str, Organ]) -> None:
        self.organs = organs
        self.passed: Counter[int] = Counter()

    def after(self, rack: RackAlone) -> None:
        """Cards are never over-committed; who waits, waits for something."""
        state, now_ns = rack.state, rack.now_ns
        for card in rack.cards:
            used_bytes, used_count = load_on(self.organs, state, card)
            assert used_bytes <= card.memory_bytes, "memory"
            assert not card.models_max or used_count <= card.models_max, "models"
        if not rack.is_quiet:
            return
        moving = any(one.state != "ready" for one in state.residents.values())
        held = {name for name, one in state.troubles.items() if one.until_ns > now_ns}
        waiting = in_turn(state, now_ns)
        assert moving or all(one.organ in held for one in waiting), "with work waiting something moves"
        assert not (waiting or state.residents) or moving or rack.host.snapshot.timers, "it will look again"

    def next_move(self, organs: Any, state: RackState, now_ns: int) -> Any:
        """Nobody is passed more than it must bear."""
        move = ORIGINAL(organs, state, now_ns)
        assert move == turn_again(organs, state, now_ns), "whose turn it is"
        if isinstance(move, LoadOnto):
            assert not self._before(state, move.request.number, move.card, now_ns), "no load past one"
        elif isinstance(move, Serve):
            self._serves(state, move, now_ns)
        return move

    def _before(self, state: RackState, number: int, card: str, now_ns: int) -> list[Any]:
        line = in_turn(state, now_ns)
        place = next(place for place, one in enumerate(line) if one.number == number)
        return [one for one in line[:place] if needs_room_on(self.organs, state, one, card, now_ns)]

    def _serves(self, state: RackState, move: Serve, now_ns: int) -> None:
        organ = move.request.organ
        for one in self._before(state, move.request.number, state.residents[organ].card, now_ns):
            assert one.priority == move.request.priority, "never past a higher one"
            self.passed[one.number] += 1
            assert self.passed[one.number] <= self.organs[organ].batch, "never past one more often"


ORIGINAL = arbiter.next_move


def lived(world: dict[str, Any], judge: bool = True) -> RackAlone:
    """The rack after its life."""
    largest = max(card.memory_bytes for card in world["cards"])
    named = {
        f"o{place}": Organ(f"o{place}", **{**one, "memory_bytes": min(one["memory_bytes"], largest)})
        for place, one in enumerate(world["organs"])
    }
    paid: list[int] = []

    def pays(_: object) -> bool:
        paid.append(1)
        return not world["poor"] or len(paid) % (world["poor"] + 1) != 0

    found = Judge(named)
    rack = RackAlone(
        named,
        world["cards"],
        world["unload_ns"],
        world["lag_ns"],
        lambda number: number in world["failing"],
        pays,
        found.after if judge else lambda _: None,
        Checks() if judge else Checks(round_trip=True, restore=True),
    )
    at_ns = 0
    for gap_ns, organ, priority, timeout_ns, leaves_ns in world["requests"]:
        at_ns += gap_ns
        rack.ask(at_ns, f"o{organ % len(named)}", priority, timeout_ns, leaves_ns)
    with pytest.MonkeyPatch.context() as patch:
        if judge:
            patch.setattr(arbiter, "next_move", found.next_move)
        return rack.run()


def is_lawful(world: dict[str, Any]) -> None:
    rack = lived(world)
    ends = [one for one in rack.host.records if isinstance(one.body, records.OrganAnswered)]
    known = Counter(str(one.body.request) for one in ends if isinstance(one.body, records.OrganAnswered))
    assert known == Counter({f"{who}/1": 1 for who in rack.asked}), "each ends once"
    for record in ends:
        assert isinstance(record.body, records.OrganAnswered)
        who = record.body.request.asker
        said, outcome, at_ns = rack.asked[who], record.body.outcome, record.time_ns
        left_ns = None if said.leaves_ns is None else said.at_ns + said.leaves_ns
        assert at_ns <= said.by_ns, "by its time"
        assert left_ns is None or at_ns <= left_ns, "not after who asked has left"
        assert (outcome == "revoked") <= (left_ns == at_ns)
        told = [] if left_ns == at_ns and outcome in ("revoked", "timeout") else [at_ns]
        assert [when for when, _, _ in said.answers] in (told, [at_ns]), "who waits is told once"
        if outcome == "served":
            assert said.answers[0][1] is Role.REPLY
    assert not rack.state.residents, "in the end every card is free"
    assert not rack.state.waiting
    changed = [one.body for one in rack.host.records if isinstance(one.body, records.ModelMoved)]
    at: dict[str, str] = {}
    for body in changed:
        assert at.get(body.organ, "free") == body.source, "chain"
        at[body.organ] = body.target


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
    patch.setattr("tests.properties.test_racks.turn_again", lambda *given: ORIGINAL(*given))


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


MUTANTS: Sequence[Mutant] = (
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
