"""Random attentions and what comes to them, as hypothesis strategies.

A :class:`Case` is a beat, a number of beats, and what comes in the order of its times.  Things come
where laws meet: at the ends of a beat, where its window opens and closes, a nanosecond beside, several
at one instant.

``tick_ns`` is the grain of every length.  With 1 a beat has 40 to 140 nanoseconds, few enough for
:mod:`tests.support.ticks`, and ends fall together; with more, lengths are near multiples of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from nimdsl.base.units import MICRO, SECOND_NS
from nimdsl.base.values import Value
from nimdsl.program import Attention, Beat, Level, Program, Work
from nimdsl.program.amount import RATE_TIMES as DAY
from runtime.ledger.accounts import Tariff
from tests.support.outcomes import Comes
from tests.support.small_garden import PUNCTUAL, Lasts, SmallGarden, actor_of, lived, program_of

T = TypeVar("T")
SHARES = (100_000, 250_000, 333_333, 500_000, 900_000, MICRO)
COSTS = ("cost_fixed", "cost_per_second", "cost_per_item")
PREEMPTED = ("resume", "restart", "abandon")
"""What becomes of what is preempted; or it is `never`."""
STAGES = (("first", 300_000), ("second", MICRO), ("last", MICRO))
TIERS = 3
REFLEX = 6
"""Stands for a level that is a reflex, where a number of a level is drawn."""
WORK = Work("job", {}, {})


@dataclass(frozen=True)
class Case:
    """``tariff`` is who pays; ``lasts`` is how long the work of the levels lasts, if they have any."""

    beat: Beat
    beats: int
    stimuli: tuple[Comes, ...]
    tariff: Tariff | None = None
    lasts: Lasts = PUNCTUAL

    def run(self, **options: Any) -> SmallGarden:
        """All of its beats."""
        options = {"lasts": self.lasts, **options}
        return lived(self.actor, self.stimuli, self.beats, tariff=self.tariff, **options)

    @property
    def actor(self) -> Attention:
        return actor_of(self.beat, {WORK.name: WORK})

    def program(self) -> Program:
        """The same for a whole garden."""
        return program_of(self.actor, self.stimuli, self.beats, self.tariff)

    def __repr__(self) -> str:
        beat = self.beat
        lengths = (
            f"{self.beats} beats of {beat.length_ns}, overhead {beat.overhead_ns}, settle {beat.settle_ns}"
        )
        levels = "\n".join(f"    {_said(level)}" for level in beat.levels)
        stimuli = "\n".join(f"    {one.at_ns} {one.event} {dict(one.payload)}" for one in self.stimuli)
        return f"Case({lengths}, {self.lasts}, {self.tariff}\n{levels}\n{stimuli}\n)"


def _said(level: Level) -> dict[str, Any]:
    """What differs from a level that says nothing."""
    plain = Level("", "")
    return {key: value for key, value in vars(level).items() if value != getattr(plain, key)}


@dataclass(frozen=True)
class Drawing:
    """What the parts of a case are drawn with."""

    draw: Any
    tick_ns: int

    def among(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def integer(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def chance(self, one_in: int) -> bool:
        """Shrinks to False."""
        return self.integer(0, one_in - 1) == one_in - 1

    def time(self, low: int, high: int) -> int:
        """Between so many ticks and so many."""
        ticks = self.integer(low, high) * self.tick_ns
        return ticks + self.among(0, 0, 1, self.tick_ns // 3) if self.tick_ns > 1 else ticks

    def perhaps(self, high: int) -> int:
        """No time at all, or some."""
        return self.time(1, high) if self.chance(2) else 0


# Levels


def _of_any(of: Drawing) -> dict[str, Any]:
    """What every level says, a reflex or not."""
    fields: dict[str, Any] = {"name": "", "items_max": of.among(0, 0, 0, 1, 2)}
    if of.chance(3):
        fields["tiers"] = of.among((0,), (1,), (0, 2))
    if of.chance(4):
        fields |= {"tells": str(of.integer(1, 3)), "tells_ns": of.perhaps(20)}
    return fields


@cache
@st.composite
def _reflexes(draw: Any, tick_ns: int) -> Level:
    of = Drawing(draw, tick_ns)
    return Level(policy=of.among("each", "all"), takes_ns=of.time(1, 20), reflex=True, **_of_any(of))


@cache
@st.composite
def _levels(draw: Any, tick_ns: int, dear: bool) -> Level:
    of = Drawing(draw, tick_ns)
    fields, policy = _of_any(of), of.among("all", "share", "rest", "each", "all", "rest")
    if policy == "share":
        fields |= {"share": of.among(*SHARES), "cap_ns": of.perhaps(40)}
    elif policy == "rest":
        fields["minimum_ns"] = of.perhaps(120)
    if dear:
        costs = ((), ("cost_per_second",), ("cost_per_item",), COSTS)
        fields |= {key: of.integer(0, 3 * MICRO) for key in of.among(*costs)}
        fields["stages"] = STAGES if of.chance(3) else ()
    return Level(
        policy=policy,
        takes_ns=0 if of.chance(8) else of.time(1, 40),
        baseline_ns=of.time(1, 60) if of.chance(3) else 0,
        preempted=of.among(*PREEMPTED, "never"),
        carry=of.chance(2),
        queue_max=of.among(1000, 1000, 1, 2),
        **fields,
    )


def _named(levels: Sequence[Level]) -> tuple[Level, ...]:
    """With their names; ``tells`` was how far down."""
    found = []
    for number, level in enumerate(levels):
        told = number + int(level.tells or 0)
        proper = level.tells and told < len(levels)
        stages = tuple((f"{stage}-{number}", end) for stage, end in level.stages)
        tells = f"level-{told}" if proper else ""
        found.append(replace(level, name=f"level-{number}", tells=tells, stages=stages))
    return tuple(found)


# What comes


@dataclass(frozen=True)
class _Burst:
    """What comes at one instant, before it is known which beat and which levels there are."""

    beat: int
    near: int
    """What it is near to: an end of one of the beat's parts, or nothing."""
    offset_ns: int
    comers: tuple[tuple[bool, int, int], ...]
    """Whether it is an item; the number of its level and what it takes, or those of a gate."""

    def coming(self, beat: Beat, beats: int) -> list[Comes]:
        start = self.beat % beats * beat.length_ns
        closes = start + beat.length_ns - beat.settle_ns
        instants = (
            start + beat.overhead_ns,
            start,
            closes,
            start + beat.overhead_ns // 2,
            closes + beat.settle_ns // 2,
        )
        if self.near < len(instants):
            at_ns = max(0, instants[self.near] + self.offset_ns % 3 - 1)
        else:
            at_ns = start + self.offset_ns % beat.length_ns
        return [self.comes(at_ns, beat.levels, *one) for one in self.comers]

    def comes(self, at_ns: int, levels: Sequence[Level], is_item: bool, number: int, size: int) -> Comes:
        if not is_item:
            payload: dict[str, Value] = {"gate": f"gate-{number % TIERS}", "tier": number % TIERS}
            return Comes(at_ns, "opened" if size % 3 else "closed", payload)
        reflexes = [level for level in levels if level.reflex] if number == REFLEX else []
        level = (reflexes or levels)[number % len(reflexes or levels)]
        says_nothing = size % 3 == 0
        takes_ns = 0 if says_nothing else size // 4 if level.reflex else size
        return Comes(at_ns, f"item-{size % 7}", {"level": level.name, "takes": takes_ns, "payload": {}})


