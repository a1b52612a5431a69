"""Starving: when a pool is so empty that nothing is paid from it any more."""

from __future__ import annotations

from runtime.ledger.accounts import POOL, Entry


class Hunger:
    """Since when no price is paid any more.

    The law: she starves since the first refused price, or unpaid upkeep, that no payment has
    followed, as long as the pool has nothing above its floor, or less than the cheapest price
    refused since; judged at the end of each instant.  A payment is all that goes into, stays
    in or comes out of a hold, and every charge; upkeep is none.
    """

    def __init__(self, floor: int) -> None:
        self.refused = 0
        self.first_ns: int | None = None
        self._floor = floor
        self._since_ns: int | None = None
        self._cheapest = 0
        """Of the prices that were refused since; 0: there was none."""
        self._pool = self._held = 0
        self._now_ns = 0

    @property
    def since_ns(self) -> int | None:
        """Since when; None: she does not starve."""
        left = self._pool - self._floor
        starves = not self._held and (left <= 0 or left < self._cheapest)
        return self._since_ns if starves else None

    def take(self, entry: Entry) -> None:
        """One entry more, in their order."""
        if entry.time_ns > self._now_ns:
            self._now_ns = entry.time_ns
            if self.since_ns is None:
                self._eat()
        if entry.kind == "transfer":
            self._move(entry)
        elif entry.kind == "shortfall":
            self._want(entry.time_ns)
        elif entry.kind == "refused" and entry.source == POOL:
            self.refused += 1
            self.first_ns = entry.time_ns if self.first_ns is None else self.first_ns
            self._want(entry.time_ns)
            self._cheapest = min(self._cheapest or entry.amount, entry.amount)

    def _move(self, entry: Entry) -> None:
        self._pool += entry.amount * ((entry.target == POOL) - (entry.source == POOL))
        held = entry.target.startswith("hold:") - entry.source.startswith("hold:")
        self._held += entry.amount * held
        if held or entry.cause == "charge":
            self._eat()

    def _want(self, at_ns: int) -> None:
        if self._since_ns is None:
            self._since_ns = at_ns

    def _eat(self) -> None:
        self._since_ns, self._cheapest = None, 0
