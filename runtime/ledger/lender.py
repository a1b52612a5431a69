"""The lender of a garden: the only one who gives units of its resources to work, and takes them back.

The law (SEMANTICS 3.8), on every prefix of the lines:

* no resource is lent beyond its capacity, and no queue is longer than its own;
* whoever waits stands in the order of priority, the highest first, then of coming; only the first
  is served, however many units it waits for;
* what is lent is lent until it is given back, and a request that is given back while it waits is
  withdrawn; each of them comes to exactly one end;
* the state is the fold of the lines, so ``Lender(terms, lines)`` restores it.

Not here: who asks and in which order (the drivers).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct
from msgspec import field as struct_field

from nimdsl.base.errors import InternalError, PermanentPortError
from nimdsl.base.values import TimeNs, Value

Fate = Literal["queued", "full", "lent", "returned", "withdrawn"]
"""What becomes of a request, one line each."""


class LoanEntry(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of the lender: what became of the request ``key`` of a resource."""

    number: int = struct_field(name="index")
    time_ns: TimeNs
    resource: str
    fate: Fate
    key: str
    units: int = 1
    priority: int = 0

    def to_data(self) -> dict[str, Value]:
        """Value form."""
        data: dict[str, Value] = msgspec.to_builtins(self)
        return data


@dataclass(frozen=True)
class LoanTerms:
    """What a resource has: how many units, and how many requests may wait."""

    capacity: int
    queue: int


class LoanRequest(NamedTuple):
    """A request that waits; the order of these is the order in which they are served."""

    behind: int
    """Minus its priority."""
    number: int
    """Of the line by which it came."""
    key: str
    units: int
    since_ns: int


@dataclass
class Shelf:
    """One resource: what of it is lent, and who waits; with sums over the run."""

    terms: LoanTerms
    lent: dict[str, int] = field(default_factory=dict)
    """Units by key."""
    waiting: list[LoanRequest] = field(default_factory=list)
    """In the order in which they are served."""
    requests: dict[str, LoanRequest] = field(default_factory=dict)
    """The same by key."""
    lent_count: int = 0
    """Units that are lent just now."""
    granted: int = 0
    withdrawn: int = 0
    refused: int = 0
    queue_max: int = 0
    waited_ns: int = 0
    """Of all that were granted, together."""
    waited_max_ns: int = 0
    busy_ns: int = 0
    """Units times ns, up to ``busy_until_ns``."""
    busy_until_ns: int = 0

    def busy(self, until_ns: int) -> int:
        """Units times ns that were lent, up to then."""
        return self.busy_ns + self.lent_count * (until_ns - self.busy_until_ns)

    def add(self, request: LoanRequest) -> None:
        """One more waits."""
        insort(self.waiting, request)
        self.requests[request.key] = request
        self.queue_max = max(self.queue_max, len(self.waiting))

    def remove(self, key: str) -> LoanRequest:
        """One does not wait any more.  Raises KeyError."""
        request = self.requests.pop(key)
        del self.waiting[bisect_left(self.waiting, request)]
        return request

    def change(self, units: int, now_ns: int) -> None:
        """So many units more, or fewer, are lent."""
        self.busy_ns, self.busy_until_ns = self.busy(now_ns), now_ns
        self.lent_count += units


class LenderDamaged(PermanentPortError):  # noqa: N818
    """A line that was read breaks the law: no lender of these resources wrote it so."""

    def __init__(self, number: int, why: str) -> None:
        self.problem = f"line {number} of the lender: {why}"
        super().__init__(f"the resources' journal is damaged at {self.problem}")


