"""Faults on purpose, for every bus that draws them: each copy of what is published has its own.

Subclass :class:`FatesSuite` and write ``play_with``: it makes a world whose bus draws from
``model`` and ``seed``, at garden time 0, in one place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from nimdsl.compile.garden import PERFECT_BUS
from nimdsl.expression.types import DURATION
from nimdsl.program import BusModel, Distribution
from runtime.chance.models import BusFaultModel, Draws
from runtime.conformance.bus.world import MS, SECOND, Case, World, some, text
from runtime.ports.bus import Message

SIGHT, SOUND = "wave/sight", "wave/sound"
UP_TO_100_MS = Distribution("uniform", (0, 100 * MS), DURATION)
SHARE = st.sampled_from([0, 200_000, 500_000])
MODEL = st.builds(
    replace,
    st.just(PERFECT_BUS),
    latency=st.sampled_from([PERFECT_BUS.latency, UP_TO_100_MS]),
    loss=SHARE,
    duplicate=SHARE,
    delay=SHARE,
    delay_by=st.just(UP_TO_100_MS),
    reorder=SHARE,
    reorder_by=st.just(UP_TO_100_MS),
)
EARS = ("gate/a", "gate/b", "nerve/c")
PLAN = st.lists(
    st.tuples(
        st.sampled_from(["cell/x", "cell/y"]),
        st.sampled_from([SIGHT, SOUND, "gate/a"]),
        st.integers(0, 20 * MS),
    ),
    min_size=1,
    max_size=30,
)
"""Who says something, on which topic or to whom, and how long after the one before."""
few = settings(some, max_examples=30)


class Heard(NamedTuple):
    """A copy that arrived: to whom, when, whose, where it was said."""

    at_ns: int
    ear: str
    sender: str
    number: int
    to: str


class FatesSuite:
    """The laws of what befalls copies."""

    def play_with(self, model: BusModel, seed: int, case: Case) -> None:
        """Plays a case in a new world with a bus that draws."""
        raise NotImplementedError

    def heard(
        self,
        model: BusModel,
        seed: int,
        plan: list[tuple[str, str, int]],
        ears: tuple[str, ...],
        numbered: bool = True,
    ) -> tuple[list[Heard], list[tuple[str, str]]]:
        """What arrives when a plan is carried out and ``ears`` subscribe, in order; and what was told."""
        came: list[Heard] = []
        told: list[tuple[str, str]] = []

        async def case(world: World) -> None:
            def ear(name: str) -> None:
                def take(message: Message) -> None:
                    came.append(Heard(world.now_ns(), name, message.sender, message.number, message.to))

                for topic in ("wave/*", SIGHT):
                    world.here.subscribe(topic, name, take)
                if name == EARS[0]:
                    world.here.listen(name, take)

            for name in ears:
                ear(name)
            for number, (sender, to, gap_ns) in enumerate(plan, 1):
                await world.passed(gap_ns)
                say = world.here.send if to == "gate/a" else world.here.publish
                say(text(to, "", sender=sender, number=number if numbered else 0))
            await world.passed(10 * SECOND)
            told.extend(world.told)

        self.play_with(model, seed, case)
        return came, told

    @given(MODEL, st.integers(0, 99), PLAN)
    @few
    def test_each_copy_meets_what_is_drawn_for_its_subscriber(
        self, model: BusModel, seed: int, plan: list[tuple[str, str, int]]
    ) -> None:
        """When and how often a copy arrives is what the model draws; each mishap is told once."""
        came, told = self.heard(model, seed, plan, EARS)
        fates, due, on_incident, now_ns = BusFaultModel(Draws(seed), model), list[Heard](), 0, 0
        for number, (sender, to, gap_ns) in enumerate(plan, 1):
            now_ns += gap_ns
            for ear in EARS if to != "gate/a" else EARS[:1]:
                subscriber = ear if to != "gate/a" else ""
                times, fate = fates.arrivals(sender, to, number, now_ns, subscriber)
                due += [Heard(at_ns, ear, sender, number, to) for at_ns in times]
                on_incident += bool(fate)
        assert sorted(came) == sorted(due)
        assert len(told) == on_incident
        assert {who for who, _ in told} <= {"cell/x", "cell/y"}

    @given(MODEL, st.integers(0, 99), PLAN, st.booleans())
    @few
    def test_a_new_subscriber_changes_nobody_s_luck(
        self, model: BusModel, seed: int, plan: list[tuple[str, str, int]], numbered: bool
    ) -> None:
        """Also where a message comes without a number, as from a program outside."""
        every, _ = self.heard(model, seed, plan, EARS, numbered)
        for ears in (EARS[:1], EARS[:2]):
            fewer, _ = self.heard(model, seed, plan, ears, numbered)
            assert sorted(fewer) == sorted(one for one in every if one.ear in ears)

    @given(MODEL, st.integers(0, 99), PLAN)
    @few
    def test_order_per_sender_and_subscriber_holds_unless_it_is_to_be_broken(
        self, model: BusModel, seed: int, plan: list[tuple[str, str, int]]
    ) -> None:
        """Late and doubled copies overtake nobody as long as ``reorder`` is 0."""
        came, _ = self.heard(replace(model, reorder=0), seed, plan, EARS)
        for ear in EARS:
            for sender in ("cell/x", "cell/y"):
                waves = [one.number for one in came if one[1:3] == (ear, sender) and one.to != "gate/a"]
                firsts = list(dict.fromkeys(waves))
                assert firsts == sorted(firsts)

    def test_luck_is_not_shared(self) -> None:
        """One copy is lost and another is not; and all purposes are the subscriber's own."""
        model = replace(PERFECT_BUS, loss=500_000)
        plan = [("cell/x", SIGHT, MS)] * 60
        came, _ = self.heard(model, 1, plan, EARS)
        numbers = {ear: {one.number for one in came if one.ear == ear} for ear in EARS}
        assert len({frozenset(one) for one in numbers.values()}) == len(EARS)
        draws = Draws(1)
        for ear, kept in numbers.items():
            lost = {n for n in range(1, 61) if draws.chance(500_000, "cell/x", f"bus/loss/{ear}", n)}
            assert kept == set(range(1, 61)) - lost
