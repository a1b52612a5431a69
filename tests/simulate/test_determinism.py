"""L0 (SEMANTICS 8.3): the same program, scenario and seed give the same trace, whatever runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nimdsl
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.driver import Options
from nimdsl.loading import check_sources
from nimdsl.program import Program
from nimdsl.text.source import Source, read_sources
from runtime.kernel.interpreters import PlainInterpreter
from runtime.run.host import Checks, fold
from simulate import run

SCRIPT = """
import json, sys, nimdsl, simulate
program = nimdsl.load(sys.argv[1])
print(json.dumps([simulate.run(program, name).summary for name in ("spark", "spark-lossy", "spark-crash")]))
"""
ROOT = Path(__file__).parents[2]


def elsewhere(folder: Path, hash_seed: str) -> object:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, str(nimdsl.shipped_specs())]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_processes_hash_seeds_and_working_directories_change_nothing(tmp_path: Path) -> None:
    first, second = elsewhere(tmp_path, "0"), elsewhere(ROOT, "4242")
    assert first == second


@pytest.mark.parametrize("scenario", ["spark", "spark-lossy", "spark-crash", "spark-retry"])
def test_bytes_restored_snapshots_and_the_other_interpreter_change_nothing(
    shipped: Program, scenario: str
) -> None:
    first = run(shipped, scenario).summary
    assert run(shipped, scenario).summary == first
    assert run(shipped, scenario, options=Options(checks=Checks(round_trip=True))).summary == first
    assert run(shipped, scenario, options=Options(checks=Checks(restore=True))).summary == first
    assert run(shipped, scenario, options=Options(interpreter=PlainInterpreter)).summary == first


def test_another_seed_differs_on_the_lossy_spark(shipped: Program) -> None:
    traces = {run(shipped, "spark-lossy", seed=seed).summary["trace_sha256"] for seed in (1, 2, 3)}
    assert len(traces) == 3


def test_the_journal_alone_gives_every_record_and_snapshot_again(shipped: Program, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with SqliteJournal(path) as journal:
        result = run(shipped, "spark-lossy", journal=journal)
    with SqliteJournal(path, read_only=True) as journal:
        for host in result.run.hosts.values():
            snapshot, records, pending = fold(host.kernel, journal.read(host.id))
            assert pending is None
            assert snapshot == host.snapshot
            assert records == host.records


def test_an_actor_more_changes_no_draw_of_the_others(shipped: Program) -> None:
    """SEMANTICS 2.4: emitters are renumbered, so only what the protocol decided is compared."""
    extra = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: a-bystander}
spec:
  accepts: {nudge: {}}
  machine: {initial: idle, states: {idle: {transitions: [{event: nudge, to: idle}]}}}
"""
    paths = [nimdsl.shipped_specs()]
    bystander = check_sources([*read_sources(paths)[0], Source("extra.yaml", extra)])
    assert bystander.program is not None
    everyone = {"scenario/spark-lossy.cells": [*bystander.program.cells]}
    with_it = run(bystander.program, "spark-lossy", set=everyone)
    assert "a-bystander" in with_it.outcome["cells"]
    without = run(shipped, "spark-lossy")
    ours = without.run.hosts["protocol/spark"].records
    assert with_it.run.hosts["protocol/spark"].records == ours


def test_program_sha256_covers_what_steps_read_and_nothing_else(shipped: Program) -> None:
    base = shipped.sha256
    for path, value in (
        ("garden/virtual.bus.loss", "20%"),
        ("cell/identity-cell.description", "something else"),
        ("scenario/spark.horizon", "2h"),
    ):
        assert run(shipped, "spark", set={path: value}).program.sha256 == base, path
    for path, changed in (
        ("economy/lifeforce.prices.publish", 0.11),
        ("phase/identity.request.timeout", "6s"),
    ):
        assert run(shipped, "spark", set={path: changed}).program.sha256 != base, path
