"""Each law of publish and subscribe kills a seeded defect of the buses in memory and on SimPy.

A mutant is one small change of the product, patched in; the suite of the port must
break on it, in the named law.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtime.chance.faults import FaultyBus
from runtime.chance.models import BusFaultModel
from runtime.conformance.bus import BusSuite, FatesSuite
from runtime.ports import memory_bus, topics
from runtime.ports.bus import Message, check_size
from runtime.ports.memory_bus import MemoryBus
from runtime.ports.topics import Audience
from tests.conformance import test_bus as suites

Patch = Callable[[pytest.MonkeyPatch], None]

_hearers = Audience.hearers
_arrivals = BusFaultModel.arrivals


def hears_itself(patch: pytest.MonkeyPatch) -> None:
    def hearers(self: Audience, message: Message) -> Any:
        return _hearers(self, message._replace(sender=""))

    patch.setattr(Audience, "hearers", hearers)


def only_the_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Audience, "hearers", lambda *arguments: _hearers(*arguments)[:1])


def once_a_pattern(patch: pytest.MonkeyPatch) -> None:
    """Who hears by two patterns hears twice."""

    def hearers(self: Audience, message: Message) -> Any:
        names = {name: None for name, _ in _hearers(self, message)}
        return [
            (name, arrive)
            for name in names
            for one, known in self._by_pattern.items()
            if topics.matches(one, message.to)
            for subscriber, arrive in known.items()
            if subscriber == name
        ]

    patch.setattr(Audience, "hearers", hearers)


def by_coming(patch: pytest.MonkeyPatch) -> None:
    """Copies go in another order than that of the ids."""
    patch.setattr(Audience, "hearers", lambda *arguments: _hearers(*arguments)[::-1])


def below_is_beside(patch: pytest.MonkeyPatch) -> None:
    """`a.*` also hears what only begins like a."""

    def matches(pattern: str, topic: str) -> bool:
        return pattern == topic or (pattern.endswith("*") and topic.startswith(pattern.rstrip(".*")))

    patch.setattr(topics, "matches", matches)


def below_is_there(patch: pytest.MonkeyPatch) -> None:
    """`a.*` also hears a itself."""
    original = topics.matches

    def matches(pattern: str, topic: str) -> bool:
        return original(pattern, topic) or pattern == f"{topic}.*"

    patch.setattr(topics, "matches", matches)


def nobody_is_told(patch: pytest.MonkeyPatch) -> None:
    def hearers(self: Audience, message: Message) -> Any:
        found = _hearers(self, message)
        if not found:
            self._on_incident(message.to, "nobody is there")
        return found

    patch.setattr(Audience, "hearers", hearers)


def too_large_is_lost(patch: pytest.MonkeyPatch) -> None:
    original = MemoryBus.publish

    def publish(self: MemoryBus, message: Message) -> None:
        if len(message.data) <= self._bytes_max:
            original(self, message)

    patch.setattr(MemoryBus, "publish", publish)


def too_large_is_heard(patch: pytest.MonkeyPatch) -> None:
    """It is refused, and some hear it all the same."""
    original = MemoryBus.publish

    def publish(self: MemoryBus, message: Message) -> None:
        for _, arrive in self._audience.hearers(message)[:1]:
            if len(message.data) > self._bytes_max:
                arrive(message)
        original(self, message)

    patch.setattr(MemoryBus, "publish", publish)


def listeners_hear_waves(patch: pytest.MonkeyPatch) -> None:
    original = MemoryBus.publish

    def publish(self: MemoryBus, message: Message) -> None:
        original(self, message)
        self._post(message._replace(to=f"cell/{topics.domain_of(message.to)}"))
        self._run(lambda: None)

    patch.setattr(MemoryBus, "publish", publish)


def at_once(patch: pytest.MonkeyPatch) -> None:
    """Subscribers hear before ``publish`` has returned."""

    def publish(self: MemoryBus, message: Message) -> None:
        topics.check_published(message)
        check_size(message, self._bytes_max)
        for _, arrive in self._audience.hearers(message):
            arrive(message)

    patch.setattr(MemoryBus, "publish", publish)


def all_in_one(patch: pytest.MonkeyPatch) -> None:
    """One delivery for all copies: who raises takes the others' away."""

    def publish(self: MemoryBus, message: Message) -> None:
        topics.check_published(message)
        check_size(message, self._bytes_max)

        def deliver() -> None:
            for _, arrive in self._audience.hearers(message):
                arrive(message)

        self._queue.append(deliver)
        self._run(lambda: None)

    patch.setattr(MemoryBus, "publish", publish)


def held_in_vain(patch: pytest.MonkeyPatch) -> None:
    """Subscribers cannot hold."""
    original = Audience.open

    def opened(self: Audience, *arguments: Any) -> Any:
        backlog = original(self, *arguments)
        patch.setattr(backlog, "hold", lambda: None)
        return backlog

    patch.setattr(Audience, "open", opened)


