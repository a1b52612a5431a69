"""Looks on while a run goes on, and gives a view of all of it: attention, other actors, economy.

A watch is told each record as it is made and each entry of the ledger as it is
written, or gets a finished run's.  Records come in the order of time, those of one actor in their own,
and so do the entries; between them any order will do, but for lambda at the end
of a beat the beat must be told before an entry of a later time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from heapq import merge
from typing import Protocol

from gardens.report.observe.doings import Following, families
from gardens.report.observe.lifeforce import LifeforceCollector
from gardens.report.observe.mode import ModeFold
from gardens.report.observe.view import Collector, View
from gardens.report.presentation import Observer, presentation_of
from gardens.report.result.ending import ending
from nimdsl.program import Program, Scenario
from runtime.ledger.accounts import Entry
from runtime.records import BeatEnded, Record
from runtime.run.run import Run, actors_of, economies_of

FOLLOWED_COUNT_MAX = 200
"""Of how many actors, besides the attention, it is shown what they did; the first in their order."""


class Watch:
    """One run of one scenario, looked at."""

    def __init__(self, program: Program, scenario: Scenario) -> None:
        actor = program.attentions.get(scenario.attention)
        self._collector = Collector(actor.beat, actor.id) if actor else None
        sampled = self._collector is not None
        self._purses = {
            "" if name == scenario.economy else name: LifeforceCollector(
                program.economies[name], sampled=sampled
            )
            for name in economies_of(program, scenario)
        }
        self._attention = actor.id if actor else ""
        actors = actors_of(program, scenario)
        others = [one for one in actors if one.id != self._attention]
        known = families(others)
        self._following = {
            one.id: Following(one, known.get(one.id, "")) for one in others[:FOLLOWED_COUNT_MAX]
        }
        self._left_out = len(others) - len(self._following)
        self._observers: dict[str, Observer] = {
            actor.id: observe(actor) for actor in actors if (observe := presentation_of(actor.kind).observe)
        }
        self._mode = ModeFold(actors)
        self._time_ns = 0

    def take(self, record: Record) -> None:
        """One record more."""
        actor = record.actor
        observer = self._observers.get(actor)
        if observer is not None:
            observer.take(record)
        self._mode.take(record)
        if actor == self._attention and self._collector is not None:
            self._collector.take(record)
            if isinstance(record.body, BeatEnded):
                for purse in self._purses.values():
                    purse.sample(record.at_ns)
            return
        self._time_ns = max(self._time_ns, record.at_ns)
        following = self._following.get(actor)
        if following is not None:
            following.take(record)

    def book(self, entry: Entry) -> None:
        """One entry of the ledger more."""
        self._purses[entry.purse].take(entry)

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
        return replace(
            view,
            lifeforce=self._purses[""].lifeforce(time_ns) if "" in self._purses else None,
            purses={name: one.lifeforce(time_ns) for name, one in self._purses.items() if name},
            doings=tuple(one.doings(time_ns) for one in self._following.values()),
            actors_left_out=self._left_out,
            observers=self._observers,
            mode=self._mode.track(time_ns),
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
    chains = (host.records for host in run.hosts.values())
    for record in merge(*chains, key=lambda one: one.time_ns):
        onlooker.take(record)
    for entry in run.purses.entries:
        onlooker.book(entry)


def view_of(program: Program, scenario: Scenario, run: Run) -> View:
    """The view of a run that is over and whose records were kept."""
    watch = Watch(program, scenario)
    feed(watch, run)
    return watch.close(run)
