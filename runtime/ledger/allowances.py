"""Allowances: what one economy gives another, second by second.

The laws (SEMANTICS 3.14):

* At each whole second of garden time the taker gets what its rate brings from the second before, at most
  what it has room for, and what the giver has above its floor and its emergency.  What does not fit is not
  owed.
* Both purses write it, each as an entry of its own, at that instant; nothing is written where nothing
  moves.
* It depends on nobody who looks: whoever restores the books from their entries goes on with the same
  second.
"""

from __future__ import annotations

from dataclasses import dataclass

from nimdsl.base.units import SECOND_NS
from nimdsl.program.economy import DAY_NS
from runtime.ledger.economy import Ledger


@dataclass(frozen=True)
class Allowance:
    """What ``taker`` gets from ``giver``, ``rate`` micro-LF a day."""

    giver: Ledger
    taker: Ledger
    rate: int

    def next_ns(self) -> int | None:
        """The next second at which something may move; None while the taker is full."""
        if self.taker.room <= 0:
            return None
        return (max(self.giver.now_ns, self.taker.now_ns) // SECOND_NS + 1) * SECOND_NS

    def pay(self, at_ns: int) -> None:
        """What moves at a whole second."""
        self.giver.settle(at_ns)
        self.taker.settle(at_ns)
        due = self.rate * at_ns // DAY_NS - self.rate * (at_ns - SECOND_NS) // DAY_NS
        amount = min(due, self.giver.spare, self.taker.room)
        if amount > 0:
            self.giver.give(amount, self.taker.tariff.name)
            self.taker.get(amount, self.giver.tariff.name)
