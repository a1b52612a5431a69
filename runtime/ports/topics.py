"""Topics: where waves are published, and who subscribes to them in one place.

A topic is ``wave/<domain>``, an address space of its own.  A subscriber names one, or
a pattern: ``wave/a.*`` is one word or more below ``a``, ``wave/*`` is everything.

The law of :class:`Audience`: a message goes once to each subscriber with a pattern that
matches, by its most exact one, and never to its own sender; in the order of their ids.

Not here: how a copy gets there, and when (the implementations of :mod:`runtime.ports.bus`).
"""

from __future__ import annotations

import re

from runtime.ports.bus import Backlog, Handler, Message, OnIncident, Through

WAVES = "wave/"
"""What every topic begins with."""
EVERYTHING = f"{WAVES}*"
_BELOW = ".*"
_TOPIC = re.compile(r"wave/[A-Za-z][A-Za-z0-9_.-]*")
_PATTERN = re.compile(r"wave/(\*|[A-Za-z][A-Za-z0-9_.-]*(\.\*)?)")


def topic_of(domain: str) -> str:
    """The topic of a domain; what has none is published as ``none``."""
    return WAVES + (domain or "none")


def domain_of(topic: str) -> str:
    """The domain of a topic."""
    return topic.removeprefix(WAVES)


def is_exact(pattern: str) -> bool:
    """Whether it names one topic only."""
    return not pattern.endswith("*")


def matches(pattern: str, topic: str) -> bool:
    """Whether somebody who subscribes to ``pattern`` hears ``topic``."""
    if is_exact(pattern):
        return pattern == topic
    stem = pattern.removesuffix("*")
    return topic.startswith(stem) and topic != stem


def check_published(message: Message) -> None:
    """Raises ValueError for what cannot be published: no topic, or a wish for an answer."""
    if not _TOPIC.fullmatch(message.to):
        raise ValueError(f"{message.to!r} is no topic")
    if message.reply_to:
        raise ValueError("nobody answers what is published")


class Audience:
    """Who subscribes to what, in one place."""

    def __init__(self, on_incident: OnIncident) -> None:
        self._on_incident = on_incident
        self._by_pattern: dict[str, dict[str, Handler]] = {}
        self._wild: list[str] = []
        """Patterns that are no topics, the most exact ones first."""

    def open(
        self, pattern: str, subscriber: str, take: Handler, count_max: int, through: Through | None = None
    ) -> Backlog:
        """A new subscriber.  Raises ValueError for what is no topic, and for one that is there already."""
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(f"{pattern!r} is no topic")
        if not subscriber:
            raise ValueError("a subscriber has an id: its luck belongs to it")
        subscribers = self._by_pattern.get(pattern, {})
        if subscriber in subscribers:
            raise ValueError(f"{subscriber} hears {pattern} already")

        def on_incident(_: str, what: str) -> None:
            self._on_incident(subscriber, what)

        backlog = Backlog(
            pattern, take, count_max, on_incident, lambda: self._forget(pattern, subscriber, arrive)
        )
        put = backlog.put
        arrive: Handler = put if through is None else lambda message: through(message, put)
        self._by_pattern[pattern] = {**subscribers, subscriber: arrive}
        self._sort()
        return backlog

    def _forget(self, pattern: str, subscriber: str, arrive: Handler) -> None:
        subscribers = self._by_pattern.get(pattern, {})
        if subscribers.get(subscriber) is arrive:
            del subscribers[subscriber]
            if not subscribers:
                del self._by_pattern[pattern]
                self._sort()

    def _sort(self) -> None:
        wild = (pattern for pattern in self._by_pattern if not is_exact(pattern))
        self._wild = sorted(wild, key=len, reverse=True)

    def __len__(self) -> int:
        """How many topics and patterns anybody subscribes to."""
        return len(self._by_pattern)

    def hearers(self, message: Message) -> list[tuple[str, Handler]]:
        """Who hears a message, by id, and how it gets there."""
        found: dict[str, Handler] = {}
        for one in (message.to, *(wild for wild in self._wild if matches(wild, message.to))):
            for subscriber, arrive in self._by_pattern.get(one, {}).items():
                found.setdefault(subscriber, arrive)
        found.pop(message.sender, None)
        return sorted(found.items())
