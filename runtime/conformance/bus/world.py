"""What the laws of a bus need of the world around it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, settings

from runtime.ports.bus import Bus, Message

MS = 1_000_000
SECOND = 1_000 * MS
LONG = 1_000_000 * SECOND
"""A deadline that no test lives to see."""
BYTES_MAX = 1_000
"""What a bus under test carries."""


class World:
    """A bus in two places (the same one, where an implementation has only one), and its time."""

    here: Bus
    there: Bus

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.problems: list[Exception] = []
        """What callbacks raised, as it reached whoever drives the bus."""

    def tell(self, address: str, what: str) -> None:
        """What the buses of this world are to be made with."""
        self.told.append((address, what))

    def drive(self, act: Callable[[], object]) -> None:
        """Does something that may make listeners raise."""
        try:
            act()
        except ExceptionGroup as group:
            self.problems += group.exceptions

    def now_ns(self) -> int:
        """Garden time."""
        raise NotImplementedError

    async def settled(self) -> None:
        """Until everything that is under way has arrived, with what came of it."""
        raise NotImplementedError

    async def passed(self, time_ns: int) -> None:
        """Until so much garden time has gone by."""
        raise NotImplementedError


Case = Callable[[Any], Coroutine[Any, Any, None]]


class BusLaws:
    """What has laws about a bus."""

    def play(self, case: Case) -> None:
        """Plays a case in a new world, and takes the world down."""
        raise NotImplementedError


some = settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
"""Each example is a world of its own, perhaps with a server."""


async def hears(world: World, address: str, bus: Bus | None = None) -> list[Message]:
    """A listener that writes down what it hears, and that is known everywhere."""
    heard: list[Message] = []
    (bus or world.there).listen(address, heard.append)
    await world.settled()
    return heard


async def subscribes(world: World, topic: str, subscriber: str, bus: Bus | None = None) -> list[Message]:
    """A subscriber that writes down what it hears, and that is known everywhere."""
    heard: list[Message] = []
    (bus or world.there).subscribe(topic, subscriber, heard.append)
    await world.settled()
    return heard


def words(messages: list[Message]) -> list[str]:
    """What messages say."""
    return [message.data.decode() for message in messages]


def text(to: str, what: object, **fields: Any) -> Message:
    """A message that says something."""
    return Message(to, str(what).encode(), **fields)
