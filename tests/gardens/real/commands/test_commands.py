"""The verbs of the real garden, as a person uses them; afterwards nothing is left running."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nimdsl.program import Program
from simulate import run as simulated
from tests.support.patience import ended, growth_of, until_now

pytestmark = pytest.mark.slow
MARK = "NIMDSL_TEST_MARK"


class Shell:
    """A person in a folder of their own; every process that they start carries a mark."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, MARK: str(folder), "COLUMNS": "120"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "nimdsl", *words],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ended(self, child: subprocess.Popen[str]) -> tuple[str, str]:
        """Its output, once it has ended by itself."""
        return ended(child, lambda: growth_of(self.folder))

    def do(self, *words: str) -> subprocess.CompletedProcess[str]:
        child = self.start(*words)
        out, err = self.ended(child)
        return subprocess.CompletedProcess(words, child.returncode, out, err)

    def left(self) -> list[str]:
        """What still runs of all that was started here; zombies are gone."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                marked = f"{MARK}={self.folder}".encode() in (entry / "environ").read_bytes().split(b"\0")
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if marked and words:
                found.append(f"{entry.name} {words}")
        return found

    def until(self, condition: Callable[[], bool], what: str) -> None:
        until_now(condition, what, lambda: growth_of(self.folder))

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.do("status", "--format", "json").stdout)
        return found


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    shell.do("down")
    shell.until(lambda: not shell.left(), f"left running: {shell.left()}")


def test_the_spark_for_real_has_the_figures_and_decides_as_the_virtual_one(
    shell: Shell, shipped: Program
) -> None:
    done = shell.do("run", "spark", "--format", "json", "--out", "out")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["garden"] == "local"
    assert said["completed"]
    assert said["stopped"] == "final"
    force = {"initial": 100.0, "spent": 28.8, "earned": 317.0, "final": 388.2}
    assert said["lifeforce"].items() >= force.items()
    amounts = [(phase["spent"], phase["earned"]) for phase in said["phases"]]
    assert amounts == [(4.0, 100.0), (3.2, 75.0), (16.0, 100.0), (2.4, 10.0), (3.2, 32.0)]
    assert sum(phase["handshakes"] for phase in said["phases"]) == 36
    virtual = simulated(shipped, "spark").summary
    assert said["decision_sha256"] == virtual["decision_sha256"]
    assert set(said) - {"garden", "diagnostics"} == set(virtual)
    assert sorted(p.name for p in (shell.folder / "out").iterdir()) == [
        "journal.sqlite",
        "records.jsonl",
        "summary.json",
    ]
    shown = shell.do("run", "spark").stdout
    assert shown.splitlines()[1].startswith("spark · garden local · seed 1 · ")
    replayed = shell.do("replay", "out/journal.sqlite")
    assert (replayed.returncode, replayed.stderr) == (0, ""), replayed.stdout
    compared = shell.do("compare", "out/journal.sqlite")
    assert compared.returncode == 0, compared.stdout + compared.stderr


ELSEWHERE = """apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  accepts: {push: {size: real}}
  machine: {initial: a, states: {a: {transitions: [{event: push, to: a}]}}}
---
apiVersion: nimdsl.dev/v1
kind: Garden
metadata: {name: shed}
spec: {real: {state: elsewhere}}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec: {horizon: 60s, stimuli: [{recording: {file: ../data/a.csv}, to: lamp, event: push}]}
"""


def test_whoever_finds_a_garden_by_its_documents_says_where_their_files_are(shell: Shell) -> None:
    for name in ("specs", "data"):
        (shell.folder / name).mkdir()
    (shell.folder / "specs/garden.yaml").write_text(ELSEWHERE, encoding="utf-8")
    (shell.folder / "data/a.csv").write_text("at,size\n1s,1.5\n", encoding="utf-8")
    found = {"down": "shed is not up", "status": "shed has never been up here"}
    for verb in ("down", "pause", "resume", "status"):
        words = (verb, "shed", "--specs", "specs")
        assert "NIM0114" in shell.do(*words).stderr
        done = shell.do(*words, "--root", "data")
        assert found.get(verb, "shed is not up") in done.stdout + done.stderr


def test_a_garden_lives_pauses_goes_on_and_ends(shell: Shell) -> None:
    up = shell.do("up", "--detach")
    assert up.returncode == 0, up.stderr
    again = shell.do("up")
    assert again.returncode == 2
    assert "up already" in again.stderr
    assert again.stderr.count("\n") == 1
    shell.until(
        lambda: shell.status()["status"]["nodes"]["controller"]["actors"]["protocol/spark"]["ended"],
        "the spark did not end",
    )
    assert shell.do("pause").returncode == 0
    still = [shell.status()["status"]["time_ns"] for _ in range(2)]
    assert still[0] == still[1]
    assert shell.do("resume").returncode == 0
    shell.until(lambda: shell.status()["status"]["time_ns"] > still[1], "time does not go on")
    within = shell.do("run", "spark", "--format", "json")
    assert json.loads(within.stdout)["lifeforce"]["final"] == 388.2, "a ledger of its own"
    seen = shell.do("status")
    assert seen.returncode == 0
    assert "protocol/spark" in seen.stdout
    assert "388.2 LF" in seen.stdout
    assert shell.do("down").stdout == "local is down\n"
    assert shell.left() == []
    gone = shell.do("status")
    assert gone.returncode == 1
    assert gone.stdout.startswith("local is down; this is its last known state")
    assert shell.do("down").stdout == "local is not up\n"


SLOW_TO_END = """
import signal, sys, time
from pathlib import Path
from gardens.real.supervisor.state import StateFolder

