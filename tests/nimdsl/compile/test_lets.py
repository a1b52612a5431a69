"""``let``: names for expressions mean what the expressions mean; mistakes are told once, at their place."""

from __future__ import annotations

import nimdsl
import simulate
from tests.support.texts import document

LET = "let: {ended: 'cells.c.state == \"c\"'}"
SCENARIO = f"{{cells: [c], horizon: 1min, {LET}, expect: [ended, 'cells.c.data.k == 3']}}"


def text(lets: str, guard: str = "big") -> str:
    """A cell that goes on when ``guard`` holds, with names for expressions, and a scenario with some."""
    look = f"enter: [{{raise: look}}], transitions: [{{event: look, if: {guard}, to: c}}]"
    b = f"b: {{timers: [{{after: 9s, to: a}}], {look}}}"
    a = "a: {timers: [{after: 1s, to: b, do: [{set: {k: '${twice + 3}'}}]}]}"
    machine = f"{{initial: a, states: {{{a}, {b}, c: {{final: true}}}}}}"
    cell = f"{{data: {{k: int, xs: list<int>}}, let: {{{lets}}}, machine: {machine}}}"
    return "\n---\n".join((document("Cell", "c", cell), document("Scenario", "s", SCENARIO)))


GOOD = "big: twice > 4, twice: k * 2"


def found(lets: str, guard: str = "big") -> list[tuple[str, str]]:
    """What is found wrong: the codes, and what stands at the place."""
    written = text(lets, guard)
    lines = written.splitlines()
    diagnostics = nimdsl.check_text(written).diagnostics
    return [
        (one.code, lines[one.place.line - 1][one.place.column - 1 :][: one.place.length])
        for one in diagnostics
    ]


def test_a_name_means_its_expression_in_any_order() -> None:
    assert found(GOOD) == []
    assert simulate.run(nimdsl.load_text(text(GOOD)), "s").ok


def test_a_program_is_the_same_with_names_and_without() -> None:
    written, plain = text(GOOD), text(GOOD, "k * 2 > 4")
    assert nimdsl.load_text(written).sha256 == nimdsl.load_text(plain).sha256


def test_mistakes_are_told_once_where_they_stand() -> None:
    assert found("big: twice > 4, twice: kk * 2") == [("NIM0303", "kk")]
    assert found("big: twice > 4, twice: k *") == [("NIM0302", "*")]
    assert found(GOOD, "bigg") == [("NIM0303", "bigg")]


def test_names_in_a_circle_and_names_that_mean_something_else() -> None:
    assert found("big: twice > 4, twice: 'big ? 1 : 2'")[0][0] == "NIM0208"
    assert found(f"{GOOD}, now: k")[0] == ("NIM0208", "now")
    assert found(f"{GOOD}, k: '3'")[0] == ("NIM0208", "k")


def test_a_variable_never_changes_what_a_name_means() -> None:
    assert found(f"{GOOD}, hid: 'xs.exists(k, twice > 1)'") == [("NIM0303", "twice")]
    assert found(f"{GOOD}, own: 'xs.exists(twice, twice > 1)'") == []


def test_names_do_not_grow_without_end() -> None:
    doubled = ", ".join(f"a{n}: a{n + 1} + a{n + 1}" for n in range(30))
    assert ("NIM0210" in {code for code, _ in found(f"{GOOD}, {doubled}, a30: k")}) is True
