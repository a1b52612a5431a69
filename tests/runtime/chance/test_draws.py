"""SEMANTICS 2.4: draws are counter-based and belong to their effect."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runtime.chance.draws import key_of, source_of, uniform

KEYS = st.builds(
    key_of, st.integers(0, 9), st.integers(0, 9), st.text(max_size=4), st.sampled_from(["latency", "value"])
)
COUNT = 20_000
KEY = (0xC8AB433BCBC5D9E5, 0xDDD6DF6903BD5B49)
UNIFORM_BITS = [
    "0x1.a77ae26e9214fp-1",
    "0x1.672e60b403ed8p-4",
    "0x1.deb630824cb40p-7",
    "0x1.8340e86f74661p-1",
]


def test_bits() -> None:
    """What any machine must give; a change here changes every virtual run."""
    key = key_of(1, 0, "nerve/identity", "latency")
    assert key == KEY
    assert [
        uniform(key, effect, index).hex() for effect, index in ((0, 0), (0, 1), (1, 0), (2**40, 7))
    ] == UNIFORM_BITS


@given(KEYS, st.integers(0, 2**63 - 1), st.integers(0, 300))
def test_uniforms_are_odd_multiples_in_the_open_interval(key, effect: int, index: int) -> None:
    value = uniform(key, effect, index)
    assert 0.0 < value < 1.0
    assert (value * 2.0**53) % 2.0 == 1.0
    assert value == uniform(key, effect, index) == source_of(key, effect)(index)


def test_every_part_of_the_name_of_a_draw_matters() -> None:
    keys = [
        key_of(*name)
        for name in (
            (1, 0, "a", "p"),
            (2, 0, "a", "p"),
            (1, 1, "a", "p"),
            (1, 0, "b", "p"),
            (1, 0, "a", "q"),
        )
    ]
    values = [uniform(key, effect, index) for key in keys for effect in range(50) for index in range(50)]
    assert len(set(values)) == len(values)


def test_adding_an_actor_changes_no_draw_of_another() -> None:
    def run(actors: list[str]) -> dict[str, list[float]]:
        drawn: dict[str, list[float]] = {actor: [] for actor in actors}
        for effect in range(20):
            for actor in actors:
                drawn[actor].append(uniform(key_of(7, 3, actor, "latency"), effect))
        return drawn

    alone, together = run(["cell/a", "cell/b"]), run(["cell/new", "cell/b", "cell/0", "cell/a"])
    assert {actor: together[actor] for actor in alone} == alone


def test_the_same_in_another_process_with_another_hash_seed() -> None:
    code = "from runtime.chance.draws import *; print(uniform(key_of(5, 2, 'é', 'x'), 9, 3).hex())"
    for seed in ("0", "77"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
            text=True,
        )
        assert done.stdout.strip() == uniform(key_of(5, 2, "é", "x"), 9, 3).hex()


def test_uniforms_are_even_and_unrelated() -> None:
    """Bounds are about four standard errors at 20,000 draws."""
    key = key_of(11, 0, "cell/x", "value")
    for values in (
        [uniform(key, effect) for effect in range(COUNT)],
        [uniform(key, 0, index) for index in range(COUNT)],
        [uniform(key_of(11, run, "cell/x", "value"), 0) for run in range(COUNT)],
    ):
        assert abs(sum(values) / COUNT - 0.5) < 0.0082
        bins = [0] * 100
        for value in values:
            bins[int(value * 100)] += 1
        assert sum((count - 200) ** 2 / 200 for count in bins) < 161
        products = [(a - 0.5) * (b - 0.5) for a, b in pairwise(values)]
        assert abs(sum(products) / COUNT) < 0.0024