def end(*_):
    state.unlock()
    time.sleep(0.7)
    sys.exit()

state = StateFolder(Path(".nimdsl/local"))
state.lock()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
signal.pause()
"""


def test_down_waits_for_the_process_itself_and_not_only_for_its_lock(shell: Shell) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_TO_END],
        cwd=shell.folder,
        env=shell.environment,
        text=True,
        stdout=subprocess.PIPE,
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "up\n"
            assert shell.do("down").stdout == "local is down\n"
            assert shell.left() == []
        finally:
            child.kill()


def test_a_killed_garden_leaves_nothing_behind_and_goes_on_where_it_was(shell: Shell) -> None:
    assert shell.do("up", "--detach").returncode == 0
    shell.until(
        lambda: shell.status()["status"]["nodes"]["controller"]["actors"]["protocol/spark"]["state"] != "",
        "the spark did not begin",
    )
    run_id = shell.status()["status"]["run_id"]
    os.kill(int((shell.folder / ".nimdsl/local/lock").read_text()), signal.SIGKILL)
    shell.until(lambda: not shell.left(), "children outlive a killed garden")
    assert "does not answer" in shell.do("status").stdout
    assert shell.do("up", "--detach").returncode == 0
    shell.until(
        lambda: shell.status()["status"]["nodes"]["controller"]["actors"]["protocol/spark"]["ended"],
        "the spark did not go on",
    )
    status = shell.status()["status"]
    assert status["run_id"] == run_id
    assert status["nodes"]["economy"]["lifeforce"]["earned"] == 317_000_000
    assert shell.do("down").returncode == 0
    replayed = shell.do("replay", ".nimdsl/local/journal.sqlite")
    assert replayed.returncode == 0, replayed.stdout


@pytest.mark.parametrize(("verb", "code"), [("up", 0), ("run", 130)])
def test_ctrl_c_ends_everything(shell: Shell, verb: str, code: int) -> None:
    child = shell.start(verb)
    shell.until(
        lambda: any("gardens.real.process.node" in line for line in shell.left()), "nothing started"
    )
    child.send_signal(signal.SIGINT)
    out, err = shell.ended(child)
    assert child.returncode == code, out + err
    assert "Traceback" not in err
    assert shell.left() == []


def test_a_taken_port_is_one_clear_line(shell: Shell, specs: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        garden = specs / "gardens" / "local.yaml"
        text = garden.read_text(encoding="utf-8").replace("server: embedded", f"port: {port}")
        garden.write_text(text, encoding="utf-8")
        for words in (["up"], ["up", "--detach"], ["run", "spark"]):
            done = shell.do(*words, "--specs", str(specs))
            assert done.returncode == 2
            assert f"port {port} is taken" in done.stderr
            assert done.stderr.count("\n") == 1
    assert shell.left() == []


def test_a_group_that_cannot_start_is_one_clear_error(shell: Shell, specs: Path) -> None:
    garden = specs / "gardens" / "local.yaml"
    text = garden.read_text(encoding="utf-8")
    told = "memory: {command: [/no/such/program], cells: [identity-cell"
    garden.write_text(text.replace("memory: {cells: [identity-cell", told), encoding="utf-8")
    done = shell.do("run", "spark", "--specs", str(specs))
    assert done.returncode == 2
    assert "memory cannot be started" in done.stderr
    assert "Traceback" not in done.stderr
    assert shell.left() == []


def test_another_program_does_not_go_on_in_an_old_life(shell: Shell, specs: Path) -> None:
    assert shell.do("up", "--detach", "--specs", str(specs)).returncode == 0
    assert shell.do("down", "--specs", str(specs)).returncode == 0
    economy = specs / "spark" / "economy.yaml"
    changed = economy.read_text(encoding="utf-8").replace("opening: 100", "opening: 90")
    economy.write_text(changed, encoding="utf-8")
    refused = shell.do("up", "--specs", str(specs))
    assert refused.returncode == 2
    assert "--fresh" in refused.stderr
    assert shell.do("up", "--detach", "--fresh", "--specs", str(specs)).returncode == 0
    assert list((shell.folder / ".nimdsl/local/earlier").iterdir())
    assert shell.do("down", "--specs", str(specs)).returncode == 0


def test_cells_that_moved_to_another_group_do_not_go_on_without_their_journals(
    shell: Shell, specs: Path
) -> None:
    assert shell.do("up", "--detach", "--specs", str(specs)).returncode == 0
    assert shell.do("down").returncode == 0, "found by its folder, without its documents"
    garden = specs / "gardens" / "local.yaml"
    moved = garden.read_text(encoding="utf-8").replace("memory: {cells", "elsewhere: {cells")
    garden.write_text(moved, encoding="utf-8")
    refused = shell.do("up", "--specs", str(specs))
    assert refused.returncode == 2
    assert "lived in other groups before" in refused.stderr


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["up", "nowhere"], 1, "there is no real garden named `nowhere`"),
        (["run", "spark", "--garden", "lokal"], 1, "did you mean `local`?"),
        (["up", "virtual"], 1, "`virtual` is a virtual garden"),
        (["pause"], 2, "local is not up"),
        (["status"], 1, "has never been up here"),
    ],
)
def test_mistakes_are_explained(shell: Shell, words: list[str], code: int, part: str) -> None:
    done = shell.do(*words)
    assert done.returncode == code
    assert part in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
