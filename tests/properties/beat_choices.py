"""SEMANTICS 5.2 and 5.3 on the records: who had the time in a beat, and who should have had it.

A beat is divided at every instant at which something happens.  Between two of them one level has the
time, or reflexes, or nobody.  The law: it is the highest level that could run.  What a level may have in
a beat follows from the first instant at which everything above it had nothing to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from nimdsl.base.units import MICRO
from nimdsl.program import Level
from tests.properties.beat_lives import Life, Lives, window
from tests.support.plain import Plain


@dataclass
class Allowance:
    """What a level may have of a beat, and has had."""

    level: Level
    budget_ns: int | None = None
    spent_ns: int = 0
    granted_ns: int = 0

    def look(self, remaining_ns: int) -> None:
        """Fixes what it may have, the first time."""
        if self.budget_ns is not None:
            return
        level, self.budget_ns = self.level, remaining_ns
        if level.policy == "share":
            self.budget_ns = level.share * remaining_ns // MICRO
            if level.cap_ns:
                self.budget_ns = min(level.cap_ns, self.budget_ns)
        elif level.policy == "rest" and remaining_ns < level.minimum_ns:
            self.budget_ns = 0
        if level.policy in ("share", "rest"):
            self.granted_ns = self.budget_ns


class Choices:
    """One beat of a run, from its records."""

    def __init__(self, lives: Lives, number: int) -> None:
        self.lives = lives
        self.number = number
        self.opens_ns, self.closes_ns = window(lives, number)
        self.stretches = lives.stretches(number)
        self.reflexes = [(one.from_ns, one.from_ns + one.takes_ns) for one in lives.reflexes]
        self.allowances = [Allowance(level) for level in lives.beat.levels if not level.reflex]
        self.passed_over = False
        """Whether a level had an item that was not to start in this beat."""
        self.refused = [one for one in lives.refused if one["beat"] == number]

    def instants(self) -> list[int]:
        """When something happens while levels may run, and the end of that."""
        known = {self.opens_ns, *(one["at_ns"] for one in self.refused)}
        known |= {end for one in self.stretches for end in (one["from_ns"], one["to_ns"])}
        known |= {end for one in self.reflexes for end in one}
        known |= {life.from_ns for life in self.lives.items.values()}
        within = {at_ns for at_ns in known if self.opens_ns <= at_ns < self.closes_ns}
        return sorted(within | {self.closes_ns})

    def laws(self) -> Iterator[str]:
        instants = self.instants()
        for at_ns, to_ns in pairwise(instants):
            running = [s for s in self.stretches if s["from_ns"] <= at_ns < s["to_ns"]]
            if len(running) > 1:
                yield f"5.3: two levels run at {at_ns}"
            reflex = any(from_ns <= at_ns < end_ns for from_ns, end_ns in self.reflexes)
            if reflex and running:
                yield f"5.4: {running[0]['level']} runs at {at_ns}, during a reflex"
            if not reflex:
                yield from self.choice(at_ns, running[0] if running else None)
            for allowance in self.allowances:
                if running and allowance.level.name == running[0]["level"]:
                    allowance.spent_ns += to_ns - at_ns
        yield from self.reasons()

    def choice(self, at_ns: int, running: Plain | None) -> Iterator[str]:
        due = self.held(at_ns) or next((one for one in self.allowances if self.could(one, at_ns)), None)
        name, wanted = running["level"] if running else "nobody", due.level.name if due else "nobody"
        if name != wanted:
            yield f"5.3: {name} runs at {at_ns}, and {wanted} should"
        elif due and running and running["from_ns"] == at_ns and due.level.policy in ("each", "all"):
            life = self.lives.items[running["item"]]
            if not self.started(life, at_ns):
                due.granted_ns += min(life.left_ns(self.number), self.closes_ns - at_ns)

    def held(self, at_ns: int) -> Allowance | None:
        """The level whose item has begun, is neither done nor cut, and is never preempted."""
        begun = [one for one in self.stretches if one["from_ns"] < at_ns]
        if not begun or (begun[-1]["to_ns"] <= at_ns and begun[-1]["ended"] in ("done", "failed", "cut")):
            return None
        (last,) = (one for one in self.allowances if one.level.name == begun[-1]["level"])
        return last if last.level.preempted == "never" else None

    def could(self, allowance: Allowance, at_ns: int) -> bool:
        """Whether a level may run; looking at it fixes what it may have."""
        level = allowance.level
        own = [one for one in self.lives.items.values() if one.level is level]
        waiting = [one for one in own if one.lives(at_ns)]
        if not waiting:
            return False
        count = sum(self.started(one, at_ns) for one in own)
        if level.items_max and count >= level.items_max and not self.started(waiting[0], at_ns):
            self.passed_over = True
            return False
        allowance.look(self.closes_ns - at_ns)
        assert allowance.budget_ns is not None
        refused = any(one["level"] == level.name and one["at_ns"] <= at_ns for one in self.refused)
        return allowance.spent_ns < allowance.budget_ns and not refused

    def started(self, life: Life, at_ns: int) -> bool:
        """Whether it ran in this beat before that instant."""
        return any(s["beat"] == self.number and s["from_ns"] < at_ns for s in life.stretches)

    def reasons(self) -> Iterator[str]:
        """5.3: a stretch ends because of something."""
        for one, following in zip_longest(self.stretches, self.stretches[1:]):
            at_ns, level = one["to_ns"], one["level"]
            allowance = next(a for a in self.allowances if a.level.name == level)
            spent_ns = sum(
                s["to_ns"] - s["from_ns"]
                for s in self.stretches
                if s["level"] == level and s["to_ns"] <= at_ns
            )
            higher = [a.level.name for a in self.allowances[: self.allowances.index(allowance)]]
            follows = following is not None and following["from_ns"] == at_ns
            holds = {
                "done": True,
                "cut": at_ns == self.closes_ns or spent_ns == allowance.budget_ns,
                "suspended": any(start <= at_ns < end for start, end in self.reflexes),
                "preempted": follows and following is not None and following["level"] in higher,
            }
            if not holds.get(one["ended"], False):
                yield f"5.3: {level} is {one['ended']} at {at_ns} without a reason"


def choice_laws(lives: Lives, record: Plain) -> Iterator[str]:
    """A sentence for each law of 5.2 and 5.3 that a beat breaks."""
    choices = Choices(lives, record["beat"])
    yield from choices.laws()
    levels = record["times"]["levels"]
    for allowance in choices.allowances:
        own = levels[allowance.level.name]
        due_ns = 0 if own["started_ns"] is None else allowance.granted_ns
        if own["granted_ns"] != due_ns:
            what = f"{allowance.level.name} was granted {own['granted_ns']} in beat {record['beat']}"
            yield f"5.2: {what}, and {due_ns} was due"
