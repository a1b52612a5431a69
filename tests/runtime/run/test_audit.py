"""The audit of purses: commands that lead to no entry are done where they were, and settle nothing."""

from __future__ import annotations

import pytest

from gardens.stores.memory import MemoryJournal
from nimdsl.base.units import SECOND_NS
from runtime.kernel.events import BEGIN
from runtime.kernel.step import PriceDecision
from runtime.ledger.accounts import Charge, LedgerCommand, Release, Tariff
from runtime.ledger.purses import Purses
from runtime.run.audit import AskedCommand, Audit
from runtime.run.inbox import AcceptedEvent
from runtime.run.lines import LEDGER, Said, booked, write
from runtime.run.run import BOOKS

COMMANDS: list[tuple[int, str, LedgerCommand]] = [
    (1, "x", Charge("x/1", "a", 1, purse="a")),
    (2, "x", Release("nothing", purse="b")),
    (3, "y", Charge("y/1", "b", 1, purse="b")),
    (4, "x", Release("nothing", purse="b")),
    (4, "x", Charge("x/2", "a", 1, purse="a")),
    (5, "y", Release("nothing", purse="a")),
]
"""At which second, by whom, what.  Both purses have an income, so a look at either leaves an entry."""


@pytest.mark.parametrize("virtual", [False, True])
def test_what_leads_to_no_entry_is_done_where_it_was(virtual: bool) -> None:
    journal, asked = MemoryJournal(), list[AskedCommand]()
    purses = _purses()
    written = 0
    for place, (second, actor, command) in enumerate(COMMANDS):
        answer = purses.apply(command, second * SECOND_NS)
        for entry in purses.entries_from(written):
            write(journal, LEDGER, booked(entry))
            written += 1
        item = (place, BOOKS if isinstance(command, Release) else 0)
        if not virtual:
            write(journal, LEDGER, Said(actor, item, answer.granted, answer.balance, answer.purse))
        paid = PriceDecision(answer.granted, answer.balance, answer.purse)
        line = AcceptedEvent(place, second * SECOND_NS, BEGIN, "p")
        asked.append(AskedCommand(actor, item, command, line, paid if item[1] < BOOKS else None))
    audit = Audit(_purses(), list(journal.read(LEDGER)), asked)
    audit.virtual, audit.complete = virtual, True
    assert audit.difference(closed=False) is None


def _purses() -> Purses:
    return Purses({name: Tariff(name, 100, 0, None, {}, {"sun": 10**10}, {}, 1) for name in "ab"})
