"""Stimuli in documents: every mistake has its code and its place."""

from __future__ import annotations

from pathlib import Path

import pytest

import nimdsl
from nimdsl.loading import with_overrides
from nimdsl.program import Periodic, Poisson, Scenario, StimulusSpec
from tests.nimdsl.checks.building import MARK, YOUNG, document, finds, leaves_alone, together

LAMP = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  accepts: {push: {x: int}}
  machine: {initial: a, states: {a: {transitions: [{event: push, to: a}]}}}
"""
PUSH = "to: lamp, event: push, payload: {x: 1}"


def scenario(stimulus: str, *fields: str) -> str:
    """A scenario of one stimulus; a mark that it begins with stands for the whole of it."""
    whole = f"§{{{stimulus[1:]}}}" if stimulus.startswith("§") else f"{{{stimulus}}}"
    return document("Scenario", f"{{{', '.join(['horizon: 60s', *fields])}, stimuli: [{whole}]}}")


def compiled(stimulus: str, *fields: str) -> Scenario:
    text = together(YOUNG, LAMP, scenario(stimulus, *fields))
    return nimdsl.load_text(text).scenarios["it"]


# What is right


def test_a_level_gets_items_of_the_only_attention() -> None:
    found = compiled("at: 2s, level: dialogue, takes: 5s, item: speech, payload: {word: hi}")
    assert found.attention == "young"
    arrivals = Periodic(2_000_000_000)
    wanted = StimulusSpec(
        ("attention/young",), "speech", {"word": "hi"}, arrivals, "dialogue", 5_000_000_000
    )
    assert found.stimuli == (wanted,)


@pytest.mark.parametrize("level", ["reflex", "thinking"])
def test_a_level_may_say_itself_what_its_items_take(level: str) -> None:
    found = compiled(f"at: 2s, level: {level}")
    assert (found.stimuli[0].event, found.stimuli[0].takes_ns) == ("stimulus", 0)


def test_what_the_stimulus_says_goes_before_what_the_level_says() -> None:
    assert compiled("at: 2s, level: thinking, takes: 3s").stimuli[0].takes_ns == 3_000_000_000


@pytest.mark.parametrize(("opens", "event"), [("true", "opened"), ("false", "closed")])
def test_a_gate_is_what_the_attention_hears(opens: str, event: str) -> None:
    found = compiled(f"at: 1s, every: 2s, times: 3, gate: {{name: g1, tier: 3, open: {opens}}}")
    arrivals = Periodic(1_000_000_000, 2_000_000_000, 3)
    assert found.stimuli == (
        StimulusSpec(("attention/young",), event, {"gate": "g1", "tier": 3}, arrivals),
    )
    assert found.attention == "young"


def test_poisson_arrivals_end_at_the_horizon() -> None:
    found = compiled(f"poisson: {{mean: 10s}}, {PUSH}")
    assert found.stimuli[0].arrivals == Poisson(10_000_000_000, 0, 60_000_000_000)
    assert found.attention == "", "nothing goes to a level"


def test_poisson_arrivals_in_a_part_of_the_run() -> None:
    found = compiled(f"poisson: {{mean: 1s, at: 5s, until: 20s}}, {PUSH}")
    assert found.stimuli[0].arrivals == Poisson(1_000_000_000, 5_000_000_000, 20_000_000_000)


def test_resolved_documents_validate_again() -> None:
    from nimdsl.show.resolved import resolve_document, to_yaml

    stimuli = f"poisson: {{mean: 10s}}, {PUSH}}}, {{at: 1s, {PUSH}}}, {{at: 1s, level: thinking"
    program = nimdsl.load_text(together(YOUNG, LAMP, scenario(stimuli)))
    again = to_yaml(resolve_document(program.documents.get("Scenario", "it")))
    leaves_alone(YOUNG, LAMP, again)


def test_without_times_it_is_repeated_until_the_horizon() -> None:
    for at, count in (("0s", 6), ("5s", 6), ("9999ms", 6), ("10s", 5), ("59s", 1)):
        arrivals = compiled(f"at: {at}, every: 10s, {PUSH}").stimuli[0].arrivals
        assert isinstance(arrivals, Periodic)
        assert (arrivals.every_ns, arrivals.times) == (10_000_000_000, count)
        last_ns = arrivals.at_ns + (count - 1) * arrivals.every_ns
        assert last_ns < 60_000_000_000 <= last_ns + arrivals.every_ns


def test_without_every_it_comes_once() -> None:
    assert compiled(f"at: 1s, times: 1, {PUSH}").stimuli[0].arrivals == Periodic(1_000_000_000)


def test_a_new_horizon_is_a_new_number_of_repetitions() -> None:
    program = nimdsl.load_text(together(LAMP, scenario(f"at: 1s, every: 10s, {PUSH}")))
    program = with_overrides(program, {"scenario/it.horizon": "10min"})
    assert program.scenarios["it"].stimuli[0].arrivals == Periodic(1_000_000_000, 10_000_000_000, 60)


# What never comes, and what can never be done


def warns(code: str, *documents: str) -> nimdsl.Diagnostic:
    """There is one warning, it has the code and points at the mark, and there is a program."""
    text = together(*documents)
    before = text.partition(MARK)[0].split("\n")
    report = nimdsl.check_text(text.replace(MARK, ""), root=".")
    assert [one.code for one in report.diagnostics] == [code]
    (found,) = report.diagnostics
    assert found.severity == "warning"
    assert (found.place.line, found.place.column) == (len(before), len(before[-1]) + 1)
    assert report.program is not None
    return found


@pytest.mark.parametrize(
    "stimulus",
    [f"at: §60s, {PUSH}", f"at: §2min, every: 1s, {PUSH}", f"poisson: {{mean: 1s, at: §60s}}, {PUSH}"],
)
def test_what_begins_after_the_horizon_never_comes(stimulus: str) -> None:
    found = warns("NIM0508", LAMP, scenario(stimulus))
    assert "this stimulus never comes: it begins at" in found.message
    assert found.fix == "make it earlier, or the `horizon` later"


def test_what_begins_just_before_the_horizon_comes() -> None:
    leaves_alone(LAMP, scenario(f"at: 59.999s, {PUSH}"))


def test_an_item_that_is_longer_than_a_beat_can_never_be_done() -> None:
    found = warns("NIM0606", YOUNG, scenario("at: 1s, level: dialogue, takes: §29.8s"))
    assert found.message == (
        "an item of `dialogue` that takes 29.8s can never be done: of a beat the levels have 29.7s, "
        "and the rest is dropped"
    )
    assert found.fix == "make it shorter, or write `leftover: carry` for the level"
    leaves_alone(YOUNG, scenario("at: 1s, level: dialogue, takes: 29.7s"))
    carries = YOUNG.replace("name: dialogue,", "name: dialogue, leftover: carry,")
    leaves_alone(carries, scenario("at: 1s, level: dialogue, takes: 5min"))


# What is wrong


@pytest.mark.parametrize(
    ("code", "stimulus", "message"),
    [
        ("NIM0204", f"§every: 2s, {PUSH}", "does not say when it comes"),
        ("NIM0203", f"at: 1s, §poisson: {{mean: 1s}}, {PUSH}", "`poisson` beside `at`"),
        ("NIM0203", f"poisson: {{mean: 1s}}, §recording: {{file: a.csv}}, {PUSH}", "beside `poisson`"),
        ("NIM0203", f"poisson: {{mean: 1s}}, every: §2s, {PUSH}", "`every` belongs to `at`"),
        ("NIM0203", f"poisson: {{mean: 1s}}, times: §2, {PUSH}", "`times` belongs to `at`"),
        ("NIM0204", f"at: 1s, times: §2, {PUSH}", "`times` needs `every`"),
        ("NIM0210", f"at: 1s, every: §0s, times: 19, {PUSH}", "`every` must be longer than 0"),
        ("NIM0210", f"at: 1s, every: §0s, {PUSH}", "`every` must be longer than 0"),
        ("NIM0210", f"at: 0s, every: §59us, {PUSH}", "1,016,950 arrivals until the horizon"),
        ("NIM0210", f"at: §-2s, {PUSH}", "`at` must not be negative, this is '-2s'"),
        ("NIM0210", f"poisson: {{mean: §0s}}, {PUSH}", "gaps of no time"),
        ("NIM0210", f"poisson: {{mean: 1s, at: 5s, until: §5s}}, {PUSH}", "begins at 5s, `until` is 5s"),
        ("NIM0210", f"poisson: {{mean: §59us}}, {PUSH}", "about 1,016,949 arrivals"),
        ("NIM0207", f"poisson: {{mean: §10}}, {PUSH}", "a duration with its unit"),
        ("NIM0204", f"{PUSH}, §poisson: {{at: 1s}}", "lacks `mean`"),
        ("NIM0204", "§at: 1s, event: push", "does not say for whom it is"),
        ("NIM0203", "at: 1s, to: lamp, level: §thinking, event: push, payload: {x: 1}", "beside `to`"),
        ("NIM0204", "at: 1s, to: §lamp, payload: {x: 1}", "does not say its `event`"),
        ("NIM0301", "at: 1s, to: §lump, event: push", "no Cell named `lump`"),
        ("NIM0301", "at: 1s, to: lamp, event: §pull", "does not accept the event `pull`"),
        ("NIM0306", "at: 1s, to: lamp, event: §push", "needs `x`"),
        ("NIM0203", f"at: 1s, takes: §5s, {PUSH}", "`takes` belongs to `level`"),
        ("NIM0301", "at: 1s, level: §dialog, takes: 5s", "`young` has no level `dialog`"),
        ("NIM0204", "at: 1s, level: §dialogue", "nobody says what an item of `dialogue` takes"),
        ("NIM0203", "at: 1s, level: reflex, takes: §5s", "takes 50ms, whatever it says"),
        ("NIM0210", "at: 1s, level: dialogue, takes: §0s", "takes no time"),
        ("NIM0301", "at: 1s, gate: {name: g1, tier: §2, open: true}", "of tier 2"),
        ("NIM0204", "at: 1s, §gate: {name: g1, tier: 1}", "lacks `open`"),
        ("NIM0203", "at: 1s, gate: {name: g1, tier: 1, open: true}, event: §wave", "belongs to `to`"),
        ("NIM0203", "at: 1s, gate: {name: g1, tier: 1, open: true}, §payload: {x: 1}", "`payload` belongs"),
        ("NIM0101", f"recording: {{file: §no.csv}}, {PUSH}", "no such file: `no.csv`"),
        ("NIM0210", f'recording: {{§file: ""}}, {PUSH}', "must not be empty"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_stands(code: str, stimulus: str, message: str) -> None:
    assert message in finds(code, YOUNG, LAMP, scenario(stimulus)).message


@pytest.mark.parametrize(
    ("stimulus", "fix"),
    [
        ("at: 1s, level: §dialog, takes: 5s", "did you mean `dialogue`?"),
        ("at: 1s, gate: {name: g, tier: §2, open: true}", "its levels listen to 1, 3"),
    ],
)
def test_fixes_say_what_to_write(stimulus: str, fix: str) -> None:
    assert finds("NIM0301", YOUNG, scenario(stimulus)).fix == fix


@pytest.mark.parametrize("whom", ["level: §a, takes: 1s", "§gate: {name: g, tier: 1, open: true}"])
def test_a_level_or_a_gate_without_any_attention(whom: str) -> None:
    assert "there is no Attention" in finds("NIM0301", scenario(f"at: 1s, {whom}")).message


def test_several_attentions_want_a_name() -> None:
    other = YOUNG.replace("name: young", "name: old")
    wrong = scenario("at: 1s, level: §thinking")
    assert "`attention: old`" in finds("NIM0204", YOUNG, other, wrong).fix
    leaves_alone(YOUNG, other, scenario("at: 1s, level: thinking", "attention: young"))


def test_nobody_is_blamed_for_a_broken_attention() -> None:
    broken = YOUNG.replace("name: young}\nspec:", "name: young}\nspec:\n  §heartbeat: 1s")
    finds("NIM0203", broken, scenario("at: 1s, level: whatever"))
    finds("NIM0203", broken, scenario("at: 1s, level: whatever", "attention: young"))


def test_an_attention_that_does_not_exist_is_reported_once() -> None:
    finds("NIM0301", YOUNG, scenario("at: 1s, level: whatever", "attention: §yuong"))


def test_a_cell_that_takes_no_part_hears_nothing() -> None:
    other = LAMP.replace("name: lamp", "name: other")
    finds("NIM0301", LAMP, other, scenario(f"at: 1s, {PUSH.replace('lamp', '§lamp')}", "cells: [other]"))


def test_a_mistake_in_a_recording_has_its_place_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("arrivals.csv").write_text("at,x\n1s,1\n2s,many\n", encoding="utf-8")
    text = together(LAMP, scenario("recording: {file: arrivals.csv}, to: lamp, event: push"))
    (found,) = nimdsl.check_text(text, root=".").diagnostics
    assert found.to_text() == (
        "arrivals.csv:3:4: error NIM0304: `x` wants a whole number, this is 'many'\n"
        "    3 | 2s,many\n"
        "      |    ^^^^"
    )


def test_a_run_of_no_length_is_a_mistake() -> None:
    found = finds("NIM0210", document("Scenario", "{horizon: §0s}"))
    assert found.fix == "write for example `horizon: 1h`"


def test_a_list_that_meets_a_number_means_its_size() -> None:
    found = finds("NIM0304", document("Scenario", '{expect: ["§refusals == 0"]}'))
    assert found.fix == "how many there are: `size(refusals)`"


def test_an_item_for_a_cell_is_one_error_that_says_how_it_is_an_event() -> None:
    wrong = scenario("at: 1s, to: lamp, item: §push, payload: {x: 1}")
    found = finds("NIM0203", YOUNG, LAMP, wrong)
    assert found.fix == "write `event: push`"
    assert len(nimdsl.check_text(together(YOUNG, LAMP, wrong).replace(MARK, "")).diagnostics) == 1
    leaves_alone(YOUNG, LAMP, wrong.replace("item: §push", "event: push"))
