"""Supervised children of an asyncio process.

The laws:

- No child outlives its parent, however the parent ends: the kernel kills the
  child when the thread that started it ends, so a family belongs on the thread
  that lives as long as the process.  Only the child itself is tied in this way;
  what a child starts is killed with the child's process group when the child
  ends, but not when the parent is killed first: such processes should end at
  the EOF of the standard input that they inherit.
- A terminal's Ctrl-C reaches the parent only: every child leads its own session.
- A child that ends unasked starts again, later each time, until the limit.
- Every child is reaped, and what is left of its process group is killed before
  that, while its number cannot belong to anybody else.

What the children do, and what is done about one that was given up, is not here.
Linux only (``pidfd_open``, ``PR_SET_PDEATHSIG``).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nimdsl.base.errors import InternalError, PermanentPortError

GRACE_S = 10.0
"""How long a child may take to end after SIGTERM, unless the caller says otherwise."""
LOG_BYTES_MAX = 16 << 20
"""A log beyond this is put aside as ``NAME.1`` (one is kept) when its child starts."""
TAIL_BYTES_MAX = 4096
TAIL_LINE_COUNT_MAX = 10

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.PyDLL(None, use_errno=True).prctl  # PyDLL: no handing over of the GIL after a fork
_prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
_prctl.restype = ctypes.c_int


@dataclass(frozen=True)
class Restart:
    """When a child that ended starts again; one that lived ``calm_s`` counts as new."""

    delay_s: float = 0.1
    factor: float = 2.0
    delay_max_s: float = 5.0
    limit: int = 10
    calm_s: float = 30.0


@dataclass(frozen=True)
class ProcessCommand:
    """What to run.

    ``environment`` is added to the parent's.  ``input`` goes to the standard
    input, which then stays open: EOF tells the child that the parent is gone.
    A callable gets the number of the start, from 1.  Output is appended to ``log``.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    input: bytes | Callable[[int], bytes]
    log: Path


@dataclass
class Child:
    """How a child is doing; the family keeps it up to date, others only read."""

    name: str
    pid: int | None = None
    starts: int = 0
    state: Literal["running", "waiting", "stopped", "given up"] = "waiting"
    exit_code: int | None = None
    """How it ended last: a signal's number is negative.  None before that."""


Changed = Callable[[Child, str], None]
"""Is told, in words, what happened to a child."""
Ready = Callable[[], Awaitable[None]]


class Family:
    """The children of this process."""

    def __init__(self, restart: Restart, changed: Changed) -> None:
        self._restart = restart
        self._changed = changed
        self._members: dict[str, _Member] = {}
        self._alarm = asyncio.Event()
        self._problem: BaseException | None = None

    async def start(self, command: ProcessCommand, ready: Ready | None = None) -> Child:
        """Starts a child and returns when it runs and ``ready()`` returned.

        ``ready`` is awaited for the first start only.  Whatever goes wrong before that ends the
        child and leaves nothing behind; a child that ends by itself raises PermanentPortError
        with the last lines of its log.
        """
        former = self._members.get(command.name)
        if former is not None and former.child.state in ("running", "waiting"):
            raise InternalError(f"the child {command.name} was started twice")
        self._members.pop(command.name, None)
        member = self._members[command.name] = _Member(command, self._changed)
        try:
            await _until_ready(member, member.launch(), ready)
        except BaseException:
            if self._members.get(command.name) is member:
                del self._members[command.name]
            member.child.state = "stopped"
            await member.end(GRACE_S)
            raise
        member.task = asyncio.create_task(member.supervise(self._restart, self._alarm))
        member.task.add_done_callback(self._supervised)
        return member.child

    async def stop(self, name: str, grace_s: float = GRACE_S) -> None:
        """Ends a child for good: SIGTERM, SIGKILL after ``grace_s``; returns when it is gone."""
        member = self._members.get(name)
        if member is None:
            raise InternalError(f"there is no child {name}")
        await member.end(grace_s)
        if member.child.state != "stopped":
            member.child.state = "stopped"
            self._changed(member.child, "stopped")

    async def stop_all(self, grace_s: float = GRACE_S) -> None:
        """Stops one child after the other, the last started first; all die if that is cut short."""
        try:
            for name in reversed(tuple(self._members)):
                if name in self._members:
                    await self.stop(name, grace_s)
        except BaseException:
            for member in self._members.values():
                member.abandon()
            raise

    def children(self) -> tuple[Child, ...]:
        """All that were started, in that order, with the stopped and the given up ones."""
        return tuple(member.child for member in self._members.values())

    async def given_up(self) -> Child:
        """Waits until some child is given up, and raises when supervision itself broke down."""
        while True:
            if self._problem is not None:
                raise self._problem
            for child in self.children():
                if child.state == "given up":
                    return child
            self._alarm.clear()
            await self._alarm.wait()

    def _supervised(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._problem = task.exception()
        self._alarm.set()


class _Member:
    """A child with everything that is needed to start it again."""

    def __init__(self, command: ProcessCommand, changed: Changed) -> None:
        self.command = command
        self.child = Child(command.name)
        self.changed = changed
        self.process: _Process | None = None
        self.task: asyncio.Task[None] | None = None
        self.ending = False

    def launch(self) -> _Process:
        child = self.child
        child.starts += 1
        self.process = process = _Process(self.command, child.starts)
        child.pid, child.state = process.pid, "running"
        self.changed(child, "started")
        return process

    def gone(self, process: _Process) -> str:
        self.child.pid, self.child.exit_code = None, process.exited.result()
        return _in_words(process.exited.result())

    async def supervise(self, restart: Restart, alarm: asyncio.Event) -> None:
        restarts, delay_s, process, words = 0, restart.delay_s, self.process, ""
        while True:
            if process is not None:
                await asyncio.wait({process.exited})
                words = self.gone(process)
                if process.lived_s() >= restart.calm_s:
                    restarts, delay_s = 0, restart.delay_s
            if restarts >= restart.limit:
                self.child.state = "given up"
                self.changed(self.child, words)
                self.changed(self.child, f"given up after {restarts} restarts")
                alarm.set()
                return
            self.child.state = "waiting"
            self.changed(self.child, words)
            self.changed(self.child, f"starts again in {delay_s:g} s")
            await asyncio.sleep(delay_s)
            restarts, delay_s = restarts + 1, min(delay_s * restart.factor, restart.delay_max_s)
            try:
                process = self.launch()
            except PermanentPortError as problem:
                process, words = None, str(problem)

    async def end(self, grace_s: float) -> None:
        """Ends supervision first, so that nothing starts in between, and then the process."""
        self.ending = True
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})
        if self.process is not None:
            await self.process.end(grace_s)
            self.gone(self.process)

    def abandon(self) -> None:
        self.ending = True
        if self.task is not None:
            self.task.cancel()
        if self.process is not None:
            self.process.kill(signal.SIGKILL)


