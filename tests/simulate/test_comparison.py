"""Comparing a journal with the virtual garden: decisions, times, costs, and the verb's verdicts."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings

import nimdsl
from gardens.report.result.result import RunResult
from gardens.report.terminal.console import Terminal
from gardens.stores.memory import MemoryJournal
from gardens.stores.sqlite import SqliteJournal
from nimdsl.commands import run as nimdsl_command
from nimdsl.program import Program
from runtime.ports.journal import RESTORE
from runtime.run.lines import FORMAT
from runtime.run.run import ORIGIN
from simulate import run
from simulate.commands import compare as compare_command
from simulate.comparison import Comparison, Sample, compare
from tests.properties.worlds import World, worlds
from tests.support.doctored import CELL, PROTOCOL, Lines, groups_of, lines_of, recording_of
from tests.support.effort import examples
from tests.support.texts import HELLO, cell

SHIPPED = ("spark", "spark-lossy", "spark-nack", "spark-retry", "spark-crash", "spark-pauper")
MS = 1_000_000
STEADY = {
    "cell/greeter.work.recall.virtual.latency": {"constant": "20ms"},
    "garden/g.bus.latency": {"constant": "5ms"},
}
ENVELOPE = "apiVersion: nimdsl.dev/v1\nkind: {}\nmetadata: {{name: {}}}\nspec:\n"
WATCH = "---\n".join(
    (
        ENVELOPE.format("Economy", "purse") + "  opening: 100\n  upkeep: {rent: 0.01}\n",
        ENVELOPE.format("Attention", "thenightwatchman")
        + """  beat: 10s
  levels:
    - {name: noise, take: all, leftover: carry, max_per_beat: 9, cost: {per_item: 0.1}}
    - {name: look, take: {share: 50%, cap: 2s}, baseline: 1s}
""",
        ENVELOPE.format("Scenario", "night")
        + """  attention: thenightwatchman
  economy: purse
  horizon: 200s
  stimuli: [{poisson: {mean: 9s}, level: noise, item: bang, takes: 200ms}]
