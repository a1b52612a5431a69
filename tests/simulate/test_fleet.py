"""The fleet of the examples does what a script by hand does, in the mean of many days."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from statistics import mean, variance

import pytest

import nimdsl
import simulate
from tests.simulate.fleet_script import a_day
from tests.support.effort import examples

DOCUMENTS = Path(__file__).parents[2] / "examples" / "fleet.yaml"
SCRIPT_DAYS = 40
NAMES = ("jobs", "aborted", "charges")


def apart(one: Sequence[int], other: Sequence[int]) -> float:
    """How far two means are apart, in standard errors of their difference."""
    error = sqrt(variance(one) / len(one) + variance(other) / len(other))
    return abs(mean(one) - mean(other)) / error


@pytest.mark.slow
def test_the_fleet_is_that_of_a_script_in_its_means() -> None:
    assert len(DOCUMENTS.read_text().splitlines()) <= 130
    program = nimdsl.load(DOCUMENTS)
    found: dict[str, list[int]] = {name: [] for name in ("arrived", *NAMES)}
    for seed in range(1, examples(6) + 1):
        result = simulate.run(program, "shift", seed=seed, keep=False)
        assert result.ok
        data = {name: cell["data"] for name, cell in result.outcome["cells"].items()}
        found["arrived"].append(data["dispatcher"]["arrived"])
        for name in NAMES:
            found[name].append(sum(data[f"robot-{number}"][name] for number in range(1, 5)))
    days = [a_day(seed) for seed in range(1, SCRIPT_DAYS + 1)]
    far = {name: apart(counts, [day[name] for day in days]) for name, counts in found.items()}
    assert max(far.values()) < 3.5, (far, {name: mean(counts) for name, counts in found.items()})
