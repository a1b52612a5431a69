"""Mistakes that people make: one message each, at its place, with a fix that works."""

# ruff: noqa: E501 -- documents stand on one line here

from __future__ import annotations

import pytest

import nimdsl
from nimdsl.base.diagnostics import Diagnostic, Severity

MACHINE = "machine: {initial: a, states: {a: {transitions: [{event: go, to: a}]}}}"
ECONOMY = "apiVersion: nimdsl.dev/v1\nkind: Economy\nmetadata: {name: purse}\nspec: {SPEC}\n"
CELL = f"""apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {{name: lamp}}
spec:
  data: {{used: int, x: real, s: string, ok: bool, queue: list<int>, minutes: int}}
  accepts: {{go: {{d: int}}}}
  {MACHINE}
"""
WORK = """apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  accepts: {go: {}}
  work: {w: {returns: {used: real}, virtual: {latency: {constant: 1ms}, returns: {used: USED}}}}
  machine: {initial: a, states: {a: {transitions: [{event: go, to: b}]}, b: {enter: [{work: w}], transitions: [{event: done, to: a}, {event: failed, to: a}]}}}
"""
SCENARIO = "---\napiVersion: nimdsl.dev/v1\nkind: Scenario\nmetadata: {name: s}\nspec: {SPEC}\n"


def only(text: str) -> Diagnostic:
    found = nimdsl.check_text(text).diagnostics
    assert len(found) == 1, "\n".join(one.to_text() for one in found)
    return found[0]


def written(found: Diagnostic) -> str:
    """What the fix says to write."""
    return found.fix.split("`")[1]


def mended(text: str, old: str, new: str) -> None:
    """Nothing is said once the fix is followed."""
    assert old in text
    found = nimdsl.check_text(text.replace(old, new)).diagnostics
    assert not found, found[0].to_text()


@pytest.mark.parametrize(
    ("spec", "old", "code", "new"),
    [
        ("opening: 1e3", "1e3", "NIM0110", "1000.0"),
        ("opening: 5LF", "5LF", "NIM0207", "5"),
        ('opening: "5"', '"5"', "NIM0207", "5"),
        ("opening: 0.0000028", "0.0000028", "NIM0207", "0.000003"),
        ("opening: 1, window: 1m", "1m", "NIM0207", "1min"),
        ("opening: 1, window: 2 hours", "2 hours", "NIM0207", "2h"),
        ("opening: 1, window: 1h30min", "1h30min", "NIM0207", "90min"),
        ("opening: 1, window: 0.1ns", "0.1ns", "NIM0207", "1ns"),
        ("opening: 1, window: 300000d", "300000d", "NIM0207", "106751d"),
        ("opening: 1, window: 0s", "window: 0s", "NIM0210", "window: 1min"),
    ],
)
def test_quantities(spec: str, old: str, code: str, new: str) -> None:
    text = ECONOMY.replace("SPEC", spec)
    found = only(text)
    assert (found.code, written(found)) == (code, new)
    assert old.endswith(found.place.excerpt[found.place.column - 1 :][: found.place.length])
    mended(text, old, new)


@pytest.mark.parametrize("number", ["1e400", "1.0e+400", "99999999999999999999"])
def test_a_number_out_of_range_is_said_with_the_range(number: str) -> None:
    found = only(ECONOMY.replace("SPEC", f"opening: {number}"))
    assert found.code == "NIM0116"
    assert " to " in found.message
    assert found.fix.startswith("write a number in this range")
    payload = f"stimuli: [{{at: 1s, to: lamp, event: go, payload: {{d: {number}}}}}]"
    assert only(CELL + SCENARIO.replace("SPEC", payload)).code == "NIM0116"


def test_a_name_that_is_a_boolean_elsewhere() -> None:
    text = ECONOMY.replace("purse", "yes").replace("SPEC", "opening: 1")
    assert only(text).fix.startswith('quote it: "yes"')
    mended(text, "name: yes", 'name: "yes"')


