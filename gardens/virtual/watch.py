"""Who looks at the purses of a virtual run when time alone makes something of them known."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from runtime.ledger.purses import Purses


class LedgerWatch:
    """Looks when a mark is due that somebody hears, or a pool runs dry that a state drains.

    ``schedule`` has something done at a time, and asks the third argument whether it is still wanted;
    ``look`` looks, writes down what is found, and says by :meth:`changed` that it may be.
    """

    def __init__(
        self,
        purses: Purses,
        heard: Mapping[str, Container[str]],
        schedule: Callable[[int, Callable[[], None], Callable[[], bool]], None],
        look: Callable[[int], None],
    ) -> None:
        self._purses = purses
        self._heard = heard
        self._schedule = schedule
        self._look = look
        self._at_ns: int | None = None

    @property
    def expects(self) -> bool:
        """Whether something is due, if nothing but time happens."""
        return self._next_ns() is not None

    def changed(self) -> None:
        """Looks when something is due next, unless it looks before."""
        at_ns = self._next_ns()
        if at_ns is not None and (self._at_ns is None or at_ns < self._at_ns):
            self._at_ns = at_ns
            self._schedule(at_ns, lambda: self._reach(at_ns), lambda: self.expects)

    def _next_ns(self) -> int | None:
        return self._purses.next_look_ns(self._heard)

    def _reach(self, at_ns: int) -> None:
        if at_ns != self._at_ns:
            return
        self._at_ns = None
        due_ns = self._next_ns()
        if due_ns is not None and due_ns <= at_ns:
            self._look(at_ns)
        else:
            self.changed()
