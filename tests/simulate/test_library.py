"""The library: what a run can be made from, and what a script or a notebook sees of its result."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import nimdsl
import simulate
from gardens.report.result.books import Books
from gardens.stores.memory import MemoryJournal
from gardens.stores.sqlite import SqliteJournal
from nimdsl.base.errors import NimdslError
from nimdsl.base.values import Fields
from nimdsl.program import Program
from runtime.run.recording import opened as recorded
from simulate import arguments
from simulate.journals import opened
from simulate.plot import level_times, lifeforce_curve
from tests.support.texts import HELLO

SPECS = nimdsl.shipped_specs()


@pytest.fixture(scope="module")
def spark(shipped: Program) -> simulate.Result:
    return simulate.run(shipped, "spark")


@pytest.fixture(scope="module")
def danger(shipped: Program) -> simulate.Result:
    return simulate.run(shipped, "danger")


def test_a_run_takes_a_program_a_path_several_or_nothing(spark: simulate.Result) -> None:
    wanted = spark.summary
    assert simulate.run().summary == wanted
    assert simulate.run(SPECS, "spark").summary == wanted
    assert simulate.run(str(SPECS)).summary == wanted
    parts = sorted(path for path in SPECS.iterdir() if [*path.glob("**/*.yaml")])
    assert simulate.run(parts, "spark").summary["lifeforce"] == wanted["lifeforce"]


def test_documents_that_are_wrong_are_said(tmp_path: Path) -> None:
    with pytest.raises(nimdsl.SpecError):
        simulate.run(tmp_path / "nothing.yaml")


def test_no_documents_at_all_are_not_the_shipped_ones(tmp_path: Path) -> None:
    nothing: tuple[Any, ...] = ([], (), tmp_path.glob("*.yaml"))
    for given in nothing:
        with pytest.raises(nimdsl.SpecError, match="no documents: the list of paths is empty"):
            simulate.run(given)
    assert [found.code for found in nimdsl.check([]).diagnostics] == ["NIM0105"]


def test_the_nearest_seed_counts(shipped: Program) -> None:
    own = shipped.scenarios["spark"].seed
    options = simulate.Options(seed=own + 1)
    assert simulate.run(shipped).seed == own
    assert simulate.run(shipped, options=options).seed == own + 1
    assert simulate.run(shipped, seed=own + 2, options=options).seed == own + 2


@pytest.mark.parametrize("seed", ["x", "1", True, 1.0, -1])
def test_a_seed_is_a_whole_number(seed: Any, shipped: Program) -> None:
    wanted = f"`seed`: a whole number from 0 on is wanted, this is `{seed!r}`: write `seed=1`"
    for given in ({"seed": seed}, {"options": simulate.Options(seed=seed)}):
        with pytest.raises(NimdslError) as caught:
            simulate.run(shipped, **given)
        assert str(caught.value) == wanted


def test_what_is_no_argument_of_a_run_is_said_in_words(shipped: Program) -> None:
    changes = 'write `set={"economy/lifeforce.opening": 50}`'
    run: Any = simulate.run
    replay: Any = simulate.replay
    compare: Any = simulate.compare
    find_scenario: Any = simulate.find_scenario
    wanted_program = "`program`: a Program, a path, a list of paths or None (the shipped specs) is wanted,"
    wanted_source = "a result, a journal, or the path of one is wanted, this is `3`"
    cases: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: run(3), f"{wanted_program} this is `3`"),
        (lambda: run([SPECS, 3]), f"{wanted_program} this is `3`"),
        (lambda: run(shipped, 3), "the name of a scenario is text, this is `3`"),
        (
            lambda: run(shipped, set=["a=1"]),
            f"`set`: fields and their values are wanted, this is `['a=1']`: {changes}",
        ),
        (lambda: run(shipped, set={1: 2}), f"`set`: the name of a field is text, this is `1`: {changes}"),
        (
            lambda: run(shipped, set={"a/b.c": {1, 2}}),
            "`set`: `a/b.c`: `{1, 2}` cannot stand in a document",
        ),
        (lambda: run(shipped, options={}), "`options`: `simulate.Options` is wanted, this is `{}`"),
        (
            lambda: run(shipped, journal="a"),
            "`journal`: a journal is wanted, this is `'a'`:"
            " write `SqliteJournal(path)`, of `gardens.stores.sqlite`",
        ),
        (lambda: replay(3), wanted_source),
        (lambda: compare(3), wanted_source),
        (
            lambda: find_scenario("my-garden"),
            "a Program is wanted, this is `'my-garden'`: write `find_scenario(nimdsl.load(path), name)`",
        ),
    )
    for call, message in cases:
        with pytest.raises(NimdslError) as caught:
            call()
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("replication", "a", "a whole number from 0 on is wanted, this is `'a'`: write `replication=1`"),
        ("replication", -1, "a whole number from 0 on is wanted, this is `-1`: write `replication=1`"),
        ("checks", True, "a `Checks` is wanted, this is `True`: write `checks=Checks(round_trip=True)`"),
        ("interpreter", 4, "a function from a table to an interpreter is wanted, this is `4`: write"),
        ("translator", 3, "an object with a method `translate`, or None, is wanted, this is `3`: write"),
        ("observe", 3, "a function that takes a record, or None, is wanted, this is `3`: write"),
        ("notice", "z", "a function that takes an incident, or None, is wanted, this is `'z'`: write"),
        ("booked", 1, "a function that takes an entry, or None, is wanted, this is `1`: write"),
        ("keep", "q", "True or False is wanted, this is `'q'`: write `keep=False`"),
    ],
)
def test_an_option_that_can_be_none_is_said_in_words(
    name: str, value: Any, wanted: str, shipped: Program
) -> None:
    with pytest.raises(NimdslError) as caught:
        simulate.run(shipped, options=simulate.Options(**{name: value}))
    assert str(caught.value).startswith(f"`options.{name}`: {wanted}")


def test_every_option_is_looked_at() -> None:
    assert {field.name for field in fields(simulate.Options)} == {"seed", *arguments._OPTIONS}


def test_a_scenario_in_the_place_of_a_path_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(nimdsl.SpecError) as caught:
        simulate.run("danger")
    assert str(caught.value) == (
        "danger: error NIM0101: no such file: `danger`;"
        ' fix: to run a shipped scenario write `simulate.run(None, "danger")`'
    )


def test_a_result_is_short_at_a_prompt(spark: simulate.Result, danger: simulate.Result) -> None:
    assert repr(spark) == (
        "<Result of spark, seed 1: completed after 6.46 s, the protocol ended, 100 → 388.2 LF>"
    )
    assert len(repr(danger)) < 200
    assert len(repr(spark.program)) < 300
    assert repr(simulate.replay(spark)) == "<Replay of 7 actors: identical>"


def test_the_ledger_is_rows_in_lf_and_seconds(spark: simulate.Result) -> None:
    rows = spark.ledger.rows
    assert rows[0] | {"key": ""} == {
        "time_s": 0.0,
        "kind": "transfer",
        "key": "",
        "source": "opening",
        "target": "pool",
        "amount": 100.0,
        "scope": "",
    }
    assert spark.ledger.balance == spark.ledger.balances["pool"] == spark.summary["lifeforce"]["final"]
    assert repr(spark.ledger) == "<Books of lifeforce: 388.2 LF>"
    moved = sum(
        float(str(row["amount"])) * ((row["target"] == "pool") - (row["source"] == "pool"))
        for row in rows
        if row["kind"] == "transfer"
    )
    assert moved == pytest.approx(spark.ledger.balance)


def test_without_an_economy_the_ledger_is_empty() -> None:
    books = Books(None)
    assert (books.rows, books.balances, books.balance) == ([], {}, 0.0)
    assert repr(books) == "<Books: no economy>"


def test_beats_and_cells_are_those_of_the_summary(spark: simulate.Result, danger: simulate.Result) -> None:
    assert danger.beats == danger.summary["beats"]
    assert spark.beats == []
    assert spark.cells == spark.summary["cells"]
    assert [set(cell) for cell in spark.cells.values()] == [{"state", "data", "states", "dropped"}] * len(
        spark.cells
    )


MEASURING = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: c}
spec:
  data:
    hot: duration
    worth: lifeforce
    part: share
    spans: list<duration>
    deep: list<list<share>>
    count: int
    level: real
    warm: bool
    last: record
  accepts: {go: {}}
  machine:
    initial: a
    states:
      a:
        transitions:
          - event: go
            internal: true
            do:
              - set:
                  hot: "3s"
                  worth: "1.5"
                  part: "40%"
                  spans: "${[250ms, 2min]}"
                  deep: "${[[50%], [5%]]}"
                  count: 1000000
                  level: 0.25
                  warm: true
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: s}
spec:
  horizon: 10s
  stimuli: [{at: 1s, to: c, event: go}]
  expect: [cells.c.data.hot == 3s, cells.c.data.worth == 1.5LF, cells.c.data.part == 40%]
"""


