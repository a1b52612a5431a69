"""Numbers in the data of cells over time: extremes stay, types are known, memory is bounded."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import nimdsl
from gardens.report.observe.curves import CURVE_COUNT_MAX, SPAN_COUNT_MAX, Curve, Curving
from gardens.report.observe.points import Points, outlined
from nimdsl.expression.types import ANY, DURATION, INT, LIFEFORCE
from nimdsl.program import Actor
from runtime.records import Began, Moved, Record

CELL = """
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: lamp}
spec:
  data: {count: int, spent: lifeforce, took: duration, name: string, lit: bool, inside: record}
  machine:
    initial: dark
    states: {dark: {final: true}}
"""
POINTS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(-(10**9), 10**9)), min_size=1, max_size=300)


def lamp() -> Actor:
    report = nimdsl.check_text(CELL)
    assert report.program is not None, report.diagnostics
    return report.program.cells["lamp"]


def followed(*changes: dict[str, Any]) -> tuple[Curve, ...]:
    """Curves of a cell that made each of the changes, a second after the one before."""
    curving = Curving(lamp())
    curving.take(Record("cell/lamp", 0, 5, Began("dark")))
    for n, changed in enumerate(changes, 1):
        curving.take(Record("cell/lamp", n, n * 10**9, Moved("e", "dark", "dark", changed)))
    return curving.curves()


@given(POINTS, st.integers(1, 40))
def test_lowest_and_highest_first_and_last_are_kept(points: list[tuple[int, int]], most: int) -> None:
    ordered = sorted(points, key=lambda one: one[0])
    growing = Points[int](most)
    for point in ordered:
        growing.add(point)
    kept = growing.points()
    for some in (kept, outlined(ordered, 10**9 + 1, most), outlined(kept, 10**9 + 1, most)):
        values = [value for _, value in ordered]
        assert (min(value for _, value in some), max(value for _, value in some)) == (
            min(values),
            max(values),
        )
        assert some[0] == ordered[0]
        assert some[-1] == ordered[-1]
        assert len(some) <= 4 * most
        assert set(some) <= set(ordered)


def test_a_number_has_its_type_and_begins_as_it_was_at_the_beginning() -> None:
    (count,) = followed({"count": 8}, {"count": 8}, {"count": 9})
    assert count == Curve("cell/lamp", "count", INT, ((5, 0), (10**9, 8), (3 * 10**9, 9)), 2)
    changed = {"spent": 3, "took": 4, "inside": {"hot": 1.5}, "lit": True, "name": "x"}
    curves = followed(changed, {"inside.hot": 2.5})
    assert [(one.field, one.type) for one in curves] == [
        ("inside.hot", ANY),
        ("spent", LIFEFORCE),
        ("took", DURATION),
    ]


def test_what_stays_as_it_is_is_no_curve() -> None:
    assert followed({"count": 0}, {"count": 0}) == ()


def test_a_spike_is_seen_however_long_the_run_is() -> None:
    (count,) = followed(*({"count": 99 if n == 4321 else n % 2} for n in range(9_000)))
    assert (4322 * 10**9, 99) in count.points
    assert len(count.points) <= 4 * SPAN_COUNT_MAX
    assert count.set_count == 8_999


def test_of_very_many_fields_some_are_followed_and_the_rest_is_counted() -> None:
    curving = Curving(lamp())
    for value in (1, 2):
        changed: dict[str, Any] = {"inside": {f"field {n}": value for n in range(CURVE_COUNT_MAX + 5)}}
        curving.take(Record("cell/lamp", value, value, Moved("e", "dark", "dark", changed)))
    assert len(curving.curves()) == CURVE_COUNT_MAX
    assert curving.left_out == 5
