"""The fleet of ``examples/fleet.yaml`` once more, as a SimPy script by hand.

Minutes and per cent, floats, Python's own random numbers: nothing is shared with the project.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Generator
from typing import Any

import simpy

DAY_MIN = 24 * 60
SIGMA = math.log(7 / 3) / 1.6448536269514722
"""Of the logarithm of a trip: its median is 3 minutes, its 95th percentile 7."""

Process = Generator[simpy.Event, Any, None]


class Fleet:
    """One day of four robots, two chargers and a heap of jobs."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = simpy.Environment()
        self.jobs = simpy.Store(self.world)
        self.chargers = simpy.Resource(self.world, 2)
        self.counts: Counter[str] = Counter()
        self.stoppable: set[int] = set()
        self.robots = {number: self.world.process(self.robot(number)) for number in range(1, 5)}
        self.world.process(self.arrivals())
        self.world.process(self.dangers())
        self.world.run(DAY_MIN)

    def arrivals(self) -> Process:
        while True:
            yield self.world.timeout(self.random.expovariate(1 / 1.25))
            self.counts["arrived"] += 1
            self.jobs.put(None)

    def dangers(self) -> Process:
        yield self.world.timeout(60)
        while True:
            for number in sorted(self.stoppable):
                self.robots[number].interrupt()
            yield self.world.timeout(120)

    def robot(self, number: int) -> Process:
        charge = 40.0 + 15 * number
        while True:
            self.stoppable.add(number)
            wanted, driving = self.jobs.get(), False
            try:
                yield wanted
                driving, used = True, self.random.uniform(0.5, 1.5)
                yield self.world.timeout(3 * math.exp(SIGMA * self.random.gauss(0, 1)))
            except simpy.Interrupt:
                self.stoppable.discard(number)
                wanted.cancel()
                self.counts["aborted"] += driving
                yield self.world.timeout(2)
                continue
            self.stoppable.discard(number)
            self.counts["jobs"] += 1
            charge -= used
            if charge < 25:
                with self.chargers.request() as plugged:
                    yield plugged
                    self.counts["charges"] += 1
                    yield self.world.timeout((95 - charge) / 0.617)
                    charge = 95.0


def a_day(seed: int) -> Counter[str]:
    """What one day comes to."""
    return Fleet(seed).counts
