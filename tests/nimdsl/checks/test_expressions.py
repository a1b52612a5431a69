"""Expressions in documents: undefined names, types, fields of schemas, payloads."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.base.diagnostics import Diagnostic
from tests.nimdsl.checks.building import (
    ECONOMY,
    MARK,
    TALK,
    cell,
    document,
    finds,
    leaves_alone,
    phase,
    together,
)
from tests.nimdsl.mutation.judge import applied

SPEC = "data: {count: int, heat: real}\naccepts: {go: {level: real, held: duration}}"


def mends(text: str, found: Diagnostic) -> None:
    """Checks that no error is left once the fix is followed to the letter."""
    fixed = applied(together(text).replace(MARK, ""), found)
    assert fixed is not None
    left = nimdsl.check_text(fixed).diagnostics
    assert not [one for one in left if one.severity == "error"], f"{fixed}\n{left[0].to_text()}"


def guarded(guard: str) -> str:
    return cell(f"initial: a\nstates:\n  a:\n    transitions: [{{event: go, if: {guard}, to: a}}]", SPEC)


def test_an_undefined_name_is_found_with_the_likely_one() -> None:
    assert finds("NIM0303", guarded("§cuont > 1")).fix == "did you mean `count`?"


def test_a_field_that_an_event_lacks_is_found() -> None:
    finds("NIM0307", guarded("event.§lever > 0.5"))


@pytest.mark.parametrize("guard", ["event.held > §2", "count > 1 && §heat", '\'§count + "x" == "y"\''])
def test_a_type_error_is_found(guard: str) -> None:
    finds("NIM0304", guarded(guard))


@pytest.mark.parametrize("guard", ["§count", "'§\"text\"'"])
def test_a_guard_that_is_no_condition_is_found(guard: str) -> None:
    finds("NIM0304", guarded(guard.replace("'§", "§'") if guard.startswith("'") else guard))


@pytest.mark.parametrize(
    ("guard", "fix"),
    [
        ("event.level > §2s", "remove the unit: `2` (a real has none)"),
        ("§2s < count", "remove the unit: `2` (an int has none)"),
        ("event.level > §-2s", "remove the unit: `-2` (a real has none)"),
        ("event.held > §3", "give the number its unit, for example `3s`"),
        ("event.held > §-3", "give the number its unit, for example `-3s`"),
        ("2s > §3", "give the number its unit, for example `3s`"),
        ("§event.level > event.held", "give the number a unit: `event.level * 1s`"),
        ("2s > §40%", "a duration is wanted there, for example `1s`"),
        ("§event.held * event.held > 1s", "make a number of it: `event.held / 1s`"),
        ('"max(event.held, §count) > 1s"', "give the number a unit: `count * 1s`"),
        ("event.level - §event.held > 0.5", "make a number of it: `event.held / 1s`"),
        ("event.held - §event.level > 1s", "give the number a unit: `event.level * 1s`"),
        ('"(heat > 1 ? event.held : §2) > 1s"', "give the number its unit, for example `2s`"),
        ('heat > §"10"', "write `10`: quotes make text of it"),
        ('event.held > §"2"', "write `2s`: quotes make text of it"),
        ('event.held > §"2s"', "write `2s`: quotes make text of it"),
        ("string(count) == §3", 'write `"3"`, to compare it with text'),
        ("§count", "compare it, for example `count > 0`"),
        ("§heat * 2.0", "compare it, for example `heat * 2.0 > 0.0`"),
        ("§event.held", "compare it, for example `event.held > 0s`"),
        ("§string(count)", 'compare it, for example `string(count) == "text"`'),
        ("'§[1, 2]'", "compare it, for example `size([1, 2]) > 0`"),
        ("'§count > 0 ? 1 : 2'", "compare it, for example `(count > 0 ? 1 : 2) > 0`"),
    ],
)
def test_the_fix_of_a_type_error_is_what_to_change(guard: str, fix: str) -> None:
    whole = guard.replace("'§", "§'") if fix.startswith("compare") else guard
    found = finds("NIM0304", guarded(whole))
    assert found.fix == fix
    if not fix.startswith("compare"):
        mends(guarded(whole), found)


@pytest.mark.parametrize(
    ("guard", "fix"),
    [
        ("§0 < heat < 9", "write `0 < heat && heat < 9`"),
        ("count > 1 && §0 <= heat + 1 <= 9 || count == 3", "write `0 <= heat + 1 && heat + 1 <= 9`"),
        ('"max(count, 2) > 1 && (§1 == count == 1)"', "write `1 == count && count == 1`"),
        ('"[count].all(x, §0 < x < 9)"', "write `0 < x && x < 9`"),
        ("§1 < count == true", "write `(1 < count) == true`"),
        ("event.held < §10m", "write `10min` (minutes) or `10ms` (milliseconds)"),
        ("event.held < §2 hours && count > 1", "write `2h`"),
        ("event.held < §10 min", "write `10min`"),
        ("event.held < §1h30min", "write `90min`"),
        ("event.held < §10sec", "write `10s`"),
        ('"heat > §1,5 && count > 1"', "write `1.5`"),
        ("name == §“warm”", 'write `"warm"`'),
        ("name == §‘warm’ && count > 1", 'write `"warm"`'),
        ("name == §«warm»", 'write `"warm"`'),
    ],
)
def test_what_is_meant_by_text_that_is_no_expression(guard: str, fix: str) -> None:
    text = guarded(guard).replace("heat: real", "heat: real, name: string")
    found = finds("NIM0302", text)
    assert found.fix == fix
    mends(text, found)


@pytest.mark.parametrize(
    ("guard", "fix"),
    [
        ("name == §warm", 'quote it: `"warm"`'),
        ("§warm != name", """quote it: `'"warm" != name'`"""),
        ("name == §duty/home", 'quote it: `"duty/home"`'),
        ("name == §room-1", 'quote it: `"room-1"`'),
        ("'name in [§warm, \"cold\"]'", 'quote it: `"warm"`'),
        ('"name == §warm"', "quote it: `'warm'`"),
    ],
)
def test_a_name_that_nobody_knows_beside_text_is_text(guard: str, fix: str) -> None:
    text = guarded(guard).replace("heat: real", "heat: real, name: string")
    found = finds("NIM0303", text)
    assert found.fix == fix
    mends(text, found)


def test_a_name_beside_text_that_may_be_misspelt_is_either() -> None:
    text = guarded("name == §nam").replace("heat: real", "heat: real, name: string")
    assert finds("NIM0303", text).fix == 'did you mean `name`? Or quote it: `"nam"`'


@pytest.mark.parametrize(
    ("assigned", "fix"),
    [
        ('count: "${count + §event.held}"', "make a number of it: `round(event.held / 1s)`"),
        ('heat: "${heat + §event.held}"', "make a number of it: `event.held / 1s`"),
        ('long: "${long - §count}"', "give the number a unit: `count * 1s`"),
        ('long: "${max(long, event.held - §count)}"', "give the number a unit: `count * 1s`"),
        ('long: "${count * §5}"', "give the number its unit: `5s`"),
        ('long: §"${count}"', 'write `"${count * 1s}"`'),
        ('count: §"${long}"', 'write `"${round(long / 1s)}"`'),
        ('heat: §"${long}"', 'write `"${long / 1s}"`'),
    ],
)
def test_a_fix_leads_to_the_type_that_is_wanted(assigned: str, fix: str) -> None:
    machine = (
        f"initial: a\nstates:\n  a:\n    transitions: [{{event: go, to: a, do: [{{set: {{{assigned}}}}}]}}]"
    )
    text = cell(machine, SPEC.replace("heat: real", "heat: real, long: duration"))
    found = finds("NIM0304", text)
    assert found.fix == fix
    mends(text, found)


@pytest.mark.parametrize(
    ("cost", "fix"),
    [
        ('"${min(count, 5) * §0.00002}"', "give the number its unit: `0.00002LF`"),
        ('"${2 * clamp(count, 0, 5) * §0.5}"', "give the number its unit: `0.5LF`"),
        ('§"${min(count, 5)}"', 'write `"${min(count, 5) * 1LF}"`'),
        ('"${min(count, 5) * §$0.02}"', "write `0.02LF`"),
    ],
)
def test_a_price_that_is_computed_without_its_unit(cost: str, fix: str) -> None:
    machine = f"initial: a\nstates:\n  a:\n    transitions: [{{event: go, to: a, cost: {cost}}}]"
    code = "NIM0302" if "$0" in cost else "NIM0304"
    found = finds(code, cell(machine, SPEC))
    assert found.fix == fix
    mends(cell(machine, SPEC), found)


@pytest.mark.parametrize(
    ("assigned", "fix"),
    [
        ("count: §heavy", 'write a whole number, for example `3`; to compute it, `"${...}"`'),
        ("heat: §heavy", 'write a number, for example `0.5`; to compute it, `"${...}"`'),
        ("count: §count + 1", 'text is literal; to compute, write "${count + 1}"'),
        ("count: §0.5", "write a whole number, for example `3`"),
        ("heat: §true", "write a number, for example `0.5`"),
    ],
)
def test_where_a_number_is_wanted_the_fix_says_so(assigned: str, fix: str) -> None:
    machine = (
        f"initial: a\nstates:\n  a:\n    transitions: [{{event: go, to: a, do: [{{set: {{{assigned}}}}}]}}]"
    )
    assert finds("NIM0304", cell(machine, SPEC)).fix == fix


def test_only_indexes_that_are_written_out_are_judged() -> None:
    finds("NIM0210", guarded("'§[1, 2][-1] > 0'"))
    leaves_alone(guarded("'[1, 2][-0] + [1, 2][count - 1] > 0'"))


@pytest.mark.parametrize("guard", ["count > 1 §and true", "count §= 1"])
def test_what_is_no_expression_is_found(guard: str) -> None:
    finds("NIM0302", guarded(guard))


@pytest.mark.parametrize(
    "guard",
    [
        "event.level > 0.5 && event.held >= 1.5s",
        "count + 1 < heat * 2.0",
        "'[1, 2, 3].exists(n, n == count)'",
        "'(count > 1 ? heat : 0.0) < 1.0'",
    ],
)
def test_what_is_right_is_left_alone(guard: str) -> None:
    leaves_alone(guarded(guard))


def test_a_set_of_the_wrong_type_is_found() -> None:
    machine = (
        'initial: a\nstates:\n  a:\n    transitions: [{event: go, to: a, do: [{set: {count: §"${heat}"}}]}]'
    )
    finds("NIM0304", cell(machine, SPEC))


def test_whole_numbers_become_reals_by_themselves() -> None:
    machine = (
        'initial: a\nstates:\n  a:\n    transitions: [{event: go, to: a, do: [{set: {heat: "${count}"}}]}]'
    )
    leaves_alone(cell(machine, SPEC))


def test_a_reply_condition_on_a_field_that_the_schema_lacks_is_found() -> None:
    finds("NIM0307", ECONOMY, TALK, phase(accept="reply.payload.§certainty > 0.5"))


def test_a_reply_condition_on_the_envelope_is_left_alone() -> None:
    leaves_alone(ECONOMY, TALK, phase(accept='reply.status == "ACK" && reply.lifeforce_delta >= 0.0'))


@pytest.mark.parametrize(
    "payload",
    ["{topic: §snow}", "{topic: sun, depth: §0}", "{topic: sun, §deep: 1}", "{topic: §3}"],
)
def test_a_payload_that_cannot_satisfy_its_schema_is_found(payload: str) -> None:
    finds("NIM0306", ECONOMY, TALK, phase(handshakes=f"[{{name: sun, payload: {payload}}}]"))


def test_a_payload_that_lacks_a_required_field_is_found() -> None:
    finds("NIM0306", ECONOMY, TALK, phase(handshakes="[{name: sun, §payload: {depth: 1}}]"))


def test_a_computed_value_of_the_wrong_type_is_found() -> None:
    handshakes = '[{name: sun, payload: {topic: sun, depth: "${phases.first.§exit}"}}]'
    finds("NIM0303", ECONOMY, TALK, phase(handshakes=handshakes))
    finds(
        "NIM0306", ECONOMY, TALK, phase(handshakes='[{name: sun, payload: {topic: sun, depth: §"${1.5}"}}]')
    )


def test_what_only_the_run_can_tell_is_left_alone() -> None:
    handshakes = '[{name: sun, payload: {topic: sun}}, {name: rain, payload: {topic: "${steps.sun.reply.payload.text}"}}]'
    leaves_alone(ECONOMY, TALK, phase(handshakes=handshakes))


def test_an_answer_that_its_schema_does_not_allow_is_found() -> None:
    finds("NIM0306", ECONOMY, TALK.replace("confidence: 0.9", "confidence: §high"))


def test_an_expectation_about_a_cell_that_is_wrong_itself_is_left_alone() -> None:
    wrong = cell(
        "initial: a\nstates:\n  a: {transitions: [{event: go, if: §nothing, to: a}, {event: stop, to: a}]}"
    )
    finds("NIM0303", wrong, document("Scenario", "{expect: [cells.it.data.any == 1]}"))


def test_an_expectation_about_a_protocol_that_is_wrong_itself_is_left_alone() -> None:
    protocol = document("Protocol", "{economy: purse, phases: [first], §fazes: []}", "talk")
    scenario = document("Scenario", "{protocol: talk, expect: [phases.first.accepted == 1]}")
    finds("NIM0203", ECONOMY, TALK, phase(), protocol, scenario)


def test_an_expectation_about_nothing_is_found() -> None:
    finds("NIM0307", document("Scenario", "{expect: [cells.§nobody.data.x == 1]}"))


def modelled(kind: str, distribution: str) -> str:
    work = f"{{read: {{returns: {{value: {kind}}}, virtual: {{latency: {{constant: 1ms}}, returns: {{value: {distribution}}}}}}}}}"
    machine = """
        initial: a
        states:
          a: {transitions: [{event: go, to: b}]}
          b: {enter: [{work: read}], transitions: [{event: done, to: a}, {event: failed, to: a}]}
    """
    return cell(machine, f"accepts: {{go: {{}}}}\nwork: {work}")


@pytest.mark.parametrize(
    ("kind", "distribution", "code"),
    [
        ("real", "{normal: {mean: 1.0, deviation: §high}}", "NIM0304"),
        ("string", "{§uniform: [a, b]}", "NIM0304"),
        ("bool", "{§beta: [2, 3]}", "NIM0304"),
        ("real", "{uniform: [3, §x]}", "NIM0304"),
        ("int", "{§uniform: [3, 1]}", "NIM0210"),
    ],
)
def test_a_distribution_that_cannot_be_drawn_is_found(kind: str, distribution: str, code: str) -> None:
    finds(code, modelled(kind, distribution))


def test_distributions_that_can_be_drawn_are_left_alone() -> None:
    leaves_alone(modelled("string", "{choice: {values: [a, b], weights: [1, 2]}}"))
    leaves_alone(modelled("duration", '{uniform: ["${1ms + 1ms}", 5ms]}'))
    leaves_alone(modelled("list<int>", "{choice: {values: [[1, 2], []]}}"))
