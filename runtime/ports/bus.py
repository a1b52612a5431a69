"""The port ``Bus``: what carries messages between actors.

The law, for every implementation:

* A message to an address reaches whoever listens there, and also whoever listens
  at the part before its thread: ``protocol/spark/17`` is thread 17 of
  ``protocol/spark``.  At most one listener for an address in one place.
* Messages of one sender to one address arrive in the order in which they were
  sent, unless a fault overtakes them; there is no other order, not even between
  two threads of an address.
* A message arrives once, or never, or (a fault) several times.  Nothing is
  retried: who needs certainty asks again with the same identity.
* A message that wants an answer (``reply_to``) and that nobody hears is answered
  by the bus itself, with the status :data:`NOBODY`, in the place that sent it.
* A listener on hold gets nothing; its backlog is bounded, and what is beyond is
  lost and told (a slow consumer).
* What is larger than the bus carries is refused to the sender, and nothing of it
  is sent.
* Callbacks are plain functions and run one at a time.  They may do anything with
  the bus; nobody hears what a callback sends before ``send`` has returned.
* A callback that raises is a bug, and costs nobody a message: what it was given
  counts as heard, and what is behind it is heard all the same.  The exception is
  never taken for a refusal to the sender.  It reaches whoever drives the bus:
  the caller of a MemoryBus (as an ExceptionGroup), SimPy's step in a virtual
  garden, the event loop's exception handler in a real one, which is told too.
* What :meth:`Bus.after` does happens in the order of its times, and at one instant
  in the order of asking.

The law of what is published, to a topic (:mod:`runtime.ports.topics`) instead of an
address:

* It reaches every subscriber of its topic, once each, also one with several patterns
  that match: the most exact one takes it.  Who subscribes later hears nothing of it.
* Nobody hears itself, if it says who it is: sender and subscriber have the same id.
* Each copy has a fate of its own, and a draw of its own, which belongs to (sender,
  number, subscriber): purpose ``bus/<fault>/<subscriber>``.  So a new subscriber
  changes no other's luck.
* Copies of one sender reach a subscriber in the order in which they were published,
  unless a fault overtakes them.  In one place the copies of a message go to its
  subscribers in the order of their ids; where instants are known (the virtual garden),
  those of one instant go in the order of (sender, number, subscriber).
* Nobody there is no incident; nobody is answered, so ``reply_to`` stays empty.
* What is too large is refused to the publisher, and nothing of it is sent.
* Subscribers hold, release, lose and raise as listeners do.  Addresses and topics never
  meet: no listener hears what is published, no subscriber what is sent.

Not here: what messages mean (:mod:`runtime.run.wire`), faults on purpose
(:mod:`runtime.chance.faults`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from nimdsl.base.errors import PermanentPortError

NOBODY = "nobody"
"""The status of the bus's own answer: nobody listens there."""
BACKLOG_COUNT_MAX = 65_536
"""How many messages wait for a listener on hold, unless it says otherwise."""
PAYLOAD_BYTES_MAX = 1 << 20
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Message(NamedTuple):
    """Bytes on their way.  ``sender`` and ``number`` identify them where they come from an actor.

    A tuple, because it is made twice for every message, in a quarter of a frozen dataclass's time.
    """

    to: str
    data: bytes = b""
    headers: Mapping[str, str] = NO_HEADERS
    sender: str = ""
    number: int = 0
    reply_to: str = ""
    status: str = ""


Handler = Callable[[Message], None]
After = Callable[[int, Callable[[], None]], Callable[[], None]]
"""Do something so many nanoseconds later; what comes back cancels it."""
Done = Callable[[Message | None], None]
"""Gets the answer to a question, or None when the time was up."""
OnIncident = Callable[[str, str], None]
"""Is told what on_incident a message: the address, and what in words."""
Through = Callable[[Message, Handler], None]
"""Stands between a bus and a subscriber's backlog: hands copies on, now or later, or not at all."""


class Listener(Protocol):
    """An open ear; closed listeners hear nothing more."""

    def hold(self) -> None:
        """Keep messages back; they wait."""

    def release(self) -> None:
        """Hand over what waits, in order, then go on."""

    def close(self) -> None:
        """Listen no more; what waits is forgotten."""


