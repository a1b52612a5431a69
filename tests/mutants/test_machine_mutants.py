"""Defects of machines that the law "flat is nested" must catch: history and deferred events among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimdsl.base.values import Fields
from nimdsl.expression.evaluate import Fault
from nimdsl.program import flatten
from nimdsl.program.flatten import Row
from nimdsl.program.machine import State
from runtime.kernel.machine_step import MachineStep
from runtime.kernel.step_context import StepContext
from tests.properties import test_machines
from tests.properties.machines import BACK, EVENTS, returning_trees, trees
from tests.support.killing import hunting

Mutant = Callable[[pytest.MonkeyPatch], None]


def newest_first(patch: pytest.MonkeyPatch) -> None:
    """The youngest of the deferred events is offered first."""
    original = MachineStep._recall

    def recall(self: MachineStep) -> bool:
        self.context.deferred.reverse()
        found = original(self)
        self.context.deferred.reverse()
        return found

    patch.setattr(MachineStep, "_recall", recall)


def only_when_it_moves(patch: pytest.MonkeyPatch) -> None:
    """A transition that stays in its state does not look at what was deferred."""
    original = MachineStep.follow

    def follow(self: MachineStep, row: Row, name: str) -> bool:
        done = original(self, row, name)
        self.moved = self.moved and row.source != row.target
        return done

    patch.setattr(MachineStep, "follow", follow)


def initial_again(patch: pytest.MonkeyPatch) -> None:
    """Nobody remembers where a state was left."""
    original = StepContext._leave

    def leave(self: StepContext, row: Row) -> None:
        original(self, row)
        self.history = {}

    patch.setattr(StepContext, "_leave", leave)


def outer_before_inner(patch: pytest.MonkeyPatch) -> None:
    """What a state defers goes behind the transitions of those around it."""
    original = flatten._Flattening._rows

    def rows(self: Any, leaf: str) -> list[Row]:
        found = original(self, leaf)
        return [row for row in found if not row.defers] + [row for row in found if row.defers]

    patch.setattr(flatten._Flattening, "_rows", rows)


def shallow(patch: pytest.MonkeyPatch) -> None:
    """Coming back enters the remembered inner state by its beginning."""
    original = flatten._Flattening._rows_of

    def rows_of(self: Any, leaf: str, owner: str, transition: Any, event: str = "") -> Any:
        for row in original(self, leaf, owner, transition, event):
            back = row.returns
            leaf = back.leaf if back else ""
            inner = "/".join(leaf.split("/")[: transition.target.count("/") + 2])
            if inner == leaf:
                yield row
            else:
                plain = self._row(leaf, owner, replace(transition, target=inner), event, transition.target)
                yield replace(plain, returns=back)

    patch.setattr(flatten._Flattening, "_rows_of", rows_of)


def tries_on(patch: pytest.MonkeyPatch) -> None:
    """A guard without a value is false, whatever the policy says."""
    patch.setattr(MachineStep, "_fails_at", lambda self, row: False)


def always_fails(patch: pytest.MonkeyPatch) -> None:
    """A guard without a value is a fault, whatever the policy says."""
    patch.setattr(MachineStep, "_fails_at", lambda self, row: True)


def heard_twice(patch: pytest.MonkeyPatch) -> None:
    """The next candidate is tried although the cell hears ``fault``."""
    original = MachineStep._holds

    def holds(self: MachineStep, row: Row) -> bool:
        try:
            return original(self, row)
        except Fault as fault:
            self._fault(row.source, fault, row.answer)
            return False

    patch.setattr(MachineStep, "_holds", holds)


def back_is_not_heard(patch: pytest.MonkeyPatch) -> None:
    """Nobody is told that it is back."""
    original = MachineStep.fire

    def fire(self: MachineStep, name: str, fields: Fields) -> bool:
        return name != BACK and original(self, name, fields)

    patch.setattr(MachineStep, "fire", fire)


GUARDED = (tries_on, always_fails, heard_twice, back_is_not_heard)
"""What happens in trees with guards, data and all events."""


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize(
    "change", [newest_first, only_when_it_moves, initial_again, outer_before_inner, shallow, *GUARDED]
)
def test_the_law_kills(change: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch)
    machines = trees() if change in GUARDED else returning_trees()
    heard = (*EVENTS, BACK) if change in GUARDED else EVENTS

    @hunting(15_000)
    @given(machines, st.lists(st.sampled_from(heard), min_size=8, max_size=16))
    def mutated(root: State, names: list[str]) -> None:
        test_machines.does_what_is_nested(root, names)

    with pytest.raises(AssertionError):
        mutated()
