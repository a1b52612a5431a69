"""Defects of answers beside a machine that the law "as the answers alone" must catch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given

from nimdsl.base.errors import NimdslError
from nimdsl.program.flatten import Row
from runtime.kernel import row_step
from runtime.kernel.events import Requested
from runtime.kernel.machine_step import MachineStep
from tests.properties.test_beside import is_the_same
from tests.properties.worlds import World, worlds
from tests.support.killing import hunting

Mutant = Callable[[pytest.MonkeyPatch], None]


def two_at_once(patch: pytest.MonkeyPatch) -> None:
    """A request is taken while another one is served."""
    original = MachineStep._requested

    def requested(self: MachineStep, event: Requested) -> None:
        before, self.context.serving = self.context.serving, None
        original(self, event)
        self.context.serving = self.context.serving or before

    patch.setattr(MachineStep, "_requested", requested)


def whoever_serves(patch: pytest.MonkeyPatch) -> None:
    """Of answers that share a work the first one takes what it comes to."""
    original = MachineStep._applies

    def applies(self: MachineStep, row: Row) -> bool:
        return bool(row.answer and self.context.serving) or original(self, row)

    patch.setattr(MachineStep, "_applies", applies)


def told_to_the_machine(patch: pytest.MonkeyPatch) -> None:
    """What has no value in an answer is a fault of the machine."""
    patch.setattr(row_step, "own_event", lambda answer, event: event)


def machine_policy(patch: pytest.MonkeyPatch) -> None:
    """A guard of an answer without a value ends its event, where the machine says so."""
    patch.setattr(MachineStep, "_fails_at", lambda self, row: self.table.fails)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [two_at_once, whoever_serves, told_to_the_machine, machine_policy],
    ids=lambda one: one.__name__,
)
def test_the_law_kills(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)

    @given(worlds())
    @hunting(3_000)
    def hunt(world: World) -> None:
        is_the_same(world)

    with pytest.raises((AssertionError, NimdslError)):
        hunt()
