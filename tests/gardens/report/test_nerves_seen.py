"""What is remembered of a nerve: each command and outcome while they are few, else how many were when."""

from __future__ import annotations

import nimdsl
import simulate
from gardens.report.html.nerves import LANES, nerves
from gardens.report.observe.nerves import NerveWatch, nerves_text
from gardens.report.observe.slices import SLICE_COUNT_MAX
from gardens.report.observe.view import View
from gardens.report.observe.watch import view_of
from runtime.records import Asked, CameLate, OutcomeJudged, Record
from tests.support.nerves import MS, NERVE, TEXT


def watched(count: int) -> NerveWatch:
    found = NerveWatch(NERVE)
    bodies: list[Asked | OutcomeJudged | CameLate] = [
        Asked("cell/motor", 1, {}, 1),
        OutcomeJudged(1, "confirmed", 0),
        OutcomeJudged(1, "expired", 0),
        CameLate(1, 2, 700 * MS, 200 * MS),
    ]
    for number in range(count):
        for body in bodies:
            found.take(Record("nerve/avoid", number, number * 1_000 * MS, body))
    return found


def test_what_is_few_is_remembered_one_by_one() -> None:
    found = watched(20)
    assert [one.name for one in found.marks.slices[:4]] == ["command", "confirmed", "expired", "late"]
    assert found.latest_ns == 700 * MS
    assert "20 late, 700 ms after the wave at most" in "".join(nerves_text({"nerve/avoid": found}))


def test_what_is_much_is_counted_in_bounded_memory() -> None:
    found = watched(20_000)
    marks = found.marks
    assert not marks.slices
    assert {name: count for name, (_, count) in marks.totals.items()} == dict.fromkeys(
        ("command", "confirmed", "expired", "late"), 20_000
    )
    assert len(marks.density.bins) <= 512
    drawn = nerves(View(observers={"nerve/avoid": found}, time_ns=20_000_000 * MS))
    assert len(drawn) < 100_000
    assert SLICE_COUNT_MAX < 20_000


def test_every_mark_has_a_lane() -> None:
    program = nimdsl.load_text(TEXT)
    result = simulate.run(program, "s")
    view = view_of(program, result.scenario, result.run)
    nerve = view.observers["nerve/avoid"]
    assert isinstance(nerve, NerveWatch)
    kinds = {name: kind for lane, _ in LANES for name, kind in lane.items()}
    assert nerve.marks.totals.keys() <= kinds.keys()
    assert nerve.marks.totals["command"] == (0, nerve.command_count)
    for name in nerve.marks.totals:
        assert f'class="{kinds[name]} tick"' in nerves(view)
