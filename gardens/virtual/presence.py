"""Who is there: who is not born yet, who is down, in which of its lives it is; and what was noticed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from runtime.kernel.events import AnyEvent, Loan, Marked, TimerDue
from runtime.run.run import Incident

INCIDENT_COUNT_MAX = 10_000
"""How many incidents a run remembers, the first ones; the others are told and counted."""


class Presence:
    """Of the actors of one run; ``starts`` says when those begin that are not there from the beginning."""

    def __init__(self, names: Iterable[str], starts: Mapping[str, int]) -> None:
        self._incarnations = dict.fromkeys(names, 0)
        self._unborn: dict[str, list[AnyEvent]] = {name: [] for name, at_ns in starts.items() if at_ns}
        self._down: set[str] = set()
        self._missed: dict[str, list[Marked | Loan]] = defaultdict(list)

    def born(self, name: str) -> list[AnyEvent]:
        """It begins: what waited for that, in its order."""
        return self._unborn.pop(name, [])

    def crashed(self, name: str) -> int:
        """It is down from now on; returns which of its lives comes next, from 1."""
        self._incarnations[name] += 1
        self._down.add(name)
        return self._incarnations[name]

    def back(self, name: str) -> list[Marked | Loan]:
        """It is there again: what the books told it meanwhile."""
        self._down.discard(name)
        return self._missed.pop(name, [])

    def takes(self, name: str, event: AnyEvent) -> str | None:
        """None where it is there.  Else what becomes of the event: something to notice, or nothing.

        Whoever is not born gets it then; whoever is down gets what the books tell when it is back, arms
        its timers again itself, and misses the rest.
        """
        if name in self._unborn:
            self._unborn[name].append(event)
            return ""
        if name not in self._down:
            return None
        if isinstance(event, Marked | Loan):
            self._missed[name].append(event)
        if isinstance(event, Marked | Loan | TimerDue):
            return ""
        return f"missed a {event.kind}: it is down"

    def life(self, name: str) -> int:
        """How often it has crashed."""
        return self._incarnations[name]

    def same_life(self, name: str) -> Callable[[], bool]:
        """Whether it has not crashed since now."""
        incarnation = self._incarnations[name]
        return lambda: self._incarnations[name] == incarnation


class Incidents:
    """What was noticed in a run; ``notice`` is told each."""

    def __init__(self, notice: Callable[[Incident], None] | None) -> None:
        self._notice = notice
        self.kept: list[Incident] = []
        self.left_out = 0

    def note(self, time_ns: int, actor: str, what: str) -> None:
        """One more."""
        incident = Incident(time_ns, actor, what)
        if len(self.kept) < INCIDENT_COUNT_MAX:
            self.kept.append(incident)
        else:
            self.left_out += 1
        if self._notice is not None:
            self._notice(incident)
