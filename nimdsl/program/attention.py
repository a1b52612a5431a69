"""Attentions: a beat of time and the levels that share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from nimdsl.base.diagnostics import NOWHERE, Place
from nimdsl.program.actor import SLEEP_EVENTS, Actor
from nimdsl.program.flatten import Table, flatten
from nimdsl.program.format import tagged
from nimdsl.program.modes import expanded


@tagged("level")
@dataclass(frozen=True)
class Level:
    """A level of attention; ns, micro-LF, millionths.  See SEMANTICS 5 for what the fields decide.

    ``policy`` is each, all, share or rest.  ``takes_ns`` is what an item takes that does not say
    (of ``each``: whatever it says); ``stages`` are cumulative ends, the last at one million.
    """

    name: str
    policy: str
    takes_ns: int = 0
    share: int = 0
    cap_ns: int = 0
    minimum_ns: int = 0
    baseline_ns: int = 0
    reflex: bool = False
    preempted: str = "resume"
    carry: bool = False
    items_max: int = 0
    """How many items may start in a beat; 0: any number."""
    queue_max: int = 1000
    cost_fixed: int = 0
    cost_per_second: int = 0
    cost_per_item: int = 0
    stages: tuple[tuple[str, int], ...] = ()
    tiers: tuple[int, ...] = ()
    tells: str = ""
    tells_ns: int = 0
    work: str = ""
    urgency: int = 0
    """How urgent it is that it has an item, millionths."""
    goes: bool = False
    """Whether it has baselines while its economy sleeps."""
    live: bool = False
    """Whether modes do something when one of its stages begins."""
    place: Place = field(default=NOWHERE, compare=False)


@tagged("beat")
@dataclass(frozen=True)
class Beat:
    """How an attention divides its time: the lengths of a beat's parts, the levels from the highest."""

    length_ns: int
    overhead_ns: int
    settle_ns: int
    levels: tuple[Level, ...]

    @property
    def window_ns(self) -> int:
        """What levels can have of a beat at most."""
        return self.length_ns - self.overhead_ns - self.settle_ns


@tagged("attention", also=("table",))
@dataclass(frozen=True)
class Attention(Actor):
    """An actor whose machine are her modes, driven by the scheduler of a beat."""

    beat: Beat = field(kw_only=True)
    always_hears: ClassVar[tuple[str, ...]] = SLEEP_EVENTS

    @cached_property
    def table(self) -> Table:
        """The flat table of her modes, as the scheduler drives them."""
        stages = {level.name: [name for name, _ in level.stages] for level in self.beat.levels}
        return flatten(expanded(self.root, stages))
