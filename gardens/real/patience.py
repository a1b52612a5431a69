"""Deadlines of progress: so many seconds in which nothing changes, not so many seconds of life.

A busy machine is slow, and what is slow is not broken.  Who waits looks at a *mark* of what
it waits for: the size of a log, how far a journal is, what a process says of itself.  As
long as the mark changes, there is progress.

Not here: waits that are a law of garden time (winding down), and the pauses between two looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")


class Patience:
    """Is over when ``silence_s`` have gone by in which the mark stayed the same."""

    def __init__(self, silence_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.silence_s = silence_s
        self._clock = clock
        self._mark: object = None
        self._since_s = clock()

    def is_over(self, mark: object = None) -> bool:
        """Takes a look; True when nothing has changed for too long."""
        now_s = self._clock()
        if mark != self._mark:
            self._mark, self._since_s = mark, now_s
        return now_s - self._since_s > self.silence_s


async def patiently(
    act: Awaitable[_T], patience: Patience, mark: Callable[[], object], look_s: float = 0.5
) -> _T:
    """What ``act`` returns.  Raises TimeoutError, and cancels it, when patience is over before."""
    task = asyncio.ensure_future(act)
    try:
        while not (await asyncio.wait({task}, timeout=look_s))[0]:
            if patience.is_over(mark()):
                raise TimeoutError(f"nothing has changed for {patience.silence_s:g} s")
        return task.result()
    finally:
        task.cancel()
        await asyncio.wait({task})


def size_of(paths: Iterable[Path]) -> int:
    """A mark of files that grow: how many bytes there are; what is not there has none."""
    count = 0
    for path in paths:
        try:
            count += path.stat().st_size
        except OSError:
            continue
    return count