@pytest.mark.parametrize(
    ("action", "old", "new"),
    [
        ("set: {used: '${x}'}", "'${x}'", '"${round(x)}"'),
        ('set: {minutes: "0"}', '"0"', "0"),
        ('set: {ok: "true"}', '"true"', "true"),
        ("set: {x: 0%}", "0%", "0"),
        ("set: {x: 40%}", "40%", "0.4"),
        ("set: {s: '${used}'}", "'${used}'", '"${string(used)}"'),
        ("set: {used: {a: 1}}", "{a: 1}", "3"),
        ("set: {queue: '${append(queue, 1)}'}", "append(queue, 1)", "queue + [1]"),
        ("set: {queue: '${queue.push(used)}'}", "queue.push(used)", "queue + [used]"),
        ("set: {used: '${len(queue)}'}", "len(queue)", "size(queue)"),
        ("set: {used: '${minutes % 55}'}", "minutes % 55", "mod(minutes, 55)"),
    ],
)
def test_values_of_another_type_and_words_of_other_languages(action: str, old: str, new: str) -> None:
    text = CELL.replace("{event: go, to: a}", f"{{event: go, to: a, do: [{{{action}}}]}}")
    assert new in only(text).fix
    mended(text, old, new)


def test_a_function_that_is_not_there_is_answered_with_all_that_are() -> None:
    text = CELL.replace("to: a}", 'to: a, if: "pop(queue) > 1"}')
    assert " more" not in only(text).fix


def test_the_balance_is_hidden_from_cells() -> None:
    assert "hidden from cells" in only(CELL.replace("to: a}", "to: a, if: lifeforce.final > 2LF}")).fix


@pytest.mark.parametrize(
    ("old", "new"), [("float", "real"), ("list", "list<int>"), ("dict", "record"), ("number", "real")]
)
def test_types_of_other_languages(old: str, new: str) -> None:
    text = CELL.replace("used: int", f"free: {old}")
    found = only(text)
    assert (found.code, written(found)) == ("NIM0305", new)
    mended(text, f"free: {old}", f"free: {new}")


def test_a_key_that_does_not_fit_is_blamed_itself() -> None:
    found = only(CELL.replace("used: int", "safe entries: int"))
    assert (found.code, found.place.column, found.place.length) == ("NIM0209", 10, len("safe entries"))


@pytest.mark.parametrize(
    ("old", "new"),
    [("transitions", "on"), ("to", "target"), ("event", "signal"), ("initial", "start")],
)
def test_keys_of_other_languages(old: str, new: str) -> None:
    found = only(CELL.replace(f"{old}: ", f"{new}: ", 1))
    assert (found.code, found.fix) == ("NIM0203", f"did you mean `{old}`?")


@pytest.mark.parametrize(
    ("used", "old", "new"),
    [
        ("{uniform: [9, 1]}", "[9, 1]", "[1, 9]"),
        ("{beta: [0, 1]}", "[0, 1]", "[2, 5]"),
        ("{normal: {mean: 0%, deviation: 1}}", "0%", "0"),
        ("{normal: {mean: 1, std: 1}}", "std", "deviation"),
    ],
)
def test_distributions(used: str, old: str, new: str) -> None:
    text = WORK.replace("USED", used)
    assert written(only(text)) == new
    mended(text, old, new)


@pytest.mark.parametrize(
    ("spec", "code", "at", "fix"),
    [
        (
            "stimuli: [{poisson: {rate: 75s}, to: lamp, event: go}]",
            "NIM0203",
            "rate",
            "did you mean `mean`?",
        ),
        (
            "actors: [gate/frnt]",
            "NIM0301",
            "gate/frnt",
            "leave it out: no package that is installed brings one",
        ),
    ],
)
def test_scenarios(spec: str, code: str, at: str, fix: str) -> None:
    found = only(CELL.replace("{d: int}", "{}") + SCENARIO.replace("SPEC", spec))
    assert (found.code, found.fix) == (code, fix)
    assert found.place.excerpt[found.place.column - 1 :].startswith(at)


def test_times_are_said_as_people_write_them() -> None:
    spec = "horizon: 24h, stimuli: [{at: 62h, to: lamp, event: go, payload: {d: 1}}]"
    assert "begins at 62h, the run ends before 24h" in only(CELL + SCENARIO.replace("SPEC", spec)).message


