"""Deadlines of tests: so many seconds in which nothing changes.  A busy machine fails no test.

Whoever waits gives a *mark* of what it waits for, if there is one: the size of a file, how many
lines there are.  A scenario in an event loop marks itself by the lines at which it and its own
awaits stand; a program that computes marks itself by the processor time that it takes, of which it
may have CPU_S_MAX in all, however long that takes by the clock.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from gardens.real.patience import Patience, size_of
from gardens.real.patience import patiently as product_patiently

SILENCE_S = 120.0
CPU_S_MAX = 600
LOOK_S = 0.02
_T = TypeVar("_T")
Mark = Callable[[], object]


def nothing() -> object:
    """The mark of what shows nothing: silent from the start."""
    return None


async def until(holds: Callable[[], object], what: str = "", mark: Mark = nothing) -> None:
    """Waits in an event loop until something holds."""
    patience = Patience(SILENCE_S)
    while not holds():
        assert not patience.is_over(mark()), what or "nothing happens any more"
        await asyncio.sleep(0.002)


def until_now(holds: Callable[[], object], what: str = "", mark: Mark = nothing) -> None:
    """The same without an event loop."""
    patience = Patience(SILENCE_S)
    while not holds():
        assert not patience.is_over(mark()), what or "nothing happens any more"
        time.sleep(LOOK_S)


async def patiently(scenario: Awaitable[_T], mark: Mark | None = None) -> _T:
    """What a scenario returns, which must go on from line to line, or change its mark."""
    return await product_patiently(scenario, Patience(SILENCE_S), mark or (lambda: _place(scenario)))


def _place(scenario: Any) -> list[tuple[str, int]]:
    """Where a coroutine stands, and what it awaits, and what that awaits."""
    places = []
    while scenario is not None:
        frame = getattr(scenario, "cr_frame", None) or getattr(scenario, "ag_frame", None)
        if frame is not None:
            places.append((frame.f_code.co_name, frame.f_lineno))
        scenario = getattr(scenario, "cr_await", None) or getattr(scenario, "ag_await", None)
    return places


def finished(
    words: list[str], *, mark: Mark | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; output is captured as text, unless ``more`` says where it goes.

    Without a mark it is one that computes.
    """
    ways: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    begun = subprocess.Popen(words, encoding="utf-8", errors="replace", **ways)
    out, err = ended(begun, mark)
    return subprocess.CompletedProcess(words, begun.returncode, out, err)


def ended(process: subprocess.Popen[str], mark: Mark | None = None) -> tuple[str, str]:
    """The output of a process that has ended; kills one in which nothing changes, and fails."""
    patience = Patience(SILENCE_S)
    while True:
        try:
            return process.communicate(timeout=LOOK_S)
        except subprocess.TimeoutExpired as waiting:
            spent_s = 0.0 if mark else cpu_s(process.pid)
            now = mark() if mark else spent_s
            if spent_s > CPU_S_MAX or patience.is_over((now, waiting.output, waiting.stderr)):
                process.kill()
                process.communicate()
                raise AssertionError(f"{process.args!r} gets nowhere") from None


def cpu_s(pid: int) -> float:
    """The processor time that a process and the ended children of it have taken."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def growth_of(folder: Path) -> int:
    """The mark of gardens in a folder: how much they have written to journals and logs.

    Not what they say of themselves once a second, whatever happens.  Folders may go while they are read.
    """
    found = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    return size_of(path for path in found if path.suffix in (".log", ".sqlite", ".sqlite-wal"))


def limit_cpu(seconds: int) -> None:
    """For a ``preexec_fn``: what takes more processor time is killed."""
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
