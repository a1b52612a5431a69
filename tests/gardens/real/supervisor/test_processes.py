"""Children are started, watched, started again and ended; none outlives its parent, none stays a zombie."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gardens.real.supervisor import processes
from gardens.real.supervisor.processes import Child, Family, ProcessCommand, Restart
from nimdsl.base.errors import InternalError, PermanentPortError
from tests.support.patience import until

AT_ONCE = Restart(delay_s=0.001, factor=2.0, delay_max_s=0.004, limit=4)
ROOT = Path(__file__).parents[4]
FOREVER = "echo up; exec sleep 600"


class Story:
    """A family with what was told about it, and the folder of its logs."""

    def __init__(self, folder: Path, restart: Restart = AT_ONCE) -> None:
        self.folder = folder
        self.told: list[tuple[str, str]] = []
        self.family = Family(restart, lambda child, words: self.told.append((child.name, words)))

    def shell(
        self, script: str, name: str = "a", data: bytes | Callable[[int], bytes] = b""
    ) -> ProcessCommand:
        return ProcessCommand(name, ("/bin/sh", "-c", script), {}, data, self.log(name))

    def log(self, name: str = "a") -> Path:
        return self.folder / "logs" / name

    def says(self, line: str, name: str = "a") -> Callable[[], Awaitable[None]]:
        return lambda: until(lambda: line in self.log(name).read_text().splitlines())

    def words(self) -> list[str]:
        return [words for _, words in self.told]


def is_gone(pid: int) -> bool:
    """Zombies count as gone: who reaps an orphan, and when, is not ours to say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def is_reaped(pid: int) -> bool:
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def test_restarts_come_later_each_time_until_the_limit(tmp_path: Path) -> None:
    story = Story(tmp_path)

    async def run() -> Child:
        child = await story.family.start(story.shell("exit 3"))
        assert await story.family.given_up() is child
        return child

    child = asyncio.run(run())
    delays = ("0.001", "0.002", "0.004", "0.004")
    lives = [("started", "exited with 3", f"starts again in {delay} s") for delay in delays]
    assert story.words() == [
        *(words for life in lives for words in life),
        *("started", "exited with 3", "given up after 4 restarts"),
    ]
    assert (child.state, child.pid, child.starts, child.exit_code) == ("given up", None, 5, 3)


def test_a_child_that_lived_long_enough_counts_as_new(tmp_path: Path) -> None:
    story = Story(tmp_path, Restart(delay_s=0.001, factor=2.0, limit=1, calm_s=0.0))

    async def run() -> None:
        child = await story.family.start(story.shell("exit 1"))
        await until(lambda: child.starts >= 5)
        await story.family.stop("a")

    asyncio.run(run())
    assert {words for words in story.words() if "again" in words} == {"starts again in 0.001 s"}


def test_a_killed_child_starts_again_as_another_process(tmp_path: Path) -> None:
    story = Story(tmp_path)

    async def run() -> tuple[int, int | None, Child]:
        child = await story.family.start(story.shell(FOREVER))
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.starts == 2)
        second = child.pid
        assert (child.state, child.exit_code) == ("running", -signal.SIGKILL)
        await story.family.stop_all()
        return first, second, child

    first, second, child = asyncio.run(run())
    assert first != second
    assert story.words()[:4] == ["started", "was killed by SIGKILL", "starts again in 0.001 s", "started"]
    assert (child.state, child.pid) == ("stopped", None)
    assert is_reaped(first)


def test_each_start_gets_its_input_and_no_end_of_it(tmp_path: Path) -> None:
    story = Story(tmp_path, Restart(delay_s=0.001, limit=2))
    script = "read line; echo $line; read more && echo never; echo EOF"

    async def run() -> None:
        child = await story.family.start(story.shell(script, data=lambda start: b"start %d\n" % start))
        for start in (1, 2):
            await story.says(f"start {start}")()
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            await until(lambda start=start: child.starts == start + 1)  # type: ignore[misc]
        await story.says("start 3")()
        await story.family.stop("a")

    asyncio.run(run())
    assert story.log().read_text().splitlines() == ["start 1", "start 2", "start 3"]


def test_input_that_no_pipe_holds_arrives(tmp_path: Path) -> None:
    story = Story(tmp_path)

    complaints: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        whole = story.shell("head -c 3000000 | wc -c; sleep 600", data=b"x" * 3_000_000)
        deaf = story.shell("exec <&-; echo deaf; sleep 600", "b", b"x" * 3_000_000)
        await asyncio.gather(
            story.family.start(whole, story.says("3000000")),
            story.family.start(deaf, story.says("deaf", "b")),
        )
        assert [child.state for child in story.family.children()] == ["running", "running"]
        await story.family.stop_all()

    asyncio.run(run())
    assert not complaints


