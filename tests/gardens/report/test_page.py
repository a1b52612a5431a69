"""The page of a run: one file that needs nothing else, says everything in words too, and stays small."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

import nimdsl
from gardens.report import palette
from gardens.report.html.page import page
from gardens.report.observe.lifeforce import Lifeforce
from gardens.report.observe.view import Collector, View
from gardens.report.observe.watch import view_of
from gardens.report.words import clock, letters, share, span
from nimdsl.base.units import MICRO
from nimdsl.program import Program
from nimdsl.program.economy import Slumber
from simulate import run
from tests.support.beats import ACTOR, BEAT, MILLI, SECOND, Stimulus, beats
from tests.support.plain import typed

SUMMARY: Mapping[str, Any] = {
    "scenario": "some",
    "seed": 3,
    "run_id": "a" * 32,
    "program_sha256": "b" * 64,
    "trace_sha256": "c" * 64,
    "decision_sha256": "d" * 64,
    "completed": True,
    "ok": True,
    "stopped": "horizon",
    "duration_s": 60.0,
    "lifeforce": {"initial": 100.0, "spent": 1.0, "earned": 2.0, "final": 101.0},
    "lambda": 2.0,
    "phases": [],
    "criteria": [],
    "expectations": [{"text": "completed", "held": True, "values": {}}],
    "failures": [],
    "notices": [],
    "refusals": [],
    "incidents": [],
}
VOID = ("meta", "link", "br", "img", "input", "hr")


class Reader(HTMLParser):
    """Reads a page and finds what does not close, what has no name, and where it would go for more."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.unnamed: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.addresses += [str(given[name]) for name in ("src", "href") if name in given]
        self.ids += [str(given["id"])] if "id" in given else []
        if tag == "svg" and "aria-label" not in given and given.get("aria-hidden") != "true":
            self.unnamed.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def program() -> Program:
    return nimdsl.load()


def view(count: int, stimuli: list[Stimulus] | None = None) -> View:
    collector = Collector(BEAT, ACTOR)
    for record in typed(beats(count, stimuli or [])):
        collector.take(record)
    return collector.view()


def crowd(count: int, each: int) -> list[Stimulus]:
    chance = random.Random(1)
    levels = [level.name for level in BEAT.levels[1:-1]]
    return [
        Stimulus(
            chance.randrange(count * 30_000) * MILLI,
            chance.choice(levels),
            chance.randrange(1, 6000) * MILLI,
        )
        for _ in range(count * each)
    ]


def of(program: Program, scenario: str, **changes: Any) -> str:
    result = run(program, scenario, set=changes or None)
    seen = view_of(result.program, result.scenario, result.run)
    return page(seen, result.summary, result.scenario.description)


@pytest.mark.parametrize(
    "scenario", ["voice", "danger", "overwhelmed", "open-gates", "spark", "spark-nack"]
)
def test_a_page_is_whole_and_needs_nothing_else(program: Program, scenario: str) -> None:
    text = of(program, scenario)
    read = Reader(text)
    assert not read.wrong
    assert not read.open
    assert not read.unnamed
    outside = [one for one in read.addresses if not one.startswith(("#", "data:"))]
    assert not outside
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttpRequest", text)
    assert {one[1:] for one in read.addresses if one.startswith("#")} <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))


def test_without_the_script_the_page_says_what_matters(program: Program) -> None:
    read = Reader(of(program, "voice"))
    for words in ("voice", "as expected", "16.7 s", "dialogue", "Beats up close", "How long items waited"):
        assert words in read.text
    assert "income = expenditure" in read.text
    assert "may fall asleep" not in read.text


def test_a_run_without_an_attention_has_phases_actors_and_lifeforce(program: Program) -> None:
    read = Reader(of(program, "spark-nack"))
    for words in (
        "vocabulary",
        "✗ not complete",
        "15 of 24 criteria hold",
        "chrysalis-bridge",
        "Balance, LF",
    ):
        assert words in read.text
    assert "Beats up close" not in read.text


def test_every_beat_up_close_is_also_in_words() -> None:
    stimuli = [Stimulus(2 * SECOND, "dialogue", 5 * SECOND), Stimulus(12 * SECOND, "reflex", 0)]
    text = page(view(1, stimuli), SUMMARY)
    assert "Beat 0: reflex 50 ms, dialogue 5 s, sensory 500 ms, thinking 1 s, virtual 23.1 s" in text
    assert "dialogue · stimulus\n2 s to 7 s: 5 s\ndone" in text
    assert "a reflex came between" in text


