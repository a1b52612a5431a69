"""A long day of a large creature: the page shows all its parts, in less than 2 MB."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gardens.report.html.page import page
from gardens.report.observe.gates import GateWatch
from gardens.report.observe.mode import ModeFold
from gardens.report.observe.nerves import NerveWatch
from gardens.report.observe.racks import RackWatch
from gardens.report.observe.view import View
from gardens.report.presentation import Observer
from nimdsl.base.units import SECOND_NS
from runtime.record_base import Identity
from runtime.records import (
    AnyBody,
    Asked,
    ModelMoved,
    OrganAnswered,
    OrganAsked,
    OutcomeJudged,
    ReadingChanged,
    Record,
    Resonated,
    Weighed,
)
from tests.gardens.report.test_page import SUMMARY, Reader, crowd, view
from tests.support.gates import gate_of
from tests.support.nerves import NERVE

BEAT_COUNT = 2_880
DAY_NS = BEAT_COUNT * 30 * SECOND_NS
MEMBER_COUNT, TURN_COUNT = 40, 1_200
OUTCOMES = ("confirmed", "failed", "partial", "expired")
WAVE = Identity("cell/a", 1)
GATES = [replace(gate_of(memory="{silence: 60%}"), name=f"g{number}") for number in range(MEMBER_COUNT)]


def observers() -> dict[str, Observer]:
    """What is remembered of all of them after so many turns, as different as can be."""
    chance, found = random.Random(2), dict[str, Observer]()
    for number, gate in enumerate(GATES):
        gates = found[gate.id] = GateWatch(gate)
        nerves = found[f"nerve/n{number}"] = NerveWatch(NERVE)
        for at_ns in sorted(chance.randrange(DAY_NS) for _ in range(TURN_COUNT)):
            reading = chance.choice(["stable", "open", "closed", "resting"])
            bodies: list[AnyBody] = [Resonated(WAVE, 0.0, 0.0, chance.uniform(-1, 1)) for _ in range(3)]
            bodies.append(ReadingChanged("x", reading, 1, 4, "waves", 0, 0.0, ()))
            bodies.append(Weighed(1, "confirmed", chance.randrange(1_000_000), 0))
            for body in bodies:
                gates.take(Record(gate.id, 0, at_ns, body))
            for body in (Asked("cell/m", 1, {}, 1), OutcomeJudged(1, chance.choice(OUTCOMES), 0)):
                nerves.take(Record(f"nerve/n{number}", 0, at_ns, body))
    for host in range(4):
        found[f"rack/r{host}"] = rack(chance)
    return found


def rack(chance: random.Random) -> RackWatch:
    """A rack of four cards, between which ten models move."""
    found = RackWatch(NERVE)
    states = ("free", "loading", "ready", "serving", "training", "unloading")
    for number, at_ns in enumerate(sorted(chance.randrange(DAY_NS) for _ in range(20_000))):
        organ, card = f"o{chance.randrange(10)}", f"c{chance.randrange(4)}"
        asked = Identity("cell/a", number)
        bodies: list[AnyBody] = [OrganAsked(organ, "x", asked)]
        bodies.append(ModelMoved(organ, card, "free", chance.choice(states), "request"))
        if chance.random() < 0.99:
            bodies.append(OrganAnswered(organ, "x", chance.choice(["served", "timeout", "full"]), asked))
        for body in bodies:
            found.take(Record("rack/r", number, at_ns, body))
    return found


@pytest.fixture(scope="module")
def drawn() -> str:
    chance, fold = random.Random(1), ModeFold(GATES)
    for at_ns in sorted(chance.randrange(DAY_NS) for _ in range(10_000)):
        reading = chance.choice(["stable", "open"])
        gate = chance.choice(GATES[:3])
        fold.take(Record(gate.id, 0, at_ns, ReadingChanged("x", reading, 1, 4, "waves", 0, 0.0, ())))
    seen: View = view(BEAT_COUNT, crowd(BEAT_COUNT, 2))
    return page(replace(seen, observers=observers(), mode=fold.track(DAY_NS), time_ns=DAY_NS), SUMMARY)


def test_a_day_of_a_large_creature_stays_small(drawn: str) -> None:
    assert len(drawn.encode()) < 2_000_000


def test_the_page_is_whole_and_says_what_it_leaves_out(drawn: str) -> None:
    read = Reader(drawn)
    assert not read.wrong
    assert not read.unnamed
    assert {"mode", "gates", "weights", "nerves", "organs"} <= set(read.ids)
    assert "8 more gates not drawn." in read.text
    assert "more models not drawn." in read.text
    assert "g0" in read.text
    assert f"{TURN_COUNT:,} commands" in read.text


def test_the_lanes_of_models_show_when_they_train(drawn: str) -> None:
    assert '<path class="trains' in drawn
    assert "training" in Reader(drawn).text
