"""How far a long run has come, as one line on a terminal that goes away when the run ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from nimdsl.program import Scenario
from runtime.report.markup import span
from runtime.turn import Record

FIRST_S, AGAIN_S = 1.0, 0.25
"""When the line appears, and how often it is written anew."""
RECORDS_A_LOOK = 256
"""How many records pass between two looks at the clock."""
_CLEAR = "\r\x1b[K"


class Progress:
    """A context manager; the line is gone when it has ended, and without a terminal there is none.

    ``clock`` is in seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._next_s = clock() + FIRST_S
        self._name, self._horizon_ns = "", 0
        self._record_count = 0
        self._shown = False
        self.is_wanted = stream.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()

    def begin(self, scenario: Scenario) -> None:
        """What is run, with all overrides."""
        self._name, self._horizon_ns = scenario.name, scenario.horizon_ns

    def take(self, record: Record) -> None:
        """Is told each record as it is made."""
        self._record_count += 1
        if self._record_count % RECORDS_A_LOOK:
            return
        now_s = self._clock()
        if now_s >= self._next_s:
            self._next_s = now_s + AGAIN_S
            self._show(record["time_ns"])

    def _show(self, now_ns: int) -> None:
        done = f"{span(now_ns)} of {span(self._horizon_ns)} simulated, {100 * now_ns // self._horizon_ns} %"
        self._stream.write(f"{_CLEAR}{self._name}: {done}")
        self._stream.flush()
        self._shown = True