def test_data_of_cells_is_in_seconds_lf_and_shares_of_one() -> None:
    result = simulate.run(nimdsl.load_text(MEASURING))
    assert result.ok, result.expectations
    wanted = {
        "hot": 3.0,
        "worth": 1.5,
        "part": 0.4,
        "spans": [0.25, 120.0],
        "deep": [[0.5], [0.05]],
        "count": 1_000_000,
        "level": 0.25,
        "warm": True,
        "last": {},
    }
    assert result.cells["c"] == result.summary["cells"]["c"]
    assert result.cells["c"]["data"] == wanted
    assert result.cells["c"]["states"] == {"a": {"entered": 1, "time": 1.0, "longest": 1.0}}
    told = "hot=3 s, worth=1.5 LF, part=40 %, spans=[250 ms, 120 s], deep=[[50 %], [5 %]]"
    for shown in (result.report(), _Text(result._repr_html_()).text):
        assert told in " ".join(shown.split())
    kept = result.outcome["cells"]["c"]["data"]
    assert (kept["hot"], kept["worth"], kept["part"]) == (3_000_000_000, 1_500_000, 400_000)


def test_types_of_data_are_no_part_of_a_program_s_hash() -> None:
    program = nimdsl.load_text(MEASURING)
    plain = replace(program.cells["c"], types={})
    assert program.cells["c"].types
    assert program.with_parts("Cell", {"c": plain}).sha256 == program.sha256


