"""What is said of a name, a sign or a value that is slightly wrong: at its place, with what replaces it."""

from __future__ import annotations

import pytest

import nimdsl
from tests.nimdsl.checks.building import cell, document, finds, together

ONE_STATE = "initial: a\nstates: {{a: {{transitions: [{{event: go, {rest}}}]}}}}"


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        ("size§ = 2", "write `==` to compare"),
        ("size §=== 2", "write `==` to compare"),
        ("size §<> 2", "write `!=`"),
        ("size §=> 2", "write `>=`"),
        ("size §=< 2", "write `<=`"),
        ("size == 2 §& size == 3", "write `&&`"),
        ("size == 2 §| size == 3", "write `||`"),
        ("size == 2 §AND size == 3", "write `&&`"),
    ],
)
def test_signs_of_other_languages(wrong: str, fix: str) -> None:
    wrong = wrong.replace("§ =", " §=")
    machine = ONE_STATE.format(rest=f"if: '{wrong}', internal: true")
    assert finds("NIM0302", cell(machine, "accepts: {go: {}}\ndata: {size: int}")).fix == fix


@pytest.mark.parametrize(
    ("open_", "fix"),
    [
        ('§"${count + 1"', "write `${count + 1}`"),
        ('§"${count items"', "write `${count}`"),
        ('§"${count-items"', "write `${count}`"),
        ('§"${ +"', "add `}`"),
    ],
)
def test_an_open_template_is_closed_where_its_expression_ends(open_: str, fix: str) -> None:
    do = f"do: [{{set: {{count: {open_.replace('§' + chr(34), chr(34) + '§')}}}}}], internal: true"
    found = finds("NIM0302", cell(ONE_STATE.format(rest=do), "accepts: {go: {}}\ndata: {count: int}"))
    assert found.fix == fix


@pytest.mark.parametrize(
    ("done", "fix"),
    [("done: §measurd", "did you mean `measured`?"), ("failed: §fialed", "did you mean `failed`?")],
)
def test_an_outcome_is_told_where_it_is_named(done: str, fix: str) -> None:
    names = {"done": "measured", "failed": "failed"}
    key, _, _ = done.partition(":")
    ways = ", ".join(f"{{event: {name}, to: a}}" for name in names.values())
    machine = f"initial: a\nstates: {{a: {{enter: [{{work: read}}], transitions: [{ways}]}}}}"
    own = ", ".join([done, *(f"{other}: {name}" for other, name in names.items() if other != key)])
    text = together(cell(machine, f"work: {{read: {{{own}}}}}"))
    found = [one for one in nimdsl.check_text(text.replace("§", "")).diagnostics if one.code == "NIM0407"]
    assert [one.fix for one in found] == [fix]
    assert found[0].place.excerpt[found[0].place.column - 1 :].startswith(done.partition("§")[2])


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("economy/pursse.opening: 5", "did you mean `economy/purse.opening`?"),
        ("economy/purse.openning: 5", "did you mean `economy/purse.opening`?"),
        ("garden/g.buss.loss: 5%", "did you mean `garden/g.bus.loss`?"),
    ],
)
def test_an_override_is_told_whole(path: str, fix: str) -> None:
    economy = document("Economy", "{opening: 10}", "purse")
    garden = document("Garden", "{bus: {loss: 0%}}", "g")
    report = nimdsl.check_text(together(economy, garden, document("Scenario", f"{{set: {{{path}}}}}")))
    assert [one.fix for one in report.diagnostics] == [fix]


def test_a_value_of_an_override_is_told_where_it_stands() -> None:
    garden = document("Garden", "{bus: {loss: 0%}}", "g")
    scenario = document("Scenario", "{set: {garden/g.bus.loss: §-5%}}")
    assert finds("NIM0210", garden, scenario).fix == "remove the minus: `5%`"
    much = document("Scenario", "{set: {garden/g.bus.loss: §140%}}")
    assert finds("NIM0207", garden, much).fix == "write at most `100%`"


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        ("loss: §5", "write `5%`"),
        ("loss: §0.05", "write `5%`, or `0.05%` if so little is meant"),
        ("loss: §5 percent", "write `5%`"),
        ("§loss 5%", "write `loss: 5%`"),
        ("§loss:5%", "write `loss: 5%`"),
    ],
)
def test_a_share_and_its_key(wrong: str, fix: str) -> None:
    text = document("Garden", f"{{bus: {{{wrong}}}}}")
    assert [one.fix for one in nimdsl.check_text(text.replace("§", "")).diagnostics] == [fix]


def test_a_state_inside_another_is_suggested_by_its_short_name() -> None:
    machine = """
        initial: a
        states:
          a:
            initial: one
            states:
              one: {transitions: [{event: go, to: §twoo}]}
              two: {transitions: [{event: stop, to: one}]}
    """
    text = together(cell(machine))
    found = nimdsl.check_text(text.replace("§", "")).diagnostics
    assert [one.fix for one in found if one.code == "NIM0405"] == ["did you mean `two`?"]


@pytest.mark.parametrize("word", ["yes", "on", "no"])
def test_a_word_that_means_a_boolean_elsewhere_is_one_where_one_is_wanted(word: str) -> None:
    text = cell(ONE_STATE.format(rest=f"internal: {word}"), "accepts: {go: {}}")
    (found,) = nimdsl.check_text(text).diagnostics
    assert (found.code, found.fix) == ("NIM0205", f"write `{'false' if word == 'no' else 'true'}`")


def test_documents_that_are_broken_are_met_without_a_crash() -> None:
    resource = "apiVersion: nimdsl.dev/v1\nkind: Resource\nmetadata: {name: chargers}\nspec: some"
    machine = "initial: a\nstates: {a: {enter: [{work: get}], transitions: [{event: done, to: a}]}}"
    get = "work: {get: {acquire: {resource: chargers}, timeout: 5s}}"
    found = nimdsl.check_text(together(resource, cell(machine, get))).diagnostics
    assert [one.code for one in found] == ["NIM0205"]
    family = document("Cell", "{for: {k: [1, 2]}}", '"robot-${k"')
    stimuli = document("Scenario", "{stimuli: [{at: 1s, to: robot-*, event: go}]}")
    assert "NIM0303" in {one.code for one in nimdsl.check_text(together(family, stimuli)).diagnostics}
