"""How far something has come: one line on a terminal, which goes away in the end.  Every verb uses it.

The law: nothing is written in the first second, nothing in a pipe, on a terminal without escape codes or
by a job in the background; and a terminal that was closed ends nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gardens.report.terminal.console import Terminal

FIRST_S, AGAIN_S = 1.0, 0.25
"""When the line appears, and how often it is written anew."""
BAR_WIDTH, BAR_ROOM_MIN = 20, 60
"""In columns; a terminal with less room than that has no bar."""


def room(stream: TextIO) -> int:
    """How many columns a terminal has for us; none if we are a job in the background."""
    try:
        if hasattr(os, "tcgetpgrp") and os.tcgetpgrp(stream.fileno()) != os.getpgrp():
            return 0
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0


class _Console(Terminal):
    """One whose reader may go away."""

    def on_broken_pipe(self) -> None:
        """Says no more; the process goes on."""
        self.quiet = True


class Progress:
    """A context manager; the line is gone when it has ended.

    ``clock`` is in seconds; ``room`` says how many columns there are, 0 while the terminal is not ours.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        wanted: bool = True,
        clock: Callable[[], float] = time.monotonic,
        room: Callable[[TextIO], int] = room,
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock, self._room = clock, room
        self._console = _Console(self._stream)
        self._next_s = clock() + FIRST_S
        self._live: Live | None = None
        self._pending: tuple[str, float | None] | None = None
        self._lock = threading.RLock()
        self._first = threading.Timer(FIRST_S, self._show_first)
        self._first.daemon = True
        self.is_wanted = wanted and self._stream.isatty() and self._console.is_interactive
        """Whether anybody could see it."""

    def __enter__(self) -> Self:
        if self.is_wanted:
            self._first.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def show(self, text: str, share: float | None = None) -> None:
        """What is being done and, from 0 to 1, how much of it is; at the next time that a line is due."""
        if not self.is_wanted:
            return
        with self._lock:
            self._pending = text, share
            now_s = self._clock()
            if now_s >= self._next_s:
                self._next_s = now_s + AGAIN_S
                self._draw()

    def note(self, text: str) -> None:
        """A line that stays, as markup of rich; also where no progress is shown."""
        with self._lock:
            self._safely(lambda: self._console.print(text, soft_wrap=True))

    def close(self) -> None:
        """Takes the line away; closing twice is allowed."""
        self._first.cancel()
        with self._lock:
            self.is_wanted = False
            live, self._live = self._live, None
            if live is not None:
                self._console.quiet = self._console.quiet or not self._room(self._stream)
                self._safely(live.stop)

    def _show_first(self) -> None:
        """Whoever works without a word for a second is shown, too."""
        with self._lock:
            if self.is_wanted and self._live is None and self._pending is not None:
                self._draw()

    def _draw(self) -> None:
        columns = self._room(self._stream)
        if not columns or self._pending is None:
            return
        self._console.width = columns
        line = _line(*self._pending, columns)
        if self._live is None:
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._safely(self._live.start)
        live = self._live
        self._safely(lambda: live.update(line, refresh=True))

    def _safely(self, write: Callable[[], object]) -> None:
        """A terminal that was closed is written to no more."""
        try:
            write()
        except (OSError, ValueError):
            self._console.quiet = True
            self.is_wanted = False


def _line(text: str, share: float | None, columns: int) -> RenderableType:
    said = Text(text, no_wrap=True, overflow="ellipsis")
    if share is None or columns < BAR_ROOM_MIN:
        return said
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=BAR_WIDTH)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    grid.add_row(ProgressBar(1.0, share, width=BAR_WIDTH), said)
    return grid
