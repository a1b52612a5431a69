"""SEMANTICS 3.5: slumber and waking, at and beside each bound."""

from __future__ import annotations

import pytest

from runtime.vitality import Vitality, next_vitality

AWAKE, ASLEEP = Vitality(), Vitality(slumbering=True)


@pytest.mark.parametrize(
    ("vitality", "lambda_", "level", "urgency", "slumbering"),
    [
        (AWAKE, 0.69, 0.19, 0.49, True),
        (AWAKE, 0.7, 0.19, 0.49, False),
        (AWAKE, 0.69, 0.2, 0.49, False),
        (AWAKE, 0.69, 0.19, 0.5, False),
        (AWAKE, None, 0.0, 0.0, False),
        (ASLEEP, 1.21, 0.51, 0.0, False),
        (ASLEEP, 1.2, 0.51, 0.0, True),
        (ASLEEP, 1.21, 0.5, 0.0, True),
        (ASLEEP, 0.0, 0.0, 0.71, False),
        (ASLEEP, 0.0, 0.0, 0.7, True),
        (ASLEEP, None, 1.0, 0.0, True),
    ],
)
def test_bounds(
    vitality: Vitality, lambda_: float | None, level: float, urgency: float, slumbering: bool
) -> None:
    assert next_vitality(vitality, 5, 10, lambda_, level, urgency).slumbering is slumbering


def test_at_least_one_window_lies_between_changes() -> None:
    slept = next_vitality(AWAKE, 100, 10, 0.1, 0.1, 0.0)
    assert slept == Vitality(True, 100)
    assert next_vitality(slept, 109, 10, None, 0.1, 0.9) == slept
    assert next_vitality(slept, 110, 10, None, 0.1, 0.9) == Vitality(False, 110)