def test_retries_of_a_phase_are_expected_and_in_the_summary() -> None:
    expected = HELLO.replace("expect: [", "expect: [phases.meet.retries == 2, ")
    slow = {"cell/greeter.work.recall.virtual.latency": {"constant": "1500ms"}}
    result = simulate.run(nimdsl.load_text(expected), set=slow)
    judged = {verdict.text: verdict.held for verdict in result.expectations}
    assert judged["phases.meet.retries == 2"]
    (phase,) = result.summary["phases"]
    assert (phase["handshakes"], phase["attempts"], phase["retries"]) == (2, 4, 2)


def test_the_report_is_what_the_command_prints(
    spark: simulate.Result, capsys: pytest.CaptureFixture[str]
) -> None:
    from nimdsl.commands import run

    assert run(["simulate", "spark"]) == 0
    assert repr(spark.report()) == spark.report() == capsys.readouterr().out


class _Text(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("documents", "scenario", "wanted"),
    [
        (SPECS, "spark", ["Phases", "identity", "5 of 5", "388.2 LF"]),
        (SPECS, "danger", ["Levels in 1 beat", "reflex", "thinking"]),
        ("examples/thermostat.yaml", "dead-sensor", ["Cells", "thermostat", "blind", "celsius=17.55"]),
    ],
)
def test_a_notebook_sees_what_took_part(documents: str | Path, scenario: str, wanted: list[str]) -> None:
    shown = _Text(simulate.run(documents, scenario)._repr_html_()).text
    assert [part for part in [scenario, *wanted] if part not in shown] == []


