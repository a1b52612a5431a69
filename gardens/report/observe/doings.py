"""All that is remembered of one actor besides an attention: its tracks, its numbers, what it waited for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gardens.report.observe.curves import Curve, Curving
from gardens.report.observe.slices import Track
from gardens.report.observe.tracks import Tracking
from gardens.report.observe.working import Delay, Working
from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.program import Actor
from runtime.records import Record

_START = re.compile(r".*[-_.]|[^\W\d]+")
"""What is certain to be no part of a value: up to the last separator, or to the first digit."""
_ENDING = re.compile(r"[-_.].*$")


@dataclass(frozen=True, slots=True)
class Doings:
    """What one actor did; times in ns."""

    actor: str
    family: str
    """Of which documents with ``for`` it is one of several, as ``robot-*``; empty for one of its own."""
    tracks: tuple[Track, ...] = ()
    curves: tuple[Curve, ...] = ()
    curves_left_out: int = 0
    delays: tuple[Delay, ...] = ()
    busy_ns: int = 0
    """How long any work was under way."""
    works: bool = False
    """Whether it has any work to do."""

    @property
    def name(self) -> str:
        """Without its kind."""
        return self.actor.partition("/")[2]


class Following:
    """Doings that grow."""

    def __init__(self, actor: Actor, family: str) -> None:
        self._actor = actor
        self._family = family
        self._tracking = Tracking(actor.id)
        self._curving = Curving(actor) if actor.kind != "protocol" else None
        """A protocol's data are counters of its own."""
        self._working = Working(actor)

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""
        self._tracking.take(record)
        if self._curving is not None:
            self._curving.take(record)
        self._working.take(record)

    def doings(self, end_ns: int) -> Doings:
        """What is known up to ``end_ns``."""
        return Doings(
            self._actor.id,
            self._family,
            self._tracking.tracks(end_ns),
            self._curving.curves() if self._curving else (),
            self._curving.left_out if self._curving else 0,
            self._working.delays(),
            self._working.busy_ns(end_ns),
            bool(self._actor.works),
        )


def families(actors: Iterable[Actor]) -> Mapping[str, str]:
    """The family of each actor that has one, by id: instances of one document have one place."""
    places: dict[tuple[str, Place], list[Actor]] = {}
    for actor in actors:
        if actor.place != NOWHERE:
            places.setdefault((actor.kind, actor.place), []).append(actor)
    return {
        actor.id: _pattern([one.name for one in members])
        for members in places.values()
        if len(members) > 1
        for actor in members
    }


def _pattern(names: Sequence[str]) -> str:
    """What the names have in common, in whole parts: ``robot-*``, ``lamp-*-left``."""
    start = _START.match(_common(names))
    left = len(start[0]) if start else 0
    end = _ENDING.search(_common([name[left:][::-1] for name in names])[::-1])
    return f"{names[0][:left]}*{end[0] if end else ''}"


def _common(texts: Sequence[str]) -> str:
    """What all of them begin with."""
    first, last = min(texts), max(texts)
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(one for one, _ in same)
