"""What is remembered of a rack: what each model was on each card, and how many waited."""

from __future__ import annotations

import pytest

import simulate
from gardens.report.html.racks import racks
from gardens.report.observe.racks import SPAN_COUNT_MAX, RackWatch, racks_text
from gardens.report.observe.view import View
from gardens.report.observe.watch import view_of
from nimdsl.base.units import SECOND_NS
from nimdsl.program import Program
from runtime.record_base import Identity
from runtime.records import ModelMoved, OrganAnswered, OrganAsked, RackBody, Record
from tests.support.organs import cell, organ, world

CROWD = world(
    organ("vision"),
    organ("speech", size="16GB"),
    *(
        cell(f"c{number}", f"{1 + 6 * number}s", ["vision", "speech"][number % 2], "25s", leaves=leaves)
        for number, leaves in enumerate(["", "", "9s", "", "14s", "", "", "12s"])
    ),
)


def seen(program: Program) -> tuple[RackWatch, list[Record], View]:
    result = simulate.run(program, "s")
    view = view_of(program, result.scenario, result.run)
    (rack,) = view.of_kinds()["rack"].values()
    assert isinstance(rack, RackWatch)
    return rack, result.run.hosts["rack/desk"].records, view


def waiting(records: list[Record], at_ns: int) -> int:
    """Who has come and is neither served nor gone by the end of an instant: by each one's own times."""
    asked = {
        str(one.body.request): one.time_ns
        for one in records
        if isinstance(one.body, OrganAsked) and one.time_ns <= at_ns
    }
    for one in records:
        if isinstance(one.body, OrganAnswered):
            begun_ns = one.time_ns - one.body.served_ns
            if begun_ns <= at_ns:
                asked.pop(str(one.body.request), None)
    return len(asked)


def test_the_line_is_who_has_come_and_is_not_served() -> None:
    rack, records, view = seen(CROWD)
    line = rack.line()
    assert rack.longest_line == max(count for _, count in line) > 1
    for number, (at_ns, count) in enumerate(line):
        until_ns = line[number + 1][0] if number + 1 < len(line) else view.time_ns
        assert count == waiting(records, at_ns) == waiting(records, max(at_ns, until_ns - 1))


def test_what_models_were_is_what_the_records_say() -> None:
    rack, records, view = seen(CROWD)
    for card, known in rack.cards.items():
        for name, staying in known.models.items():
            times, state, since_ns = dict.fromkeys(("free", "loading", "ready", "serving"), 0), "free", 0
            for one in records:
                if isinstance(one.body, ModelMoved) and (one.body.card, one.body.organ) == (card, name):
                    times[state] = times.get(state, 0) + one.time_ns - since_ns
                    state, since_ns = one.body.target, one.time_ns
            times[state] = times.get(state, 0) + view.time_ns - since_ns
            found = {name: time_ns for name, (time_ns, _) in staying.track(view.time_ns).totals.items()}
            assert {name: one for name, one in found.items() if one} == {
                name: one for name, one in times.items() if one
            }
    assert any("waited at most" in one and "timeout" in one for one in racks_text({"rack/desk": rack}))


@pytest.mark.parametrize("count", [10, 20_000])
def test_many_requests_are_no_more_to_remember(count: int) -> None:
    found, number = RackWatch(CROWD.cells["c0"]), 0
    for turn in range(count):
        asked = Identity("cell/c0", turn)
        bodies: list[RackBody] = [
            OrganAsked("vision", "add", asked),
            ModelMoved("vision", "left", "ready", "serving", "request"),
            OrganAnswered("vision", "add", "served", asked, served_ns=SECOND_NS),
            ModelMoved("vision", "left", "serving", "ready", "served"),
        ]
        for body in bodies:
            found.take(Record("rack/desk", number, turn * 10 * SECOND_NS + number % 4 * SECOND_NS, body))
            number += 1
    assert found.cards["left"].served == count
    assert len(found.line()) <= 4 * SPAN_COUNT_MAX
    track = found.cards["left"].models["vision"].track(count * 10 * SECOND_NS)
    assert track.totals["serving"] == (count * 2 * SECOND_NS, count)
    assert len(track.density.bins) <= 512
    drawn = racks(View(observers={"rack/desk": found}, time_ns=count * 10 * SECOND_NS))
    assert 'class="serves' in drawn
    assert len(drawn) < 120_000
