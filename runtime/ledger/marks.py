"""Marks: amounts of a pool that are told when it falls below them, and when it is above them again.

The law (SEMANTICS 3.6): a mark is told at the first instant at which the exact balance
(of the pool alone, with what has flowed and is not booked) is below its amount, and is
over at the first at which it has reached ``until``; the two alternate.  A full pool that
would grow has reached what it holds (``full``, micro-LF; else 0): less than a micro-LF that a
flow which is over has left cannot come any more.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from nimdsl.program.economy import DAY_NS

OVER = ".over"
"""How the end of a mark is called: ``low.over``."""


class Marks:
    """The marks of one pool.  Exact balances are in micro-LF / ``DAY_NS``, slopes in micro-LF a day."""

    def __init__(self, marks: Mapping[str, tuple[int, int]]) -> None:
        self._marks = dict(sorted(marks.items()))
        self._below: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._marks)

    def among(self, events: Container[str]) -> list[str]:
        """Those of which one of these events tells."""
        return [name for name in self._marks if name in events or name + OVER in events]

    def due(self, exact: int, full: int = 0) -> Iterator[str]:
        """What is to be told now, in the order of the names."""
        for name, (below, until) in self._marks.items():
            if name in self._below:
                if exact >= until * DAY_NS or full >= until:
                    yield name + OVER
            elif exact < below * DAY_NS and full < below:
                yield name

    def tell(self, event: str) -> None:
        """It was told."""
        name = event.removesuffix(OVER)
        if event == name:
            self._below.add(name)
        else:
            self._below.discard(name)

    def next_ns(
        self,
        exact: int,
        slope: int,
        now_ns: int,
        full: int = 0,
        most: int | None = None,
        heard: Container[str] | None = None,
    ) -> int | None:
        """When the next one is due if nothing but time happens; None for never.

        ``most`` is what the pool holds at most, micro-LF: what is beyond that is not waited for.
        Only those that are ``heard`` count; None: all of them.
        """
        found: int | None = None
        for name, (below, until) in self._marks.items():
            event = name + OVER if name in self._below else name
            if heard is not None and event not in heard:
                continue
            if event != name:
                comes = slope > 0 and (most is None or until <= most)
                wait_ns = _ceiling(until * DAY_NS - exact, slope) if comes else None
                if full >= until:
                    wait_ns = 0
            else:
                wait_ns = (exact - below * DAY_NS) // -slope + 1 if slope < 0 else None
            if wait_ns is not None and (found is None or now_ns + wait_ns < found):
                found = now_ns + max(wait_ns, 0)
        return found


def _ceiling(amount: int, divisor: int) -> int:
    return -(-amount // divisor)
