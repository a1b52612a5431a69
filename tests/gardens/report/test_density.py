"""Stays by bins of time: nothing is lost, however many there are, and memory is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gardens.report.observe.density import BIN_COUNT_MAX, NAME_COUNT_MAX, OTHERS, Binning, Density, together
from gardens.report.observe.slices import SLICE_COUNT_MAX
from gardens.report.observe.tracks import STATES, Tracking
from runtime.records import Began, Moved, Record

NAMES = ["idle", "busy", "off"]
Stays = list[tuple[int, int, str]]
LENGTHS = st.one_of(st.integers(0, 3), st.integers(0, 10**6), st.integers(0, 10**15))


def following(stays: list[tuple[int, str]]) -> Stays:
    """Stays one after the other."""
    found, at_ns = [], 0
    for length_ns, name in stays:
        found.append((at_ns, at_ns + length_ns, name))
        at_ns += length_ns
    return found


def filled(stays: Stays) -> Density:
    binning = Binning()
    for stay in stays:
        binning.add(*stay)
    return binning.density()


def totals(density: Density) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for stays in density.bins.values():
        for name, (time_ns, count) in stays.items():
            before = found.get(name, (0, 0))
            found[name] = before[0] + time_ns, before[1] + count
    return found


def wanted(stays: Stays) -> dict[str, tuple[int, int]]:
    names = {name for _, _, name in stays}
    return {
        name: (
            sum(to_ns - from_ns for from_ns, to_ns, one in stays if one == name),
            sum(one == name for _, _, one in stays),
        )
        for name in names
    }


@given(st.lists(st.tuples(LENGTHS, st.sampled_from(NAMES)), max_size=60))
def test_time_and_count_of_all_bins_are_those_of_the_stays(lengths: list[tuple[int, str]]) -> None:
    stays = following(lengths)
    density = filled(stays)
    assert totals(density) == wanted(stays)
    assert len(density.bins) <= BIN_COUNT_MAX
    assert max(density.bins, default=0) < BIN_COUNT_MAX
    for parts in density.bins.values():
        assert sum(time_ns for time_ns, _ in parts.values()) <= density.width_ns


@given(st.lists(st.tuples(LENGTHS, st.sampled_from(NAMES)), max_size=60), st.integers(1, 9))
def test_wider_bins_and_several_together_lose_nothing_either(
    lengths: list[tuple[int, str]], factor: int
) -> None:
    stays = following(lengths)
    assert totals(filled(stays).merged(factor)) == wanted(stays)
    parts = [filled(stays[::2]), filled(stays[1::2])]
    assert totals(together(parts)) == wanted(stays)


def test_of_very_many_names_some_are_told_apart() -> None:
    density = filled([(n, n + 1, f"name {n}") for n in range(3 * NAME_COUNT_MAX)])
    found = totals(density)
    assert len(found) == NAME_COUNT_MAX + 1
    assert found[OTHERS] == (2 * NAME_COUNT_MAX, 2 * NAME_COUNT_MAX)


def test_a_track_of_many_stays_has_no_blank_after_the_first_ones() -> None:
    tracking, count = Tracking("cell/lamp"), 20 * SLICE_COUNT_MAX
    tracking.take(Record("cell/lamp", 0, 0, Began("off")))
    for n in range(count):
        source, target = ("on", "off") if n % 2 else ("off", "on")
        tracking.take(Record("cell/lamp", n + 1, 1000 * (n + 1), Moved("press", source, target)))
    (track,) = tracking.tracks(1000 * (count + 1))
    assert track.what == STATES
    assert track.slices == ()
    assert track.totals == {
        "off": (1000 * (count // 2 + 1), count // 2 + 1),
        "on": (500 * count, count // 2),
    }
    numbers = sorted(track.density.bins)
    assert numbers == list(range(len(numbers)))
    assert (numbers[-1] + 1) * track.density.width_ns >= 1000 * (count + 1)


def test_looking_at_a_track_does_not_change_it() -> None:
    tracking = Tracking("cell/lamp")
    tracking.take(Record("cell/lamp", 0, 0, Began("off")))
    tracking.take(Record("cell/lamp", 1, 50, Moved("press", "off", "on")))
    (seen,) = tracking.tracks(80)
    assert seen.totals == {"off": (50, 1), "on": (30, 1)}
    assert [(one.from_ns, one.to_ns, one.name) for one in seen.slices] == [(0, 50, "off"), (50, 80, "on")]
    assert tracking.tracks(80) == (seen,)
