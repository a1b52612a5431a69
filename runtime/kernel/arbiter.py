"""Whose request is served next, and which model has which card (SEMANTICS 8).

The laws:

* Memory counts from the grant of a load until the process is gone, and no card has more of it in use, nor
  more models on it, than it has.
* Requests are looked at by priority, then in the order in which they came.  The first that can be served on
  a ready model, or for which a load can begin, or room be made, is the next move.
* A request needs room while its organ is nowhere, or on its way out, and may be loaded now.  No load begins
  on a card past a request that needs room there; a ready model there takes no request past one of a higher
  priority, and at most ``batch`` past one of the same.
* With requests waiting there is a move, or something is loading, serving or unloading, or all that wait do
  so until a failed load may be tried again.

Pure functions on a :class:`RackState`.  What a move leads to is in :mod:`runtime.kernel.rack`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from nimdsl.base.values import Fields
from nimdsl.program.garden import Card
from nimdsl.program.organ import Organ
from nimdsl.program.rack import organ_fits
from runtime.records import Identity

LOADING, READY, SERVING, UNLOADING = "loading", "ready", "serving", "unloading"
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
    """The work that loads it, has it serve or unloads it."""
    passed: int = 0
    """How many requests in a row it took past one that needs its room."""
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


class Serve(NamedTuple):
    """A ready model takes a request; ``passes`` says whether past one that needs its room."""

    request: OrganRequest
    passes: bool


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
    """What is to be done first; None: nothing."""
    needed: dict[str, int] = {}
    """By card, the priority of the first request that needs room there."""
    for request in _first_of_each(state, now_ns):
        organ = organs[request.organ]
        move = _serve(organ, state, request, needed) or _place(organs, state, request, needed, now_ns)
        if move is not None:
            return move
        if _needs_room(state, request.organ, now_ns):
            for card in state.cards:
                if organ_fits(organ, card):
                    needed.setdefault(card.name, request.priority)
    return None


def _first_of_each(state: RackState, now_ns: int) -> Iterator[OrganRequest]:
    """The first request for each organ, in the order in which they are looked at: what holds for it holds
    for those behind it.  One whose time is over is none."""
    seen: set[str] = set()
    for request in sorted(state.waiting, key=lambda one: (-one.priority, one.number)):
        if request.organ not in seen and request.by_ns > now_ns:
            seen.add(request.organ)
            yield request


def _needs_room(state: RackState, organ: str, now_ns: int) -> bool:
    resident = state.residents.get(organ)
    return not is_held(state, organ, now_ns) and (resident is None or resident.state == UNLOADING)


def is_held(state: RackState, organ: str, now_ns: int) -> bool:
    """Whether no load of the organ begins now, because some failed."""
    trouble = state.troubles.get(organ)
    return trouble is not None and now_ns < trouble.until_ns


def _serve(
    organ: Organ, state: RackState, request: OrganRequest, needed: Mapping[str, int]
) -> Serve | None:
    resident = state.residents.get(organ.name)
    if resident is None or resident.state != READY:
        return None
    before = needed.get(resident.card)
    if before is not None and (before > request.priority or resident.passed >= organ.batch):
        return None
    return Serve(request, before is not None)


def _place(
    organs: Organs, state: RackState, request: OrganRequest, needed: Mapping[str, int], now_ns: int
) -> LoadOnto | Evict | None:
    """A load, or room for one: on a card that nobody before it needs."""
    organ = organs[request.organ]
    if organ.name in state.residents or is_held(state, organ.name, now_ns):
        return None
    cards = [card for card in state.cards if card.name not in needed and organ_fits(organ, card)]
    free = [card for card in cards if has_room(organs, state, organ, card)]
    if free:
        best = min(free, key=lambda card: (card.memory_bytes - used_bytes(organs, state, card), card.name))
        return LoadOnto(request, best.name)
    if any(one.room == organ.name for one in state.residents.values()):
        return None
    found = [evicted for card in cards if (evicted := _evicted(organs, state, request, card))]
    if not found:
        return None
    _, _, names = min(found)
    return Evict(request, names)


def _evicted(
    organs: Organs, state: RackState, request: OrganRequest, card: Card
) -> tuple[int, str, tuple[str, ...]] | None:
    """Which models leave a card for a request, after the last use of the last one; None: too few can."""
    on_card = {name: one for name, one in state.residents.items() if one.card == card.name}
    if any(one.state == UNLOADING for one in on_card.values()):
        return None
    idle = sorted((one.used_ns, name) for name, one in on_card.items() if one.state == READY)
    gone: list[str] = []
    for used_ns, name in idle:
        if _has_better_claim(organs[name], state, request):
            continue
        gone.append(name)
        if has_room(organs, state, organs[request.organ], card, gone):
            return used_ns, card.name, tuple(gone)
    return None


def _has_better_claim(organ: Organ, state: RackState, request: OrganRequest) -> bool:
    """Whether a ready model will be asked before it must make room for the request."""
    passed = state.residents[organ.name].passed
    return any(
        one.priority > request.priority or (one.priority == request.priority and passed < organ.batch)
        for one in state.waiting
        if one.organ == organ.name
    )


def used_bytes(organs: Organs, state: RackState, card: Card, without: list[str] | None = None) -> int:
    """How much of a card's memory is in use."""
    on_card = (name for name, one in state.residents.items() if one.card == card.name)
    return sum(organs[name].memory_bytes for name in on_card if name not in (without or ()))


def has_room(
    organs: Organs, state: RackState, organ: Organ, card: Card, without: list[str] | None = None
) -> bool:
    """Whether the organ fits beside what is on the card."""
    count = sum(
        one.card == card.name and name not in (without or ()) for name, one in state.residents.items()
    )
    free_bytes = card.memory_bytes - used_bytes(organs, state, card, without)
    return organ.memory_bytes <= free_bytes and (not card.models_max or count < card.models_max)


def is_awaited(state: RackState, organ: str) -> bool:
    """Whether a request for the organ waits."""
    return any(one.organ == organ for one in state.waiting)


def next_due_ns(organs: Organs, state: RackState) -> int | None:
    """When something is over next: somebody's patience, the stay of a model, a wait after a failed load."""
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
        if not one.broken and name not in state.residents and is_awaited(state, name)
    ]
    return min(times, default=None)
