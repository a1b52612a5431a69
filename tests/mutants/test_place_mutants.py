"""Seeded defects of purses, marks, flows and loans: the laws of journals alone catch each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given

from runtime.ledger.accounts import Answer, Entry, Pay
from runtime.ledger.economy import NumberedPayment
from runtime.ledger.purses import Purses
from tests.properties.places import lived, places
from tests.properties.worlds import World
from tests.support.doctored import recording_of
from tests.support.garden_laws import garden_laws
from tests.support.killing import hunting

Mutant = Callable[[pytest.MonkeyPatch], None]


def lends_what_there_is_not(patch: pytest.MonkeyPatch) -> None:
    """However many units are lent already."""
    from runtime.ledger.lender import Lender

    patch.setattr(Lender, "_fits", lambda self, shelf, units: True)


def keeps_what_it_borrowed(patch: pytest.MonkeyPatch) -> None:
    """A state is left, and nothing given back."""
    from runtime.kernel import loans

    patch.setattr(loans, "end", lambda context, number, started: None)


def pays_half_a_bill(patch: pytest.MonkeyPatch) -> None:
    """Only the first of several purses pays."""

    def pay(self: Purses, bill: Pay, parts: list[NumberedPayment], now_ns: int) -> Answer:
        ledger = self.ledger(parts[0][1].purse)
        share = [part for part in parts if self.ledger(part[1].purse) is ledger]
        ledger.prepare(share, now_ns)
        if refused := ledger.refusal(share):
            return ledger.refuse_bill(*refused, bill.scope)
        return ledger.pay_items(share, bill.scope)

    patch.setattr(Purses, "_pay", pay)


def tells_nobody(patch: pytest.MonkeyPatch) -> None:
    """A mark comes, and who handles it does not hear it."""
    from gardens.virtual import driver

    patch.setattr(driver, "hearers_of", lambda program, scenario: {})


def takes_upkeep_again(patch: pytest.MonkeyPatch) -> None:
    """What was taken for upkeep is not remembered."""
    from runtime.ledger.state import LedgerState

    original = LedgerState._settle_rates

    def settle(self: LedgerState, entry: Entry) -> None:
        if entry.cause != "upkeep":
            original(self, entry)

    patch.setattr(LedgerState, "_settle_rates", settle)


MUTANTS = {
    lends_what_there_is_not: "3.8",
    keeps_what_it_borrowed: "3.8",
    pays_half_a_bill: "3.7",
    tells_nobody: "3.6",
    takes_upkeep_again: "3.4",
}


@pytest.mark.parametrize(("change", "law"), MUTANTS.items())
def test_the_laws_of_journals_kill(change: Mutant, law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch)

    @hunting(800)
    @given(places())
    def hunt(world: World) -> None:
        broken = [one for one in garden_laws(recording_of(lived(world))) if one.startswith(law)]
        assert not broken

    with pytest.raises(AssertionError):
        hunt()
