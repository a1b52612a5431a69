"""Looks on while a run goes on, and gives a view of all of it: attention, other actors, economy.

A watch is told each record as it is made and each entry of the ledger as it is
written, or gets a finished run's.  The records of one actor come in their order,
and so do the entries; between them any order will do, but for lambda at the end
of a beat the beat must be told before an entry of a later time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from gardens.report.observe.lifeforce import LifeforceCollector
from gardens.report.observe.tracks import Tracking
from gardens.report.observe.view import Collector, View
from gardens.report.presentation import Observer, presentation_of
from gardens.report.result.ending import ending
from nimdsl.program import Program, Scenario
from runtime.ledger.accounts import Entry
from runtime.records import BeatEnded, Record
from runtime.run.run import Run, actors_of

TRACK_COUNT_MAX = 40
"""Of how many actors, besides the attention, it is shown what they did; the first ones to begin."""


class Watch:
    """One run of one scenario, looked at."""

    def __init__(self, program: Program, scenario: Scenario) -> None:
        actor = program.attentions.get(scenario.attention)
        self._collector = Collector(actor.beat, actor.id) if actor else None
        economy = program.economies.get(scenario.economy)
        self._purse = LifeforceCollector(economy, sampled=self._collector is not None) if economy else None
        self._attention = actor.id if actor else ""
        self._trackings: dict[str, Tracking] = {}
        self._untracked: dict[str, None] = {}
        self._observers: dict[str, Observer] = {
            actor.id: observe(actor)
            for actor in actors_of(program, scenario)
            if (observe := presentation_of(actor.kind).observe)
        }
        self._time_ns = 0

    def take(self, record: Record) -> None:
        """One record more."""
        actor = record.actor
        observer = self._observers.get(actor)
        if observer is not None:
            observer.take(record)
        if actor == self._attention and self._collector is not None:
            self._collector.take(record)
            if isinstance(record.body, BeatEnded) and self._purse is not None:
                self._purse.sample(record.at_ns)
            return
        self._time_ns = max(self._time_ns, record.at_ns)
        tracking = self._trackings.get(actor)
        if tracking is None:
            if len(self._trackings) >= TRACK_COUNT_MAX:
                self._untracked[actor] = None
                return
            tracking = self._trackings[actor] = Tracking(actor)
        tracking.take(record)

    def book(self, entry: Entry) -> None:
        """One entry of the ledger more."""
        if self._purse is not None:
            self._purse.take(entry)

    def close(self, run: Run) -> View:
        """The view of the run, which is over: with what the attention had not noted by its end."""
        host = run.hosts.get(self._attention)
        for record in ending(host, run.time_ns) if host else ():
            self.take(record)
        return self.view(run.time_ns)

    def view(self, end_ns: int = 0) -> View:
        """What there is to see up to now, or to ``end_ns`` if that is later."""
        view = self._collector.view(end_ns) if self._collector else View(time_ns=end_ns)
        time_ns = max(view.time_ns, self._time_ns)
        actors = sorted(self._trackings, key=lambda actor: (not actor.startswith("protocol/"), actor))
        tracks = (self._trackings[actor].tracks(time_ns) for actor in actors)
        return replace(
            view,
            lifeforce=self._purse.lifeforce(time_ns) if self._purse else None,
            tracks=tuple(track for some in tracks for track in some),
            tracks_left_out=len(self._untracked),
            observers=self._observers,
            time_ns=time_ns,
        )


class Onlooker(Protocol):
    """Is told what happens in a run."""

    def take(self, record: Record) -> None:
        """A record was made."""

    def book(self, entry: Entry) -> None:
        """The ledger wrote an entry."""


Look = Callable[[Program, Scenario], Onlooker]
"""Given the program as it runs, with all overrides, and the scenario: who looks on."""


def feed(onlooker: Onlooker, run: Run) -> None:
    """Tells somebody of a run that is over and whose records were kept."""
    for host in run.hosts.values():
        for record in host.records:
            onlooker.take(record)
    if run.ledger is not None:
        for entry in run.ledger.entries:
            onlooker.book(entry)


def view_of(program: Program, scenario: Scenario, run: Run) -> View:
    """The view of a run that is over and whose records were kept."""
    watch = Watch(program, scenario)
    feed(watch, run)
    return watch.close(run)