async def _until_ready(member: _Member, process: _Process, ready: Ready | None) -> None:
    if ready is None:
        return
    waiting = asyncio.ensure_future(ready())
    either: set[asyncio.Future[Any]] = {waiting, process.exited}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not waiting.done():
            waiting.cancel()
            await asyncio.wait({waiting})
    if not process.exited.done():
        waiting.result()
        return
    if not waiting.cancelled():
        waiting.exception()  # fetched, so that asyncio does not complain: the exit explains it
    if member.ending:
        raise PermanentPortError(f"{member.child.name} was stopped before it was ready")
    words = member.gone(process)
    member.child.state = "stopped"
    member.changed(member.child, words)
    raise PermanentPortError(f"{member.child.name} {words} before it was ready{process.log_tail()}")


class _Process:
    """One life of a child, from the fork until it is reaped."""

    def __init__(self, command: ProcessCommand, start: int) -> None:
        data = command.input if isinstance(command.input, bytes) else command.input(start)
        self._loop = asyncio.get_running_loop()
        self._log = command.log
        try:
            self._log_start, self._popen = _spawn(command)
            try:
                self._watched = os.pidfd_open(self._popen.pid)
            except BaseException:
                _end_now(self._popen)
                raise
        except (OSError, subprocess.SubprocessError) as problem:
            raise PermanentPortError(f"{command.name} cannot be started: {problem}") from problem
        self.pid = self._popen.pid
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._born_s = self._died_s = self._loop.time()
        self._loop.add_reader(self._watched, self._on_exit)
        assert self._popen.stdin is not None
        self._input = self._popen.stdin
        self._unwritten = memoryview(data)
        os.set_blocking(self._input.fileno(), False)
        self._feed()

    def lived_s(self) -> float:
        return self._died_s - self._born_s

    def kill(self, number: signal.Signals) -> None:
        """Signals the whole group, unless the child is gone."""
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def end(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL; a cancelled wait is over at once, with SIGKILL sent."""
        self.kill(signal.SIGTERM)
        try:
            await asyncio.wait({self.exited}, timeout=grace_s)
        finally:
            self.kill(signal.SIGKILL)
        await asyncio.wait({self.exited})

    def log_tail(self) -> str:
        """The last lines of what this life wrote, to be put behind a sentence."""
        try:
            with self._log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - TAIL_BYTES_MAX))
                lines = log.read(TAIL_BYTES_MAX).decode(errors="replace").splitlines()
        except OSError as problem:
            return f"; its log cannot be read: {problem}"
        if not lines:
            return f"; it wrote nothing to {self._log}"
        return f"; the end of {self._log}:" + "".join(
            f"\n    {line}" for line in lines[-TAIL_LINE_COUNT_MAX:]
        )

    def _feed(self) -> None:
        """Writes what the pipe takes; the loop calls again when there is room for more."""
        number = self._input.fileno()
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(number, self._unwritten) :]
        except BlockingIOError:
            self._loop.add_writer(number, self._feed)
            return
        except BrokenPipeError:
            self._unwritten = memoryview(b"")  # the child does not listen: its own affair
        self._loop.remove_writer(number)

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._watched)
        self._loop.remove_writer(self._input.fileno())
        os.close(self._watched)
        self._died_s = self._loop.time()
        self.exited.set_result(_end_now(self._popen))


def _spawn(command: ProcessCommand) -> tuple[int, subprocess.Popen[bytes]]:
    command.log.parent.mkdir(parents=True, exist_ok=True)
    if command.log.exists() and command.log.stat().st_size > LOG_BYTES_MAX:
        command.log.replace(command.log.with_name(command.log.name + ".1"))
    with command.log.open("ab") as log:
        start = log.tell()  # before the child shares this position and moves it
        popen = subprocess.Popen(
            command.arguments,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.environment},
            start_new_session=True,
            preexec_fn=_tied_to(os.getpid()),
        )
        return start, popen


def _tied_to(parent_pid: int) -> Callable[[], None]:
    """What a child does before exec: ask to be killed with its parent, who may be gone by then."""

    def tie() -> None:
        if _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != parent_pid:
            os.kill(os.getpid(), signal.SIGKILL)

    return tie


def _end_now(popen: subprocess.Popen[bytes]) -> int:
    """Kills a child and its group, reaps it, and returns its exit code (its own if it had ended).

    Before it is reaped nobody else can get its number, so the signal cannot hit a stranger.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)
    with popen:  # closes the pipe and waits
        pass
    return popen.returncode


def _in_words(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exited with {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"
