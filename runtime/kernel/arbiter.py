"""Whose request is served next, and which model has which card (SEMANTICS 9).

The laws:

* Memory counts from the grant of a load until the process is gone, and no card has more of it in use, nor
  more models on it, than it has.
* Requests are looked at by priority, then in the order in which they came.  The first that can be served on
  a ready model, or for which a load can begin, or room be made, is the next move.
* A request needs room while its organ is nowhere, or on its way out, and may be loaded now.  No load begins
  on a card past a request that needs room there; a ready model there takes no request past one of a higher
  priority, nor past one of the same that was passed ``batch`` times.
* A slice of training begins only where no request has a claim: none waits for a model of the card, or for
  room on it.  Its memory counts from then on until it is over, and nobody leaves for it.
* With requests waiting there is a move, or something is loading, serving, training or unloading, or all
  that wait do so until a failed load may be tried again.

Pure functions on a :class:`RackState`.  What a move leads to is in :mod:`runtime.kernel.rack`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from nimdsl.base.values import Fields
from nimdsl.program.garden import Card
from nimdsl.program.organ import Organ
from nimdsl.program.rack import organ_fits
from runtime.kernel.learning import Learning, is_due
from runtime.records import Identity

LOADING, READY, SERVING, TRAINING, UNLOADING = "loading", "ready", "serving", "training", "unloading"
FREE = "free"
"""What a model is that is on no card."""


class OrganRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request that waits or is served; ``number`` is its place in the order of arrival."""

    number: int
    organ: str
    asked: Identity
    """Who asked, and the number of the ask."""
    priority: int
    since_ns: int
    by_ns: int
    """When it has waited too long."""
    timed: bool
    """Whether something of what it asks comes from the clock."""
    arguments: Fields
    """What the model is given: task, payload, stage."""
    attempt: int = 1
    passed: int = 0
    """How many requests of its priority that came later were served on a card where it needs room."""

    @property
    def task(self) -> str:
        """What is to be done."""
        return str(self.arguments.get("task", ""))

    @property
    def stage(self) -> str:
        """The stage of the nerve that asks; empty for a cell."""
        return str(self.arguments.get("stage", ""))


