"""What is remembered of a nerve while a run goes on: its openings, what came of them, what it missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from nimdsl.base.units import format_lifeforce
from nimdsl.program import Actor
from runtime.records import Asked, CameLate, HealthChanged, Moved, OutcomeJudged, Record, Refused

OUTCOMES = ("confirmed", "partial", "failed", "expired")


class NerveWatch:
    """Follows one nerve."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.outcomes: Counter[str] = Counter()
        self.granted_count = self.command_count = self.late_count = self.refusal_count = 0
        self.wanted = 0
        """The dearest price that was refused, micro-LF."""
        self.absent: tuple[str, ...] = ()

    def take(self, record: Record) -> None:
        """One record more, in the nerve's order."""
        match body := record.body:
            case Moved(event="granted"):
                self.granted_count += 1
            case Asked():
                self.command_count += 1
            case CameLate():
                self.late_count += 1
            case OutcomeJudged():
                self.outcomes[body.outcome] += 1
            case HealthChanged():
                self.absent = body.absent
            case Refused():
                self.refusal_count += 1
                self.wanted = max(self.wanted, body.price)


def nerves_text(watched: Mapping[str, NerveWatch]) -> Iterator[str]:
    """A line for each nerve."""
    for actor, one in watched.items():
        parts = [f"acted {one.granted_count} times" if one.granted_count != 1 else "acted once"]
        if one.command_count:
            parts.append(f"{one.command_count} commands" if one.command_count > 1 else "1 command")
        parts += [f"{count} {name}" for name in OUTCOMES if (count := one.outcomes[name])]
        if one.late_count:
            parts.append(f"{one.late_count} late")
        if one.refusal_count:
            parts.append(f"{one.refusal_count} refused, {format_lifeforce(one.wanted)} LF at most")
        if one.absent:
            parts.append(f"misses {', '.join(name.removeprefix('cell/') for name in one.absent)}")
        yield f"[bold]nerve[/] {actor.partition('/')[2]}: {', '.join(parts)}"