""",
    )
)
INCIDENT = ("incident", {"time_ns": 0, "actor": "controller", "what": "the bus is away"})


@pytest.fixture(scope="module")
def hello() -> RunResult:
    return run(nimdsl.load_text(HELLO), "hello", journal=MemoryJournal())


def compared(result: RunResult, lines: Lines | None = None, garden: str = "", seed: int = 1) -> Comparison:
    recording = replace(recording_of(result, lines, garden), seed=seed)
    comparison = compare(recording, replications=0)
    json.dumps(comparison.summary)
    return comparison


# Decisions


@pytest.mark.parametrize("scenario", SHIPPED)
def test_a_shipped_scenario_is_what_a_fresh_run_decides(scenario: str, shipped: Program) -> None:
    result = run(shipped, scenario, journal=MemoryJournal())
    comparison = compare(recording_of(result), replications=1)
    assert comparison.ok(strict=True)
    assert comparison.decisions is not None
    assert comparison.decisions.journal_sha256 == result.summary["decision_sha256"]
    costs = {one.scope: one.spent for one in comparison.costs}
    assert sum(costs.values()) == result.outcome["lifeforce"]["spent"]


@given(worlds())
@settings(max_examples=examples(10))
def test_random_worlds_decide_as_a_fresh_run_does(world: World) -> None:
    result = run(world.program(), "world", seed=world.seed, journal=MemoryJournal())
    comparison = compared(result, seed=world.seed)
    assert comparison.ok(strict=True), comparison.summary["parity"]


@pytest.fixture(scope="module")
def both() -> tuple[RunResult, RunResult]:
    """Two runs of one program that differ in their seeds; the cell declines in the second one only."""
    program = nimdsl.load_text(HELLO)
    changes = {"cell/greeter.work.recall.virtual.nack": "50%"}
    results = [run(program, "hello", seed=s, set=changes, journal=MemoryJournal()) for s in range(1, 9)]
    good = next(one for one in results if one.completed)
    return good, next(one for one in results if not one.completed)


@pytest.fixture
def otherwise(both: tuple[RunResult, RunResult]) -> tuple[RunResult, Lines]:
    """A run, and the lawful journal of another one."""
    fresh, other = both
    return replace(fresh, run=replace(fresh.run, run_id=other.run.run_id)), lines_of(other.journal)


def test_decisions_that_differ_are_shown_with_both_sides(otherwise: Any) -> None:
    fresh, lines = otherwise
    comparison = compared(fresh, lines, seed=fresh.seed)
    assert comparison.parity_holds
    assert not comparison.ok()
    assert comparison.decisions is not None
    first = comparison.decisions.differences[0]
    assert first.actor == CELL
    journal, virtual = cast(Any, first.journal), cast(Any, first.virtual)
    assert (journal["message"]["status"], virtual["message"]["status"]) == ("NACK", "ACK")
    assert not {"time_ns", "number", "request"} & set(journal)


def test_faults_of_a_real_garden_excuse_other_decisions_unless_strict(otherwise: Any) -> None:
    fresh, lines = otherwise
    assert not compared(fresh, lines, "somewhere", fresh.seed).ok()
    lines["garden/cells"] = [INCIDENT]
    comparison = compared(fresh, lines, "somewhere", fresh.seed)
    assert comparison.decisions is not None
    assert comparison.decisions.excuses == ("incidents were noted (1)",)
    assert comparison.ok()
    assert not comparison.ok(strict=True)


@pytest.mark.parametrize(("loss", "ok"), [("0%", False), ("1%", True)])
def test_a_bus_that_was_declared_to_lose_excuses_other_decisions(
    loss: str, ok: bool, otherwise: Any
) -> None:
    fresh, lines = otherwise
    envelope = "apiVersion: nimdsl.dev/v1\nkind: Garden\nmetadata: {name: f}\n"
    faulty = f"{envelope}spec: {{bus: {{loss: {loss}}}}}\n"
    garden = nimdsl.load_text(faulty).gardens["f"]
    program = fresh.program.with_parts("Garden", {**fresh.program.gardens, "f": garden})
    assert compared(replace(fresh, program=program), lines, "f", fresh.seed).ok() is ok


def test_a_journal_that_ends_early_says_so(hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    last = groups_of(lines[PROTOCOL])[-1]
    del lines[PROTOCOL][-len(last) :]
    for garden, ok in (("", False), ("somewhere", True)):
        comparison = compared(hello, lines, garden)
        assert comparison.decisions is not None
        assert comparison.decisions.cut_short
        assert comparison.ok() is ok


def test_nobody_knows_the_decisions_of_a_journal_that_does_not_replay(hello: RunResult) -> None:
    lines = lines_of(hello.journal)
    lines[CELL][1][1]["records"][0]["state"] = "elsewhere"
    comparison = compared(hello, lines, "somewhere")
    assert comparison.decisions is None
    assert not comparison.ok()


# Times and costs


def test_times_are_measured_from_step_to_step() -> None:
    result = run(nimdsl.load_text(HELLO), "hello", set=STEADY, journal=MemoryJournal())
    comparison = compare(recording_of(result), replications=3)
    works = {one.name: one for one in comparison.works}
    recall = works[CELL, "recall"]
    assert list(recall.measured.values) == [20 * MS] * 2
    assert list(recall.predicted.values) == [20 * MS] * 6
    assert works[PROTOCOL, "translate"].measured.count == 2
    messages = {one.name: one.measured.values for one in comparison.messages}
    assert messages == {
        ("reply", CELL, PROTOCOL): [5 * MS] * 2,
        ("request", PROTOCOL, CELL): [5 * MS] * 2,
    }
    (meet,) = comparison.handshakes
    assert (meet.name, meet.measured.values) == (("meet",), [30 * MS] * 2)
    (cost,) = comparison.costs
    assert (cost.scope, cost.spent, cost.earned) == ("meet", 1_600_000, 4_000_000)
    assert cost.predicted_spent == [1_600_000] * 3


def test_what_a_purse_of_its_own_spends_is_predicted_too() -> None:
    rest = "  economy: own\n  accepts: {go: {}}\n"
    machine = "{initial: a, states: {a: {transitions: [{event: go, internal: true, cost: 2}]}}}"
    own = f"---\n{ENVELOPE.format('Economy', 'own')}  opening: 10\n"
    stimuli = "  economy: purse\n  stimuli: [{at: 1s, to: c, event: go}]\n"
    program = nimdsl.load_text(cell(machine, rest, scenario=stimuli) + own)
    comparison = compare(recording_of(run(program, "s", journal=MemoryJournal())), replications=2)
    (cost,) = comparison.costs
    assert (cost.economy, cost.spent, cost.predicted_spent) == ("own", 2_000_000, [2_000_000] * 2)


def test_what_is_spent_of_two_purses_is_not_added_up(capsys: pytest.CaptureFixture[str]) -> None:
    rest = "  economy: own\n  accepts: {go: {}}\n"
    bill = "cost: 2, costs: {purse: 3}"
    machine = f"{{initial: a, states: {{a: {{transitions: [{{event: go, internal: true, {bill}}}]}}}}}}"
    own = f"---\n{ENVELOPE.format('Economy', 'own')}  opening: 10\n"
    stimuli = "  economy: purse\n  stimuli: [{at: 1s, to: c, event: go}]\n"
    program = nimdsl.load_text(cell(machine, rest, scenario=stimuli) + own)
    comparison = compare(recording_of(run(program, "s", journal=MemoryJournal())), replications=1)
    spent = {(one.scope, one.economy): (one.spent, one.predicted_spent) for one in comparison.costs}
    assert spent == {
        ("cell/c", "own"): (2_000_000, [2_000_000]),
        ("cell/c", "purse"): (3_000_000, [3_000_000]),
    }
    compare_command._report(comparison, strict=False)
    text = capsys.readouterr().out
    assert "cell/c of own" in text
    assert "cell/c of purse" in text


def test_a_handshake_lasts_from_its_first_request() -> None:
    slow = {**STEADY, "cell/greeter.work.recall.virtual.latency": {"constant": "1500ms"}}
    result = run(nimdsl.load_text(HELLO), "hello", set=slow, journal=MemoryJournal())
    (meet,) = compared(result).handshakes
    assert list(meet.measured.values) == [1510 * MS] * 2


def test_the_time_of_each_level_is_compared() -> None:
    result = run(nimdsl.load_text(WATCH), "night", journal=MemoryJournal())
    comparison = compare(recording_of(result), replications=3)
    ended = result.outcome["beats"][:-1]
    assert [one.level for one in comparison.levels] == ["noise", "look"]
    for one in comparison.levels:
        assert one.spent == sum(beat["levels"][one.level]["spent"] for beat in ended)
    noise, look = comparison.levels
    assert len(set(noise.predicted)) > 1
    assert list(look.predicted) == [look.spent] * 3
    (data, _) = cast(Any, comparison.summary["levels"])
    assert data["spent_s"] == noise.spent / 1e9
    assert data["predicted_s"]["max"] == max(noise.predicted) / 1e9


def test_replications_are_other_draws_of_the_same_seed(hello: RunResult) -> None:
    told: list[int] = []
    comparison = compare(recording_of(hello), 3, told.append)
    assert told == [1, 2, 3]
    recall = comparison.works[0]
    assert len(set(recall.predicted.values)) == 6
    assert not set(recall.measured.values) & set(recall.predicted.values)
    assert compare(recording_of(hello), 3).summary == comparison.summary


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [([], 0.5, None), ([7], 0.5, 7), ([7], 0.95, 7), ([1, 2], 0.5, 1), ([1, 2, 3], 0.5, 2)],
)
def test_quantiles_are_values_that_occurred(values: list[int], share: float, wanted: int | None) -> None:
    assert Sample(values).quantile(share) == wanted


def test_the_95th_percentile_of_twenty_is_the_nineteenth() -> None:
    assert Sample(list(range(1, 21))).quantile(0.95) == 19
    assert Sample(list(range(1, 21))).quantile(1) == 20


# The verb


def rewrite(out: Path, doctor: Callable[[Lines], None], **origin: Any) -> None:
    """The same journal with other lines."""
    file = out / "journal.sqlite"
    with SqliteJournal(file, read_only=True) as journal:
        lines, was, version = lines_of(journal), journal.meta(ORIGIN) or {}, journal.meta(FORMAT)
    doctor(lines)
    file.unlink()
    with SqliteJournal(file) as journal:
        for name, entries in lines.items():
            for kind, body in entries:
                journal.append(name, kind, body)
        journal.set_meta(ORIGIN, {**was, **origin})
        journal.set_meta(FORMAT, version)


def test_the_verb_tells_parity_decisions_times_and_costs(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nimdsl_command(["compare", str(out), "--replications", "10"]) == 0
    text = capsys.readouterr().out
    for part in (
        "hello · virtual garden · seed 1 · program",
        "✓ replay    identical: 2 actors",
        "✓ parity    15 events, 4 messages, 13 ledger entries: the virtual garden does the same",
        "✓ decisions the same as in a fresh virtual run",
        "greeter: recall",
        "request hello → greeter",
        "predicted by 10 virtual runs of seed 1, each a replication with draws of its own",
        "(in brackets): the largest of fewer than 20",
    ):
        assert part in text, text
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_figure_and_no_name_is_cut_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(nimdsl.load_text(WATCH), "night", journal=MemoryJournal())
    comparison = compare(recording_of(result), replications=3)
    rich = replace(
        comparison,
        costs=tuple(
            replace(one, spent=5_922_348_123, predicted_spent=[5_000_000_001, 6_123_456_789])
            for one in comparison.costs
        ),
    )
    monkeypatch.setattr(compare_command, "terminal", lambda: Terminal(width=width))
    compare_command._report(rich, strict=False)
    text = capsys.readouterr().out
    tables = text[text.index("time in") :]
    assert "…" not in text
    assert max(map(len, tables.splitlines())) <= width
    words = " ".join(tables.split())
    for whole in ("noise", "look", "by time", "5922.35", "5561.73"):
        assert whole in words
    folded = "".join(line[1:].split("  ")[0].strip() for line in tables.splitlines())
    assert "attention/thenightwatchman" in folded.replace(" ", "")
    assert ("5000.0–6123.46" in tables) is ("spent LF range" not in words)


def test_json_has_everything(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert nimdsl_command(["compare", str(out), "--replications", "2", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["ok"], data["replications"], data["scenario"]) == (True, 2, "hello")
    assert data["parity"]["holds"]
    assert data["decisions"]["same"]
    assert {"measured", "predicted", "name"} == set(data["works"][0])
    assert data["costs"][0]["predicted_spent"] == {"mean": 1.6, "min": 1.6, "max": 1.6}


def test_a_doctored_journal_is_exit_1_with_both_sides(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def double(lines: Lines) -> None:
        lines["economy"].append(copy.deepcopy(lines["economy"][4]))

    rewrite(out, double)
    assert nimdsl_command(["compare", str(out), "--replications", "0"]) == 1
    text = capsys.readouterr().out
    assert "✗ parity    1 difference, 0 unexplained losses" in text
    assert "a transfer happened twice" in text
    assert "predicted by" not in text


def test_a_lost_message_is_exit_1(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def lose(lines: Lines) -> None:
        group = groups_of(lines[CELL])[-1]
        del lines[CELL][-len(group) :]

    rewrite(out, lose)
    assert nimdsl_command(["compare", str(out), "--replications", "0"]) == 1
    assert "a message that nobody sent" in capsys.readouterr().out


def test_other_decisions_are_exit_1_or_excused(
    out: Path, capsys: pytest.CaptureFixture[str], otherwise: Any
) -> None:
    fresh, other = otherwise

    def replace_all(lines: Lines) -> None:
        lines.clear()
        lines.update(copy.deepcopy(other))

    changes = {"set": dict(fresh.program.documents.changes), "seed": fresh.seed, "garden": "somewhere"}
    rewrite(out, replace_all, **changes)
    arguments = ["compare", str(out), "--replications", "0"]
    assert nimdsl_command(arguments) == 1
    text = capsys.readouterr().out
    assert "✗ decisions different" in text
    assert any(line.split()[:4] == ["≠", "message.status", '"NACK"', '"ACK"'] for line in text.splitlines())
    rewrite(out, lambda lines: lines.update({"garden/cells": [INCIDENT]}))
    assert nimdsl_command(arguments) == 0
    text = capsys.readouterr().out
    assert "~ decisions different" in text
    assert "they may differ: incidents were noted (1)" in text
    assert nimdsl_command([*arguments, "--strict"]) == 1


def test_a_journal_that_cannot_be_compared_is_one_line(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nimdsl_command(["compare", str(out / "records.jsonl")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    rewrite(out, lambda lines: lines.update({"garden/cells": [("incident", {"time_ns": "now"})]}))
    assert nimdsl_command(["compare", str(out)]) == 1
    said = "`incident`: `time_ns`: a whole number is wanted, this is text"
    assert (
        capsys.readouterr().err
        == f"{out / 'journal.sqlite'}: garden/cells, line 0: a damaged line: {said}: {RESTORE}\n"
    )
    rewrite(out, lambda lines: lines.update({"garden/cells": [("incident", 7)]}))
    assert nimdsl_command(["compare", str(out)]) == 1
    said = "the body of a line is an object, this is a number"
    assert (
        capsys.readouterr().err
        == f"{out / 'journal.sqlite'}: garden/cells, line 0: a damaged line: {said}: {RESTORE}\n"
    )
