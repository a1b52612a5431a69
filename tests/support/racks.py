"""A rack alone: requests in, what it does and says; and whose turn it is, said again."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gardens.stores.memory import MemoryJournal
from nimdsl.expression.types import DURATION
from nimdsl.program import Card, CardHost, Distribution, Organ, WorkModel
from nimdsl.program.rack import rack_of
from runtime.kernel.arbiter import Evict, LoadOnto, Move, OrganRequest, RackState, Serve
from runtime.kernel.effects import RevokeWork, SendMessage, SetTimer, StartWork
from runtime.kernel.events import AnyEvent, Begin, Finished, Received, Role, TimerDue
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.kernel import Kernel, PriceDecision
from runtime.ledger.accounts import Question
from runtime.run.host import Checks, Host

S = 1_000_000_000
EVENT_COUNT_MAX = 2_000
Organs = Mapping[str, Organ]


def lasting(duration_ns: int) -> WorkModel:
    """Work that always takes so long."""
    return WorkModel(Distribution("constant", (duration_ns,), DURATION))


def kernel_for(
    organs: Organs, cards: Sequence[Card], unload_ns: int = 0, begins: Begin | None = None
) -> Kernel:
    """The kernel of a rack."""
    rack = rack_of(CardHost("desk", tuple(cards), unload_ns), organs.values())
    return Kernel(rack, PlainInterpreter(rack.table), {}, begins=begins or Begin(cards=tuple(cards)))


@dataclass
class Said:
    """A request, and what became of it."""

    organ: str
    at_ns: int
    by_ns: int
    leaves_ns: int | None
    answers: list[tuple[int, Role, Any]] = field(default_factory=list)


@dataclass
class RackAlone:
    """A rack in time, on a bus that takes none.

    ``fails`` says of each load whether it fails, ``slips`` of each slice; ``lag_ns`` is how long what is
    revoked goes on.
    """

    organs: Organs
    cards: Sequence[Card]
    unload_ns: int = 0
    lag_ns: int = 0
    fails: Callable[[int], bool] = lambda _: False
    slips: Callable[[int], bool] = lambda _: False
    pays: Callable[[Question], bool] = lambda _: True
    looks: Callable[[RackAlone], None] = lambda _: None
    checks: Checks = field(default_factory=Checks)
    now_ns: int = 0
    load_count: int = 0
    slices: list[tuple[str, str]] = field(default_factory=list)
    """The organ of each slice that has begun, and how it ends."""
    asked: dict[str, Said] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kernel = kernel_for(self.organs, self.cards, self.unload_ns)
        self.host = Host(kernel, MemoryJournal(), self.checks)
        self._agenda: list[tuple[int, int, int, AnyEvent]] = []
        self._numbers = count()
        self._put(0, kernel.begins)

    @property
    def state(self) -> RackState:
        """What is on the cards, and who waits."""
        assert self.host.snapshot.rack is not None
        return self.host.snapshot.rack

    @property
    def is_quiet(self) -> bool:
        """Whether nothing more happens at this instant."""
        return not self._agenda or self._agenda[0][0] > self.now_ns

    def ask(
        self,
        at_ns: int,
        organ: str,
        priority: int = 0,
        timeout_ns: int = 60 * S,
        leaves_ns: int | None = None,
    ) -> str:
        """A request, perhaps of somebody who leaves after so long; gives who asks."""
        who = f"cell/{len(self.asked):03}"
        said = self.asked[who] = Said(organ, at_ns, at_ns + timeout_ns, leaves_ns)
        payload: Any = {
            "task": "t",
            "payload": {},
            "stage": "",
            "priority": priority,
            "timeout_ns": timeout_ns,
            "timed": False,
        }
        self._put(at_ns, Received(organ, payload, Role.ASK, 1, sender=who, number=1))
        if said.leaves_ns is not None:
            left = Received(organ, {}, Role.WITHDRAWAL, 1, sender=who, number=2)
            self._put(at_ns + said.leaves_ns, left)
        return who

    def run(self) -> RackAlone:
        """Everything that happens."""
        for _ in range(EVENT_COUNT_MAX):
            if not self._agenda:
                return self
            self.now_ns, _, _, event = heapq.heappop(self._agenda)
            self._take(event)
            self.looks(self)
        raise AssertionError("it never comes to rest")

    def _put(self, at_ns: int, event: AnyEvent) -> None:
        heapq.heappush(self._agenda, (at_ns, event.priority, next(self._numbers), event))

    def _take(self, event: AnyEvent) -> None:
        taken = self.host.accept(event, self.now_ns, lambda asked: PriceDecision(self.pays(asked), 0))
        for effect in taken or ():  # type: ignore[union-attr]
            match effect:
                case SetTimer():
                    self._put(effect.deadline_ns, TimerDue(effect.timer, effect.generation))
                case StartWork():
                    self._start(effect)
                case RevokeWork(number):
                    self._put(self.now_ns + self.lag_ns, Finished(number, "revoked"))
                case SendMessage():
                    answer = (self.now_ns, effect.role, effect.payload)
                    self.asked[effect.to].answers.append(answer)

    def _start(self, effect: StartWork) -> None:
        what = effect.work.partition("-")[0]
        model = self.host.kernel.actor.works[effect.work].virtual
        assert model is not None
        outcome = "done"
        if what == "load":
            self.load_count += 1
            outcome = "failed" if self.fails(self.load_count) else "done"
        elif what == "train":
            outcome = "failed" if self.slips(len(self.slices) + 1) else "done"
            self.slices.append((effect.work.partition("-")[2], outcome))
        duration_ns: int = model.latency.parameters[0]
        self._put(self.now_ns + duration_ns, Finished(effect.number, outcome))


# Whose turn it is, once more: every request is looked at, and every set of models that could leave


def in_turn(state: RackState, now_ns: int) -> list[OrganRequest]:
    """Those that still wait, in the order in which they are looked at."""
    waiting = [one for one in state.waiting if one.by_ns > now_ns]
    return sorted(waiting, key=lambda one: (-one.priority, one.number))


def needs_room_on(organs: Organs, state: RackState, request: OrganRequest, card: str, now_ns: int) -> bool:
    """Whether the request waits for room on the card."""
    trouble = state.troubles.get(request.organ)
    if trouble is not None and trouble.until_ns > now_ns:
        return False
    there = state.residents.get(request.organ)
    return (there is None or there.state == "unloading") and card in _allowed(organs, state, request.organ)


def _allowed(organs: Organs, state: RackState, organ: str) -> list[str]:
    spec = organs[organ]
    wide = [card.name for card in state.cards if card.memory_bytes >= spec.memory_bytes]
    return [name for name in wide if name in spec.cards] if spec.cards else wide


def load_on(
    organs: Organs, state: RackState, card: Card, without: frozenset[str] = frozenset()
) -> tuple[int, int]:
    """How many bytes of a card, and how many models, are in use."""
    there = [name for name, one in state.residents.items() if one.card == card.name and name not in without]
    trained = (organs[name].training for name in there if state.residents[name].state == "training")
    beside = sum(one.memory_bytes for one in trained if one is not None)
    return sum(organs[name].memory_bytes for name in there) + beside, len(there)


def slices_again(organs: Organs, state: RackState, now_ns: int) -> list[str]:
    """The organs that could train now, by name: who waits for a card, or for a model on it, comes first."""
    found = []
    for name, there in state.residents.items():
        training, learnt = organs[name].training, state.learnt.get(name)
        if training is None or learnt is None or there.state != "ready":
            continue
        if learnt.served < training.after or now_ns < learnt.until_ns or state.asleep:
            continue
        (card,) = (one for one in state.cards if one.name == there.card)
        if load_on(organs, state, card)[0] + training.memory_bytes > card.memory_bytes:
            continue
        if not claims_on(organs, state, there.card, now_ns):
            found.append(name)
    return sorted(found)


def claims_on(organs: Organs, state: RackState, card: str, now_ns: int) -> list[OrganRequest]:
    """Those who wait for room on a card, or for a model that is on it."""
    return [
        one
        for one in in_turn(state, now_ns)
        if needs_room_on(organs, state, one, card, now_ns)
        or (one.organ in state.residents and state.residents[one.organ].card == card)
    ]


def turn_again(organs: Organs, state: RackState, now_ns: int) -> Move | None:
    """What is to be done first."""
    before: list[OrganRequest] = []
    for request in in_turn(state, now_ns):
        move = _served(organs, state, request, before, now_ns) or _loaded(
            organs, state, request, before, now_ns
        )
        if move is not None:
            return move
        before.append(request)
    return None


def _served(
    organs: Organs, state: RackState, request: OrganRequest, before: list[OrganRequest], now_ns: int
) -> Serve | None:
    there = state.residents.get(request.organ)
    if there is None or there.state != "ready":
        return None
    passed = [one for one in before if needs_room_on(organs, state, one, there.card, now_ns)]
    least = organs[request.organ].batch
    if all(one.priority == request.priority and one.passed < least for one in passed):
        return Serve(request, tuple(one.number for one in passed))
    return None


def _loaded(
    organs: Organs, state: RackState, request: OrganRequest, before: list[OrganRequest], now_ns: int
) -> LoadOnto | Evict | None:
    if request.organ in state.residents:
        return None
    spec, found = organs[request.organ], []
    for card in state.cards:
        taken = any(needs_room_on(organs, state, one, card.name, now_ns) for one in before)
        if taken or not needs_room_on(organs, state, request, card.name, now_ns):
            continue
        found += [(gone, card) for gone in _sets_that_leave(organs, state, request, card, now_ns)]
    free = [
        (card.memory_bytes - load_on(organs, state, card)[0], card.name) for gone, card in found if not gone
    ]
    if free:
        return LoadOnto(request, min(free)[1])
    if any(one.room == spec.name for one in state.residents.values()) or not found:
        return None
    if any(_fits_after_slices(organs, state, request, card, before, now_ns) for card in state.cards):
        return None
    used = {name: one.used_ns for name, one in state.residents.items()}
    gone, _ = min(found, key=lambda one: (used[one[0][-1]], one[1].name))
    return Evict(request, gone)


def _fits_after_slices(
    organs: Organs,
    state: RackState,
    request: OrganRequest,
    card: Card,
    before: list[OrganRequest],
    now_ns: int,
) -> bool:
    """Whether only a slice of training keeps the request from a card that nobody before it needs."""
    if any(needs_room_on(organs, state, one, card.name, now_ns) for one in before):
        return False
    if not needs_room_on(organs, state, request, card.name, now_ns):
        return False
    used_bytes, used_count = load_on(organs, state, card)
    for name, one in state.residents.items():
        training = organs[name].training
        if one.card == card.name and one.state == "training" and training is not None:
            used_bytes -= training.memory_bytes
    within = used_bytes + organs[request.organ].memory_bytes <= card.memory_bytes
    return within and (not card.models_max or used_count + 1 <= card.models_max)


def _sets_that_leave(
    organs: Organs, state: RackState, request: OrganRequest, card: Card, now_ns: int
) -> list[tuple[str, ...]]:
    """The models that leave the card for the request: none, if it fits; nothing where it cannot."""

    def fits(gone: frozenset[str]) -> bool:
        used_bytes, used_count = load_on(organs, state, card, gone)
        within = used_bytes + organs[request.organ].memory_bytes <= card.memory_bytes
        return within and (not card.models_max or used_count + 1 <= card.models_max)

    if fits(frozenset()):
        return [()]
    on_card = {name: one for name, one in state.residents.items() if one.card == card.name}
    if any(one.state == "unloading" for one in on_card.values()):
        return []
    turn = in_turn(state, now_ns)
    behind = turn[turn.index(request) + 1 :]
    wanted = {
        one.organ
        for one in behind
        if _served(organs, state, one, turn[: turn.index(one)], now_ns) is not None
    }
    may_go = [name for name, one in on_card.items() if one.state == "ready" and name not in wanted]
    line = sorted(may_go, key=lambda name: (on_card[name].used_ns, name))
    enough = [line[:size] for size in range(1, len(line) + 1) if fits(frozenset(line[:size]))]
    return [tuple(enough[0])] if enough else []
