"""The way of one actor to the economy: one thing at a time, in order, until it is answered.

Every item has a number (where the journal has its event, which of that event's
questions it is) that the actor would choose again after a crash, so the economy
can tell a repetition from a new wish, and answers a repetition as it answered
before (SEMANTICS 3.1, 8.1).  Books of an actor reach the economy before its next
question, as they do in the virtual garden.  Nothing overtakes an item that failed: its
queue stands still, until a new process tries it again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from gardens.real.process.wishes import Granted, Impossible, Reply, Wish
from nimdsl.base import canonical
from nimdsl.base.errors import InternalError, PermanentPortError
from runtime.kernel.step import PriceDecision
from runtime.ledger.accounts import AnyCommand
from runtime.ports.bus import Message
from runtime.ports.requests import RequestClient
from runtime.run.run import BOOKS

ANSWER_WAIT_NS = 500_000_000
"""How long an answer is waited for before the same is asked again; wall clock.  Then twice as long."""
ANSWER_WAIT_NS_MAX = 30_000_000_000


class QueuedCommand(NamedTuple):
    """Which thing of an actor it is: where its journal has the event, and the number there."""

    position: int
    number: int
    at_ns: int
    """When the actor took the event, in garden time: the economy books it at that instant, if it can."""


@dataclass(slots=True)
class _Waiting:
    body: bytes
    done: Callable[[PriceDecision], None]


class CommandQueue:
    """A queue to the economy.  ``failed`` is told when a command is impossible."""

    def __init__(
        self, actor: str, economy: str, questions: RequestClient, failed: Callable[[Exception], None]
    ) -> None:
        self._actor = actor
        self._economy = economy
        self._questions = questions
        self._failed = failed
        self._items: deque[_Waiting | Callable[[], None]] = deque()
        self._asking = False
        self._wait_ns = ANSWER_WAIT_NS

    @property
    def count(self) -> int:
        """How much is not answered yet."""
        return len(self._items)

    def ask(self, item: QueuedCommand, command: AnyCommand, done: Callable[[PriceDecision], None]) -> None:
        """A question of a step."""
        self._add(item, command, done)

    def book(self, item: QueuedCommand, command: AnyCommand) -> None:
        """Something that a step booked."""
        self._add(item._replace(number=BOOKS + item.number), command, lambda _: None)

    def then(self, act: Callable[[], None]) -> None:
        """Does something once everything before it is answered."""
        self._items.append(act)
        self._go_on()

    def _add(self, item: QueuedCommand, command: AnyCommand, done: Callable[[PriceDecision], None]) -> None:
        wish = Wish(command, self._actor, (item.position, item.number), item.at_ns)
        self._items.append(_Waiting(canonical.encode(msgspec.to_builtins(wish)), done))
        self._go_on()

    def _go_on(self) -> None:
        while self._items and not self._asking:
            item = self._items[0]
            if isinstance(item, _Waiting):
                self._send(item)
            else:
                self._items.popleft()
                item()

    def _send(self, item: _Waiting) -> None:
        self._asking = True
        message = Message(self._economy, item.body)
        try:
            self._questions.ask(message, self._wait_ns, lambda answer: self._answered(item, answer))
        except PermanentPortError as problem:
            self._failed(problem)

    def _answered(self, item: _Waiting, answer: Message | None) -> None:
        if answer is None:  # it may be slow rather than away: an answer that comes later does not count
            self._wait_ns = min(2 * self._wait_ns, ANSWER_WAIT_NS_MAX)
            self._send(item)
            return
        said = None if answer.status else _read(answer.data)
        match said:
            case Impossible(error):
                self._failed(InternalError(f"{self._actor}: the economy says: {error}"))
            case Granted(granted, balance, purse):
                self._asking = False
                self._wait_ns = ANSWER_WAIT_NS
                self._items.popleft()
                item.done(PriceDecision(granted, balance, purse))
                self._go_on()
            case None:
                self._questions.later(ANSWER_WAIT_NS // 10, lambda: self._send(item))


def _read(data: bytes) -> Reply | None:
    """What the economy says; None when it was somebody else who said it."""
    try:
        reply: Reply = msgspec.json.decode(data, type=Reply)
    except (ValueError, RecursionError):
        return None
    return reply