def test_what_is_dropped_says_why() -> None:
    stimuli = [Stimulus(20 * SECOND, "dialogue", 20 * SECOND)] * 2
    read = Reader(page(view(1, stimuli), SUMMARY))
    assert "its time was over" in read.text
    assert "still waiting when the beat ended" in read.text
    assert "✕ 2 dropped" in read.text


def test_failed_expectations_come_first_with_their_values() -> None:
    expectations = [
        {"text": "this holds", "held": True, "values": {}},
        {"text": "that fails", "held": False, "values": {"dropped": "7"}},
    ]
    read = Reader(page(view(1), {**SUMMARY, "ok": False, "expectations": expectations}))
    assert "✗ 1 of 2 expectations failed" in read.text
    assert read.text.index("that fails") < read.text.index("dropped = 7") < read.text.index("this holds")


def test_nothing_from_documents_is_markup() -> None:
    evil = "</script><script>alert(\"x\")</script><b title='y'>"
    stimuli = [
        Stimulus(2 * SECOND, "dialogue", SECOND, evil),
        Stimulus(29 * SECOND, "safety", 9 * SECOND, evil),
    ]
    expectations = [{"text": evil, "held": False, "values": {evil: evil}}]
    notices = [{"type": "ignored", "actor": evil, "what": evil, "count": 2}]
    summary = {
        **SUMMARY,
        "scenario": evil,
        "expectations": expectations,
        "notices": notices,
        "garden": evil,
    }
    text = page(view(1, stimuli), summary, evil)
    assert not Reader(text).wrong
    assert "<script>alert" not in text
    assert "<b title='y'" not in text


@pytest.mark.slow
def test_2880_beats_are_below_three_megabytes_and_each_has_a_column() -> None:
    text = page(view(2880, crowd(2880, 4)), SUMMARY)
    assert len(text.encode()) < 3_000_000
    found = re.search(r'id="cols">(.*?)</script>', text)
    assert found
    columns = json.loads(found[1])["columns"]
    assert [column[0] for column in columns] == list(range(2880))
    assert text.count('class="orow"') == 24
    assert "28 of 2,880: the first 8" in text
    assert "2,880" in Reader(text).text


def test_the_busiest_beats_are_below_three_megabytes_too() -> None:
    text = page(view(40, crowd(40, 600)), SUMMARY)
    assert len(text.encode()) < 3_000_000
    assert "marks left out" in text


def test_more_beats_than_columns_share_them() -> None:
    one = view(1).beats[0]
    many = tuple(
        replace(one, index=index, start_ns=index * BEAT.length_ns, end_ns=(index + 1) * BEAT.length_ns)
        for index in range(6000)
    )
    text = page(replace(view(1), beats=many), SUMMARY)
    assert "A column stands for 3 beats" in text
    found = re.search(r'id="cols">(.*?)</script>', text)
    assert found
    assert [column[:2] for column in json.loads(found[1])["columns"]][-1] == [5997, 5999]


def test_it_may_fall_asleep_where_the_economy_says() -> None:
    slumber = Slumber(SECOND, 900_000, 350_000, 0, 0, 1_200_000, 500_000, 700_000)
    points, lambdas = ((0, 60 * MICRO), (10, 20 * MICRO)), ((5, 0.95), (10, 0.85))
    force = Lifeforce(points, lambdas, 0, 100 * MICRO, 60 * SECOND, slumber)
    read = Reader(page(replace(view(1), lifeforce=force), SUMMARY)).text
    assert "35 % may fall asleep" in read
    assert "0.9 may fall asleep" in read
    never = page(replace(view(1), lifeforce=replace(force, slumber=None)), SUMMARY)
    assert "asleep" not in Reader(never).text


def test_a_dormant_economy_and_one_that_only_spends_are_drawn() -> None:
    still = Lifeforce(((0, 100), (10, 100)), ((10, None),), 0, None, 60 * SECOND)
    assert "the economy is dormant" in page(replace(view(1), lifeforce=still), SUMMARY)
    poor = Lifeforce(((0, 100), (10, 50), (10, 0)), ((5, 0.0), (10, 0.0)), 0, 1000, 60 * SECOND)
    read = Reader(page(replace(view(1), lifeforce=poor), SUMMARY))
    assert not read.wrong


def poor(**changes: Any) -> View:
    force = Lifeforce(((0, 100), (10, 50)), (), 50 * MICRO, None, 10 * SECOND)
    return replace(view(1), time_ns=600 * SECOND, lifeforce=replace(force, **changes))


SPENDING = {
    **SUMMARY,
    "lifeforce": {"initial": 100.0, "spent": 40.0, "earned": 0.0, "final": 60.0},
    "reserve_s": 90.0,
}


