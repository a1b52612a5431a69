"""Waves that answer each other while no time passes: how they go round, and in what order.

The law: some reactions (:mod:`nimdsl.checks.reactions`) go on for ever at one instant only if there are
amounts of them such that each actor comes back to the leaf where it was, and no event is taken more often
than it is made.  Where a wave is among such reactions, the way round is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nimdsl.checks.circulation import largest, mutual
from nimdsl.checks.reactions import MadeEvent, Reacting, Reaction, reactions_of
from nimdsl.compile.participants import receivers_of
from nimdsl.compile.reader import Findings

REACTION_COUNT_MAX = 300
"""Where more reactions than this hang together, and none stays where it was, nothing is claimed."""


def loops(actors: Mapping[str, Reacting]) -> Iterator[list[Reaction]]:
    """Ways round without time on which a wave is, each in order; of what hangs together one.

    ``actors`` are by id.  A way begins with the first of its actors by id.
    """
    reactions = _going(reactions_of(_near(actors)))
    while way := next(_ways(reactions), None):
        yield way
        part_of = _mutual(reactions)
        gone = part_of[way[0]]
        reactions = _going([one for one in reactions if part_of[one] != gone])


def report_loop(findings: Findings, way: Sequence[Reaction]) -> None:
    """NIM0707: told at the transition that closes the way, in the document of which ``findings`` are."""
    actors = [reaction.actor for reaction in way] + [way[0].actor]
    met = [one for place, one in enumerate(actors) if not place or one != actors[place - 1]]
    names = " → ".join(f"`{one.partition('/')[2]}`" for one in met)
    message = f"waves go round here, and no time passes: {names}"
    fix = "let what follows here come after a timer, as `timers: [{after: 10ms, ...}]`, or after work"
    findings.report("NIM0707", message, way[-1].place, fix)


def _near(actors: Mapping[str, Reacting]) -> dict[str, Reacting]:
    """Those whom something can come back to, with all on its way, where one of them hears another."""
    reached: dict[str, set[str]] = {name: set() for name in actors}
    for name, one in actors.items():
        for emitter in reached.keys() & {*one.heard.values()}:
            reached[emitter].add(name)
        for other in reached.keys() & {f"cell/{cell}" for cell in receivers_of(one.root, one.works)}:
            reached[name].add(other)
            reached[other].add(name)  # it may reply
    part_of = mutual(reached)
    hearing = {
        part_of[name]
        for name, one in actors.items()
        for emitter in one.heard.values()
        if part_of.get(emitter) == part_of[name]
    }
    return {name: one for name, one in actors.items() if part_of[name] in hearing}


def _going(reactions: Sequence[Reaction]) -> list[Reaction]:
    """Those reactions of which each is begun by another one, and can come back to where it was."""
    kept = list(reactions)
    while True:
        made = {event for one in kept for event in one.makes}
        leaves: dict[tuple[str, int], set[tuple[str, int]]] = {}
        for one in kept:
            leaves.setdefault((one.actor, one.source), set()).add((one.actor, one.target))
            leaves.setdefault((one.actor, one.target), set())
        part_of = mutual(leaves)
        left = [
            one
            for one in kept
            if one.event in made and part_of[one.actor, one.source] == part_of[one.actor, one.target]
        ]
        if len(left) == len(kept):
            return left
        kept = left


def _ways(reactions: Sequence[Reaction]) -> Iterator[list[Reaction]]:
    """A way round for each part of the reactions in which there is one."""
    for part in _parts(reactions):
        way = _way([one for one in part if one.source == one.target])
        if not way and len(part) <= REACTION_COUNT_MAX:
            way = _way(_circulating(part))
        if way:
            yield way


def _parts(reactions: Sequence[Reaction]) -> list[list[Reaction]]:
    """Reactions that have nothing to do with one another, apart: no event and no actor is in two parts."""
    linked: dict[str, set[str]] = {one.actor: set() for one in reactions}
    for one in reactions:
        for other in linked.keys() & {event.actor for event in one.makes}:
            linked[one.actor].add(other)
            linked[other].add(one.actor)
    part_of = mutual(linked)
    parts: dict[int, list[Reaction]] = {}
    for one in reactions:
        parts.setdefault(part_of[one.actor], []).append(one)
    return [*parts.values()]


def _circulating(reactions: Sequence[Reaction]) -> list[Reaction]:
    """Reactions that keep one another going without end: none where there is no such way."""
    events = dict.fromkeys(one.event for one in reactions)
    leaves = dict.fromkeys((one.actor, leaf) for one in reactions for leaf in (one.source, one.target))
    taken = [
        {
            place: change
            for place, one in enumerate(reactions)
            if (change := (one.event == event) - one.makes.count(event))
        }
        for event in events
    ]
    left = [
        {
            place: change
            for place, one in enumerate(reactions)
            if one.actor == actor and (change := (one.source == leaf) - (one.target == leaf))
        }
        for actor, leaf in leaves
    ]
    heard = [place for place, one in enumerate(reactions) if one.event.wave >= 0]
    amounts = largest(len(reactions), [*taken, *left], heard)
    return [one for one, amount in zip(reactions, amounts, strict=True) if amount]


def _mutual(reactions: Sequence[Reaction]) -> dict[Reaction, int]:
    """By reaction the number of those that lead to it, and that it leads to."""
    taking: dict[MadeEvent, list[Reaction]] = {}
    for one in reactions:
        taking.setdefault(one.event, []).append(one)
    return mutual(
        {one: {other for event in one.makes for other in taking.get(event, ())} for one in reactions}
    )


def _way(reactions: Sequence[Reaction]) -> list[Reaction]:
    """The shortest way round on which a wave is heard; none where there is none."""
    part_of = _mutual(reactions)
    best: list[Reaction] = []
    for first in (one for one in reactions if one.event.wave >= 0):
        near = [one for one in reactions if part_of[one] == part_of[first]]
        found = _back(first, near)
        if found and (not best or len(found) < len(best)):
            best = found
    start = min(
        range(len(best)),
        key=lambda place: (best[place].actor, best[place].actor == best[place - 1].actor),
        default=0,
    )
    return best[start:] + best[:start]


def _back(first: Reaction, reactions: Sequence[Reaction]) -> list[Reaction]:
    """The shortest way from a reaction to itself."""
    paths, seen = [[first]], set[Reaction]()
    while paths:
        path = paths.pop(0)
        for one in reactions:
            if one.event not in path[-1].makes:
                continue
            if one == first:
                return path
            if one not in seen:
                seen.add(one)
                paths.append([*path, one])
    return []