class Bus(Protocol):
    """Carries messages."""

    def send(self, message: Message) -> None:
        """Hand a message over.  Raises PermanentPortError for one that is too large."""

    def listen(self, address: str, take: Handler, backlog_count_max: int = BACKLOG_COUNT_MAX) -> Listener:
        """Hear what is sent to ``address`` and to its threads."""

    def publish(self, message: Message) -> None:
        """Let a message go to whoever subscribes to its topic, ``message.to``.

        Raises PermanentPortError for one that is too large, ValueError for what is no topic.
        """

    def subscribe(
        self,
        topic: str,
        subscriber: str,
        take: Handler,
        backlog_count_max: int = BACKLOG_COUNT_MAX,
        through: Through | None = None,
    ) -> Listener:
        """Hear what is published to ``topic``, which may be a pattern, as ``subscriber``.

        Raises ValueError for what is no topic, and when that subscriber hears it here already.
        """

    def after(self, delay_ns: int, act: Callable[[], None]) -> Callable[[], None]:
        """Do something later, in the garden's time; returns what cancels it."""


class Backlog:
    """A listener's queue: shared by the implementations."""

    def __init__(
        self,
        address: str,
        take: Handler,
        count_max: int,
        on_incident: OnIncident,
        close: Callable[[], None],
    ) -> None:
        self.address = address
        self.held = False
        self._take = take
        self._count_max = count_max
        self._on_incident = on_incident
        self._close = close
        self._waiting: deque[Message] = deque()
        self._draining = False

    @property
    def count(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def put(self, message: Message) -> None:
        """A message has arrived."""
        if not (self.held or self._waiting):
            self._take(message)
        elif len(self._waiting) < self._count_max:
            self._waiting.append(message)
        else:
            self._on_incident(message.to, "lost a message: a slow consumer")

    def hold(self) -> None:
        """See :class:`Listener`."""
        self.held = True

    def release(self) -> None:
        """See :class:`Listener`.  Whoever takes a message may hold again.

        Raises ExceptionGroup of what the listener raised, when nothing is left to hand over.
        """
        self.held = False
        if self._draining:
            return
        self._draining = True
        problems: list[Exception] = []
        try:
            while self._waiting and not self.held:
                try:
                    self._take(self._waiting.popleft())
                except Exception as problem:
                    problems.append(problem)
        finally:
            self._draining = False
        raise_all(problems)

    def close(self) -> None:
        """See :class:`Listener`."""
        self.held = False
        self._waiting.clear()
        self._take = _ignore
        self._close()


def _ignore(message: Message) -> None:
    """A closed listener."""


class ListenerRegistry:
    """Who listens where, in one place."""

    def __init__(self, on_incident: OnIncident) -> None:
        self._on_incident = on_incident
        self._by_address: dict[str, Backlog] = {}

    def open(self, address: str, take: Handler, count_max: int) -> Backlog:
        """A new listener.  Raises ValueError when somebody listens there already."""
        if address in self._by_address:
            raise ValueError(f"somebody listens at {address} already")
        backlog = Backlog(address, take, count_max, self._on_incident, lambda: self._forget(backlog))
        self._by_address[address] = backlog
        return backlog

    def _forget(self, backlog: Backlog) -> None:
        if self._by_address.get(backlog.address) is backlog:
            del self._by_address[backlog.address]

    def hand(self, message: Message, answer: Callable[[Message], None]) -> None:
        """Gives a message that has arrived to its listeners; ``answer`` sends the bus's own word back."""
        own = self._by_address.get(message.to)
        before_thread = self._by_address.get(message.to.rpartition("/")[0])
        if own is None and before_thread is None:
            self._on_incident(message.to, "nobody is there")
            if message.reply_to:
                answer(Message(message.reply_to, status=NOBODY))
            return
        try:
            if own is not None:
                own.put(message)
        finally:
            if before_thread is not None:
                before_thread.put(message)


def check_size(message: Message, bytes_max: int) -> None:
    """Raises PermanentPortError when the message is larger than the bus carries."""
    if len(message.data) > bytes_max:
        text = f"the message is too large: {len(message.data):,} bytes, the bus carries {bytes_max:,}"
        raise PermanentPortError(text)


def raise_all(problems: Sequence[Exception]) -> None:
    """Raises what callbacks raised, flat and together, if there is anything."""
    if problems:
        flat = [one for p in problems for one in (p.exceptions if isinstance(p, ExceptionGroup) else [p])]
        raise ExceptionGroup("callbacks raised", flat)