class Resident(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A model that has memory of a card; each organ has one at most."""

    card: str
    state: str
    used_ns: int
    """When it became ready, or came back from serving."""
    work: int = 0
    """The work that loads it, has it serve, trains or unloads it."""
    request: OrganRequest | None = None
    """What it serves; None also while it still works for somebody who does not wait any more."""
    begun_ns: int = 0
    """Since when it serves."""
    room: str = ""
    """The organ for which it makes room."""


class LoadTrouble(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Loads of an organ that failed in a row; before ``until_ns`` none begins."""

    failures: int
    until_ns: int
    broken: bool = False
    """Whether it is given up until then."""


class RackState(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The cards of a host, and all that is on them or waits for them."""

    cards: tuple[Card, ...]
    waiting: tuple[OrganRequest, ...] = ()
    """In the order of arrival."""
    residents: Mapping[str, Resident] = {}
    """By organ."""
    troubles: Mapping[str, LoadTrouble] = {}
    """By organ."""
    arrivals: int = 0
    """How many requests came so far."""
    asleep: bool = False
    """Whether the economy sleeps."""
    learnt: Mapping[str, Learning] = {}
    """By organ, of those that train."""


class Serve(NamedTuple):
    """A ready model takes a request, past those of these numbers."""

    request: OrganRequest
    passed: tuple[int, ...]


class LoadOnto(NamedTuple):
    """A load begins."""

    request: OrganRequest
    card: str


class Evict(NamedTuple):
    """Ready models make room for a request, in this order."""

    request: OrganRequest
    organs: tuple[str, ...]


Move = Serve | LoadOnto | Evict
Organs = Mapping[str, Organ]


def next_move(organs: Organs, state: RackState, now_ns: int) -> Move | None:
    """What is to be done first at an instant; None: nothing, until something happens or time passes."""
    line, seen = in_line(state, now_ns), set[str]()
    for place, request in enumerate(line):
        if request.organ in seen:
            continue  # what holds for the first request to an organ holds for those behind it
        seen.add(request.organ)
        resident = state.residents.get(request.organ)
        if resident is None:
            move: Move | None = _place(organs, state, line, place, now_ns)
        else:
            move = _serve(organs, state, line, place, now_ns) if resident.state == READY else None
        if move is not None:
            return move
    return None


Line = Sequence[OrganRequest]


def in_line(state: RackState, now_ns: int) -> list[OrganRequest]:
    """Those who wait, in the order in which they are looked at; one whose time is over does not."""
    waiting = (one for one in state.waiting if one.by_ns > now_ns)
    return sorted(waiting, key=lambda one: (-one.priority, one.number))


def _needing(organs: Organs, state: RackState, before: Line, card: str, now_ns: int) -> list[OrganRequest]:
    """Those of ``before`` that need room on a card."""
    (place,) = (one for one in state.cards if one.name == card)
    needy = {
        name
        for name in {one.organ for one in before}
        if organ_fits(organs[name], place) and _needs_room(state, name, now_ns)
    }
    return [one for one in before if one.organ in needy]


def _needs_room(state: RackState, organ: str, now_ns: int) -> bool:
    resident = state.residents.get(organ)
    return not is_held(state, organ, now_ns) and (resident is None or resident.state == UNLOADING)


def is_held(state: RackState, organ: str, now_ns: int) -> bool:
    """Whether no load of the organ begins now, because some failed."""
    trouble = state.troubles.get(organ)
    return trouble is not None and now_ns < trouble.until_ns


def _serve(organs: Organs, state: RackState, line: Line, place: int, now_ns: int) -> Serve | None:
    """Whether a ready model takes the request at a place in the line."""
    request = line[place]
    card, batch = state.residents[request.organ].card, organs[request.organ].batch
    passed = _needing(organs, state, line[:place], card, now_ns)
    if any(one.priority > request.priority or one.passed >= batch for one in passed):
        return None
    return Serve(request, tuple(one.number for one in passed))


def _place(
    organs: Organs, state: RackState, line: Line, place: int, now_ns: int
) -> LoadOnto | Evict | None:
    """A load, or room for one: on a card that nobody before it needs."""
    request, before = line[place], line[:place]
    organ = organs[request.organ]
    if is_held(state, organ.name, now_ns):
        return None
    fitting = [card for card in state.cards if organ_fits(organ, card)]
    cards = [card for card in fitting if not _needing(organs, state, before, card.name, now_ns)]
    free = [card for card in cards if has_room(organs, state, organ, card)]
    if free:
        best = min(free, key=lambda card: (card.memory_bytes - used_bytes(organs, state, card), card.name))
        return LoadOnto(request, best.name)
    if any(one.room == organ.name for one in state.residents.values()):
        return None
    if any(_has_room_after_slices(organs, state, organ, card) for card in cards):
        return None
    claimed = _claimed(organs, state, line, place, now_ns)
    found = [gone for card in cards if (gone := _evicted(organs, state, organ, card, claimed))]
    if not found:
        return None
    _, _, names = min(found)
    return Evict(request, names)


def _claimed(organs: Organs, state: RackState, line: Line, place: int, now_ns: int) -> set[str]:
    """The ready models that take a later request before they make room for the one at ``place``."""
    later: dict[str, int] = {}
    for behind in range(place + 1, len(line)):
        later.setdefault(line[behind].organ, behind)
    return {
        name
        for name, behind in later.items()
        if (resident := state.residents.get(name)) is not None
        and resident.state == READY
        and _serve(organs, state, line, behind, now_ns) is not None
    }


def _evicted(
    organs: Organs, state: RackState, organ: Organ, card: Card, claimed: Container[str]
) -> tuple[int, str, tuple[str, ...]] | None:
    """Which models leave a card for an organ, after the last use of the last one; None: too few can."""
    on_card = {name: one for name, one in state.residents.items() if one.card == card.name}
    if any(one.state == UNLOADING for one in on_card.values()):
        return None
    idle = sorted((one.used_ns, name) for name, one in on_card.items() if one.state == READY)
    gone: list[str] = []
    for used_ns, name in idle:
        if name in claimed:
            continue
        gone.append(name)
        if has_room(organs, state, organ, card, gone):
            return used_ns, card.name, tuple(gone)
    return None


def next_slice(organs: Organs, state: RackState, now_ns: int) -> str | None:
    """The organ of which a slice of training begins now; asked when there is no move."""
    line = in_line(state, now_ns)
    for name, resident in sorted(state.residents.items()):
        training, learning = organs[name].training, state.learnt.get(name)
        if training is None or learning is None or resident.state != READY:
            continue
        if not is_due(training, learning) or learning.until_ns > now_ns or sleeps(organs, state, name):
            continue
        (card,) = (one for one in state.cards if one.name == resident.card)
        has_memory = used_bytes(organs, state, card) + training.memory_bytes <= card.memory_bytes
        if has_memory and not _is_claimed(organs, state, line, card.name, now_ns):
            return name
    return None


def _is_claimed(organs: Organs, state: RackState, line: Line, card: str, now_ns: int) -> bool:
    """Whether somebody waits for a model that is on the card, or for room there."""
    there = {name for name, one in state.residents.items() if one.card == card}
    return any(one.organ in there for one in line) or bool(_needing(organs, state, line, card, now_ns))


def sleeps(organs: Organs, state: RackState, organ: str) -> bool:
    """Whether the economy sleeps, and the organ with it."""
    return state.asleep and not organs[organ].goes


def used_bytes(organs: Organs, state: RackState, card: Card, without: list[str] | None = None) -> int:
    """How much of a card's memory is in use, by models in every state, but for those ``without``."""
    on_card = ((name, one) for name, one in state.residents.items() if one.card == card.name)
    return sum(_bytes_of(organs[name], one) for name, one in on_card if name not in (without or ()))


def _bytes_of(organ: Organ, resident: Resident) -> int:
    """What a model has of its card, with the training that goes on."""
    training = organ.training if resident.state == TRAINING else None
    return organ.memory_bytes + (training.memory_bytes if training is not None else 0)


def has_room(
    organs: Organs, state: RackState, organ: Organ, card: Card, without: list[str] | None = None
) -> bool:
    """Whether the organ fits beside what is on the card."""
    count = sum(
        one.card == card.name and name not in (without or ()) for name, one in state.residents.items()
    )
    free_bytes = card.memory_bytes - used_bytes(organs, state, card, without)
    return organ.memory_bytes <= free_bytes and (not card.models_max or count < card.models_max)


def _has_room_after_slices(organs: Organs, state: RackState, organ: Organ, card: Card) -> bool:
    """Whether the organ fits as soon as the slices of training on the card are over."""
    over = {
        name: replace(one, state=READY) if one.state == TRAINING else one
        for name, one in state.residents.items()
    }
    return has_room(organs, replace(state, residents=over), organ, card)


def is_awaited(state: RackState, organ: str) -> bool:
    """Whether a request for the organ waits."""
    return any(one.organ == organ for one in state.waiting)


def next_due_ns(organs: Organs, state: RackState, now_ns: int) -> int | None:
    """When something is over next: somebody's patience, a model's stay, a wait for a load or a slice."""
    times = [one.by_ns for one in state.waiting]
    times += [one.request.by_ns for one in state.residents.values() if one.request is not None]
    times += [
        one.used_ns + organs[name].keep_ns
        for name, one in state.residents.items()
        if one.state == READY and not is_awaited(state, name)
    ]
    times += [
        one.until_ns
        for name, one in state.troubles.items()
        if one.until_ns > now_ns and name not in state.residents and is_awaited(state, name)
    ]
    times += [
        one.until_ns
        for name, one in state.learnt.items()
        if one.until_ns > now_ns and name in state.residents and state.residents[name].state == READY
    ]
    return min(times, default=None)
