"""Which of the situations that the laws of SEMANTICS 5 are about occurred in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nimdsl.program import Level
from tests.properties.beat_choices import Choices
from tests.properties.beat_lives import Lives
from tests.support.attentions import PREEMPTED, Case
from tests.support.plain import plain
from tests.support.small_garden import SmallGarden

Applies = Callable[[Case], bool]


def _always(case: Case) -> bool:
    return True


def _any(holds: Callable[[Level], object]) -> Applies:
    return lambda case: any(holds(level) for level in case.beat.levels)


def _preempted(policy: str) -> Applies:
    return _any(lambda level: level.preempted == policy and not level.reflex)


_reflex = _any(lambda level: level.reflex)

SITUATIONS: dict[str, Applies] = {
    **dict.fromkeys(("preempted", "cut", "baseline ends with its beat", "several at one instant"), _always),
    **{name: _preempted(name) for name in PREEMPTED},
    **dict.fromkeys(("suspended", "preempted after a reflex", "reflexes together"), _reflex),
    **dict.fromkeys(("reflex in overhead", "reflex in settle", "reflex across an end"), _reflex),
    **dict.fromkeys(("carried", "carried unfinished"), _any(lambda level: level.carry)),
    **dict.fromkeys(("dropped: cut", "dropped: beat"), _any(lambda level: not level.carry)),
    "dropped: abandoned": _any(lambda level: level.preempted == "abandon"),
    "dropped: queue": _any(lambda level: level.queue_max < 1000),
    "dropped: max_per_beat": _any(lambda level: level.reflex and level.items_max),
    "dropped: takes nothing": _any(lambda level: not level.takes_ns),
    "held": _preempted("never"),
    "held after a reflex": lambda case: _preempted("never")(case) and _reflex(case),
    "passed over": _any(lambda level: not level.reflex and level.items_max),
    "share used up": _any(lambda level: level.policy == "share"),
    "minimum failed": _any(lambda level: level.minimum_ns),
    "told": _any(lambda level: level.tells),
    "gate": _any(lambda level: level.tiers),
}
"""What must occur, and in which cases it can."""
MONEY: dict[str, Applies] = dict.fromkeys(("paid", "refused"), _any(lambda level: level.cost_per_second))
WORK: dict[str, Applies] = dict.fromkeys(("early", "overrun", "charged"), _any(lambda level: level.work))


def reached(case: Case, garden: SmallGarden) -> set[str]:
    """Those that occurred."""
    lives = Lives(case.beat, garden.host.records)
    found = {*_items(lives), *_beats(lives), *_reflexes(lives), *_money_and_work(lives, garden)}
    arrivals = [one.from_ns for one in lives.items.values() if not one.baseline]
    if len(arrivals) > len(dict.fromkeys(arrivals)):
        found.add("several at one instant")
    return found


def _items(lives: Lives) -> Iterator[str]:
    for life in lives.items.values():
        endings = [one["ended"] for one in life.stretches]
        yield from endings
        if life.again:
            yield life.level.preempted
        if any(endings[count - 1] == "suspended" for count in life.again):
            yield "preempted after a reflex"
        if life.dropped is not None:
            yield f"dropped: {life.dropped['reason']}"
        if life.baseline and life.dropped is None and life.done_ns is None:
            yield "baseline ends with its beat"
        beats = [life.beat, *(one["beat"] for one in life.stretches)]
        if beats[-1] > beats[0] and not life.level.reflex:
            yield "carried"
        if len({*beats[1:]}) > 1 and not life.level.reflex:
            yield "carried unfinished"
        if life.name.startswith("gate"):
            yield "gate"
        if life.level.tells and life.done_ns is not None:
            yield "told"


def _beats(lives: Lives) -> Iterator[str]:
    for record in lives.beats:
        choices = Choices(lives, record["beat"])
        list(choices.laws())
        yield from _held(choices)
        if choices.passed_over:
            yield "passed over"
        for one in choices.allowances:
            if one.level.policy == "share" and one.budget_ns and one.spent_ns == one.budget_ns:
                yield "share used up"
            if one.level.policy == "rest" and one.budget_ns == 0:
                yield "minimum failed"


def _held(choices: Choices) -> Iterator[str]:
    """Whether something higher had to wait for what is never preempted."""
    levels = [one.level for one in choices.allowances]
    for one in choices.stretches:
        own = next(number for number, level in enumerate(levels) if level.name == one["level"])
        came = [
            life
            for life in choices.lives.items.values()
            if life.level in levels[:own] and one["from_ns"] < life.from_ns
        ]
        if levels[own].preempted == "never" and any(life.from_ns < one["to_ns"] for life in came):
            yield "held"
        if levels[own].preempted == "never" and one["ended"] == "suspended":
            yield "held after a reflex"


def _reflexes(lives: Lives) -> Iterator[str]:
    beat = lives.beat
    known: list[tuple[int, int]] = []
    for life in lives.reflexes:
        from_ns, to_ns = life.from_ns, life.from_ns + life.takes_ns
        since_ns = from_ns % beat.length_ns
        if since_ns < beat.overhead_ns:
            yield "reflex in overhead"
        if since_ns >= beat.length_ns - beat.settle_ns:
            yield "reflex in settle"
        if since_ns + life.takes_ns > beat.length_ns:
            yield "reflex across an end"
        if any(from_ns < other_to_ns and other_ns < to_ns for other_ns, other_to_ns in known):
            yield "reflexes together"
        known.append((from_ns, to_ns))


def _money_and_work(lives: Lives, garden: SmallGarden) -> Iterator[str]:
    for record in lives.refused:
        yield "refused"
        own = [one for one in lives.stretches(record["beat"]) if one["level"] == record["level"]]
        if own:
            yield "refused after it ran"
    if garden.ledger is not None and garden.ledger.spent():
        yield "paid"
    if any(lives.charged):
        yield "charged"
    yield from {record["type"] for record in plain(garden.host.records)} & {"overrun"}
    for life in lives.items.values():
        if life.level.work and life.done_ns is not None and life.ran_ns < life.takes_ns:
            yield "early"
