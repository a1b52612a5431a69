"""The closed loop (SEMANTICS 10): predictions, outcomes, what the virtual gates learn; and the verb."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nimdsl
from gardens.report.result.export import seal
from gardens.stores.memory import MemoryJournal
from nimdsl.base.errors import SpecError
from nimdsl.base.units import SECOND_NS
from nimdsl.program.garden import Signals
from runtime.run import recording
from runtime.run.chronicle import GateOpened
from runtime.run.predictions import Predictions
from runtime.run.replay import replay
from simulate.pair import pair_of
from tests.support.loops import DOCUMENTS, confidences, fates, looped, rehearsed
from tests.support.patience import finished

BROKEN = ("payload: {now: false}", "payload: {now: true}")
_EARS = 'gate/seen.hears: [{domain: light, if: "false"}]'
DEAF = (f"set: {{{_EARS}}}", f"set: {{gate/seen.thresholds.open: 0.9, {_EARS}}}")
"""The real gate would have to be surer than the virtual one is."""


def weight(outcome: Any) -> int:
    found: int = outcome["gates"]["seen"]["weight"]
    return found


def test_what_is_confirmed_is_told_with_more_confidence_each_time() -> None:
    result = rehearsed(looped(), 6)
    assert fates(result) == [("verified", "confirmed")] * 6
    assert confidences(result.predictions) == [0.8, 0.88, 0.96, 1.0, 1.0, 1.0]
    assert [one.off for one in result.predictions] == [0] * 6
    # The last outcome comes at the horizon, which is over.
    assert weight(result.virtual.outcome) == 500_000 + 5 * 20_000
    assert weight(result.real.outcome) == 500_000 + 6 * 20_000


def test_what_is_refuted_is_told_no_more() -> None:
    """The first comes before the hand breaks; then .88, .80, .72 and .64 fail, and .56 is not told."""
    result = rehearsed(looped(BROKEN), 12)
    assert fates(result) == [("verified", "confirmed"), *[("verified", "failed")] * 4]
    assert confidences(result.predictions) == [0.8, 0.88, 0.8, 0.72, 0.64]
    assert [one.expected for one in result.predictions] == [0] * 5
    assert [one.off for one in result.predictions] == [0, *[1_000_000] * 4]
    assert result.virtual.outcome["gates"]["seen"]["openings"] == 12


def test_one_in_so_many_is_tried_again_and_trust_comes_back() -> None:
    mended = "  - {at: 235s, to: hand, event: broke, payload: {now: false}}\n"
    stimuli = "  stimuli: [{at: 1s, to: hand, event: broke, payload: {now: false}}]\n"
    both = "  stimuli:\n  - {at: 1s, to: hand, event: broke, payload: {now: true}}\n" + mended
    result = rehearsed(looped((stimuli, both), ("fade: 20%", "fade: 20%, probe: 2")), 20)
    told = [(one.beat, one.outcome, round(one.confidence, 2)) for one in result.predictions]
    assert told[:5] == [
        (1, "confirmed", 0.8),
        *[(beat, "failed", told[beat - 1][2]) for beat in (2, 3, 4, 5)],
    ]
    assert told[5:8] == [(7, "failed", 0.56), (9, "confirmed", 0.48), (11, "confirmed", 0.56)]
    assert told[8:10] == [(12, "confirmed", 0.64), (13, "confirmed", 0.72)]


def test_what_gets_no_outcome_fades() -> None:
    """.8 loses a fifth each beat: half of it is gone after four."""
    result = rehearsed(looped(DEAF), 5)
    assert fates(result) == [("faded", ""), ("faded", ""), *[("waiting", "")] * 3]
    assert [one.real_opening for one in result.predictions] == [0] * 5
    assert weight(result.virtual.outcome) == 500_000


def test_a_garden_that_explores_learns_nothing_from_itself() -> None:
    """Its own nerve confirms every opening; nobody tells it what is lived."""
    result = rehearsed(looped(DEAF), 5)
    assert result.virtual.outcome["nerves"]["act"]["confirmed"] == 5
    assert weight(result.virtual.outcome) == 500_000


def test_where_one_garden_ends_the_other_ends_with_it() -> None:
    """It starves at 85 s, in the third beat: nobody goes on, and nothing more is foreseen."""
    purse = "---\napiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: p}\n"
    purse += "spec: {opening: 80, upkeep: {life: 1/s}, wake: {starve: 5s}}\n"
    text = DOCUMENTS.replace("name: awake}\nspec:\n", "name: awake}\nspec:\n  economy: p\n") + purse
    text = text.replace("spec: {garden: dream,", "spec: {economy: q, garden: dream,")
    text += purse.replace("name: p", "name: q").replace("opening: 80", "opening: 8000")
    result = rehearsed(nimdsl.load_text(text), 40)
    assert result.real.run.stopped == "starved"
    assert (result.beats, len(result.predictions)) == (3, 3)
    assert (result.virtual.run.stopped, result.virtual.run.time_ns <= 90 * SECOND_NS) == ("ended", True)


def test_signals_of_others_are_no_predictions() -> None:
    said = "{at: 20s, to: gate/seen, event: signal, payload: {confidence: 0.9, content: {x: 1.0}}}"
    result = rehearsed(looped(("stimuli: [", f"stimuli: [{said}, ")), 3)
    assert [one.real_opening for one in result.predictions] == [1, 3, 4]
    assert fates(result) == [("verified", "confirmed")] * 3


def test_waves_that_a_gate_does_not_hear_are_not_what_it_is_sure_of() -> None:
    emits = "{emit: {confidence: 0.1, content: {x: 9.0}}}"
    noise = f"""---
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: noise}}
spec:
  domain: light
  machine: {{initial: a, states: {{a: {{timers: [{{after: 100ms, to: a, do: [{emits}]}}]}}}}}}
