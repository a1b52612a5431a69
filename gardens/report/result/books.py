"""The ledger of a run as people read it: amounts in LF, times in seconds.

Not here: the ledger itself, in micro-LF and nanoseconds (:mod:`runtime.ledger`).
"""

from __future__ import annotations

from functools import cached_property

from nimdsl.base.units import MICRO, SECOND_NS, format_lifeforce
from nimdsl.base.values import Value
from runtime.ledger.accounts import Entry
from runtime.ledger.economy import Ledger

Row = dict[str, Value]


class Books:
    """What the pool and the accounts hold at the end, and what was written; empty without an economy."""

    def __init__(self, ledger: Ledger | None) -> None:
        self._ledger = ledger

    @property
    def balance(self) -> float:
        """The pool at the end, LF."""
        return self._ledger.balance / MICRO if self._ledger else 0.0

    @property
    def balances(self) -> dict[str, float]:
        """Every account at the end, LF: ``pool``, ``cost:*``, ``reward:*`` and so on."""
        known = self._ledger.balances() if self._ledger else {}
        return {name: amount / MICRO for name, amount in known.items()}

    @cached_property
    def rows(self) -> list[Row]:
        """Every entry, oldest first: ``time_s``, ``kind``, ``key``, ``source``, ``target``, ``amount``
        (LF), ``scope``; of a refused price also ``balance``, of a mismatch what was ``claimed``.

        Only a ``transfer`` moves its amount.  Raises NimdslError when the run did not keep them.
        """
        return [_row(entry) for entry in self._ledger.entries] if self._ledger else []

    def __repr__(self) -> str:
        if self._ledger is None:
            return "<Books: no economy>"
        return f"<Books of {self._ledger.tariff.name}: {format_lifeforce(self._ledger.balance)} LF>"


def _row(entry: Entry) -> Row:
    row: Row = {
        "time_s": entry.time_ns / SECOND_NS,
        "kind": entry.kind,
        "key": entry.key,
        "source": entry.source,
        "target": entry.target,
        "amount": entry.amount / MICRO,
        "scope": entry.scope,
    }
    told = {"balance": entry.balance, "claimed": entry.claimed}
    return row | {name: amount / MICRO for name, amount in told.items() if amount is not None}
