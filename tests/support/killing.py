"""Defects that a law must catch: the law is asked of generated worlds until one of them shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

World = TypeVar("World")
Mutant = Callable[[pytest.MonkeyPatch], None]
"""Brings a defect into the code."""
EXAMPLE_COUNT = 60


def kills(check: Callable[[World], None], worlds: st.SearchStrategy[World]) -> None:
    """Fails unless ``check`` fails in one of the worlds, which are the same each time."""

    @settings(
        max_examples=EXAMPLE_COUNT,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    @given(worlds)
    def law(world: World) -> None:
        check(world)

    with pytest.raises((AssertionError, KeyError)):
        law()
