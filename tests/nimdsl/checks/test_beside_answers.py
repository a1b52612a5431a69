"""What is found in a cell that has a machine and answers."""

from __future__ import annotations

import pytest

import nimdsl
from tests.runtime.kernel.test_beside_answers import ANSWER, eye


def found(text: str) -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in nimdsl.check_text(text).diagnostics]


def test_both_is_no_mistake() -> None:
    assert found(eye()) == []


def test_answers_are_no_way_out_of_a_state() -> None:
    lonely = eye().replace("- {event: seen, to: turning}", "- {event: seen, internal: true}")
    lonely = lonely.replace("        timers: [{after: 400ms, to: turning}]\n", "")
    assert [code for code, _ in found(lonely)] == ["NIM0402", "NIM0401"]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (("{work: turn}", "{work: focus}"), "NIM0203", "`focus` is what an answer does"),
        (("{raise: seen}", "{work: focus}"), "NIM0203", "`focus` is what an answer does"),
        (("{raise: seen}", "{work: turn}"), "NIM0406", "nobody raises the event `seen`"),
        (("{raise: seen}", "{raise: sawn}"), "NIM0406", "nobody raises the event `seen`"),
        (("{raise: seen}", '{reply: {turns: "1"}}'), "NIM0310", "the cell replies to no event"),
        (
            ("work: focus,", "if: 'state == \"turnign\"', work: focus,"),
            "NIM0405",
            "`eye` has no state `turnign`",
        ),
        (("event: seen", "event: focus.done"), "NIM0406", "nobody raises the event `focus.done`"),
        (("event: seen", "event: focus/done"), "NIM0209", "'focus/done' is not a good name"),
        (("work: focus", "work: focsu"), "NIM0301", "the cell declares no work `focsu`"),
        (("    focus: ", "    blink: {}\n    focus: "), "NIM0407", "no state starts the work `blink`"),
    ],
)
def test_a_mistake(change: tuple[str, str], code: str, message: str) -> None:
    hits = [text for one, text in found(eye().replace(*change, 1)) if one == code]
    assert any(text.startswith(message) for text in hits), found(eye().replace(*change, 1))


def test_nobody_could_refuse_what_an_answer_reserves() -> None:
    answer = ANSWER.replace("{raise: seen}", "{raise: seen}, {work: turn}")
    reserving = eye(answer).replace("turn: {done: turned,", "turn: {done: turned, reserve: 3, cost: 1,")
    assert "NIM0415" in [code for code, _ in found(reserving)]


def test_answers_that_hide_each_other_are_found_beside_a_machine_too() -> None:
    two = eye().replace("    look: ", f"    first: {ANSWER}\n    look: ", 1)
    assert [code for code, _ in found(two)] == ["NIM0404"]


def test_a_cell_needs_one_of_them() -> None:
    neither = "apiVersion: nimdsl.dev/v1\nkind: Cell\nmetadata: {name: c}\nspec: {data: {a: int}}"
    assert found(neither) == [("NIM0204", "a cell needs a `machine` or `answers`")]
