"""How the economy tells marks and loans: to each actor one at a time, in order, until it has taken it.

The actor answers when its journal has the event; a repetition it drops and answers again.  What
was heard is journalled, so that after a restart only the rest is told (SEMANTICS 3.6, 8.1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from runtime.kernel.events import Loan, Marked
from runtime.ports.bus import Message
from runtime.ports.requests import RequestClient
from runtime.run import wire

ANSWER_WAIT_NS = 500_000_000
"""How long an answer is waited for before the same is told again; wall clock.  Then twice as long."""
ANSWER_WAIT_NS_MAX = 30_000_000_000


class Teller:
    """Tells actors; ``heard`` is called with the actor and the event that it has taken."""

    def __init__(self, questions: RequestClient, heard: Callable[[str, Marked | Loan], None]) -> None:
        self._questions = questions
        self._heard = heard
        self._queues: dict[str, deque[Marked | Loan]] = {}
        self._wait_ns: dict[str, int] = {}

    @property
    def count(self) -> int:
        """How much is not heard yet, of all actors together."""
        return sum(map(len, self._queues.values()))

    def tell(self, actor: str, event: Marked | Loan) -> None:
        """Tells an actor, after all that it has been told before."""
        queue = self._queues.setdefault(actor, deque())
        queue.append(event)
        if len(queue) == 1:
            self._send(actor)

    def _send(self, actor: str) -> None:
        message = wire.told(actor, self._queues[actor][0])
        wait_ns = self._wait_ns.get(actor, ANSWER_WAIT_NS)
        self._questions.ask(message, wait_ns, lambda answer: self._answered(actor, answer))

    def _answered(self, actor: str, answer: Message | None) -> None:
        if answer is None:
            self._wait_ns[actor] = min(2 * self._wait_ns.get(actor, ANSWER_WAIT_NS), ANSWER_WAIT_NS_MAX)
            self._send(actor)
        elif answer.status:
            self._questions.later(ANSWER_WAIT_NS // 10, lambda: self._send(actor))
        else:
            self._wait_ns.pop(actor, None)
            self._heard(actor, self._queues[actor].popleft())
            if self._queues[actor]:
                self._send(actor)
