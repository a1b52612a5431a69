"""What is remembered of a rack while a run goes on: who was on which card, and what became of requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nimdsl.base.words import counted
from nimdsl.program import Actor
from runtime.kernel.arbiter import FREE, LOADING
from runtime.kernel.rack import SERVED
from runtime.records import ModelMoved, OrganAnswered, Record


@dataclass
class CardWatch:
    """One card; times in ns."""

    loads: int = 0
    evictions: int = 0
    served: int = 0
    resident_ns: int = 0
    """How long any model had memory of it, up to ``since_ns``."""
    since_ns: int = 0
    on_card: set[str] = field(default_factory=set)

    def note(self, body: ModelMoved, at_ns: int) -> None:
        """A model on it is something else."""
        self.until(at_ns)
        self.loads += body.target == LOADING
        self.evictions += body.cause == "room"
        self.served += body.cause == "served"
        (self.on_card.discard if body.target == FREE else self.on_card.add)(body.organ)

    def until(self, at_ns: int) -> None:
        """Time has passed."""
        self.resident_ns += at_ns - self.since_ns if self.on_card else 0
        self.since_ns = at_ns


class RackWatch:
    """Follows one rack."""

    def __init__(self, actor: Actor) -> None:
        self.rack = actor
        self.cards: dict[str, CardWatch] = {}
        self.refused: Counter[str] = Counter()
        self.time_ns = 0

    def take(self, record: Record) -> None:
        """One record more, in the rack's order."""
        self.time_ns = max(self.time_ns, record.at_ns)
        match body := record.body:
            case ModelMoved():
                self.cards.setdefault(body.card, CardWatch()).note(body, record.at_ns)
            case OrganAnswered(outcome=outcome) if outcome != SERVED:
                self.refused[outcome] += 1


def racks_text(watched: Mapping[str, RackWatch]) -> Iterator[str]:
    """A line for each card that was used, and one for what a rack refused."""
    for actor, one in watched.items():
        host = actor.partition("/")[2]
        for name, card in sorted(one.cards.items()):
            card.until(max(card.since_ns, one.time_ns))
            share = card.resident_ns / one.time_ns if one.time_ns else 0.0
            parts = [
                f"in use {share:.0%}",
                counted(card.loads, "load"),
                counted(card.evictions, "eviction"),
                f"{card.served:,} served",
            ]
            yield f"[bold]card[/] {host}/{name}: {', '.join(parts)}"
        if one.refused:
            why = ", ".join(f"{count:,} {reason}" for reason, count in sorted(one.refused.items()))
            yield f"[bold]rack[/] {host}: {why}"
