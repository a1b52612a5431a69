"""The spark, to the last micro-unit: SEMANTICS 4.5, and that YAML edits alone move the figures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import nimdsl
from nimdsl.program import Program
from simulate import Result, run

PHASES = {
    "identity": (5, 4_000_000, 100_000_000),
    "environment": (4, 3_200_000, 75_000_000),
    "vocabulary": (20, 16_000_000, 100_000_000),
    "connection": (3, 2_400_000, 10_000_000),
    "attention": (4, 3_200_000, 32_000_000),
}


def edit(path: Path, pattern: str, replacement: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed, count = re.subn(pattern, replacement, text, count=1, flags=re.MULTILINE)
    assert count == 1, f"{pattern} is not in {path}"
    path.write_text(changed, encoding="utf-8")


def ledger_kinds(result: Result) -> set[str]:
    assert result.run.ledger is not None
    return {entry.kind for entry in result.run.ledger.entries}


def test_4_5_the_fault_free_spark_has_these_figures(shipped: Program) -> None:
    result = run(shipped, "spark")
    assert result.completed
    assert result.ok
    assert result.outcome["errors"] == 0
    assert result.outcome["lifeforce"] == {
        "initial": 100_000_000,
        "spent": 28_800_000,
        "earned": 317_000_000,
        "final": 388_200_000,
        "least": 98_600_000,
        "most": 388_200_000,
        "shortfall": 0,
        "starved": False,
        "starved_at": 0,
    }
    phases = result.outcome["phases"]
    assert {n: (p["accepted"], p["spent"], p["earned"]) for n, p in phases.items()} == PHASES
    assert sum(phase["attempts"] for phase in phases.values()) == 36
    assert ledger_kinds(result) == {"transfer"}, "no claim of a reply differs from what was paid"


def test_the_summary_speaks_lf_and_seconds(shipped: Program) -> None:
    summary = run(shipped, "spark").summary
    amounts = {"initial": 100.0, "spent": 28.8, "earned": 317.0, "final": 388.2, "least": 98.6}
    assert summary["lifeforce"] == {**amounts, "most": 388.2, "shortfall": 0.0, "starved": False}
    assert all(criterion["held"] for criterion in summary["criteria"])
    assert {"scenario", "seed", "program_sha256", "trace_sha256", "decision_sha256", "errors"} <= set(
        summary
    )
    assert set(summary["phases"][0]) >= {
        "name", "handshakes", "accepted", "attempts", "spent", "earned", "duration_s"
    }  # fmt: skip


@pytest.mark.parametrize(
    "scenario", ["spark-lossy", "spark-nack", "spark-retry", "spark-crash", "spark-pauper"]
)
def test_every_shipped_scenario_meets_its_own_expectations(shipped: Program, scenario: str) -> None:
    result = run(shipped, scenario)
    assert result.expectations
    assert result.ok, [verdict for verdict in result.expectations if not verdict.held]


def test_the_faults_of_the_scenarios_really_happen(shipped: Program) -> None:
    lossy = run(shipped, "spark-lossy")
    assert {"lost", "duplicated", "delayed", "back"} <= {i.what.split()[-1] for i in lossy.incidents}
    crash = run(shipped, "spark-crash")
    assert {"crashed", "back"} <= {incident.what.split()[-1] for incident in crash.incidents}
    retry = run(shipped, "spark-retry")
    assert sum(p["attempts"] for p in retry.outcome["phases"].values()) > 36


def test_one_term_fewer_in_list_and_criterion(specs: Path) -> None:
    edit(specs / "spark" / "phases.yaml", r"^ +- dasein\n", "")
    edit(specs / "spark" / "protocol.yaml", r"== 20\b", "== 19")
    result = run(nimdsl.load(specs), "spark")
    assert result.completed
    assert result.ok
    assert sum(phase["handshakes"] for phase in result.outcome["phases"].values()) == 35
    assert result.outcome["lifeforce"]["final"] == 384_000_000


def test_a_sixteenth_pod(specs: Path) -> None:
    row = r"^( +- \{.*)sensor-light-001(.*\})$"
    twice = r"\g<0>\n\1sensor-compass-001\2"
    edit(specs / "spark" / "cells" / "environment-cell.yaml", row, twice)
    alone = run(nimdsl.load(specs), "spark")
    assert not alone.completed, "the inventory counts one pod fewer than were found"
    edit(specs / "gardens" / "virtual.yaml", row, twice)
    result = run(nimdsl.load(specs), "spark")
    assert result.completed
    assert result.outcome["lifeforce"]["final"] == 393_200_000


def test_the_pauper_is_refused_and_nothing_is_half_charged(shipped: Program) -> None:
    result = run(shipped, "spark-pauper")
    assert result.ok
    assert not result.completed
    refused = {"actor": "protocol/spark", "economy": "lifeforce", "price": 1.4, "balance": 1.0}
    assert result.summary["refusals"] == [refused]
    assert "1.4" in result.summary["failures"][0]["reason"]
    assert "1.0" in result.summary["failures"][0]["reason"]
    assert result.run.ledger is not None
    assert result.run.ledger.balances() == {"opening": -1_000_000, "pool": 1_000_000}


def test_a_canned_greeting_fails(shipped: Program) -> None:
    canned: Any = {"constant": "Hello, young one. Your lambda is strong."}
    path = "cell/chrysalis-bridge.work.greet.virtual.returns.greeting"
    result = run(shipped, "spark", set={path: canned})
    assert not result.completed
    assert [one.name for one in result.failures] == ["greet"]
    assert result.failures[0].verdict == "rejected"


def test_a_lying_lifeforce_delta_has_no_authority_and_is_recorded(shipped: Program) -> None:
    result = run(shipped, "spark", set={"cell/identity-cell.answers.aspect.lifeforce_delta": 999.0})
    assert result.outcome["lifeforce"]["final"] == 388_200_000
    assert "mismatch" in ledger_kinds(result)
