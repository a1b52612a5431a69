"""SEMANTICS 9 as sentences about random cards, models, requests, trainings and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import strategies as st

from nimdsl.program import Card, Organ
from nimdsl.program.organ import Training
from runtime import records
from runtime.kernel import arbiter
from runtime.kernel.arbiter import LoadOnto, RackState, Serve
from runtime.kernel.events import Role
from runtime.run.host import Checks
from tests.support.racks import (
    RackAlone,
    S,
    claims_on,
    in_turn,
    lasting,
    load_on,
    needs_room_on,
    slices_again,
    turn_again,
)

GB = 1_000_000_000
seconds = st.sampled_from([0, 1, 2, 5]).map(lambda number: number * S)
cards = st.lists(
    st.tuples(st.sampled_from([8, 20, 24]), st.sampled_from([0, 1, 2])), min_size=1, max_size=3
).map(lambda found: [Card("abc"[place], size * GB, most) for place, (size, most) in enumerate(found)])


trainings = st.builds(
    Training,
    after=st.sampled_from([1, 1, 2]),
    slices=st.sampled_from([1, 2, 3, 3]),
    memory_bytes=st.sampled_from([0, 4, 8]).map(lambda size: size * GB),
    attempts=st.integers(1, 2),
    pause_ns=st.sampled_from([1, 5]).map(lambda number: number * S),
    price=st.sampled_from([0, 1]),
    work=st.sampled_from([0, 1, 3]).map(lambda number: lasting(number * S)),
)


perhaps = st.none() | trainings


def _organs(
    sizes: Sequence[int], least: int, training: st.SearchStrategy[Any] = perhaps
) -> st.SearchStrategy[list[dict[str, Any]]]:
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
            "training": training,
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
    "slipping": st.sets(st.integers(1, 8)),
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
studious = st.fixed_dictionaries(
    {
        **common,
        "failing": st.just(frozenset[int]()),
        "cards": st.sampled_from([[Card("a", 20 * GB, 0)], [Card("a", 24 * GB, 0), Card("b", 8 * GB)]]),
        "organs": _organs([7, 8, 12], 2, trainings),
        "requests": _requests([0, 1, 2, 5], [0, 0, 1, 2], [30, 200]),
    }
)
"""Few ask at once, and everybody trains, beside others on one card."""
worlds = st.one_of(sparse, crowded, studious)


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

    def next_slice(self, organs: Any, state: RackState, now_ns: int) -> Any:
        """Nobody who waits has a claim on the card of what trains."""
        name = SLICES(organs, state, now_ns)
        assert name == next(iter(slices_again(organs, state, now_ns)), None), "who trains"
        if name is not None:
            card = state.residents[name].card
            assert not claims_on(organs, state, card, now_ns), "no slice while somebody waits"
        return name

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


ORIGINAL, SLICES = arbiter.next_move, arbiter.next_slice


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
        lambda number: number in world["slipping"],
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
            patch.setattr(arbiter, "next_slice", found.next_slice)
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
    learns_as_it_says(rack)


def learns_as_it_says(rack: RackAlone) -> None:
    """A training is of so many slices that are done, whatever becomes of the model in between."""
    served: Counter[str] = Counter()
    done: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    version: Counter[str] = Counter()
    ends = {name: [how for organ, how in rack.slices if organ == name] for name in rack.organs}
    for record in rack.host.records:
        body = record.body
        if isinstance(body, records.OrganAnswered):
            assert body.version == version[body.organ], "what was served says by which version"
            served[body.organ] += body.outcome == "served"
        if not isinstance(body, records.ModelMoved):
            continue
        name, training = body.organ, rack.organs[body.organ].training
        if body.target == "training":
            assert training is not None
            assert served[name] >= training.after, "nothing to learn from"
        elif body.source == "training":
            assert training is not None
            slipped = ends[name].pop(0) == "failed"
            assert slipped == (body.cause in ("failed", "abandoned")), "who slipped has not learnt"
            done[name], failed[name] = done[name] + (not slipped), failed[name] + 1 if slipped else 0
            over = "abandoned" if slipped else "trained"
            last = failed[name] == training.attempts if slipped else done[name] == training.slices
            assert (body.cause == over) == last, "so many slices, so many failures"
            if last:
                version[name] += not slipped
                served[name] = done[name] = failed[name] = 0
        assert body.version == version[name], "a version is a training that was done"
