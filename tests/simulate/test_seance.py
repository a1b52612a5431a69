"""Why did this happen: accounts of runs, told in one screen, of every record of every kind of actor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import simulate
from gardens.report.result.result import RunResult
from nimdsl.base.errors import NimdslError, PermanentPortError
from nimdsl.commands import run as nimdsl_command
from runtime import records
from runtime.records import Record
from runtime.run.run import ORIGIN
from simulate.commands.seance import garden_time
from simulate.seance import DEPTH, Account, Telling, seance
from simulate.seance_text import LINES_MAX, lines_of
from tests.support.doctored import journal_of
from tests.support.doctored import lines_of as lines_in
from tests.support.histories import CREATURE, ROOTS, RUNS, histories, past_of, result_of
from tests.support.journal_text import from_text

REAL = Path("tests/golden/journals/format-2-real.jsonl")


def text_of(account: Account, lines_max: int | None = LINES_MAX, width: int = 100) -> str:
    return "\n".join(line.text for line in lines_of(account, width, lines_max))


def first(result: RunResult, actor: str, body: type, /, **fields: Any) -> Record:
    """The first record of an actor of this class, with these fields."""
    found = (one for one in simulate.replay(result).records[actor] if isinstance(one.body, body))
    return next(one for one in found if all(getattr(one.body, key) == fields[key] for key in fields))


def chain(account: Account | None) -> Iterator[Account]:
    """An account and those of its main causes."""
    while account is not None:
        yield account
        account = account.causes[0][1]


def told(run: str, actor: str, body: type, /, **fields: Any) -> tuple[Account, str]:
    result = result_of(run)
    account = seance(result, actor, record=first(result, actor, body, **fields).sequence)
    return account, text_of(account)


# What is told


def test_a_motor_turns_because_of_the_waves_that_opened_the_gate() -> None:
    account, text = told("creature", "cell/motor", records.Moved, target="turning")
    actors = [
        "cell/motor",
        "nerve/avoid",
        "nerve/avoid",
        "attention/day",
        "attention/day",
        "gate/collision",
    ]
    assert [one.actor for one in chain(account)][:6] == actors
    assert "guard  ✓ look to evade: risk > 0.1  [risk = 0.2333]" in text
    assert "test  ✓ is heard: wave.content.cm < 50.0  [wave.content.cm = 20]" in text
    assert "wave  2 of cell/distance-front at 0.12 s: cm=20, confidence 0.8, likeness 1" in text
    assert "wave  2 of cell/distance-left at 0.12 s: cm=20, confidence 0.8, just heard" in text


def test_a_gate_says_what_its_value_is_made_of() -> None:
    account, text = told("creature", "gate/collision", records.ReadingChanged)
    assert "value    0 → 0.76; raw 0.8 = 0 + score 1 × confidence 0.8; decay 0.95" in text
    assert "reads    open; opens above 0.5, closes below -0.5, slack 0.2" in text
    assert "weighs   10 %, tier 4, gain 1" in text
    around: Any = account.summary["around"]
    assert around["value"] == {"before": 0.0, "after": 0.76}
    assert [one["likeness"] for one in around["window"]] == [1.0, None]


def test_a_nerve_says_what_it_senses_and_how_it_judges() -> None:
    _, text = told("creature", "nerve/avoid", records.OutcomeJudged)
    assert "test     ✗ confirmed: senses.front.content.cm > 50.0  [senses.front.content.cm = 20]" in text
    assert "sense    front: cm=20, confidence 0.8, at 3.24 s" in text
    assert "opening  1 of gate/collision, wave at 0.12 s, 3.12 s ago; tier 4, deliberate" in text
    assert "the time for an outcome was over; armed at 0.24 s" in text


def test_a_refused_price_says_what_was_asked_and_what_there_was() -> None:
    _, text = told("pauper", "gate/collision", records.Refused)
    assert "price    ✗ charge 0.3 LF for `collision`: refused, 0.2 LF in the pool" in text


def test_a_timer_says_who_armed_it() -> None:
    account, text = told("creature", "cell/motor", records.Moved, source="turning")
    assert "└ the timer of `turning`; armed at 0.24 s, record 4" in text
    assert account.causes[0][1] is not None


def test_a_stimulus_is_a_root() -> None:
    account, text = told("attention", "attention/thirty-seconds", records.Arrived, name="scene")
    assert "└ stimulus 1 of the scenario, `scene`, due at 0 s" in text
    assert account.causes[0][1] is None


def test_attention_says_why_a_level_has_the_time() -> None:
    account = next(
        one
        for one in every_account("attention")
        if one.record is not None
        and one.at_ns == 600_000_000
        and isinstance(one.record.body, records.Moved)
    )
    text = text_of(account)
    assert "beat     0, window; 29.2 s of 29.7 s left for levels" in text
    assert "sensory: scene has the time, 1 waiting: nothing above it could; had 500 ms, 14.5 s left" in text
    assert "thinking: 2 waiting; a higher level has the time; had 0 s" in text
    assert "└ stimulus 1 of the scenario, `scene`, due at 0 s" in text


def test_a_request_that_waited_too_long_says_who_had_the_card() -> None:
    _, text = told("organs", "rack/desk", records.OrganAnswered, outcome="timeout")
    assert "card     left: 14 GB of 20 GB used: vision loading" in text
    assert "queue    vision add for cell/one/1, priority 0, since 1 s, until 61 s" in text
    assert "withdrawal `vision` 2 from cell/two; sent at 7 s" in text
    assert "└ request cell/two/1; sent at 2 s" in text


def test_a_handshake_that_was_declined_says_what_was_said_and_tested() -> None:
    _, text = told("spark", "protocol/spark", records.HandshakeEnded, verdict="nack")
    assert "ended    nack after 1 attempt, 1 translation: the cell declined" in text
    assert "✗ replied to connection/verdict: !event.valid  [event.valid = true]" in text
    assert '✓ replied to connection/verdict: event.message.status == "NACK"' in text
    assert "└ the reply 9 from cell/chrysalis-bridge" in text
    assert "work `greet` nack: the cell declined" in text


def test_what_was_put_aside_is_told_where_it_is_taken() -> None:
    taken = [one for one in every_account("fleet") if one.causes[0][0].kind == "deferred"]
    assert taken
    account = taken[0].causes[0][1]
    assert account is not None
    assert isinstance(account.record, Record)
    assert isinstance(account.record.body, records.Deferred)


def test_data_is_told_as_it_was_and_is() -> None:
    account = seance(from_text(REAL), "doorbell", record=3)
    assert "  data     rings: 1 → 2" in text_of(account)
    assert account.summary["data"] == {"rings": {"before": "1", "after": "2"}}


# Every record


@cache
def every_account(name: str) -> list[Account]:
    past = past_of(name)
    telling = Telling(past)
    return [
        telling.account(history.actor, one.sequence)
        for history in histories(past)
        for one in history.records
    ]


def check(account: Account) -> None:
    text = text_of(account)
    assert len(text.splitlines()) <= LINES_MAX
    assert max(map(len, text.splitlines())) <= 110
    assert account.told
    assert f"at {account.at_ns / 1e9:.9f}".rstrip("0").rstrip(".") in text
    json.dumps(account.summary)
    for number, one in enumerate(chain(account)):
        cause, inner = one.causes[0]
        assert cause.what
        assert number <= DEPTH
        assert (cause.kind in ROOTS) == (cause.origin is None)
        assert inner is not None or cause.kind in ROOTS or number == DEPTH


@pytest.mark.parametrize("name", RUNS)
def test_every_record_has_an_account_that_ends_and_fits_a_screen(name: str) -> None:
    accounts = every_account(name)
    assert len(accounts) > 20 or name == "organs"
    for account in accounts:
        check(account)


@pytest.mark.parametrize("place", ["real", "virtual"])
def test_journals_of_both_gardens_are_told(place: str) -> None:
    journal = from_text(REAL.with_name(f"format-2-{place}.jsonl"))
    for sequence in range(7):
        check(seance(journal, "cell/doorbell", record=sequence))


def test_every_chain_of_a_creature_ends_at_a_root_when_nothing_is_cut() -> None:
    result = result_of("creature")
    *_, last = chain(seance(result, "motor", depth=1_000))
    assert last.causes[0][0].kind == "begin"


def test_a_depth_that_is_asked_for_is_shown_whole() -> None:
    account = seance(result_of("creature"), "distance-front", at_ns=2_000_000_000, depth=100)
    assert len(text_of(account, None).splitlines()) > LINES_MAX >= len(text_of(account).splitlines())
    assert "more causes: --depth N" in text_of(account)
    assert "└ the run began" in text_of(account, None)


# Which record is meant, and what is wrong


def test_the_last_record_at_or_before_a_time_is_meant() -> None:
    result = result_of("creature")
    at = [seance(result, "motor", at_ns=one).record for one in (239_999_999, 240_000_000, 739_999_999)]
    assert [one.sequence for one in at if one is not None] == [0, 4, 4]
    last = seance(result, "cell/motor")
    assert (last.record_count, last.next_ns) == (6, None)


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("12.36s", 12_360_000_000),
        ("1h2min", 3_720_000_000_000),
        ("1h 2min 3s", 3_723_000_000_000),
        ("0.3", 300_000_000),
        ("7", 7_000_000_000),
        ("20ms", 20_000_000),
    ],
)
def test_a_time_is_written_as_people_do(text: str, time_ns: int) -> None:
    assert garden_time(text) == time_ns


@pytest.mark.parametrize("text", ["soon", "-1s", "1h2", "2x", "0.0000000001s", "99999999999d", "s"])
def test_what_is_no_time_is_said_with_what_to_write(text: str) -> None:
    with pytest.raises(NimdslError, match=r"is no garden time: write `12\.36s`"):
        garden_time(text)


def test_unknown_actors_and_records_are_said_with_what_there_is() -> None:
    result = result_of("creature")
    for name, hint in (
        ("motr", "nobody is called `motr` in the scenario `s`: did you mean `motor`?"),
        ("cell/motr", "did you mean `cell/motor`?"),
        ("xyz", "known: `avoid`, `collision`, `day`"),
    ):
        with pytest.raises(NimdslError, match="nobody") as problem:
            seance(result, name)
        assert hint in str(problem.value)
    with pytest.raises(NimdslError, match="cell/motor has the records 0 to 5, and no 6"):
        seance(result, "motor", record=6)


def test_a_time_before_the_actor_began_is_said_with_when_it_did() -> None:
    journal = from_text(REAL)
    began = seance(journal, "doorbell", record=0).at_ns
    assert began > 0
    with pytest.raises(NimdslError, match=r"cell/doorbell had not begun: it did at 0\.") as problem:
        seance(journal, "doorbell", at_ns=began - 1)
    assert "\n" not in str(problem.value)


def test_a_journal_of_another_program_is_refused() -> None:
    journal = from_text(REAL)
    origin: Any = journal.meta(ORIGIN)
    journal.set_meta(ORIGIN, {**origin, "program_sha256": "0" * 64})
    with pytest.raises(PermanentPortError, match="it was written by program 0000"):
        seance(journal, "doorbell")


def test_a_damaged_line_is_said_with_its_place() -> None:
    whole = from_text(REAL)
    lines = lines_in(whole)
    lines["cell/doorbell"][2][1].clear()
    journal = journal_of(lines)
    for name in ("format", ORIGIN):
        journal.set_meta(name, whole.meta(name))
    with pytest.raises(PermanentPortError, match="cell/doorbell, line 2: a damaged line") as problem:
        seance(journal, "doorbell", record=0)
    assert str(problem.value).endswith("(`nimdsl replay JOURNAL` says more)")


# The verb


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seance") / "out"
    assert (
        nimdsl_command(["simulate", str(CREATURE), "--set", "scenario/s.horizon=1s", "--out", str(folder)])
        == 0
    )
    return folder


def test_the_verb_tells_in_text_and_in_json(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["seance", str(out), "--actor", "motor", "--at", "0.3s"]
    assert nimdsl_command(words) == 0
    text = capsys.readouterr().out
    assert text.startswith("cell/motor, record 4, at 0.24 s (6 records, the next at 0.74 s)\n")
    assert len(text.splitlines()) <= LINES_MAX
    assert nimdsl_command([*words, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["actor"], found["record"], found["time_s"]) == ("cell/motor", 4, 0.24)
    assert found["causes"][0]["account"]["actor"] == "nerve/avoid"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--actor", "motr"), "did you mean `motor`?"),
        (("--actor", "motor", "--at", "soon"), "is no garden time"),
        (("--actor", "motor", "--at", "1s", "--record", "2"), "leave one out"),
        (("--actor", "motor", "--record", "99"), "has the records 0 to 5, and no 99"),
        ((), "missing option `--actor`"),
    ],
)
def test_the_verb_says_what_is_wrong_in_a_line(
    words: tuple[str, ...], error: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nimdsl_command(["seance", str(out), *words]) in (1, 2)
    shown = capsys.readouterr()
    assert error in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
