"""What is remembered of a nerve while a run goes on: its openings, what came of them, what it missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from gardens.report.observe.slices import Slices, Track
from gardens.report.observe.working import WORK, Working
from gardens.report.words import seconds
from nimdsl.base.units import format_lifeforce
from nimdsl.base.words import counted
from nimdsl.program import Actor
from runtime.records import Asked, CameLate, HealthChanged, Moved, OutcomeJudged, Record, Refused

OUTCOMES = ("confirmed", "partial", "failed", "expired")
COMMAND, LATE, REFUSED = "command", "late", "refused"


class NerveWatch:
    """Follows one nerve."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.outcomes: Counter[str] = Counter()
        self.granted_count = self.command_count = self.late_count = self.refusal_count = 0
        self.wanted = 0
        """The dearest price that was refused, micro-LF."""
        self.latest_ns = 0
        """How long after the wave the latest of those came that were late."""
        self.absent: tuple[str, ...] = ()
        self._marks = Slices()
        self._working = Working(actor)
        self._commands = {name for name, work in actor.works.items() if work.command is not None}

    def take(self, record: Record) -> None:
        """One record more, in the nerve's order."""
        self._working.take(record)
        match body := record.body:
            case Moved(event="granted"):
                self.granted_count += 1
            case Asked():
                self.command_count += 1
                self._marks.mark(record.at_ns, COMMAND)
            case CameLate():
                self.late_count += 1
                self.latest_ns = max(self.latest_ns, body.took_ns)
                self._marks.mark(record.at_ns, LATE)
            case OutcomeJudged():
                self.outcomes[body.outcome] += 1
                self._marks.mark(record.at_ns, body.outcome)
            case HealthChanged():
                self.absent = body.absent
            case Refused():
                self.refusal_count += 1
                self.wanted = max(self.wanted, body.price)
                self._marks.mark(record.at_ns, REFUSED)

    @property
    def marks(self) -> Track:
        """Commands, outcomes, what came late and what was refused, as instants."""
        return self._marks.track()

    @property
    def longest_ns(self) -> int | None:
        """How long the slowest command took from its beginning to its outcome; None: none came back."""
        ended = [
            one.ended
            for one in self._working.delays()
            if one.kind == WORK and one.name in self._commands and one.ended.total
        ]
        return max((one.max_ns for one in ended), default=None)


def nerves_text(watched: Mapping[str, NerveWatch]) -> Iterator[str]:
    """A line for each nerve."""
    for actor, one in watched.items():
        yield f"[bold]nerve[/] {actor.partition('/')[2]}: {', '.join(nerve_told(one))}"


def nerve_told(one: NerveWatch) -> list[str]:
    """What it did and what came of it, in words."""
    parts = [f"acted {one.granted_count} times" if one.granted_count != 1 else "acted once"]
    if one.command_count:
        parts.append(counted(one.command_count, "command"))
    parts += [f"{count} {name}" for name in OUTCOMES if (count := one.outcomes[name])]
    if one.longest_ns:
        parts.append(f"came back after {seconds(one.longest_ns)} at most")
    if one.late_count:
        parts.append(f"{one.late_count} late, {seconds(one.latest_ns)} after the wave at most")
    if one.refusal_count:
        parts.append(f"{one.refusal_count} refused, {format_lifeforce(one.wanted)} LF at most")
    if one.absent:
        parts.append(f"misses {', '.join(name.removeprefix('cell/') for name in one.absent)}")
    return parts
