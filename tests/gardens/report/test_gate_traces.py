"""What is remembered of a gate: as much as it needs to be drawn, and the same numbers as the gate's own."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gardens.report.observe.gates import SPAN_COUNT_MAX, GateWatch
from gardens.report.observe.points import envelope
from gardens.report.observe.slices import SLICE_COUNT_MAX
from runtime.kernel import resonance
from runtime.record_base import Identity
from runtime.records import ReadingChanged, Record, Resonated
from tests.support.effort import examples
from tests.support.gates import MS, GateAlone, gate_of

WAVE = Identity("cell/a", 1)


def watch(alone: GateAlone) -> GateWatch:
    found = GateWatch(alone.gate)
    for record in alone.host.records:
        found.take(record)
    return found


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(st.integers(1, 9_000), st.sampled_from(["wave", "shed", "verified"])), max_size=25),
    st.sampled_from(["{silence: 25%}", "{silence: 90%}"]),
)
def test_value_and_weight_are_the_gates_own(life: list[tuple[int, str]], memory: str) -> None:
    gate = gate_of(memory=memory, weight="{start: 29%, unused: {every: 5s, loses: 1%}}")
    alone, at_ns = GateAlone(gate), 0
    for gap_ms, what in life:
        at_ns += gap_ms * MS
        if what == "wave":
            alone.wave(at_ns, 1.0)
        elif what == "shed":
            alone.tell(at_ns, "shed", {})
        else:
            outcome = {"opening": alone.state.opening, "outcome": "confirmed", "discrepancy": 0}
            alone.tell(at_ns, "verified", outcome)
    end_ns = at_ns + 7_001 * MS
    alone.until(end_ns)
    trace = watch(alone).trace(end_ns)
    own = resonance.hushed(gate.resonance, alone.state, end_ns)
    assert trace.values[-1][1] == own.value
    assert trace.weights[-1][1] == alone.state.weight
    if alone.reading != "pruned":
        assert sum(time_ns for time_ns, _ in trace.stages.totals.values()) == end_ns
    opened = trace.readings.totals.get("open", (0, 0))[1]
    assert opened == alone.state.opening == watch(alone).opening_count


def test_a_million_waves_are_no_more_to_remember_than_some() -> None:
    gate, chance = gate_of(), random.Random(1)
    found = GateWatch(gate)
    for number in range(60_000):
        value = chance.uniform(-1, 1)
        at_ns = number * 900 * MS
        found.take(Record("gate/g", number, at_ns, Resonated(WAVE, 0.0, 0.0, value)))
        reading = "open" if number % 2 else "stable"
        turned = ReadingChanged("stable", reading, number // 2, 4, "waves", 0, value, ())
        found.take(Record("gate/g", number, at_ns, turned))
    trace = found.trace(60_000 * 900 * MS)
    assert found.wave_count == 60_000
    assert found.opening_count == 30_000
    assert len(trace.values) <= 4 * SPAN_COUNT_MAX + 400
    assert not trace.readings.slices
    assert trace.readings.totals["open"] == (30_000 * 900 * MS, 30_000)
    assert len(trace.readings.density.bins) <= 512
    assert not trace.waves.slices
    assert trace.waves.totals["wave"][1] == 60_000
    assert SLICE_COUNT_MAX < 512


@pytest.mark.parametrize("count", [1, 3, 10])
def test_an_envelope_holds_every_value_and_what_it_was_before(count: int) -> None:
    points = [(10, 1.0), (35, -1.0), (36, 4.0), (80, 0.5)]
    columns = envelope(points, 100, count)
    for at_ns, value in points:
        (low, high) = next((low, high) for start, low, high in reversed(columns) if start <= at_ns)
        assert low <= value <= high
    if count == 10:
        assert columns[0] == (10, 1.0, 1.0)
        assert columns[2] == (30, -1.0, 4.0)
        assert columns[3] == (40, 4.0, 4.0)
        assert columns[-1] == (90, 0.5, 0.5)