class Lender:
    """All resources of a garden; ``written`` is told each line as it is written."""

    def __init__(
        self,
        terms: Mapping[str, LoanTerms],
        lines: Iterable[LoanEntry] = (),
        written: Callable[[LoanEntry], None] | None = None,
    ) -> None:
        self.shelves = {name: Shelf(one) for name, one in sorted(terms.items())}
        self._written = written
        self._count = 0
        self._now_ns = 0
        for line in lines:
            self._restore(line)

    def listen(self, written: Callable[[LoanEntry], None]) -> None:
        """Tells each line from now on as it is written."""
        self._written = written

    @property
    def line_count(self) -> int:
        """How many lines were ever written."""
        return self._count

    # -- commands

    def acquire(self, resource: str, key: str, units: int, priority: int, now_ns: int) -> None:
        """Asks for units; the same request again changes nothing."""
        shelf = self._shelf(resource, now_ns)
        if key in shelf.lent or key in shelf.requests:
            return
        if not shelf.waiting and self._fits(shelf, units):
            self._write(resource, "lent", key, units, priority)
        elif len(shelf.waiting) >= shelf.terms.queue or units > shelf.terms.capacity:
            self._write(resource, "full", key, units, priority)
        else:
            self._write(resource, "queued", key, units, priority)
            self._serve(resource)

    def give_back(self, resource: str, key: str, now_ns: int) -> None:
        """Ends a request, wherever it is; one that has ended is left alone.  Others may be served then."""
        shelf = self._shelf(resource, now_ns)
        if key in shelf.lent:
            self._write(resource, "returned", key, shelf.lent[key], 0)
        elif key in shelf.requests:
            self._write(resource, "withdrawn", key, 1, 0)
        else:
            return
        self._serve(resource)

    def _serve(self, resource: str) -> None:
        shelf = self.shelves[resource]
        while shelf.waiting and self._fits(shelf, shelf.waiting[0].units):
            first = shelf.waiting[0]
            self._write(resource, "lent", first.key, first.units, -first.behind)

    def _shelf(self, resource: str, now_ns: int) -> Shelf:
        if resource not in self.shelves:
            raise InternalError(f"no resource is called {resource!r} here")
        if now_ns < self._now_ns:
            raise InternalError(f"the lender stands at {self._now_ns} ns and was asked at {now_ns} ns")
        self._now_ns = now_ns
        return self.shelves[resource]

    def _fits(self, shelf: Shelf, units: int) -> bool:
        return shelf.lent_count + units <= shelf.terms.capacity

    # -- the fold

    def _write(self, resource: str, fate: Fate, key: str, units: int, priority: int) -> None:
        line = LoanEntry(self._count, self._now_ns, resource, fate, key, units, priority)
        if problem := self._fold(line):
            raise InternalError(problem)
        if self._written is not None:
            self._written(line)

    def _restore(self, line: LoanEntry) -> None:
        if line.number != self._count or line.time_ns < self._now_ns:
            raise LenderDamaged(line.number, f"it is out of order, {self._count} should come")
        if line.resource not in self.shelves:
            raise LenderDamaged(line.number, f"there is no resource {line.resource!r}")
        self._now_ns = line.time_ns
        if problem := self._fold(line):
            raise LenderDamaged(line.number, problem)

    def _fold(self, line: LoanEntry) -> str:
        """Takes a line; why it breaks the law, empty where it does not."""
        shelf, key = self.shelves[line.resource], line.key
        waits = key in shelf.requests
        match line.fate:
            case "queued":
                if waits or key in shelf.lent or len(shelf.waiting) >= shelf.terms.queue:
                    return f"{key} cannot be queued"
                shelf.add(LoanRequest(-line.priority, line.number, key, line.units, line.time_ns))
            case "full":
                shelf.refused += 1
            case "lent":
                first = not shelf.waiting or shelf.waiting[0].key == key
                if key in shelf.lent or not first or not self._fits(shelf, line.units) or line.units < 1:
                    return f"{key} cannot be lent {line.units} of {line.resource}"
                waited_ns = line.time_ns - shelf.remove(key).since_ns if waits else 0
                shelf.lent[key] = line.units
                shelf.change(line.units, line.time_ns)
                shelf.granted += 1
                shelf.waited_ns += waited_ns
                shelf.waited_max_ns = max(shelf.waited_max_ns, waited_ns)
            case "returned":
                if key not in shelf.lent:
                    return f"{key} has nothing to return"
                shelf.change(-shelf.lent.pop(key), line.time_ns)
            case "withdrawn":
                if not waits:
                    return f"{key} does not wait"
                shelf.remove(key)
                shelf.withdrawn += 1
        self._count += 1
        return ""
