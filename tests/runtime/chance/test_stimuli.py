"""Stimuli in the order of their times (SEMANTICS 2.5): numbered, drawn, and never all at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nimdsl
from nimdsl.base.elementary import log
from nimdsl.program import Periodic, Poisson, Recorded, Scenario, StimulusSpec
from runtime.chance.draws import key_of, uniform
from runtime.chance.models import Draws
from runtime.chance.stimuli import Arrival, stimuli_of
from tests.support.effort import examples

ROOT = Path(__file__).parents[3]
SECOND = 1_000_000_000
EMPTY = nimdsl.load_text(
    "{apiVersion: nimdsl.dev/v1, kind: Scenario, metadata: {name: s}, spec: {horizon: 60s}}"
).scenarios["s"]

Due = list[tuple[int, int, Arrival]]


def scenario(*arrivals: Periodic | Poisson | Recorded) -> Scenario:
    """One stimulus for each, whose event is named after its position."""
    stimuli = (StimulusSpec(("cell/c",), f"e{n}", {}, one) for n, one in enumerate(arrivals))
    return replace(EMPTY, stimuli=tuple(stimuli))


def due(one: Scenario, seed: int = 1, replication: int = 0) -> Due:
    return list(stimuli_of(one, Draws(seed, replication)))


def times(found: Due, event: str = "e0") -> list[int]:
    return [at_ns for at_ns, _, arrival in found if arrival.event == event]


NS = st.integers(0, 20)
ARRIVALS = st.one_of(
    st.builds(Periodic, NS, st.integers(1, 5), st.integers(1, 8)),
    st.builds(Poisson, st.integers(1, 10), NS, st.integers(0, 60)),
    st.lists(NS, max_size=8).map(lambda at: Recorded(tuple(sorted(at)))),
)


@given(st.lists(ARRIVALS, max_size=5), st.integers(0, 2**40))
def test_2_5_by_time_then_position_and_numbered_from_1(
    arrivals: list[Periodic | Poisson | Recorded], seed: int
) -> None:
    found = due(scenario(*arrivals), seed)
    assert [number for _, number, _ in found] == list(range(1, len(found) + 1))
    places = [(at_ns, int(arrival.event[1:])) for at_ns, _, arrival in found]
    assert places == sorted(places)
    for position, one in enumerate(arrivals):
        own = times(found, f"e{position}")
        match one:
            case Periodic():
                assert own == [one.at_ns + n * one.every_ns for n in range(one.times)]
            case Poisson():
                assert all(earlier < later for earlier, later in pairwise([one.at_ns, *own]))
                assert all(at_ns < one.until_ns for at_ns in own)
            case Recorded():
                assert tuple(own) == one.at_ns


@given(st.lists(ARRIVALS, min_size=1, max_size=4), ARRIVALS, st.integers(0, 2**40))
def test_2_4_a_stimulus_more_at_the_end_changes_no_other(
    arrivals: list[Periodic | Poisson | Recorded], more: Periodic | Poisson | Recorded, seed: int
) -> None:
    without, with_it = due(scenario(*arrivals), seed), due(scenario(*arrivals, more), seed)
    kept = [(at_ns, arrival) for at_ns, _, arrival in with_it if arrival.event != f"e{len(arrivals)}"]
    assert kept == [(at_ns, arrival) for at_ns, _, arrival in without]


@given(st.integers(1, 10), NS, st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**40))
def test_2_5_where_arrivals_end_changes_none_before(
    mean_ns: int, at_ns: int, until_ns: int, later_ns: int, seed: int
) -> None:
    first = times(due(scenario(Poisson(mean_ns, at_ns, until_ns)), seed))
    second = times(due(scenario(Poisson(mean_ns, at_ns, until_ns + later_ns)), seed))
    assert second[: len(first)] == first
    assert all(one >= until_ns for one in second[len(first) :])


def test_2_5_the_gaps_are_those_of_their_keys() -> None:
    found = times(due(scenario(Periodic(0), Poisson(SECOND, 5, 60 * SECOND)), 7, 3), "e1")
    key = key_of(7, 3, "scenario/s", "stimulus/1")
    gaps = [round(-1e9 * log(uniform(key, k))) for k in range(len(found))]
    assert [later - earlier for earlier, later in pairwise([5, *found])] == gaps


def test_seed_replication_position_and_scenario_decide() -> None:
    one = Poisson(SECOND, 0, 60 * SECOND)
    base = scenario(one)
    variants = [
        times(due(base)),
        times(due(base, 2)),
        times(due(base, 1, 1)),
        times(due(scenario(Periodic(0), one)), "e1"),
        times(due(replace(base, name="other"))),
    ]
    assert len({tuple(variant) for variant in variants}) == len(variants)
    assert times(due(base)) == variants[0]


@pytest.mark.parametrize("mean_ns", [1_000, 10_000_000, 3 * SECOND])
def test_poisson_arrivals_have_their_mean_and_their_spread(mean_ns: int) -> None:
    """Wide bounds (six standard errors) at a fixed seed: exponential gaps deviate by their mean."""
    count = examples(20_000)
    endless = scenario(Poisson(mean_ns, 0, 2**62))
    found = [at_ns for at_ns, _, _ in islice(stimuli_of(endless, Draws(11)), count)]
    gaps = [later - earlier for earlier, later in pairwise([0, *found])]
    mean = sum(gaps) / count
    assert abs(mean - mean_ns) < 6 * mean_ns / count**0.5
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / count) ** 0.5
    assert abs(deviation - mean_ns) < 12 * mean_ns / count**0.5
    longer = sum(gap > mean_ns for gap in gaps) / count
    assert abs(longer - 0.36788) < 6 * 0.49 / count**0.5


def test_gaps_are_at_least_a_nanosecond_and_may_be_beyond_all_time() -> None:
    found = times(due(scenario(Poisson(1, 0, 500))))
    assert all(earlier < later for earlier, later in pairwise(found))
    assert times(due(scenario(Poisson(2**63 - 1, 2**63 - 2, 2**63 - 1)))) == []


def test_items_of_a_level_say_what_they_take() -> None:
    arrivals = Recorded((1, 2), {"word": ("a", "b")}, (0, 7))
    stimuli = (
        StimulusSpec(("attention/young",), "speech", {"to": "me"}, arrivals, "dialogue", 5),
        StimulusSpec(("attention/young",), "look", {}, Periodic(3), "sensory", 9),
        StimulusSpec(("attention/young",), "opened", {"gate": "g", "tier": 1}, Periodic(4)),
    )
    payloads = [arrival.payload for _, _, arrival in due(replace(EMPTY, stimuli=stimuli))]
    assert payloads == [
        {"level": "dialogue", "takes": 0, "payload": {"to": "me", "word": "a"}},
        {"level": "dialogue", "takes": 7, "payload": {"to": "me", "word": "b"}},
        {"level": "sensory", "takes": 9, "payload": {}},
        {"gate": "g", "tier": 1},
    ]


def test_each_row_of_a_recording_for_a_cell_has_its_own_fields() -> None:
    one = StimulusSpec(("cell/c",), "push", {"x": 1}, Recorded((1, 1), {"y": (2, 3)}))
    found = [arrival.payload for _, _, arrival in due(replace(EMPTY, stimuli=(one,)))]
    assert found == [{"x": 1, "y": 2}, {"x": 1, "y": 3}]


def test_memory_does_not_grow_with_the_number_of_arrivals() -> None:
    def peak(count: int) -> int:
        endless = scenario(Poisson(SECOND, 0, 2**62), Periodic(0, 7, 1_000_000))
        tracemalloc.start()
        try:
            for _ in islice(stimuli_of(endless, Draws(1)), count):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(20_000) < 2 * peak(2_000)


SCRIPT = """
import json
from dataclasses import asdict
from runtime.chance.models import Draws
from runtime.chance.stimuli import stimuli_of
from tests.runtime.chance.test_stimuli import Periodic, Poisson, scenario
one = scenario(Poisson(10**9, 0, 60 * 10**9), Periodic(0, 10**9, 5), Poisson(10**8, 5, 10**10))
print(json.dumps([[at, number, asdict(arrival)] for at, number, arrival in stimuli_of(one, Draws(3))]))
"""


@pytest.mark.slow
def test_processes_and_hash_seeds_change_nothing(tmp_path: Path) -> None:
    def elsewhere(hash_seed: str) -> object:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    first = elsewhere("0")
    assert first == elsewhere("4242")
    assert isinstance(first, list)
    assert len(first) > 100
