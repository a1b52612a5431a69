"""What a tally holds on to is bounded, what it counts is not; and whoever reads it is told."""

from __future__ import annotations

import pytest

import nimdsl
from gardens.report.result import result as results
from gardens.report.result import tally as tallies
from gardens.report.result.tally import OTHERS, Tally
from gardens.report.terminal.text import report
from gardens.virtual import driver, presence
from nimdsl.program import Program
from runtime.records import Faulted, HandshakeEnded, Record
from simulate import Result, run
from tests.support.reckoning import reckoned, tallied
from tests.support.texts import HELLO, cell

PROGRAM: Program = nimdsl.load_text(HELLO)
POOR = """
    initial: a
    states:
      a: {transitions: [{event: push, to: a, cost: 9}]}"""


def tally() -> Tally:
    return Tally(PROGRAM, PROGRAM.scenarios["hello"])


def handshake(number: int, verdict: str = "accepted") -> Record:
    ended = HandshakeEnded(
        phase="meet",
        name=f"meet_{number}",
        verdict=verdict,
        attempts=2,
        translations=1,
        reason="",
        sent={},
        received={},
    )
    return Record("protocol/hello", number, number, ended)


def pushed(times: int, machine: str = POOR, expect: str = "true") -> Result:
    scenario = f"  expect: ['{expect}']\n"
    scenario += f"  stimuli: [{{at: 1s, every: 1ms, times: {times}, to: c, event: push}}]\n"
    return run(nimdsl.load_text(cell(machine, "  accepts: {push: {}}\n", "{opening: 1}", scenario)), "s")


def test_handshakes_are_counted_beyond_those_that_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "HANDSHAKE_COUNT_MAX", 3)
    counted = tally()
    for number in range(10):
        counted.take(handshake(number, "accepted" if number < 5 else "nack"))
    assert [ended.name for ended in counted.handshakes] == ["meet_0", "meet_1", "meet_2"]
    assert [ended.name for ended in counted.failures] == ["meet_5", "meet_6", "meet_7"]
    assert (counted.handshake_count, counted.failure_count) == (10, 5)
    assert (counted.phases["meet"].attempts, counted.phases["meet"].retries) == (20, 10)


def test_notices_of_too_many_kinds_are_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "NOTICE_COUNT_MAX", 2)
    counted = tally()
    for number in range(6):
        fault = Faulted("idle", f"no. {number % 4}")
        counted.take(Record("cell/greeter", number, number, fault))
    assert [(one["what"], one["count"]) for one in counted.notices] == [
        ("no. 0", 2),
        ("no. 1", 2),
        (OTHERS, 2),
    ]


def test_every_refusal_counts_for_expectations_and_the_summary_lists_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(results, "REFUSAL_COUNT_MAX", 4)
    result = pushed(9, expect="size(refusals) == 9 && refusals.all(r, r.price == 9LF && r.balance == 1LF)")
    assert result.ok
    assert len(result.summary["refusals"]) == 4
    assert result.summary["left_out"] == {"refusals": 5}
    assert "left_out" not in pushed(4).summary
    assert tallied(result) == reckoned(result)


def test_incidents_are_remembered_up_to_a_bound_and_counted_beyond(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lossy = {"garden/g.bus.loss": "100%"}
    whole = len(run(PROGRAM, "hello", set=lossy).incidents)
    assert whole > 2
    monkeypatch.setattr(presence, "INCIDENT_COUNT_MAX", 2)
    told: list[object] = []
    options = driver.Options(notice=told.append)
    result = run(PROGRAM, "hello", set=lossy, options=options)
    assert (len(result.incidents), result.run.incidents_left_out, len(told)) == (2, whole - 2, whole)
    assert result.summary["left_out"] == {"incidents": whole - 2}
    report(result)
    assert f"and {whole - 2} more incident" in capsys.readouterr().out


def test_a_run_that_is_stuck_says_who_was_busy(capsys: pytest.CaptureFixture[str]) -> None:
    loop = """
    initial: a
    states:
      a: {timers: [{after: 0s, to: b}]}
      b: {timers: [{after: 0s, to: a}]}"""
    result = run(nimdsl.load_text(cell(loop)), "s", keep=False)
    report(result)
    assert "delay?): c" in capsys.readouterr().out


def test_notices_of_a_real_run_of_cells_are_those_of_the_lists() -> None:
    deaf = "{initial: a, states: {a: {transitions: [{event: push, if: 10 / size(origin) > 20, to: a}]}}}"
    result = pushed(5, deaf)
    assert tallied(result) == reckoned(result)
    assert {one["type"] for one in result.tally.notices} == {"ignored", "fault"}
