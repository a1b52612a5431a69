"""Defects that a law must catch: the law is asked of generated worlds until one of them shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

World = TypeVar("World")
Mutant = Callable[[pytest.MonkeyPatch], None]
"""Brings a defect into the code."""


def hunting(count: int) -> settings:
    """For a law that is to fall: it stops at the first example that shows the defect, unshrunk.

    The examples differ with what else was imported, since hypothesis draws the constants of the code
    under test too: give ``count`` ten times what the rarest defect needed. Only a defect that lives
    pays for all of them.
    """
    return settings(
        max_examples=count,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def kills(check: Callable[[World], None], worlds: st.SearchStrategy[World]) -> None:
    """Fails unless ``check`` fails in one of the worlds."""

    @hunting(600)
    @given(worlds)
    def law(world: World) -> None:
        check(world)

    with pytest.raises((AssertionError, KeyError)):
        law()