def not_closed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Audience, "_forget", lambda *_: None)


def answers_welcome(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory_bus, "check_published", lambda message: None)


def shared_luck(patch: pytest.MonkeyPatch) -> None:
    """One draw for all copies of a message."""
    patch.setattr(BusFaultModel, "arrivals", lambda self, *drawn: _arrivals(self, *drawn[:4]))


def luck_by_turn(patch: pytest.MonkeyPatch) -> None:
    """Draws belong to how many copies there were before."""

    def arrivals(self: Any, sender: str, to: str, number: int, now_ns: int, subscriber: str = "") -> Any:
        if subscriber:
            self.turn = getattr(self, "turn", 0) + 1
            number = self.turn
        return _arrivals(self, sender, to, number, now_ns, subscriber)

    patch.setattr(BusFaultModel, "arrivals", arrivals)


def shared_order(patch: pytest.MonkeyPatch) -> None:
    """A copy waits for those that go to others."""

    class One(dict[Any, int]):
        def __setitem__(self, key: Any, value: int) -> None:
            super().__setitem__((key[0], ""), value)

        def __getitem__(self, key: Any) -> int:
            return super().__getitem__((key[0], ""))

        def get(self, key: Any, default: Any = None) -> Any:
            return super().get((key[0], ""), default)

    original = BusFaultModel.__init__

    def made(self: BusFaultModel, *arguments: Any) -> None:
        original(self, *arguments)
        self._last_ns = One()

    patch.setattr(BusFaultModel, "__init__", made)


def no_order(patch: pytest.MonkeyPatch) -> None:
    """Copies overtake each other, though nothing is to be reordered."""

    def arrivals(self: Any, *drawn: Any) -> Any:
        if len(drawn) > 4:
            self._last_ns.clear()
        return _arrivals(self, *drawn)

    patch.setattr(BusFaultModel, "arrivals", arrivals)


def copies_stay(patch: pytest.MonkeyPatch) -> None:
    """A faulty bus forgets its faults for what is published."""

    def subscribe(self: FaultyBus, topic: str, subscriber: str, take: Any, *rest: Any) -> Any:
        return self._inner.subscribe(topic, subscriber, take, *rest)

    patch.setattr(FaultyBus, "subscribe", subscribe)


REACHES = "test_what_is_published_reaches_every_subscriber_once_and_in_order"
TOO_LARGE = "test_what_is_too_large_is_refused_to_the_publisher_and_nobody_hears_it"
DRAWN = "test_each_copy_meets_what_is_drawn_for_its_subscriber"
BUS: dict[Patch, str] = {
    hears_itself: "test_nobody_hears_itself_if_it_says_who_it_is",
    only_the_first: REACHES,
    once_a_pattern: REACHES,
    by_coming: "test_in_one_place_copies_go_in_the_order_of_the_subscribers",
    below_is_beside: REACHES,
    below_is_there: REACHES,
    nobody_is_told: "test_nobody_there_is_no_incident",
    too_large_is_lost: TOO_LARGE,
    too_large_is_heard: TOO_LARGE,
    listeners_hear_waves: "test_addresses_and_topics_never_meet",
    at_once: "test_nobody_hears_what_a_callback_publishes_before_it_has_been_published",
    all_in_one: "test_a_subscriber_that_raises_costs_nobody_a_copy",
    held_in_vain: "test_subscribers_hold_and_release_as_listeners_do",
    not_closed: "test_a_closed_subscriber_hears_nothing_more_and_makes_room",
    answers_welcome: "test_what_is_no_topic_is_refused",
}
FATES: dict[Patch, str] = {
    shared_luck: "test_luck_is_not_shared",
    luck_by_turn: "test_a_new_subscriber_changes_nobody_s_luck",
    shared_order: "test_a_new_subscriber_changes_nobody_s_luck",
    no_order: "test_order_per_sender_and_subscriber_holds_unless_it_is_to_be_broken",
    copies_stay: DRAWN,
}


def broken(suite: BusSuite | FatesSuite, law: str) -> str:
    """How a suite breaks in a law; empty when it does not."""
    try:
        getattr(suite, law)()
    except (AssertionError, ExceptionGroup, ValueError) as problem:
        return repr(problem)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", BUS, ids=lambda mutant: mutant.__name__)
def test_the_laws_of_publishing_kill(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not broken(suites.TestMemory(), BUS[mutant])
    mutant(monkeypatch)
    assert broken(suites.TestMemory(), BUS[mutant])


@pytest.mark.slow
@pytest.mark.parametrize("mutant", FATES, ids=lambda mutant: mutant.__name__)
def test_the_laws_of_fates_kill(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not broken(suites.TestFatesOfFaultyMemory(), FATES[mutant])
    mutant(monkeypatch)
    assert broken(suites.TestFatesOfFaultyMemory(), FATES[mutant])
