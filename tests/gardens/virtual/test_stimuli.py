"""Arrivals in the virtual garden: at their times, with their numbers, and again from the journal alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from gardens.report.result.export import export, journal_in
from gardens.stores.sqlite import SqliteJournal
from gardens.virtual.driver import Options
from gardens.virtual.recorded import parity
from nimdsl.program import Program
from runtime.chance.models import Draws
from runtime.chance.stimuli import stimuli_of
from runtime.run.recording import opened
from runtime.run.replay import replay
from runtime.run.run import find_scenario
from simulate import Result, run
from tests.support.texts import cell

STIMULI = """  stimuli:
    - {poisson: {mean: 2s}, to: c, event: push, payload: {x: 1}}
    - {recording: {file: arrivals.csv}, to: c, event: push}
    - {at: 5s, every: 5s, times: 30, to: c, event: push, payload: {x: 100}}
"""
MACHINE = """
    initial: a
    states: {a: {transitions: [{event: push, to: a, do: [{set: {sum: "${sum + event.x}"}}]}]}}"""
TEXT = cell(MACHINE, "  accepts: {push: {x: int}}\n  data: {sum: int}\n", scenario=STIMULI)


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    (tmp_path / "arrivals.csv").write_text("at,x\n20,7\n5,11\n20,13\n59.999999999,17\n60,1000\n90,1000\n")
    (tmp_path / "garden.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path / "garden.yaml"


def heard(result: Result) -> list[tuple[int, int, int]]:
    """Time, number and field of everything that the cell accepted."""
    return [
        (line.body["time_ns"], line.body["event"]["number"], line.body["event"]["payload"]["x"])
        for line in result.journal.read("cell/c")
        if line.kind == "accepted" and line.body["event"]["kind"] == "stimulus"
    ]


def expected(program: Program, seed: int, replication: int = 0) -> list[tuple[int, int, object]]:
    scenario = find_scenario(program, "s")
    arrivals = stimuli_of(scenario, Draws(seed, replication))
    return [
        (at_ns, number, one.payload["x"]) for at_ns, number, one in arrivals if at_ns < scenario.horizon_ns
    ]


@pytest.mark.parametrize(("seed", "replication"), [(1, 0), (2, 0), (1, 1)])
def test_what_arrives_before_the_horizon_arrives_in_order(
    garden: Path, seed: int, replication: int
) -> None:
    program = nimdsl.load(garden)
    result = run(program, "s", seed=seed, options=Options(replication=replication))
    assert heard(result) == expected(program, seed, replication)
    at_20_s = [x for at_ns, _, x in heard(result) if at_ns == 20_000_000_000]
    assert at_20_s == [7, 13, 100], "by position, then by row"
    assert result.outcome["cells"]["c"]["data"]["sum"] == sum(x for _, _, x in heard(result)) < 1_500


def test_a_run_is_replayed_and_compared_from_its_journal_alone(garden: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    journal = journal_in(out)
    result = run(nimdsl.load(garden), "s", journal=journal)
    count = len(heard(result))
    export(result, out, journal)
    for file in (garden, garden.with_name("arrivals.csv")):
        file.unlink()
    with SqliteJournal(out / "journal.sqlite", read_only=True) as kept:
        recording = opened(kept)
        assert replay(recording).trace_sha256 == result.summary["trace_sha256"]
        held = parity(recording)
    assert held.holds, [str(one) for one in (*held.differences, *held.losses)]
    assert held.message_count == count


def test_a_shorter_horizon_changes_no_arrival_before_it(garden: Path) -> None:
    program = nimdsl.load(garden)
    shorter = run(program, "s", set={"scenario/s.horizon": "30s"})
    whole = heard(run(program, "s"))
    assert heard(shorter) == [one for one in whole if one[0] < 30_000_000_000]
