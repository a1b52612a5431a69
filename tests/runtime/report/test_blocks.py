"""Beats in a terminal: a line each, readable without colours."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from runtime.report.blocks import CHARGED, FIXED, IDLE, cells, print_beats
from runtime.report.markup import letters
from runtime.report.view import Collector, View
from tests.support.beats import ACTOR, BEAT, MILLI, SECOND, Stimulus, beats

NAMES = letters([level.name for level in BEAT.levels])


def view(count: int, *stimuli: Stimulus) -> View:
    collector = Collector(BEAT, ACTOR)
    for record in beats(count, stimuli):
        collector.take(record)
    return collector.view()


def printed(seen: View, width: int = 100, terminal: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=terminal, color_system="truecolor" if terminal else None
    )
    print_beats(console, seen)
    return file.getvalue()


def line(*stimuli: Stimulus, width: int = 60) -> str:
    return cells(BEAT, NAMES, view(1, *stimuli).details[0], width)


def test_letters_are_of_the_levels_and_each_is_once() -> None:
    assert "".join(NAMES.values()) == "rsdetv"


def test_a_quiet_beat() -> None:
    assert line() == "e" + "t" * 2 + "v" * 57


def test_a_cell_shows_who_had_most_of_it() -> None:
    assert line(Stimulus(2 * SECOND, "dialogue", 5 * SECOND), width=30) == "et" + "d" * 5 + "v" * 23


def test_a_reflex_is_seen_however_short_it_is() -> None:
    drawn = line(Stimulus(15 * SECOND, "reflex", 0))
    assert drawn[30] == "R"
    assert drawn.count("R") == 1


def test_overhead_settle_and_idle_are_seen_where_they_are_wide_enough() -> None:
    assert line(width=600)[:2] == FIXED * 2
    assert line(width=600)[-4:] == FIXED * 4
    full = line(
        Stimulus(200 * MILLI, "sensory", 15 * SECOND),
        Stimulus(200 * MILLI, "thinking", 12 * SECOND),
        Stimulus(28 * SECOND, "safety", 500 * MILLI),
    )
    assert IDLE in full
    assert CHARGED not in full


def test_every_cell_is_somebodys() -> None:
    for width in (20, 37, 72, 300):
        drawn = line(
            Stimulus(3 * SECOND, "dialogue", 2 * SECOND), Stimulus(9 * SECOND, "reflex", 0), width=width
        )
        assert len(drawn) == width
        assert " " not in drawn


def test_in_a_pipe_there_are_no_colours_and_a_legend() -> None:
    text = printed(view(2, Stimulus(20 * SECOND, "dialogue", 20 * SECOND)))
    assert "\x1b" not in text
    assert "beat 0  e" in text
    assert "1 dropped" in text
    assert "R reflex  s safety  d dialogue  e sensory  t thinking  v virtual" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text, "no column is cut off"


def test_on_a_terminal_the_letters_stand_on_colours() -> None:
    assert "\x1b[38;2;11;14;19;48;2;60;195;230md" in printed(
        view(1, Stimulus(2 * SECOND, "dialogue", SECOND)), terminal=True
    )


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_lines_fit_the_terminal(width: int) -> None:
    text = printed(view(1, Stimulus(2 * SECOND, "dialogue", SECOND)), width=width)
    assert max(len(one) for one in text.splitlines() if one.startswith("beat")) <= width


def test_of_many_beats_the_first_and_the_worst_are_shown() -> None:
    flood = [Stimulus(70 * 30 * SECOND + SECOND, "dialogue", 40 * SECOND)] * 4
    text = printed(view(100, *flood))
    shown = [one.split("  ")[0] for one in text.splitlines() if one.startswith("beat")]
    assert shown == ["beat 0", "beat 1", "beat 2", "beat 70"]
    assert "… 67 beats" in text
    assert "… 29 beats" in text


def test_the_table_has_the_sums_and_the_waiting_times() -> None:
    text = printed(
        view(2, Stimulus(2 * SECOND, "safety", SECOND), Stimulus(2 * SECOND, "dialogue", SECOND))
    )
    row = next(one for one in text.splitlines() if one.startswith(" dialogue"))
    assert row.split() == ["dialogue", "1", "s", "1.7", "%", "0", "s", "1", "0", "0", "1", "s", "1", "s"]
    assert "2 beats: idle 0 s, overhead and settle 600 ms" in text


def test_a_run_without_beats_prints_nothing() -> None:
    assert printed(View()) == ""
