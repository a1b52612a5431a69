"""What is remembered of a rack while a run goes on: who was on which card, who waited, what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gardens.report.observe.points import Points
from gardens.report.observe.slices import Staying
from nimdsl.base.words import counted
from nimdsl.program import Actor
from runtime.kernel.arbiter import FREE, LOADING, SERVING, TRAINING
from runtime.kernel.learning import SLICE, TRAINED
from runtime.kernel.rack import SERVED
from runtime.records import ModelMoved, OrganAnswered, OrganAsked, Record

SPAN_COUNT_MAX = 320


@dataclass
class CardWatch:
    """One card; times in ns."""

    loads: int = 0
    evictions: int = 0
    served: int = 0
    slices: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    """Of the models that were trained on it, by organ."""
    resident_ns: int = 0
    """How long any model had memory of it, up to ``since_ns``."""
    since_ns: int = 0
    on_card: set[str] = field(default_factory=set)
    models: dict[str, Staying] = field(default_factory=dict)
    """What each model was on it, by organ."""

    def note(self, body: ModelMoved, at_ns: int) -> None:
        """A model on it is something else."""
        self.until(at_ns)
        self.loads += body.target == LOADING
        self.evictions += body.cause == "room"
        self.served += body.cause == "served"
        self.slices += body.source == TRAINING and body.cause in (SLICE, TRAINED)
        if body.version:
            self.versions[body.organ] = body.version
        (self.on_card.discard if body.target == FREE else self.on_card.add)(body.organ)
        self.models.setdefault(body.organ, Staying(FREE)).turn(body.target, at_ns)

    def until(self, at_ns: int) -> None:
        """Time has passed."""
        self.resident_ns += at_ns - self.since_ns if self.on_card else 0
        self.since_ns = at_ns


class _Line:
    """How many requests wait: those that have come and not ended, less those that are served.

    Only what an instant comes to is a point.
    """

    def __init__(self) -> None:
        self.longest = 0
        self._points = Points[int](SPAN_COUNT_MAX)
        self._points.add((0, 0))
        self._open = 0
        self._served: set[str] = set()
        """The organs that serve somebody who still waits for it."""
        self._now_ns = 0

    @property
    def _waiting(self) -> int:
        return max(0, self._open - len(self._served))

    def take(self, record: Record) -> None:
        """One record more, in the rack's order: what holds when its instant is over counts."""
        if record.at_ns > self._now_ns:
            self._settle()
            self._now_ns = record.at_ns
        match record.body:
            case OrganAsked():
                self._open += 1
            case OrganAnswered(organ=organ, served_ns=served_ns, cost=cost):
                self._open -= 1
                if served_ns or cost:
                    self._served.discard(organ)
            case ModelMoved(organ=organ, target=target):
                (self._served.add if target == SERVING else self._served.discard)(organ)

    def _settle(self) -> None:
        """The instant is over."""
        if self._points.last is None or self._points.last[1] != self._waiting:
            self._points.add((self._now_ns, self._waiting))
            self.longest = max(self.longest, self._waiting)

    def points(self) -> list[tuple[int, int]]:
        """How many waited: garden time in ns and the number, from one point to the next."""
        self._settle()
        return self._points.points()


class RackWatch:
    """Follows one rack."""

    def __init__(self, actor: Actor) -> None:
        self.rack = actor
        self.cards: dict[str, CardWatch] = {}
        self.refused: Counter[str] = Counter()
        self.time_ns = 0
        self._line = _Line()

    def take(self, record: Record) -> None:
        """One record more, in the rack's order."""
        self.time_ns = max(self.time_ns, record.at_ns)
        self._line.take(record)
        match body := record.body:
            case ModelMoved():
                self.cards.setdefault(body.card, CardWatch()).note(body, record.at_ns)
            case OrganAnswered(outcome=outcome) if outcome != SERVED:
                self.refused[outcome] += 1

    def line(self) -> list[tuple[int, int]]:
        """How many requests waited: since when, ns, and how many."""
        return self._line.points()

    @property
    def longest_line(self) -> int:
        """How many waited at most, up to the last instant that is over."""
        return self._line.longest


def racks_text(watched: Mapping[str, RackWatch]) -> Iterator[str]:
    """A line for each card that was used, and one for who waited and what a rack refused."""
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
            parts += [counted(card.slices, "slice")] if card.slices else []
            parts += [f"{organ} of version {one}" for organ, one in sorted(card.versions.items())]
            yield f"[bold]card[/] {host}/{name}: {', '.join(parts)}"
        if told := rack_told(one):
            yield f"[bold]rack[/] {host}: {', '.join(told)}"


def rack_told(one: RackWatch) -> list[str]:
    """Who waited, and what was refused, in words."""
    waited = [f"{one.longest_line:,} waited at most"] if one.longest_line else []
    return waited + [f"{count:,} {reason}" for reason, count in sorted(one.refused.items())]
