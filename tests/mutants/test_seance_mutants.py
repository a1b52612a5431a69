"""Seeded defects of how a run is looked at again: the laws of histories catch each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import pytest

from nimdsl.base.errors import NimdslError
from runtime.run import causes, guards
from runtime.run.history import History, Past
from tests.support.histories import (
    looks_at_what_was_taken,
    names_what_came_before,
    past_of,
    tells_the_row_that_was_taken,
)

Mutant = Callable[[pytest.MonkeyPatch], None]


def looks_a_step_too_early(patch: pytest.MonkeyPatch) -> None:
    """The snapshot is that of the step before."""
    before = History.before
    patch.setattr(History, "before", lambda self, number: before(self, max(0, number - 1)))


def counts_records_short(patch: pytest.MonkeyPatch) -> None:
    """The first record of a step counts as one of the step before."""
    patch.setattr(History, "step_of", lambda self, sequence: max(0, bisect_left(self._first, sequence) - 1))


def forgets_where_a_stretch_began(patch: pytest.MonkeyPatch) -> None:
    """The snapshots of the first stretch are taken for those of any."""
    patch.setattr(History, "before", lambda self, number, was=History.before: was(self, number % 64))


def tells_of_every_row(patch: pytest.MonkeyPatch) -> None:
    """Rows that were tried on other events of the step are told too."""
    patch.setattr(guards, "_last_offer", lambda rows, table: rows)


def tells_of_the_last_offer_alone(patch: pytest.MonkeyPatch) -> None:
    """Of a record in the middle of a step the rows at its end are told."""
    tried = guards.tried
    patch.setattr("tests.support.histories.tried", lambda looked, table, _: tried(looked, table, None))


def takes_the_last_arming(patch: pytest.MonkeyPatch) -> None:
    """Any timer was armed when one was armed last."""

    def index(self: History, number: int, effects: Any, was: Any = History._index) -> None:
        was(self, number, effects)
        if self.armed_by:
            self.armed_by = dict.fromkeys(self.armed_by, max(self.armed_by.values()))

    patch.setattr(History, "_index", index)


def sends_nothing(patch: pytest.MonkeyPatch) -> None:
    """It is not known which step sent a message."""
    patch.setattr(History, "_index", lambda self, number, effects: None)


def takes_the_present_for_the_past(patch: pytest.MonkeyPatch) -> None:
    """What goes on is said to have begun in this very step."""

    def earlier(history: History, step: int, sequence: int | None) -> list[causes.Cause]:
        return [causes.Cause("item", "itself", causes.CausingStep(history.actor, step, sequence))]

    patch.setattr(causes, "_earlier", earlier)


@pytest.mark.parametrize(
    ("mutant", "law"),
    [
        (looks_a_step_too_early, looks_at_what_was_taken),
        (counts_records_short, looks_at_what_was_taken),
        (forgets_where_a_stretch_began, looks_at_what_was_taken),
        (tells_of_every_row, tells_the_row_that_was_taken),
        (tells_of_the_last_offer_alone, tells_the_row_that_was_taken),
        (takes_the_last_arming, names_what_came_before),
        (sends_nothing, names_what_came_before),
        (takes_the_present_for_the_past, names_what_came_before),
    ],
)
def test_a_defect_is_caught(
    mutant: Mutant, law: Callable[[Past], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    past = past_of("creature")
    mutant(monkeypatch)
    with pytest.raises((AssertionError, IndexError, KeyError, NimdslError, ValueError)):
        law(past)