@cache
@st.composite
def _bursts(draw: Any, tick_ns: int) -> _Burst:
    of = Drawing(draw, tick_ns)
    comers = [
        (not of.chance(8), of.among(0, 0, 1, 1, 2, 3, 4, 5, REFLEX, REFLEX), of.time(1, 100))
        for _ in range(of.among(1, 1, 2, 3))
    ]
    return _Burst(of.integer(0, 2), of.integer(0, 19), of.time(1, 140), tuple(comers))


def _some(of: Drawing, strategy: st.SearchStrategy[T], least: int, many: int, most: int) -> list[T]:
    """Mostly many; shrinks to few."""
    few = of.integer(0, 4) == 0
    found: list[T] = of.draw(
        st.lists(strategy, max_size=many, min_size=least)
        if few
        else st.lists(strategy, min_size=many, max_size=most)
    )
    return found


@st.composite
def cases(draw: Any, tick_ns: int = 1, *, dear: bool = False, work: bool = False) -> Case:
    """A beat with one to six levels, and what comes in one to three of them.

    ``dear``: levels have prices and stages, and there is an economy that may run dry; ``work``: some
    levels have work, which ends by itself or goes on after it was revoked.
    """
    of = Drawing(draw, tick_ns)
    beats, window = of.integer(1, 3), of.integer(40, 120)
    overhead, settle = (of.integer(1, 10) * tick_ns if not of.chance(4) else 0 for _ in range(2))
    levels = _some(of, _levels(tick_ns, dear), 1, 3, 4)
    if of.chance(2):  # something to interrupt
        levels[-1] = replace(levels[-1], baseline_ns=of.time(30, 90))
    for reflex in draw(st.lists(_reflexes(tick_ns), max_size=2)):
        levels.insert(of.integer(0, len(levels)), reflex)
    if work:
        levels = [
            level if level.reflex else replace(level, work=of.among(WORK.name, "")) for level in levels
        ]
    beat = Beat(overhead + window * tick_ns + settle, overhead, settle, _named(levels))
    bursts = _some(of, _bursts(tick_ns), 0, 8, 12)
    stimuli = [one for burst in bursts for one in burst.coming(beat, beats)]
    tariff = None
    if dear:
        incomes = {"sun": of.integer(0, 30 * MICRO) * DAY}
        tariff = Tariff("purse", of.integer(0, 40 * MICRO), 0, None, {}, incomes, {}, SECOND_NS)
    lasts = Lasts(of.time(1, window), of.perhaps(2 * window)) if work else PUNCTUAL
    return Case(beat, beats, tuple(sorted(stimuli, key=lambda one: one.at_ns)), tariff, lasts)