def test_a_notebook_sees_text_of_documents_as_text(shipped: Program) -> None:
    result = simulate.run(shipped, "spark", set={"scenario/spark.expect": ["'<b>' == 'x'"]})
    assert "&lt;b&gt;" in result._repr_html_()
    assert "<b>'" not in result._repr_html_()


def test_a_run_is_replayed_and_compared_from_its_result(spark: simulate.Result) -> None:
    assert simulate.replay(spark).identical
    compared = simulate.compare(spark, replications=2)
    assert compared.ok(strict=True)
    assert repr(compared) == "<Comparison of spark, seed 1: ok, 2 virtual runs>"


def test_a_journal_that_was_given_is_the_one_that_is_replayed(shipped: Program) -> None:
    journal = MemoryJournal()
    result = simulate.run(shipped, "spark-nack", journal=journal)
    assert simulate.replay(result).identical
    assert simulate.replay(journal).trace_sha256 == result.summary["trace_sha256"]


@pytest.mark.parametrize("loss", ["10%", "3%"])
def test_a_run_is_replayed_with_its_own_overrides_on_top_of_the_scenario_s(
    loss: str, shipped: Program
) -> None:
    result = simulate.run(shipped, "spark-lossy", seed=7, set={"garden/virtual.bus.loss": loss})
    with opened(result) as journal:
        accepted = {line.body.get("program") for name in journal.actors() for line in journal.read(name)}
        assert accepted - {None} == {recorded(journal).program.sha256} == {result.program.sha256}
    assert simulate.replay(result).identical


def test_a_journal_says_what_was_run_as_soon_as_the_run_is_over(shipped: Program, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path)
    result = simulate.run(shipped, "spark-nack", journal=journal)
    assert simulate.replay(path).trace_sha256 == result.summary["trace_sha256"]
    assert recorded(journal).complete
    with pytest.raises(NimdslError) as caught:
        simulate.run(shipped, "spark", journal=journal)
    assert str(caught.value) == f"{path}: it holds a run already: give each run a journal of its own"
    journal.close()
    assert simulate.replay(path).identical


class Mute:
    """A translator that never finds a word."""

    def translate(self, intent: Fields) -> str:
        return ""


def test_a_run_with_options_of_its_own_cannot_be_made_again(shipped: Program) -> None:
    result = simulate.run(shipped, "spark-lossy", options=simulate.Options(translator=Mute()))
    with pytest.raises(NimdslError, match="give it a `journal`"):
        simulate.replay(result)


def test_a_replication_can_be_made_again(shipped: Program) -> None:
    options = simulate.Options(replication=3)
    result = simulate.run(shipped, "spark-lossy", options=options)
    assert simulate.replay(result).identical
    assert result.run.run_id != simulate.run(shipped, "spark-lossy").run.run_id


def test_a_folder_of_a_run_is_replayed(out: Path) -> None:
    assert simulate.replay(out).identical
    assert simulate.replay(str(out / "journal.sqlite")).identical


# Plots


def test_curves_are_plain_numbers(spark: simulate.Result, danger: simulate.Result) -> None:
    times_s, held = lifeforce_curve(spark)
    assert (times_s[0], held[0]) == (0.0, 100.0)
    assert (times_s[-1], held[-1]) == (spark.summary["duration_s"], spark.ledger.balance)
    levels = level_times(danger)
    assert levels["reflex"] == [0.05]
    assert set(levels) == {*danger.summary["beats"][0]["levels"], "idle"}
    assert level_times(spark) == {}


def test_what_is_missing_is_named(spark: simulate.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    for look in (spark.plot, spark.to_pandas):
        with pytest.raises(NimdslError, match=r'pip install "nimdsl\[notebook\]"'):
            look()


@pytest.mark.filterwarnings("default")
def test_a_plot_is_a_figure(spark: simulate.Result, danger: simulate.Result, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib").use("agg")
    assert len(spark.plot().axes) == 1
    figure = danger.plot()
    assert len(figure.axes) == 2
    figure.savefig(tmp_path / "danger.png")
    assert (tmp_path / "danger.png").stat().st_size > 5_000
