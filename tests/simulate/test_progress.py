"""The line that says how far a long run has come."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import time

import pytest

from gardens.report.terminal.progress import AGAIN_S, FIRST_S, Progress
from nimdsl.base.units import SECOND_NS
from nimdsl.program import Program
from runtime.records import Ignored, Record
from simulate.commands.progress import RECORDS_A_LOOK, Simulated
from tests.support.patience import finished


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def seen(self) -> str:
        """What a person sees at the end."""
        last = re.split(r"\r|\x1b\[1A", self.getvalue())[-1]
        return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", last).strip().lstrip("━╸╺ ")


class Watched:
    """A progress with a clock that is moved by hand."""

    def __init__(self, program: Program) -> None:
        self.now_s = 5.0
        self.terminal = Terminal()
        self.columns = 80
        self.progress = Progress(self.terminal, clock=lambda: self.now_s, room=lambda _: self.columns)
        self.run = Simulated(self.progress)
        self.run.begin(program.scenarios["busy-hour"])

    def told(self, time_ns: int, count: int = RECORDS_A_LOOK) -> str:
        for number in range(count):
            self.run.take(Record("cell/x", number, time_ns, Ignored("a", "b")))
        return self.terminal.seen()


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def test_a_short_run_writes_nothing(shipped: Program) -> None:
    run = Watched(shipped)
    with run.progress:
        assert run.told(SECOND_NS) == ""
        run.now_s += FIRST_S / 2
        assert run.told(SECOND_NS) == ""
    assert run.terminal.getvalue() == ""


def test_a_long_run_says_how_far_it_is_and_leaves_nothing(shipped: Program) -> None:
    run = Watched(shipped)
    with run.progress:
        run.now_s += FIRST_S
        assert run.told(900 * SECOND_NS) == "busy-hour: 15 min of 1 h simulated, 25 %"
        run.now_s += AGAIN_S / 2
        assert run.told(1_800 * SECOND_NS) == "busy-hour: 15 min of 1 h simulated, 25 %", "not too often"
        run.now_s += AGAIN_S
        assert run.told(3_599 * SECOND_NS, RECORDS_A_LOOK - 1) == run.terminal.seen()
        assert run.told(3_599 * SECOND_NS) == "busy-hour: 59 min 59 s of 1 h simulated, 99 %"
    assert run.terminal.seen() == ""


def test_whoever_works_without_a_word_is_shown_after_a_second() -> None:
    terminal = Terminal()
    with Progress(terminal, room=lambda _: 80) as progress:
        progress.show("reading")
        assert terminal.getvalue() == ""
        time.sleep(FIRST_S + 0.5)
        assert terminal.seen() == "reading"
    assert terminal.seen() == ""


def test_the_line_is_no_longer_than_the_terminal_is_wide(shipped: Program) -> None:
    run = Watched(shipped)
    run.columns, run.now_s = 20, run.now_s + FIRST_S
    assert run.told(900 * SECOND_NS) == "busy-hour: 15 min o…"


def test_a_job_in_the_background_writes_nothing(shipped: Program) -> None:
    run = Watched(shipped)
    with run.progress:
        run.columns, run.now_s = 0, run.now_s + FIRST_S
        run.told(900 * SECOND_NS)
    assert run.terminal.getvalue() == ""


def test_a_job_that_went_to_the_background_leaves_the_terminal_alone(shipped: Program) -> None:
    run = Watched(shipped)
    with run.progress:
        run.now_s += FIRST_S
        run.told(900 * SECOND_NS)
        run.columns = 0
        before = run.terminal.getvalue()
    assert run.terminal.getvalue() == before


def test_a_terminal_that_goes_away_does_not_end_the_run(
    shipped: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Watched(shipped)
    with run.progress:
        run.now_s += FIRST_S
        run.told(SECOND_NS)
        monkeypatch.setattr(run.terminal, "write", _gone)
        run.now_s += 10 * FIRST_S
        run.told(2 * SECOND_NS)
        run.now_s += 10 * FIRST_S
        run.told(3 * SECOND_NS)
        run.progress.note("something happened")


def _gone(_: str) -> int:
    raise OSError(errno.EIO, "the terminal is closed")


def test_a_terminal_without_escape_codes_and_a_pipe_get_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Progress(Terminal()).is_wanted
    assert not Progress(Terminal(), wanted=False).is_wanted
    monkeypatch.setenv("TERM", "dumb")
    assert not Progress(Terminal()).is_wanted
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not Progress(io.StringIO()).is_wanted


def test_what_stays_is_said_in_a_pipe_too() -> None:
    pipe = io.StringIO()
    with Progress(pipe) as progress:
        progress.show("working")
        progress.note("[yellow]node-1 was killed[/]")
    assert pipe.getvalue() == "node-1 was killed\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_the_command_shows_it_on_a_terminal_only() -> None:
    long = ["busy-hour", "--set", "scenario/busy-hour.horizon=8h", "--set", "scenario/busy-hour.expect=[]"]
    command = [sys.executable, "-m", "nimdsl", "simulate", *long]
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        shown = finished(
            command,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        said = b""
        while data := _read(screen.fileno()):
            said += data
    silent = finished(command)
    assert b" of 8 h simulated, " in said
    assert said.endswith(b"\x1b[2K"), "the line is gone"
    assert silent.stderr == ""
    assert shown.stdout == silent.stdout


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # on Linux, a terminal whose other end is closed
        return b""