@pytest.mark.parametrize(
    ("name", "variables", "new"),
    [
        ("worker", "{w: [1, 2, 3]}", '"worker-${w}"'),
        ('"worker-${w}"', "{w: [1, 2], v: [3, 4]}", '"worker-${w}-${v}"'),
    ],
)
def test_instances_want_names_of_their_own(name: str, variables: str, new: str) -> None:
    text = CELL.replace("name: lamp", f"name: {name}").replace("  data:", f"  for: {variables}\n  data:")
    found = only(text)
    assert (found.code, written(found)) == ("NIM0209", new)
    mended(text, f"name: {name}", f"name: {new}")


def test_a_family_is_answered_with_its_members() -> None:
    family = CELL.replace("name: lamp", 'name: "robot-${k}"').replace(
        "  data:", "  for: {k: [1, 2, 3, 4]}\n  data:"
    )
    spec = "stimuli: [{at: 1s, to: robot, event: go, payload: {d: 1}}]"
    found = only(family + SCENARIO.replace("SPEC", spec))
    assert found.fix == "write one of them, `robot-1` for example, or `robot-*`"
    mended(family + SCENARIO.replace("SPEC", spec), "to: robot,", "to: robot-1,")


@pytest.mark.parametrize(
    ("expect", "fix"),
    [
        ("cells.robot-1.data.ok", '`cells["robot-1"].data.ok`'),
        ("!cells.robot-1.data.ok && errors == 0", '`cells["robot-1"].data.ok`'),
        ('cells["robot-3"].data.ok', "did you mean `robot-"),
    ],
)
def test_names_with_a_hyphen_are_read_by_an_index(expect: str, fix: str) -> None:
    family = CELL.replace("name: lamp", 'name: "robot-${k}"').replace(
        "  data:", "  for: {k: [1, 2]}\n  data:"
    )
    found = only(family + SCENARIO.replace("SPEC", f"expect: ['{expect}']"))
    assert found.code == "NIM0307"
    assert fix in found.fix
    assert "the scenario" not in found.message


@pytest.mark.parametrize("text", ["s", "$s", '"$s"'])
def test_text_that_is_the_name_of_a_field_is_a_warning(text: str) -> None:
    whole = CELL.replace(
        "{event: go, to: a}", f"{{event: go, to: a, do: [{{emit: {{content: {{of: {text}}}}}}}]}}"
    )
    found = only(whole)
    assert (found.code, found.severity) == ("NIM0311", Severity.WARNING)
    mended(whole, f"of: {text}", 'of: "${s}"')
    mended(whole, f"of: {text}", 'of: "s"')


def test_timers_that_tell_cases_apart_want_one_without_a_guard() -> None:
    timers = "timers: [{after: 1s, if: minutes < 54, to: b}, {after: 1s, if: minutes >= 54, to: b}]"
    text = CELL.replace(
        "{a: {transitions: [{event: go, to: a}]}}",
        f"{{a: {{transitions: [{{event: go, to: b}}]}}, b: {{{timers}}}}}",
    )
    found = only(text.replace("to: b}, {", "to: a}, {").replace("54, to: b}]", "54, to: a}]"))
    assert (found.code, found.fix) == ("NIM0410", "leave out the last `if`, or add a timer without one")


@pytest.mark.parametrize(
    ("assignment", "fix"),
    [
        (
            "cell/lamp.machine.states.a.transitions[0].cost=1",
            "write `cell/lamp.machine.states.a.transitions.0.cost`",
        ),
        (
            "cell/lamp.machine.states.a.transitions.9.cost=1",
            "write `0` instead of `9` for the last one; to add one, set the whole list",
        ),
        ("cell/lamp.domain.x=1", "leave out `.x`"),
        ("cell.lamp.domain=a", "write `cell/lamp.domain`"),
        ("cell/lamp.domain=", 'write a value behind `=`; an empty text is `cell/lamp.domain=""`'),
    ],
)
def test_overrides(assignment: str, fix: str) -> None:
    from nimdsl.compile.overrides import override, parse_assignment

    parsed = parse_assignment(assignment)
    if isinstance(parsed, Diagnostic):
        assert (parsed.code, parsed.fix) == ("NIM0507", fix)
        return
    program = nimdsl.load_text(CELL.replace("spec:\n", "spec:\n  domain: a\n"))
    _, (found,) = override(program.documents, dict([parsed]))
    assert (found.code, found.fix) == ("NIM0507", fix)
