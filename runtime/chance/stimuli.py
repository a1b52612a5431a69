"""The stimuli of a scenario: what comes from outside, when, and for whom.

The laws:

* They come in the order of time, then of their position in the scenario, then of their receivers, numbered
  from 1, as any sender numbers.  The next one is made when it is asked for, so
  memory does not grow with the length of a run.
* Equal seeds give equal arrivals in every garden.  The k-th gap (from 0) of the
  stimulus at position i (from 0) belongs to the actor ``scenario/<name>``, the
  purpose ``stimulus/<i>`` and the number k (SEMANTICS 2.4), so that a stimulus
  that is added behind the others changes none of their times.
* What is drawn for an arrival is the same for all of its receivers, under the purpose
  ``stimulus/<i>/<field>`` and the number of the arrival.
* A gap is exponential, rounded to whole nanoseconds, half to even, and at least 1.

Not here: who delivers them (the drivers), what documents say of them
(:mod:`nimdsl.compile.stimulus`).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from nimdsl.base.values import Fields, Value
from nimdsl.program import Periodic, Poisson, Recorded, Scenario, StimulusSpec
from runtime.chance.distributions import Exponential
from runtime.chance.draws import Key, key_of, source_of
from runtime.chance.models import Draws


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one stimulus brings once: an event for the actor ``to``."""

    to: str
    event: str
    payload: Fields


def stimuli_of(scenario: Scenario, draws: Draws) -> Iterator[tuple[int, int, Arrival]]:
    """Garden time (ns), number and event of each, in their order, also beyond the horizon."""
    actor = f"scenario/{scenario.name}"
    lists = []
    for position, stimulus in enumerate(scenario.stimuli):
        key = key_of(draws.seed, draws.replication, actor, f"stimulus/{position}")
        lists.append(_placed(position, _times(stimulus, key)))
    number = 0
    for at_ns, position, index in heapq.merge(*lists):
        stimulus = scenario.stimuli[position]
        drawn = {
            name: draws.value(one, actor, f"stimulus/{position}/{name}", index)
            for name, one in stimulus.draws.items()
        }
        for arrival in _arrivals(stimulus, index, drawn):
            number += 1
            yield at_ns, number, arrival


def _placed(position: int, times: Iterator[int]) -> Iterator[tuple[int, int, int]]:
    for index, at_ns in enumerate(times):
        yield at_ns, position, index


def _times(stimulus: StimulusSpec, key: Key) -> Iterator[int]:
    match stimulus.arrivals:
        case Periodic(at_ns, every_ns, times):
            return (at_ns + repetition * every_ns for repetition in range(times))
        case Poisson() as poisson:
            return _poisson(poisson, key)
        case Recorded(at_ns):
            return iter(at_ns)


def _poisson(poisson: Poisson, key: Key) -> Iterator[int]:
    gap = Exponential(float(poisson.mean_ns))
    at_ns = poisson.at_ns
    for number in count():
        at_ns += max(1, round(gap.draw(source_of(key, number))))
        if at_ns >= poisson.until_ns:
            return
        yield at_ns


def _arrivals(stimulus: StimulusSpec, index: int, drawn: Mapping[str, Value]) -> list[Arrival]:
    """What comes at one time: an event for each receiver."""
    payload, takes_ns = stimulus.payload, stimulus.takes_ns
    recorded = stimulus.arrivals
    if isinstance(recorded, Recorded):
        brought = {name: values[index] for name, values in recorded.fields.items()}
        payload = {**payload, **brought}
        takes_ns = recorded.takes_ns[index] if recorded.takes_ns else takes_ns
    takes = drawn.get("takes")
    if stimulus.level and isinstance(takes, int):
        takes_ns = max(1, takes)
        drawn = {name: value for name, value in drawn.items() if name != "takes"}
    payload = {**payload, **drawn}
    if stimulus.level:
        payload = {"level": stimulus.level, "takes": takes_ns, "payload": dict(payload)}
    return [Arrival(to, stimulus.event, payload) for to in stimulus.to]
