"""Long runs: memory that does not grow with them, files that are whole, actors that crash."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import nimdsl
from gardens.report.result import beats
from gardens.report.result.export import RECORDS, RecordFile, export, journal_in
from gardens.stores import sqlite as sqlite_journal
from gardens.stores.memory import DiscardingJournal, MemoryJournal
from gardens.virtual.driver import Options
from nimdsl.base import canonical
from nimdsl.loading import with_overrides
from nimdsl.program import Program
from runtime.ledger.keys import COUNTED_KEYS_MAX
from runtime.run.host import Checks
from simulate import Result, run
from tests.support.patience import SILENCE_S, cpu_s, finished, until_now
from tests.support.plain import plain

EVENTS = 1_500
GROWTH_MAX = 1.5
"""How much more memory four times as many events may take: what grows takes nearly four times."""
FEW_OBJECTS = 50
"""How many more objects may wait for the collector when a run lasts twice as long."""

TICKING = """
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {{name: purse}}
spec: {{opening: 10, capacity: 20, window: 1s, incomes: {{sun: 1}}, upkeep: {{body: 0.1}}}}
---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: clock}}
spec:
  accepts: {{push: {{}}}}
  data: {{count: int}}
  machine:
    initial: here
    states:
      here:
        transitions: [{{event: push, to: there, cost: {cost}}}]
        timers: [{{after: 15ms, to: there}}]
      there:
        enter: [{{set: {{count: "${{count + 1}}"}}}}]
        transitions: [{{event: push, to: here, cost: {cost}}}]
        timers: [{{after: 5ms, to: here}}]
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {{name: long}}
spec:
  economy: purse
  horizon: {horizon_ms}ms
  stimuli: [{{at: 10ms, every: 10ms, times: {times}, to: clock, event: push}}]
