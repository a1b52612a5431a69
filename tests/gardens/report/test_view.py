"""What a view says of an attention's beats, and that it stays small."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterable
from typing import Any

import pytest

import nimdsl
from gardens.report.observe import gathering
from gardens.report.observe.moments import Stretch
from gardens.report.observe.spread import VALUE_COUNT_MAX, Counting
from gardens.report.observe.view import Collector, View
from gardens.report.observe.watch import Watch, view_of
from nimdsl.program import Program
from runtime.record_bytes import from_data
from simulate import run
from tests.support.beats import ACTOR, BEAT, MILLI, SECOND, Stimulus, beats
from tests.support.plain import typed

LEVELS = [level.name for level in BEAT.levels]
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def program() -> Program:
    return nimdsl.load()


def seen(records: Iterable[dict[str, Any]]) -> View:
    collector = Collector(BEAT, ACTOR)
    for record in typed(records):
        collector.take(record)
    return collector.view()


def crowd(seed: int, beat_count: int, each: int) -> list[Stimulus]:
    """Stimuli for every level, at random."""
    chance = random.Random(seed)
    found = []
    for _ in range(beat_count * each):
        level = chance.choice(LEVELS[:-1])
        takes_ns = 0 if level == "reflex" else chance.randrange(1, 6000) * MILLI
        found.append(Stimulus(chance.randrange(beat_count * 30_000) * MILLI, level, takes_ns))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_5_5_the_parts_of_each_beat_add_up(seed: int) -> None:
    view = seen(beats(6, crowd(seed, 6, 9)))
    assert [one.index for one in view.beats] == list(range(6))
    for one in view.beats:
        spent = sum(
            share.spent_ns for share, level in zip(one.shares, BEAT.levels, strict=True) if not level.reflex
        )
        fixed = one.overhead_ns + one.charged_ns + one.settle_ns
        assert fixed + spent + one.reflex_ns + one.idle_ns == BEAT.length_ns


@pytest.mark.parametrize("seed", range(5))
def test_totals_are_those_of_the_records(seed: int) -> None:
    records = list(beats(40, crowd(seed, 40, 8)))
    view = seen(records)
    drops = [record for record in records if record["type"] == "drop"]
    assert sum(one.count for one in view.drops) == len(drops) == sum(one.dropped for one in view.beats)
    assert sum(one.left_ns for one in view.drops) == sum(record["left_ns"] for record in drops)
    moves = [record for record in records if record["type"] == "transition"]
    assert sum(one.count for one in view.moves) == len(moves)
    assert sum(one.time_ns for one in view.modes) == view.time_ns == 40 * BEAT.length_ns


@pytest.mark.parametrize("seed", range(5))
def test_waiting_times_are_from_arrival_to_the_first_stretch_and_to_the_end(seed: int) -> None:
    records = list(beats(20, crowd(seed, 20, 8)))
    arrived = {r["item"]: r for r in records if r["type"] == "arrival"}
    grants = [r for r in records if r["type"] == "grant"]
    first: dict[int, int] = {}
    for record in grants:
        first.setdefault(record["item"], record["from_ns"])
    for waits in seen(records).waits:
        items = {
            item
            for item, record in arrived.items()
            if (record["level"], record["baseline"]) == (waits.level, waits.baseline)
        }
        started = sorted(at - arrived[item]["at_ns"] for item, at in first.items() if item in items)
        done = sorted(
            r["to_ns"] - arrived[r["item"]]["at_ns"]
            for r in grants
            if r["item"] in items and r["ended"] == "done"
        )
        assert waits.arrived == len(items)
        for spread, values in ((waits.started, started), (waits.done, done)):
            assert spread.exact
            assert [v for value, count in spread.counts for v in [value] * count] == values
            assert spread.max_ns == max(values, default=0)
            if values:
                assert spread.quantile_ns(0.5) == statistics.median_low(values)


def test_stretches_are_those_of_the_records_and_a_reflex_across_a_boundary_is_in_both_beats() -> None:
    stimuli = [Stimulus(30 * SECOND - 20 * MILLI, "reflex", 0), Stimulus(2 * SECOND, "dialogue", SECOND)]
    records = list(beats(2, stimuli))
    crossing: dict[str, Any] = {
        "type": "grant",
        "item": 99,
        "level": "reflex",
        "name": "bump",
        "from_ns": 30 * SECOND - 20 * MILLI,
        "to_ns": 30 * SECOND + 30 * MILLI,
        "ended": "done",
        "at_ns": 30 * SECOND + 30 * MILLI,
        "beat": 1,
        "actor": ACTOR,
        "sequence": 0,
        "time_ns": 30 * SECOND + 30 * MILLI,
    }
    position = next(n for n, r in enumerate(records) if r["type"] == "beat") + 1
    view = seen([*records[:position], crossing, *records[position:]])
    stretch = Stretch(99, "reflex", "bump", crossing["from_ns"], crossing["to_ns"], "done")
    assert stretch in view.details[0].stretches
    assert stretch in view.details[1].stretches
    spent = sum(s.to_ns - s.from_ns for s in view.details[0].stretches if s.level == "dialogue")
    assert spent == view.beats[0].shares[LEVELS.index("dialogue")].spent_ns == SECOND


def test_the_first_the_worst_and_the_last_beats_are_kept() -> None:
    flood = [Stimulus(77 * 30 * SECOND + SECOND, "sensory", 4 * SECOND)] * 9
    interrupted = [Stimulus(55 * 30 * SECOND + SECOND, "safety", SECOND)]
    view = seen(beats(200, [*flood, *interrupted]))
    kept = [detail.index for detail in view.details]
    first, recent = range(gathering.FIRST_COUNT), range(200 - gathering.RECENT_COUNT, 200)
    assert kept == [*first, 55, 77, *recent]
    assert len(view.beats) == 200


def test_of_many_bad_beats_the_worst_and_among_equals_the_earliest_are_kept() -> None:
    mild = [Stimulus(n * 30 * SECOND + SECOND, "dialogue", 40 * SECOND) for n in range(100)]
    bad = [Stimulus(n * 30 * SECOND + 2 * SECOND, "dialogue", 40 * SECOND) for n in (60, 70)]
    view = seen(beats(120, [*mild, *bad]))
    worst = [detail.index for detail in view.details][gathering.FIRST_COUNT : -gathering.RECENT_COUNT]
    assert len(worst) == gathering.WORST_COUNT
    assert worst[-2:] == [60, 70]
    assert worst[:-2] == list(range(gathering.FIRST_COUNT, gathering.FIRST_COUNT + len(worst) - 2))


def test_of_one_beat_so_many_moments_are_kept_and_the_rest_is_counted() -> None:
    records = list(beats(1, [Stimulus(SECOND, "sensory", MILLI)] * 1000))
    detail = seen(records).details[0]
    assert len(detail.arrivals) == len(detail.stretches) == gathering.MOMENT_COUNT_MAX
    counts = [
        sum(r["type"] == kind for r in records) for kind in ("arrival", "grant", "drop", "transition")
    ]
    assert detail.left_out == sum(max(0, count - gathering.MOMENT_COUNT_MAX) for count in counts) > 1000


def test_a_view_can_be_taken_while_the_run_goes_on() -> None:
    collector = Collector(BEAT, ACTOR)
    records = list(beats(3, [Stimulus(31 * SECOND, "dialogue", SECOND)]))
    for number, record in enumerate(records):
        collector.take(from_data(record))
        view = collector.view()
        assert len(view.beats) == sum(one["type"] == "beat" for one in records[: number + 1])
        if record["type"] == "arrival":
            assert view.details[-1].summary is None
            assert view.details[-1].index == record["beat"]
    assert collector.view() == seen(records)


def test_records_of_others_are_passed_over() -> None:
    records = list(beats(2))
    others = [{**record, "actor": "cell/other"} for record in records]
    assert seen([*others, *records]) == seen(records)


def test_a_spread_beyond_its_bound_is_rounded_down_by_less_than_a_64th() -> None:
    chance, counting = random.Random(5), Counting()
    values = sorted(chance.randrange(10**12) for _ in range(3 * VALUE_COUNT_MAX))
    for value in values:
        counting.add(value)
    spread = counting.spread()
    assert not spread.exact
    assert len(spread.counts) <= VALUE_COUNT_MAX
    assert spread.total == len(values)
    assert spread.max_ns == values[-1]
    for quantile in (0.1, 0.5, 0.95, 1):
        true = values[max(0, -(-int(quantile * len(values)) // 1) - 1)]
        found = spread.quantile_ns(quantile)
        assert found is not None
        assert true * 63 / 64 <= found <= true


@pytest.mark.parametrize("scenario", ["voice", "danger", "open-gates", "spark", "spark-nack"])
def test_looking_on_while_a_run_goes_on_is_the_same_as_afterwards(program: Program, scenario: str) -> None:
    watches = []

    def look(known: Program, found: Any) -> Watch:
        watches.append(Watch(known, found))
        return watches[0]

    result = run(program, scenario, look=look)
    live = watches[0].close(result.run)
    assert live == view_of(result.program, result.scenario, result.run)
    assert live.time_ns >= result.run.time_ns


def test_the_view_has_the_beats_that_the_summary_has(program: Program) -> None:
    for scenario in ("quiet-study", "voice", "danger", "overwhelmed", "open-gates"):
        result = run(program, scenario)
        view = view_of(result.program, result.scenario, result.run)
        assert view.beat is not None
        names = [level.name for level in view.beat.levels]
        told = [{name: one["levels"][name]["spent_s"] for name in names} for one in result.summary["beats"]]
        drawn = [
            {name: share.spent_ns / SECOND for name, share in zip(names, one.shares, strict=True)}
            for one in view.beats
        ]
        assert told == drawn


def test_a_run_that_ends_within_a_beat_shows_what_was_running(program: Program) -> None:
    result = run(program, "quiet-study", set={"scenario/quiet-study.horizon": "10s"})
    view = view_of(result.program, result.scenario, result.run)
    assert [one.settled for one in view.beats] == [False]
    running = [one for one in view.details[0].stretches if one.ended == "running"]
    assert [(one.level, one.to_ns) for one in running] == [("virtual", 10 * SECOND)]
    one = view.beats[0]
    spent = sum(share.spent_ns for share in one.shares)
    assert one.overhead_ns + spent + one.idle_ns + one.settle_ns == 10 * SECOND