"""
    gate = "---\napiVersion: nimdsl.dev/v1\nkind: Gate"
    plain = looped(("similarity: {x: {scale: 1}}", "similarity: {x: {scale: 2}}"))
    loud = looped(
        ("similarity: {x: {scale: 1}}", "similarity: {x: {scale: 2}}"),
        ("hears: [{domain: light}]", "hears: [{domain: light, if: wave.content.x < 5.0}]"),
        ("cells: [eye, hand]}", "cells: [eye, hand, noise]}"),
        (gate, noise + gate),
    )
    assert confidences(rehearsed(loud, 2).predictions) == confidences(rehearsed(plain, 2).predictions)


def test_what_the_dream_finds_out_later_is_what_was_expected() -> None:
    """Its hand is broken too, and says so in the next beat."""
    granted = "idle: {transitions: [{event: granted, to: %s}]}"
    waits = "\n      waits: {timers: [{after: 25s, to: acting}]}"
    data = "data: {broken: bool, pressed: int}"
    changes = (
        (granted % "acting", granted % "waits" + waits),
        (data, data + "\n  initial: {broken: true}"),
        ("after: 1s, to: second", "after: 8s, to: second"),
        ("window: 5s", "window: 9s"),
        BROKEN,
    )
    verified = [one for one in rehearsed(looped(*changes), 6).predictions if one.fate == "verified"]
    assert len(verified) >= 2
    assert {(one.expected, one.lived, one.off) for one in verified} == {(1_000_000, 1_000_000, 0)}


def test_of_several_nerves_the_gate_says_what_became_of_it() -> None:
    """It counts who judges first; a second nerve that fails later changes nothing in either garden."""
    nerve = DOCUMENTS.split("kind: Nerve\n")[1].split("---")[0]
    late = nerve.replace("name: act", "name: doubts").replace("granted, to: acting", "granted, to: waits")
    late = late.replace("      acting:", "      waits: {timers: [{after: 3s, to: acting}]}\n      acting:")
    late = late.replace("{to: hand,", "{to: other,").replace("{hand: required}", "{other: required}")
    hand = DOCUMENTS.split("kind: Cell\n")[2].split("---")[0].replace("name: hand", "name: other")
    hand = hand.replace("data: {broken", "initial: {broken: true}\n  data: {broken")
    text = DOCUMENTS.replace("nerve/act]", "nerve/act, nerve/doubts]").replace(
        "[eye, hand]", "[eye, hand, other]"
    )
    head = "---\napiVersion: nimdsl.dev/v1\nkind: "
    result = rehearsed(nimdsl.load_text(f"{text}{head}Nerve\n{late}{head}Cell\n{hand}"), 4)
    assert fates(result) == [("verified", "confirmed")] * 4
    assert weight(result.real.outcome) == 580_000
    assert weight(result.virtual.outcome) == 560_000


def test_a_beat_is_as_long_as_the_scenario_sets_it() -> None:
    attention = "---\napiVersion: nimdsl.dev/v1\nkind: Attention\nmetadata: {name: a}\n"
    attention += "spec: {beat: 30s, levels: [{name: work, take: rest, takes: 1s, tiers: [0, 1, 2, 4]}]}\n"
    text = DOCUMENTS.replace(
        "spec: {garden: dream,", "spec: {attention: a, set: {attention/a.beat: 10s}, garden: dream,"
    )
    result = rehearsed(nimdsl.load_text(text + attention), 6)
    assert result.beat_ns == 10 * SECOND_NS
    assert result.virtual.run.time_ns == result.real.run.time_ns == 60 * SECOND_NS


@pytest.mark.parametrize("percent", range(40, 48))
def test_just_sure_enough_is_sure_enough(percent: int) -> None:
    predictions = Predictions(Signals("s", percent * 10_000, 0), frozenset({"g"}))
    doubt = 1.0 - percent / 100
    assert predictions.expect([GateOpened("g", 1, 0, 1.0 - doubt, {})], 1)


def test_both_journals_replay_and_the_loop_is_the_same_each_time() -> None:
    traces = []
    for _ in range(2):
        journals = MemoryJournal(), MemoryJournal()
        result = rehearsed(looped(BROKEN), 8, journals)
        for run, journal in zip((result.virtual, result.real), journals, strict=True):
            seal(journal, run)
            assert replay(recording.opened(journal)).identical
            traces.append(run.summary["trace_sha256"])
    assert traces[:2] == traces[2:]


@pytest.mark.parametrize(
    ("virtual", "real", "changes", "message", "fix"),
    [
        ("drem", "room", (), "there is no garden named `drem`", "did you mean `dream`?"),
        ("room", "room", (), "`room` does not explore: it has no `signals`", "known: `dream`"),
        ("dream", "dream", (), "`dream` is no real garden", "known: `room`"),
        (
            "dream",
            "room",
            (("real: {scenario: awake}", "real: {scenario: asleep}"),),
            "`dream` and `room` live the same scenario, `asleep`",
            "give `room` a scenario of its own",
        ),
        ("dream", "rom", (), "there is no garden named `rom`", "did you mean `room`?"),
        (
            "dream",
            "room",
            ((", real: {scenario: awake}", ", real: {}"),),
            "does not say what it lives",
            "add",
        ),
        (
            "dream",
            "room",
            (("horizon: 10min\n  actors: [gate/seen, nerve/act]", "horizon: 10min\n  actors: []"),),
            "`asleep` and `awake` have no gate in common",
            "name one in the `actors` of both",
        ),
    ],
)
def test_a_mistake_is_told_with_a_way_out(
    virtual: str, real: str, changes: tuple[tuple[str, str], ...], message: str, fix: str
) -> None:
    with pytest.raises(SpecError) as raised:
        pair_of(looped(*changes), virtual, real, 3)
    told = raised.value.diagnostics[0]
    assert message in told.message
    assert fix in told.fix


def loop(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    (cwd / "loop.yaml").write_text(DOCUMENTS, encoding="utf-8")
    return finished([sys.executable, "-m", "nimdsl", "loop", *arguments], cwd=cwd)


def test_the_verb_tells_what_became_of_the_predictions(tmp_path: Path) -> None:
    arguments = ("--rehearse", "--beats", "4", "--out", "out", "--report", "loop.html")
    done = loop("dream", "room", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for part in (
        "dream → room",
        "4 beats of 30 s",
        "seen",
        "4 predictions, 4 verified",
        "the horizon was reached, after 120 s",
    ):
        assert part in done.stdout
    page = (tmp_path / "loop.html").read_text(encoding="utf-8")
    for part in ("Predicted against real", "How far they were apart", "What gates weigh: dream"):
        assert part in page
    known = json.loads((tmp_path / "out" / "predictions.json").read_text(encoding="utf-8"))
    assert [one["outcome"] for one in known] == ["confirmed"] * 4
    for name in ("virtual", "real"):
        command = [sys.executable, "-m", "nimdsl", "replay", f"out/{name}"]
        assert finished(command, cwd=tmp_path).returncode == 0


def test_the_verb_tells_programs_too(tmp_path: Path) -> None:
    done = loop("dream", "room", "--rehearse", "--beats", "2", "--format", "json", cwd=tmp_path)
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["beats"], told["beat_s"]) == (2, 30.0)
    assert [one["fate"] for one in told["predictions"]] == ["verified", "verified"]
    assert told["virtual"]["scenario"] == "asleep"


def test_a_wrong_name_is_one_line(tmp_path: Path) -> None:
    done = loop("room", "dream", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("NIM0301") == 1
    assert "Traceback" not in done.stderr
