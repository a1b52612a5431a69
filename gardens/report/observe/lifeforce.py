"""Lifeforce over time: balance and lambda, gathered from a ledger's entries as they are written.

A rate is settled when somebody looks, in one entry; what it brings came evenly
since the entry before.  So an entry of a rate is the end of a slope, and every
other one a step.  Lambda is what was earned over what was owed in the economy's window up
to a time, as :meth:`runtime.ledger.economy.Ledger.lambda_over` has it, with every entry
of that time: it is computed once a later one is known.

Bounded: time is divided evenly into at most ``SPAN_COUNT_MAX`` spans, and of the
balance the first, the lowest, the highest and the last point of each are kept, so
that no extreme is lost; without samples lambda is kept as often.  What flowed is
kept for one window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from gardens.report.observe.points import Points
from gardens.report.observe.slices import Staying, Track
from nimdsl.program import Economy
from nimdsl.program.economy import Slumber
from runtime.ledger.accounts import POOL, Entry
from runtime.ledger.hunger import Hunger
from runtime.ledger.sleep import PULSE, SLUMBER, WAKE

SPAN_COUNT_MAX = 1000
_RATES = ("income", "upkeep")
_EARNINGS = ("reward:", "income:")
AWAKE, ASLEEP = "awake", "asleep"

Point = tuple[int, int]
"""Garden time in ns and the balance in micro-LF."""
LambdaPoint = tuple[int, float | None]
"""Garden time in ns and what was earned over what was owed; None: nothing was owed."""


@dataclass(frozen=True)
class Lifeforce:
    """An economy over time; micro-LF and ns."""

    points: tuple[Point, ...] = ()
    """To be joined by straight lines; two points of one time are a step."""
    lambdas: tuple[LambdaPoint, ...] = ()
    floor: int = 0
    capacity: int | None = None
    window_ns: int = 0
    slumber: Slumber | None = None
    """When the economy falls asleep; None: never."""
    accounts: Mapping[str, int] = field(default_factory=dict)
    """What went into ``cost:*`` and ``upkeep:*``, came from ``reward:*`` and ``income:*``, by account."""
    unpaid: Mapping[str, int] = field(default_factory=dict)
    """What upkeep and penalties found no means for, by account: ``upkeep:*``, ``penalty:*``."""
    refused: int = 0
    """How many prices were refused."""
    first_refused_ns: int | None = None
    starved_ns: int | None = None
    """Since when no price was paid any more; see :class:`runtime.ledger.hunger.Hunger`."""
    holds: tuple[Point, ...] = ()
    """What is reserved in all holds together, from one point to the next; empty where nothing ever was."""
    sleep: Track = field(default_factory=Track)
    """When it was awake and asleep."""
    pulses: int = 0

    @property
    def slept(self) -> tuple[int, int]:
        """How long it was asleep, ns, and how often it fell asleep."""
        return self.sleep.totals.get(ASLEEP, (0, 0))


class LifeforceCollector:
    """Looks on while a ledger writes.

    With ``sampled`` lambda is taken at the times that :meth:`sample` is told, else whenever
    something flowed.
    """

    def __init__(self, economy: Economy, *, sampled: bool) -> None:
        self.economy = economy
        self._sampled = sampled
        self._points = Points[int](SPAN_COUNT_MAX)
        self._holds = Points[int](SPAN_COUNT_MAX)
        self._held = 0
        self._lambdas: list[LambdaPoint] = []
        self._due_ns: deque[int] = deque()
        self._gap_ns = 0
        self._flows: deque[tuple[int, int, int]] = deque()
        self._flowed = (0, 0)
        """Earned and owed within ``_flows``."""
        self._accounts: dict[str, int] = {}
        self._unpaid: dict[str, int] = {}
        self._hunger = Hunger(economy.floor + economy.emergency)
        self._sleep = Staying(AWAKE)
        self._pulses = 0
        self._pool = 0

    def sample(self, at_ns: int) -> None:
        """Lambda is wanted at this time, which is not before the last one."""
        self._due_ns.append(at_ns)

    def take(self, entry: Entry) -> None:
        """One entry more, in their order."""
        self._hunger.take(entry)
        if entry.kind == "shortfall":
            name = _account(entry.target, entry)
            self._unpaid[name] = self._unpaid.get(name, 0) + entry.amount
            self._look(entry.time_ns)
            self._sample(entry.time_ns, 0, entry.amount)
        if entry.kind in (SLUMBER, WAKE):
            self._sleep.turn(ASLEEP if entry.kind == SLUMBER else AWAKE, entry.time_ns)
        self._pulses += entry.kind == PULSE
        if entry.kind == "rate":
            self._move(entry.time_ns, even=False)  # here a slope begins
        if entry.kind != "transfer":
            return
        self._look(entry.time_ns)
        self._flow(entry)
        moved = (entry.target == POOL) - (entry.source == POOL)
        if moved:
            self._pool += moved * entry.amount
            self._move(entry.time_ns, even=entry.cause in _RATES)
        held = entry.target.startswith("hold:") - entry.source.startswith("hold:")
        if held:
            self._held += held * entry.amount
            self._holds.add((entry.time_ns, self._held))

    def lifeforce(self, end_ns: int) -> Lifeforce:
        """What is known up to ``end_ns``."""
        self._look(end_ns + 1)
        points = self._points.points()
        if points and points[-1][0] < end_ns:
            points.append((end_ns, points[-1][1]))
        return Lifeforce(
            points=tuple(points),
            lambdas=tuple(self._lambdas),
            floor=self.economy.floor,
            capacity=self.economy.capacity,
            window_ns=self.economy.window_ns,
            slumber=self.economy.slumber,
            accounts=dict(sorted(self._accounts.items())),
            unpaid=dict(sorted(self._unpaid.items())),
            refused=self._hunger.refused,
            first_refused_ns=self._hunger.first_ns,
            starved_ns=self._hunger.since_ns,
            holds=tuple(self._holds.points()),
            sleep=self._sleep.track(end_ns),
            pulses=self._pulses,
        )

    def _look(self, before_ns: int) -> None:
        """Takes lambda at every time that is due and has all its entries."""
        while self._due_ns and self._due_ns[0] < before_ns:
            at_ns = self._due_ns.popleft()
            self._lambdas.append((at_ns, self._lambda(at_ns)))
            if len(self._lambdas) > SPAN_COUNT_MAX and not self._sampled:
                self._gap_ns = 2 * (at_ns - self._lambdas[0][0]) // SPAN_COUNT_MAX
                self._lambdas = apart(self._lambdas, self._gap_ns)

    def _lambda(self, at_ns: int) -> float | None:
        earned, owed = self._flowed
        while self._flows and self._flows[0][0] <= at_ns - self.economy.window_ns:
            _, old_earned, old_owed = self._flows.popleft()
            earned, owed = earned - old_earned, owed - old_owed
        self._flowed = earned, owed
        return earned / owed if owed else None

    def _flow(self, entry: Entry) -> None:
        if entry.cause == "overflow":
            return
        earned = entry.amount if entry.source.startswith(_EARNINGS) else 0
        spent = entry.amount if entry.target.startswith("cost:") else 0
        if not earned and not spent:
            return
        for account, amount in ((entry.source, earned), (entry.target, spent)):
            if amount:
                name = _account(account, entry)
                self._accounts[name] = self._accounts.get(name, 0) + amount
        self._sample(entry.time_ns, earned, spent)

    def _sample(self, at_ns: int, earned: int, owed: int) -> None:
        self._flowed = self._flowed[0] + earned, self._flowed[1] + owed
        if self._flows and self._flows[-1][0] == at_ns:
            _, before_earned, before_owed = self._flows.pop()
            earned, owed = earned + before_earned, owed + before_owed
        self._flows.append((at_ns, earned, owed))
        if not self._sampled and self._is_time(at_ns):
            self._due_ns.append(at_ns)

    def _is_time(self, at_ns: int) -> bool:
        last_ns = self._due_ns[-1] if self._due_ns else self._lambdas[-1][0] if self._lambdas else -1
        return at_ns > last_ns and (last_ns < 0 or at_ns - last_ns >= self._gap_ns)

    def _move(self, at_ns: int, *, even: bool) -> None:
        last = self._points.last
        if not even and last is not None and last[0] < at_ns:
            self._points.add((at_ns, last[1]))
        self._points.add((at_ns, self._pool))


def _account(account: str, entry: Entry) -> str:
    """The account by what it is for: ``cost:*`` of a rate is ``upkeep:*``; unpaid is by its cause."""
    kind, _, name = account.partition(":")
    cause = entry.cause
    named = kind == "cost" and (cause == "upkeep" or entry.kind == "shortfall")
    return f"{cause if named else kind}:{name}"


def apart(points: list[LambdaPoint], gap_ns: int) -> list[LambdaPoint]:
    """Those that are at least so far from the one before, and the last."""
    kept = [points[0]]
    for point in points[1:-1]:
        if point[0] - kept[-1][0] >= gap_ns:
            kept.append(point)
    return [*kept, points[-1]]
