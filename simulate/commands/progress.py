"""How far a long run has come, as one line on a terminal that goes away when the run ends."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from gardens.report.words import span
from nimdsl.program import Scenario
from runtime.records import Record

FIRST_S, AGAIN_S = 1.0, 0.25
"""When the line appears, and how often it is written anew."""
RECORDS_A_LOOK = 256
"""How many records pass between two looks at the clock."""
_CLEAR = "\r\x1b[K"


def room(stream: TextIO) -> int:
    """How many columns a terminal has for us; none if we are a job in the background."""
    try:
        if hasattr(os, "tcgetpgrp") and os.tcgetpgrp(stream.fileno()) != os.getpgrp():
            return 0
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0


class Progress:
    """A context manager; the line is gone when it has ended, and without a terminal there is none.

    ``clock`` is in seconds; ``room`` says how many columns there are, 0 while the terminal is not ours.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        room: Callable[[TextIO], int] = room,
    ) -> None:
        self._stream = stream
        self._room = room
        self._clock = clock
        self._next_s = clock() + FIRST_S
        self._name, self._horizon_ns = "", 0
        self._record_count = 0
        self._shown = False
        self.is_wanted = stream.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._shown and self._room(self._stream):
            self._write(_CLEAR)

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
            self._show(record.time_ns)

    def _show(self, now_ns: int) -> None:
        done = f"{span(now_ns)} of {span(self._horizon_ns)} simulated, {100 * now_ns // self._horizon_ns} %"
        columns = self._room(self._stream)
        if columns:
            self._write(_CLEAR + f"{self._name}: {done}"[: columns - 1])
            self._shown = True

    def _write(self, text: str) -> None:
        """A terminal that was closed is no reason to end a run."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._next_s = math.inf