"""


def ticking(times: int, cost: float = 0.0) -> str:
    """A cell that ticks and is pushed every 10 ms."""
    return TICKING.format(times=times, cost=cost, horizon_ms=10 * times + 5)


def peak_bytes(times: int, folder: Path | None = None, cost: float = 0.0) -> int:
    """The most memory that a run which keeps nothing takes, with its summary."""
    return traced(nimdsl.load_text(ticking(times, cost)), "long", folder, times)


def traced(program: Program, scenario: str, folder: Path | None = None, record_count: int = 0) -> int:
    """The most memory, in bytes, that a run takes at a time."""
    assert program.sha256, "what it takes to hash the program is no part of the run"
    tracemalloc.start()
    try:
        result = unkept(program, scenario, folder)
        assert result.summary["stopped"] == "horizon"
        assert result.tally.record_count > record_count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def unkept(program: Program, scenario: str, folder: Path | None = None) -> Result:
    if folder is None:
        return run(program, scenario, keep=False)
    journal, records = journal_in(folder), RecordFile(folder)
    result = run(program, scenario, keep=False, journal=journal, records=records)
    export(result, folder, journal, records)
    return result


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_a_run() -> None:
    peak_bytes(EVENTS)
    few, many = peak_bytes(EVENTS), peak_bytes(4 * EVENTS)
    assert many < GROWTH_MAX * few, (few, many)


def garbage_count(program: Program, scenario: str) -> int:
    """How many objects of a run only the garbage collector can find."""
    gc.collect()
    gc.disable()
    try:
        result = run(program, scenario, keep=False)
        assert result.tally.record_count
        return gc.collect()
    finally:
        gc.enable()


def test_steps_leave_nothing_to_the_garbage_collector(shipped: Program) -> None:
    """What refers to itself waits for a collection, and much of it costs a long run a tenth of its time."""
    path = "scenario/busy-hour.horizon"
    hours = [with_overrides(shipped, {path: horizon}) for horizon in ("5min", "10min")]
    ticks = [nimdsl.load_text(ticking(times, cost=0.001)) for times in (200, 400)]
    for programs, scenario in ((hours, "busy-hour"), (ticks, "long")):
        few, many = (garbage_count(program, scenario) for program in programs)
        assert many <= few + FEW_OBJECTS, scenario


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_paid() -> None:
    assert EVENTS > COUNTED_KEYS_MAX
    peak_bytes(EVENTS, cost=0.001)
    few, many = peak_bytes(EVENTS, cost=0.001), peak_bytes(4 * EVENTS, cost=0.001)
    assert many < GROWTH_MAX * few, (few, many)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_beats(shipped: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "BEAT_COUNT_MAX", 10)
    path = "scenario/busy-hour.horizon"
    few, many = (with_overrides(shipped, {path: horizon}) for horizon in ("2h", "8h"))
    assert traced(many, "busy-hour") < GROWTH_MAX * traced(few, "busy-hour")


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_journal, "BATCH_COUNT_MAX", 200)
    peak_bytes(EVENTS, tmp_path / "warm")
    few, many = peak_bytes(EVENTS, tmp_path / "few"), peak_bytes(4 * EVENTS, tmp_path / "many")
    assert many < GROWTH_MAX * few, (few, many)


@pytest.mark.parametrize("scenario", ["spark", "spark-lossy", "spark-crash", "spark-retry", "voice"])
def test_kept_and_unkept_runs_say_the_same(shipped: Program, scenario: str, tmp_path: Path) -> None:
    kept = run(shipped, scenario)
    assert run(shipped, scenario, keep=False).summary == kept.summary
    proven = Options(checks=Checks(round_trip=True, restore=True))
    assert run(shipped, scenario, keep=False, options=proven).summary == kept.summary
    written = unkept(shipped, scenario, tmp_path)
    assert written.summary == kept.summary
    assert written.records() == kept.records()
    lines = [canonical.encode(record) + b"\n" for record in plain(kept.records())]
    assert (tmp_path / RECORDS).read_bytes() == b"".join(lines)


def test_a_journal_is_kept_where_an_actor_is_restored_from_it(shipped: Program) -> None:
    assert isinstance(run(shipped, "spark", keep=False).journal, DiscardingJournal)
    assert isinstance(run(shipped, "spark").journal, MemoryJournal)
    crash = run(shipped, "spark-crash", keep=False)
    assert isinstance(crash.journal, MemoryJournal)
    assert {incident.what for incident in crash.incidents} >= {"crashed", "came back"}
    assert crash.completed


def nimdsl_simulate(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nimdsl", "simulate", *arguments]


def test_the_command_writes_what_the_library_keeps(shipped: Program, tmp_path: Path) -> None:
    command = nimdsl_simulate("spark-crash", "--out", str(tmp_path), "--format", "json")
    done = finished(command)
    kept = run(shipped, "spark-crash")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed.pop("diagnostics") == []
    assert printed == json.loads(json.dumps(kept.summary))
    lines = [canonical.encode(record) + b"\n" for record in plain(kept.records())]
    assert (tmp_path / RECORDS).read_bytes() == b"".join(lines)
    without = finished(nimdsl_simulate("spark-crash", "--format", "json"))
    assert without.stdout == done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("how", ["interrupted", "killed"])
def test_a_run_that_is_ended_leaves_no_file_half_written(how: str, tmp_path: Path) -> None:
    if how == "interrupted" and os.name == "nt":
        pytest.skip("Windows has no SIGINT for another process")
    specs, out = tmp_path / "long.yaml", tmp_path / "out"
    specs.write_text(ticking(1_000_000), encoding="utf-8")
    begun = subprocess.Popen(
        nimdsl_simulate("--specs", str(specs), "--out", str(out)), stderr=subprocess.PIPE, text=True
    )
    partial = out / f".{RECORDS}.partial"
    try:
        until_now(
            lambda: (partial.exists() and partial.stat().st_size) or begun.poll() is not None,
            "records are written while the run goes on",
            lambda: cpu_s(begun.pid),
        )
        begun.send_signal(signal.SIGINT) if how == "interrupted" else begun.kill()
    finally:
        if sys.exc_info()[0]:
            begun.kill()
        _, said = begun.communicate(timeout=SILENCE_S)
    left = sorted(path.name for path in out.iterdir())
    assert begun.returncode != 0
    assert "Traceback" not in said
    assert all(name.startswith(".") for name in left), "nothing has its name"
    assert how == "killed" or not left
    specs.write_text(ticking(3), encoding="utf-8")
    again = nimdsl_simulate("--specs", str(specs), "--out", str(out))
    assert finished(again).returncode == 0
    assert sorted(path.name for path in out.iterdir()) == ["journal.sqlite", RECORDS, "summary.json"]
