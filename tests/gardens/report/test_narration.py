"""What ``--verbose`` says of an attention: a line each, in the present."""

from __future__ import annotations

import io

import pytest

import nimdsl
from gardens.report.terminal.narration import line_of
from gardens.report.terminal.text import Narrator
from gardens.virtual.driver import Options
from runtime.records import AnyBody, Arrived, Began, GivenUp, Moment, Moved, Overran, Ran, Record, Refused
from simulate import run
from tests.gardens.report.starving import STARVING

MOMENT = Moment(3, 0)
S = 1_000_000_000


def told(body: AnyBody) -> str:
    return line_of(Record("attention/a", 0, 0, body, MOMENT))


def arrives(takes_ns: int, *, baseline: bool = False, name: str = "shadow") -> str:
    return told(Arrived(1, "look", name, takes_ns, baseline))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            arrives(2 * S),
            "  look         shadow arrives, takes 2 s",
        ),
        (arrives(S, baseline=True), ""),
        (
            told(Ran(1, "look", "shadow", S, 3 * S, "preempted")),
            "  look         shadow has the time from 1.000 to 3.000: [yellow]preempted[/]",
        ),
        (
            told(GivenUp(1, "look", "shadow", S // 2, "queue")),
            "[red]✗[/] look         shadow is dropped: the queue was full (500 ms left)",
        ),
        (
            told(Refused("look", "idle", 900_000, 5_000_000, "look")),
            "[red]✗[/] look         is refused 0.9 LF: the pool has 5.0 LF, its floor included",
        ),
        (
            told(Refused("look", "idle", 1, 0)),
            "[red]✗[/] a mode       is refused 0.000001 LF: the pool has 0.0 LF, its floor included",
        ),
        (told(Overran(1, "look", S)), "[red]![/] look         goes on for 1 s after its time"),
        (
            told(Moved("look", "idle", "look")),
            "  [dim]mode[/]         idle [dim]→[/] look",
        ),
        (told(Moved("idle", "idle", "idle")), ""),
        (told(Began("idle")), ""),
    ],
)
def test_a_record_is_a_line_or_none(line: str, wanted: str) -> None:
    assert line == wanted


def test_names_of_documents_are_no_markup() -> None:
    assert r"\[red]" in arrives(S, name="[red]")


def test_a_run_is_told_in_its_order_with_garden_time() -> None:
    file = io.StringIO()
    run(nimdsl.load_text(STARVING), "night", options=Options(observe=Narrator(file).tell))
    lines = file.getvalue().splitlines()
    assert lines[0] == "     0.100 s    mode         idle → look"
    for wanted in (
        "     2.000 s    look         baseline has the time from 0.100 to 2.000: preempted",
        "    10.000 s  beat 0 ends  2 done, 1 preempted, idle 4.7 s",
        "    20.100 s  ✗ look         is refused 2.0 LF: the pool has 2.99 LF, its floor included",
    ):
        assert wanted in lines
    times = [float(line.split()[0]) for line in lines]
    assert times == sorted(times)
