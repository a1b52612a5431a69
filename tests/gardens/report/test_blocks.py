"""Beats in a terminal: a line each, readable without colours."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from msgspec.structs import replace as with_changes
from rich.console import Console

from gardens.report.observe.lifeforce import Lifeforce
from gardens.report.observe.view import Collector, View
from gardens.report.terminal.blocks import CHARGED, FIXED, IDLE, cells, print_beats
from gardens.report.words import letters
from nimdsl.base.units import MICRO
from runtime.records import BeatEnded, Refused
from tests.support.beats import ACTOR, BEAT, MILLI, SECOND, Stimulus, beats
from tests.support.plain import typed

NAMES = letters([level.name for level in BEAT.levels])


def view(count: int, *stimuli: Stimulus) -> View:
    collector = Collector(BEAT, ACTOR)
    for record in typed(beats(count, stimuli)):
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


def row(text: str, level: str) -> list[str]:
    return next(one for one in text.splitlines() if one.startswith(f" {level}")).split()


def test_the_table_has_the_sums_and_the_waiting_times() -> None:
    text = printed(
        view(2, Stimulus(2 * SECOND, "safety", SECOND), Stimulus(2 * SECOND, "dialogue", SECOND)), width=120
    )
    first = ["1", "s", "1.7", "%", "0", "s", "1"]
    assert row(text, "dialogue") == ["dialogue", *first, "1", "1", "0", "0", "0", "1", "s", "1", "s"]
    assert row(text, "virtual")[-7:] == ["–", "–", "–", "1", "0", "–", "–"]
    assert "2 beats: idle 0 s, overhead and settle 600 ms" in text
    for absent in ("refused", "LF", "overruns", "starved"):
        assert absent not in text


def test_items_that_never_had_the_time_are_counted() -> None:
    text = printed(view(1, *[Stimulus(20 * SECOND, "dialogue", 9 * SECOND)] * 4), width=120)
    assert row(text, "dialogue")[9:12] == ["4", "1", "2"], "one more was cut"


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_figure_and_no_name_is_cut_at_any_width(width: int) -> None:
    text = printed(
        view(300, *[Stimulus(n * 30 * SECOND, "dialogue", 20 * SECOND) for n in range(300)]), width
    )
    lines = text[text.index("R reflex") :].splitlines()
    assert "…" not in "".join(lines)
    assert max(map(len, lines)) <= width
    assert row(text, "dialogue")[:3] == ["dialogue", "6,000", "s"]
    left_out = " ".join(text.split()).partition("not shown for want of width: ")[2]
    assert ("granted" in left_out) is (width < 120)


def test_durations_in_a_column_are_of_one_kind() -> None:
    text = printed(view(300, *[Stimulus(n * 30 * SECOND, "dialogue", 20 * SECOND) for n in range(300)]))
    assert " min" not in text
    assert "idle 0 s" in text


def test_time_charged_for_overruns_is_in_the_legend_and_in_the_sum() -> None:
    quiet = view(1)
    charged = replace(quiet.beats[0], charged_ns=1800 * MILLI)
    seen = replace(quiet, beats=(charged,), details=(replace(quiet.details[0], summary=charged),))
    text = printed(seen)
    assert f"{CHARGED} charged for overruns" in text
    assert "overhead and settle 300 ms, charged for overruns 1.8 s" in text
    assert CHARGED not in printed(quiet)


def test_the_legend_breaks_between_signs() -> None:
    lines = printed(view(1), width=60).split("\n\n")[1].splitlines()
    assert lines[:2] == [
        "R reflex  s safety  d dialogue  e sensory  t thinking",
        "v virtual  ░ overhead, settle  · idle",
    ]


def refused(count: int, first: int, in_first: int, in_others: int) -> View:
    """Beats of which from ``first`` on so many prices are refused each."""
    collector = Collector(BEAT, ACTOR)
    for record in typed(beats(count, ())):
        moment = record.moment
        assert moment is not None
        index = moment.beat
        if isinstance(record.body, BeatEnded) and index >= first:
            for _ in range(in_first if index == first else in_others):
                said = Refused("dialogue", "idle", 2, 1, "dialogue")
                at_ns = index * BEAT.length_ns + 5
                collector.take(with_changes(record, body=said, moment=with_changes(moment, at_ns=at_ns)))
        collector.take(record)
    since_ns = first * BEAT.length_ns + 5
    amount = in_first + in_others * (count - first - 1)
    force = Lifeforce(refused=amount, first_refused_ns=since_ns, starved_ns=since_ns)
    return replace(collector.view(), lifeforce=force)


def test_she_is_seen_to_starve_and_in_which_beat() -> None:
    seen = refused(100, 40, 1, 2)
    text = printed(seen, width=120)
    assert [detail.index for detail in seen.details if detail.index == 40] == [40], "39 others were worse"
    line = next(one for one in text.splitlines() if one.startswith("beat 40"))
    assert line.endswith("1 refused, starves")
    assert "119 prices refused, the first at 0:20:00; starved since 0:20:00: no price was paid" in text
    assert "refused" in next(one for one in text.splitlines() if one.startswith(" level"))
    assert "119" in row(text, "dialogue")


def test_what_levels_cost_and_what_upkeep_did_not_find_is_told() -> None:
    priced = replace(BEAT, levels=tuple(replace(one, cost_per_item=MICRO) for one in BEAT.levels))
    quiet = view(2)
    force = Lifeforce(
        accounts={"cost:dialogue": 2_500_000, "upkeep:rent": MICRO}, unpaid={"upkeep:rent": 5 * MICRO}
    )
    text = printed(replace(quiet, beat=priced, lifeforce=force), width=120)
    assert "2.5" in row(text, "dialogue")
    assert "upkeep: rent 1 LF, unpaid 5 LF" in text
    assert "unpaid" not in printed(replace(quiet, lifeforce=replace(force, unpaid={})))


def test_a_run_without_beats_prints_nothing() -> None:
    assert printed(View()) == ""
