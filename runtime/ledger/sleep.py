"""The pulse of an economy, whether it sleeps, and whether it starves: a fold of its entries.

The laws (SEMANTICS 3.10 to 3.12):

* a pulse comes a period after the one before, by what the pool had then
  (:class:`nimdsl.program.economy.Pulse`);
* slumber begins only at a pulse, a window after the last change at least, and never where much is urgent;
* it ends at once where much is urgent and ordinary prices can be paid, and else at a pulse, a window
  after it began;
* a famine is over with the first instant at which upkeep is paid, or the pool has more than its floor.

Not here: entries, and what is settled before any of this is judged (:mod:`runtime.ledger.economy`).
"""

from __future__ import annotations

from collections.abc import Callable

from nimdsl.base.units import MICRO
from nimdsl.program.economy import Slumber
from runtime.ledger.accounts import POOL, Entry, Tariff
from runtime.ledger.flows import Span

SLUMBER, WAKE, PULSE, URGENCY, STARVED = "slumber", "wake", "pulse", "urgency", "starved"


class Sleep:
    """Of one economy; times in ns, urgency in millionths."""

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self.next_ns: int | None = None
        """When the next pulse comes."""
        self.last_ns = -1
        """When the latest one came."""
        self.asleep = False
        self.urgency = 0
        self._changed_ns = 0

    def take(self, entry: Entry) -> None:
        """One entry more, in their order."""
        match entry.kind:
            case "pulse":
                self.last_ns = entry.time_ns
                self._beat(entry.balance or 0)
            case "urgency":
                self.urgency = entry.amount
            case "slumber" | "wake":
                self.asleep, self._changed_ns = entry.kind == SLUMBER, entry.time_ns
            case "transfer" if entry.cause == "opening":
                self.last_ns = entry.time_ns
                self._beat(entry.amount)

    def _beat(self, pool: int) -> None:
        pulse, capacity = self._tariff.pulse, self._tariff.capacity
        if pulse is not None and capacity:
            self.next_ns = self.last_ns + pulse.period_ns(pool, capacity)

    def turn(self, pool: int, now_ns: int, flowed: Callable[[int], Span]) -> str:
        """What is to be told now that a pulse came, or something is as urgent as it was not before.

        ``flowed`` says what was earned and owed over a window.  Empty: nothing.
        """
        rules, capacity = self._tariff.slumber, self._tariff.capacity
        if rules is None or not capacity:
            return ""
        least = self._tariff.floor + self._tariff.emergency
        if self.asleep and self.urgency > rules.wake_urgency and pool > least:
            return WAKE
        if self.last_ns != now_ns or now_ns - self._changed_ns < rules.window_ns:
            return ""
        span = flowed(rules.window_ns)
        if self.asleep:
            rich = not span.owed or span.earned * MICRO > rules.wake_lambda * span.owed
            return WAKE if rich and pool * MICRO > rules.wake_level * capacity else ""
        return SLUMBER if self.urgency < rules.urgency and _poor(rules, span, pool, capacity) else ""


def _poor(rules: Slumber, span: Span, pool: int, capacity: int) -> bool:
    """Whether little comes in and little is left, or what is left does not last."""
    little = span.earned * MICRO < rules.lambda_ * span.owed
    reserve_ns = span.reserve_ns(pool)
    return (little and pool * MICRO < rules.level * capacity) or (
        reserve_ns is not None and reserve_ns < rules.reserve_ns
    )


class Famine:
    """Since when upkeep is short at every look; judged at the end of each instant."""

    def __init__(self, floor: int, starve_ns: int) -> None:
        self._floor = floor
        self._starve_ns = starve_ns
        self._since_ns: int | None = None
        self._now_ns = self._pool = 0
        self._short = self._paid = False
        self._unpaid: set[str] = set()
        self.over_ns: int | None = None
        """When it has starved."""

    @property
    def since_ns(self) -> int | None:
        """Since when; None: there is none."""
        covered = not self._short and (self._paid or self._pool > self._floor)
        return None if covered else self._since_ns

    @property
    def ends_ns(self) -> int | None:
        """When it starves, if nothing is paid until then."""
        since_ns = self.since_ns
        return (
            None
            if since_ns is None or not self._starve_ns or self.over_ns is not None
            else since_ns + self._starve_ns
        )

    @property
    def unpaid(self) -> str:
        """What was not paid since, by name."""
        return ", ".join(sorted(self._unpaid))

    def take(self, entry: Entry) -> None:
        """One entry more, in their order."""
        if entry.time_ns > self._now_ns:
            if self.since_ns is None:
                self._since_ns, self._unpaid = None, set()
            self._now_ns, self._short, self._paid = entry.time_ns, False, False
        if entry.kind == "transfer":
            self._pool += entry.amount * ((entry.target == POOL) - (entry.source == POOL))
            self._paid |= entry.cause == "upkeep"
        elif entry.kind == "shortfall" and entry.cause == "upkeep":
            self._short = True
            self._unpaid.add(entry.target.removeprefix("cost:"))
            if self._since_ns is None:
                self._since_ns = entry.time_ns
        elif entry.kind == STARVED:
            self.over_ns = entry.time_ns