def test_the_environment_is_added(tmp_path: Path) -> None:
    story = Story(tmp_path)
    command = story.shell('echo "$PATH $GARDEN"; sleep 600').arguments

    async def run() -> None:
        await story.family.start(
            ProcessCommand("a", command, {"GARDEN": "eden"}, b"", story.log()),
            story.says(f"{os.environ['PATH']} eden"),
        )
        await story.family.stop_all()

    asyncio.run(run())


def test_an_end_before_it_is_ready_shows_what_was_logged_last(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.log().parent.mkdir()
    story.log().write_text("from an earlier life\n")

    async def run() -> None:
        script = story.shell("for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $n; done; exit 7")
        with pytest.raises(PermanentPortError) as caught:
            await story.family.start(script, asyncio.Event().wait)  # type: ignore[arg-type]
        lines = [f"    line {number}" for number in range(3, 13)]
        assert str(caught.value).splitlines() == [
            f"a exited with 7 before it was ready; the end of {story.log()}:",
            *lines,
        ]
        with pytest.raises(PermanentPortError, match="exited with 0 before it was ready; it wrote nothing"):
            await story.family.start(story.shell("exit 0"), asyncio.Event().wait)  # type: ignore[arg-type]
        assert story.family.children() == ()

    asyncio.run(run())
    assert story.words() == ["started", "exited with 7", "started", "exited with 0"]


def test_nothing_is_left_when_ready_fails_or_is_cut_short(tmp_path: Path) -> None:
    story = Story(tmp_path)
    pids: list[int] = []

    async def fails() -> None:
        pids.extend(child.pid for child in story.family.children() if child.pid)
        raise ZeroDivisionError

    async def lasts() -> None:
        pids.extend(child.pid for child in story.family.children() if child.pid)
        await asyncio.Event().wait()

    async def run() -> None:
        with pytest.raises(ZeroDivisionError):
            await story.family.start(story.shell(FOREVER), fails)
        starting = asyncio.create_task(story.family.start(story.shell(FOREVER), lasts))
        await until(lambda: len(pids) == 2)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        starting = asyncio.create_task(story.family.start(story.shell(FOREVER), lasts))
        await until(lambda: len(pids) == 3)
        await story.family.stop("a")
        with pytest.raises(PermanentPortError, match="a was stopped before it was ready"):
            await starting
        assert story.family.children() == ()

    asyncio.run(run())
    assert all(is_reaped(pid) for pid in pids)


def test_what_cannot_be_run_says_so(tmp_path: Path) -> None:
    story = Story(tmp_path)

    async def run() -> None:
        with pytest.raises(PermanentPortError, match=r"a cannot be started: .*/no/such/program"):
            await story.family.start(ProcessCommand("a", ("/no/such/program",), {}, b"", story.log()))
        (tmp_path / "file").touch()
        with pytest.raises(PermanentPortError, match=r"a cannot be started: .*file"):
            await story.family.start(
                ProcessCommand("a", ("/bin/true",), {}, b"", tmp_path / "file" / "log")
            )
        assert story.family.children() == ()

    asyncio.run(run())


def test_a_program_that_vanished_is_given_up_too(tmp_path: Path) -> None:
    story = Story(tmp_path, Restart(delay_s=0.001, limit=1))
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nrm $0\n")
    program.chmod(0o700)

    async def run() -> None:
        await story.family.start(ProcessCommand("a", (str(program),), {}, b"", story.log()))
        await story.family.given_up()

    asyncio.run(run())
    assert story.words()[:3] == ["started", "exited with 0", "starts again in 0.001 s"]
    assert story.words()[3].startswith("a cannot be started: ")
    assert story.words()[4:] == ["given up after 1 restarts"]


def test_stop_asks_first_and_kills_afterwards(tmp_path: Path) -> None:
    story = Story(tmp_path)
    polite = "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done"
    rude = "trap '' TERM; echo up; while :; do sleep 0.01; done"

    async def run() -> tuple[Child, Child]:
        first = await story.family.start(story.shell(polite), story.says("up"))
        second = await story.family.start(story.shell(rude, "b"), story.says("up", "b"))
        await story.family.stop("a", grace_s=20)
        await story.family.stop("b", grace_s=0.05)
        await story.family.stop("b")
        return first, second

    first, second = asyncio.run(run())
    assert story.log().read_text().splitlines()[-1] == "bye"
    assert (first.state, first.exit_code) == ("stopped", 5)
    assert (second.state, second.exit_code) == ("stopped", -signal.SIGKILL)
    assert story.told[2:] == [("a", "stopped"), ("b", "stopped")]


def test_a_child_that_waits_for_its_restart_is_stopped_too(tmp_path: Path) -> None:
    story = Story(tmp_path, Restart(delay_s=600, delay_max_s=600))

    async def run() -> None:
        child = await story.family.start(story.shell("exit 1"))
        await until(lambda: child.state == "waiting")
        await story.family.stop("a")
        assert (child.state, child.starts) == ("stopped", 1)
        again = await story.family.start(story.shell(FOREVER))
        assert story.family.children() == (again,)
        await story.family.stop_all()

    asyncio.run(run())


def test_the_last_one_started_is_stopped_first(tmp_path: Path) -> None:
    story = Story(tmp_path)

    async def run() -> None:
        commands = [story.shell(FOREVER, name) for name in "abc"]
        await story.family.start(commands[0])
        await asyncio.gather(*(story.family.start(command) for command in commands[1:]))
        await story.family.stop_all()

    asyncio.run(run())
    assert [name for name, words in story.told if words == "stopped"] == ["c", "b", "a"]


def test_stopping_that_is_cut_short_kills_everybody(tmp_path: Path) -> None:
    story = Story(tmp_path)
    rude = "trap '' TERM; echo up; while :; do sleep 0.01; done"

    async def run() -> None:
        pids = []
        for name in "ab":
            child = await story.family.start(story.shell(rude, name), story.says("up", name))
            assert child.pid is not None
            pids.append(child.pid)
        stopping = asyncio.create_task(story.family.stop_all(grace_s=600))
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        await until(lambda: all(is_reaped(pid) for pid in pids))

    asyncio.run(run())


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    story = Story(tmp_path)

    async def run() -> list[int]:
        command = story.shell("sleep 600 & echo $!; echo up; wait")
        child = await story.family.start(command, story.says("up"))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        await until(lambda: story.log().read_text().count("up") == 2)
        await story.family.stop_all()
        return [int(line) for line in story.log().read_text().split() if line.isdigit()]

    pids = asyncio.run(run())
    assert len(pids) == 2
    asyncio.run(until(lambda: all(is_gone(pid) for pid in pids)))


PARENT = """
import asyncio, sys
from pathlib import Path
from gardens.real.supervisor.processes import Family, ProcessCommand, Restart

async def main():
    family = Family(Restart(), lambda child, words: None)
    for script in ("exec sleep 600", "trap '' TERM; while :; do sleep 1; done", "cat; :"):
        command = ProcessCommand(script, ("/bin/sh", "-c", script), {}, b"", Path(sys.argv[1]) / "log")
        child = await family.start(command)
        print(child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        (sys.executable, "-c", PARENT, str(tmp_path)), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        try:
            assert parent.stdout is not None
            pids = [int(parent.stdout.readline()) for _ in range(3)]
            reader = Path(f"/proc/{pids[2]}/task/{pids[2]}/children")  # `cat`, which only EOF ends
            asyncio.run(until(lambda: reader.read_text() != ""))
            pids.append(int(reader.read_text()))
            assert not any(is_gone(pid) for pid in pids)
            assert all(os.getsid(pid) == pid for pid in pids[:3])
        finally:
            parent.kill()
    asyncio.run(until(lambda: all(is_gone(pid) for pid in pids)))


def test_a_bug_in_the_listener_is_not_swallowed(tmp_path: Path) -> None:
    story = Story(tmp_path)

    def changed(child: Child, words: str) -> None:
        if words == "exited with 1":
            raise ZeroDivisionError

    story.family = Family(AT_ONCE, changed)

    async def run() -> None:
        await story.family.start(story.shell("exit 1"))
        with pytest.raises(ZeroDivisionError):
            await story.family.given_up()
        await story.family.stop_all()

    asyncio.run(run())


def test_names_are_unique_and_known(tmp_path: Path) -> None:
    story = Story(tmp_path)

    async def run() -> None:
        await story.family.start(story.shell(FOREVER))
        with pytest.raises(InternalError, match="started twice"):
            await story.family.start(story.shell(FOREVER))
        with pytest.raises(InternalError, match="no child b"):
            await story.family.stop("b")
        await story.family.stop_all()

    asyncio.run(run())


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES_MAX", 5)
    story = Story(tmp_path)
    story.log().parent.mkdir()
    story.log().write_text("too long\n")

    async def run() -> None:
        await story.family.start(story.shell(FOREVER), story.says("up"))
        await story.family.stop_all()

    asyncio.run(run())
    assert story.log().read_text() == "up\n"
    assert story.log().with_name("a.1").read_text() == "too long\n"
