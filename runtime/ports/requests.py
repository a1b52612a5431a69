"""Request and reply over a bus, with a deadline: for askers that are no actors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nimdsl.base.errors import PermanentPortError
from runtime.ports.bus import After, Bus, Done, Message


class RequestClient:
    """Request and reply over a bus, with a deadline: one asker, any number of open questions.

    ``done`` is called exactly once: with the answer (the bus's own when nobody is there), or with
    None when the time is up.  An answer that comes later is counted and dropped.  ``after`` is for
    deadlines by another clock than the bus's own.
    """

    def __init__(self, bus: Bus, address: str, after: After | None = None) -> None:
        self.address = address
        self._closed = False
        self.late_count = 0
        self._bus = bus
        self._after = after or bus.after
        self._open: dict[str, tuple[Done, Callable[[], None]]] = {}
        """By thread: whom to tell, and what cancels the deadline."""
        self._count = 0
        self._prefix = f"{address}/"
        self._listener = bus.listen(address, self._answered)

    def ask(self, message: Message, timeout_ns: int, done: Done) -> None:
        """Sends a question.  Raises PermanentPortError for one that is too large."""
        self._count += 1
        thread = str(self._count)
        cancel = self._after(timeout_ns, partial(self._expired, thread))
        self._open[thread] = done, cancel
        try:
            self._bus.send(message._replace(reply_to=self._prefix + thread))
        except PermanentPortError:
            cancel()
            del self._open[thread]
            raise

    def later(self, delay_ns: int, act: Callable[[], None]) -> None:
        """Does something later, by the clock of the deadlines; not any more once closed."""
        self._after(delay_ns, lambda: None if self._closed else act())

    def close(self) -> None:
        """Gives up what is open, silently."""
        self._closed = True
        for _, cancel in self._open.values():
            cancel()
        self._open.clear()
        self._listener.close()

    def _answered(self, message: Message) -> None:
        one = self._open.pop(message.to.removeprefix(self._prefix), None)
        if one is None:
            self.late_count += 1
            return
        done, cancel = one
        cancel()
        done(message)

    def _expired(self, thread: str) -> None:
        one = self._open.pop(thread, None)
        if one is not None:
            one[0](None)
