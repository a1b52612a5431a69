"""Waves that answer each other while no time passes: how they go round, and in what order.

The law: some reactions (:mod:`nimdsl.checks.reactions`) go on for ever at one instant only if there are
amounts of them such that each actor comes back to the leaf where it was by what leads from one of its
reactions to the next, and no event is taken more often than it is made.  Where a wave is among such
reactions, the way round is found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nimdsl.checks.circulation import largest, mutual
from nimdsl.checks.reactions import MadeEvent, Reacting, Reaction, reactions_of
from nimdsl.compile.participants import receivers_of
from nimdsl.compile.reader import Findings

REACTION_COUNT_MAX = 300
"""Where more reactions than this hang together, and none stays where it was, nothing is claimed."""
CHOICE_COUNT_MAX = 24
"""Where more reactions than this hang together, it is not chosen between which leaves an actor goes."""
TRY_COUNT_MAX = 32
"""After so many choices of the leaves between which actors go, nothing is claimed."""
NAME_COUNT_MAX = 8
"""So many actors of a long way are named."""


def loops(actors: Mapping[str, Reacting]) -> Iterator[list[Reaction]]:
    """Ways round without time on which a wave is, each in order; of what hangs together one.

    ``actors`` are by id.  A way begins with the first of its actors by id.
    """
    parts = _parts(_going(reactions_of(_near(actors))))
    while parts:
        part = parts.pop(0)
        if way := _way_of(part):
            yield way
            part_of = _mutual(part)
            gone = part_of[way[0]]
            parts[:0] = _parts(_going([one for one in part if part_of[one] != gone]))


def report_loop(findings: Findings, way: Sequence[Reaction]) -> None:
    """NIM0707: told at the transition that closes the way, in the document of which ``findings`` are."""
    actors = [reaction.actor for reaction in way] + [way[0].actor]
    met = [one for place, one in enumerate(actors) if not place or one != actors[place - 1]]
    names = [f"`{one.partition('/')[2]}`" for one in met]
    more = len(names) - 1 - NAME_COUNT_MAX
    if more > 0:
        names[NAME_COUNT_MAX:] = [f"... and {more} more"]
    message = f"waves go round here, and no time passes: {' → '.join(names)}"
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


def _way_of(part: Sequence[Reaction]) -> list[Reaction]:
    """A way round in a part of the reactions; none where none is found."""
    way = _way([one for one in part if one.source == one.target])
    if way and not _apart(way):
        return way
    return _way(_circulating(part)) if len(part) <= REACTION_COUNT_MAX else []


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
    """Reactions that keep one another going without end: none where no such way is found."""
    tries = [[*reactions]]
    for _ in range(TRY_COUNT_MAX):
        if not tries:
            break
        kept = tries.pop(0)
        found = _balanced(kept, [one for one in kept if one.event.wave >= 0])
        if _apart(found):
            found = _widened(found, kept) if len(kept) <= CHOICE_COUNT_MAX else []
        if not (pieces := _apart(found)) and found:
            return found
        tries += [[one for one in kept if one in piece or one.actor != piece[0].actor] for piece in pieces]
    return []


def _widened(found: Sequence[Reaction], reactions: Sequence[Reaction]) -> list[Reaction]:
    """Those ``found`` with all others that can take part in what is balanced, in their order."""
    within = {*found}
    while more := _balanced(reactions, [one for one in reactions if one not in within]):
        within.update(more)
    return [one for one in reactions if one in within]


def _apart(reactions: Sequence[Reaction]) -> list[list[Reaction]]:
    """The reactions of an actor that would have to be in several leaves at once, by where it would be.

    Nothing leads from those of one piece to those of another.  None where there is no such actor.
    """
    by_actor: dict[str, list[Reaction]] = {}
    for one in reactions:
        by_actor.setdefault(one.actor, []).append(one)
    for _, own in sorted(by_actor.items()):
        linked: dict[int, set[int]] = {}
        for one in own:
            linked.setdefault(one.source, set()).add(one.target)
            linked.setdefault(one.target, set()).add(one.source)
        part_of = mutual(linked)
        pieces: dict[int, list[Reaction]] = {}
        for one in own:
            pieces.setdefault(part_of[one.source], []).append(one)
        if len(pieces) > 1:
            return [*pieces.values()]
    return []


def _balanced(reactions: Sequence[Reaction], wanted: Sequence[Reaction]) -> list[Reaction]:
    """Reactions of which there are amounts such that nothing is used up, some ``wanted`` ones among them.

    None where there are no such amounts.  An actor may be in several leaves at once.
    """
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
    sought = {*wanted}
    places = [place for place, one in enumerate(reactions) if one in sought]
    amounts = largest(len(reactions), [*taken, *left], places)
    return [one for one, amount in zip(reactions, amounts, strict=True) if amount]


def _mutual(reactions: Sequence[Reaction]) -> dict[Reaction, int]:
    """By reaction the number of those that lead to it, and that it leads to."""
    taking = _taking(reactions)
    return mutual(
        {one: {other for event in one.makes for other in taking.get(event, ())} for one in reactions}
    )


def _taking(reactions: Iterable[Reaction]) -> dict[MadeEvent, list[Reaction]]:
    """The reactions that take an event, by it."""
    taking: dict[MadeEvent, list[Reaction]] = {}
    for one in reactions:
        taking.setdefault(one.event, []).append(one)
    return taking


def _way(reactions: Sequence[Reaction]) -> list[Reaction]:
    """A short way round on which a wave is heard; none where there is none."""
    parts: dict[int, list[Reaction]] = {}
    part_of = _mutual(reactions)
    for one in reactions:
        parts.setdefault(part_of[one], []).append(one)
    best: list[Reaction] = []
    for part in parts.values():
        first = next((one for one in part if one.event.wave >= 0), None)
        found = _back(first, _taking(part)) if first is not None else []
        if found and (not best or len(found) < len(best)):
            best = found
    start = min(
        range(len(best)),
        key=lambda place: (best[place].actor, best[place].actor == best[place - 1].actor),
        default=0,
    )
    return best[start:] + best[:start]


def _back(first: Reaction, taking: Mapping[MadeEvent, Sequence[Reaction]]) -> list[Reaction]:
    """The shortest way from a reaction to itself."""
    waiting, before = deque([first]), dict[Reaction, Reaction]()
    while waiting and first not in before:
        here = waiting.popleft()
        for one in (one for event in here.makes for one in taking.get(event, ())):
            if one not in before:
                before[one] = here
                waiting.append(one)
    if first not in before:
        return []
    way = [before[first]]
    while way[-1] != first:
        way.append(before[way[-1]])
    return way[::-1]