def test_the_reserve_stands_beside_lambda() -> None:
    assert "reserve 90 s at the pace of the last 10 s" in Reader(page(poor(), SPENDING)).text
    whole = Reader(page(poor(window_ns=60 * SECOND), SPENDING)).text
    assert "reserve 90 s at the pace of the whole run" in whole


def test_one_who_starves_does_not_last_and_says_so_beside_the_verdict() -> None:
    text = page(poor(starved_ns=500 * SECOND + 5), SPENDING)
    read = Reader(text)
    assert "✗ starved since 0:08:20" in read.text
    assert "starved since 0:08:20 no price was paid any more" in read.text
    assert "reserve" not in read.text
    assert text.count('class="bad">✗ starved') == 1
    assert '<div class="tile bad"><dt>starved since' in text
    assert "starved" not in Reader(page(poor(), SPENDING)).text


def test_lambda_says_of_which_time_it_is() -> None:
    assert "earned over owed over the last 10 s" in Reader(page(poor(), SPENDING)).text
    assert "over the last" not in Reader(page(poor(window_ns=60 * SECOND), SPENDING)).text.split("time")[0]


def test_what_was_not_paid_is_shown_and_upkeep_is_called_so() -> None:
    force = {
        "accounts": {"cost:look": MICRO, "upkeep:rent": 2 * MICRO},
        "unpaid": {"upkeep:rent": 3 * MICRO},
    }
    text = Reader(page(poor(**force), SPENDING)).text
    assert "went to 3 LF rent upkeep 2 look cost 1" in text
    assert "not paid 3 LF rent upkeep 3" in text
    assert "not paid" not in Reader(page(poor(), SPENDING)).text


def test_what_never_started_is_counted_beside_what_waited() -> None:
    read = Reader(page(view(1, [Stimulus(20 * SECOND, "dialogue", 9 * SECOND)] * 4), SUMMARY))
    assert "level arrived done never started" in read.text
    assert "dialogue 4 1 2" in read.text


def test_text_and_page_write_a_duration_alike() -> None:
    text = page(
        view(300, [Stimulus(n * 30 * SECOND, "dialogue", 20 * SECOND) for n in range(300)]), SUMMARY
    )
    spending = Reader(text[text.index('<section id="time"') : text.index('<section id="overview"')]).text
    assert "dialogue 6,000 s" in spending
    assert " min" not in spending


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", "elsewhere"])
def test_the_environment_tints_the_background(environment: str) -> None:
    text = page(view(1), SUMMARY, environment=environment)
    assert f"--env:{palette.ENVIRONMENTS.get(environment, 'transparent')}" in text


def test_both_themes_are_readable() -> None:
    for theme, place in ((palette.LIGHT, 0), (palette.DARK, 1)):
        for name, ground in itertools.product(
            ("ink", "muted", "danger", "success", "active", "accent"), ("bg", "card", "track")
        ):
            assert palette.contrast(theme[name], theme[ground]) >= 4.5, (place, name, ground)
        levels = ["reflex", "safety", "dialogue", "sensory", "thinking", "virtual", "idle", *"abcdefgh"]
        for level, colours in zip(levels, palette.level_colours(levels), strict=True):
            assert palette.contrast(colours[place], palette.TEXT_ON[place]) >= 4.5, (place, level)
            assert palette.contrast(colours[place], theme["track"]) >= 3, (place, level)
        for name in ("success", "danger"):
            assert palette.contrast(theme[name], palette.TEXT_ON[place]) >= 4.5, (place, name)
    assert palette.contrast("#ffffff", "#000000") == pytest.approx(21)


def test_no_two_levels_have_one_colour_up_to_fifteen() -> None:
    levels = ["reflex", "a", "safety", "b", "dialogue", "sensory", "thinking", "virtual", "idle", *"cdefgh"]
    assert len(dict.fromkeys(palette.level_colours(levels))) == len(levels) == 15


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "0 s"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (50 * MILLI, "50 ms"),
        (28_200 * MILLI, "28.2 s"),
        (599 * SECOND, "599 s"),
        (750 * SECOND, "12 min 30 s"),
        (86_400 * SECOND, "24 h"),
        (-50 * MILLI, "−50 ms"),
    ],
)
def test_durations_are_written_for_people(time_ns: int, text: str) -> None:
    assert span(time_ns) == text


def test_small_figures() -> None:
    assert clock(12_500 * MILLI) == "12.5 s"
    assert clock(3_870 * SECOND) == "1:04:30"
    assert clock(0, 3_600 * SECOND) == "0:00:00"
    assert share(1, 100_000) == "< 0.1 %"
    assert letters(["safety", "sensory", "s", "ss"]) == {"safety": "s", "sensory": "e", "s": "a", "ss": "b"}
