"""Gates, one event at a time (SEMANTICS 6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import records
from runtime.ledger.accounts import Question
from tests.support.effort import examples
from tests.support.gates import MS, GateAlone, Waves, both, gate_of

OPENING = [(0, 1.0), (100 * MS, 1.0)]


def opened(**spec: str) -> GateAlone:
    """A gate that two waves have opened."""
    gate = GateAlone(gate_of(**spec))
    for at_ns, confidence in OPENING:
        gate.wave(at_ns, confidence)
    return gate


def refusing(asked: list[Question]) -> Callable[[Question], bool]:
    """Pays nothing, and remembers what was asked."""

    def pays(command: Question) -> bool:
        asked.append(command)
        return False

    return pays


def test_6_1_it_opens_where_its_value_is_above_and_settles_in_silence() -> None:
    gate = opened(memory="{silence: 50%}")
    assert gate.readings() == [(100 * MS, "open")]
    assert gate.state.value == 0.95
    gate.until(60_000 * MS)
    assert gate.readings()[1:] == [(1_600 * MS, "stable")], "a window after the last wave, at .475"
    assert [event for _, event in gate.sent] == ["opened", "closed"]
    slow = opened(memory="{silence: 95%}")
    slow.until(60_000 * MS)
    assert slow.readings()[1:] == [(100 * MS + 13 * 1_500 * MS, "stable")], "19.5 s of silence"


def test_6_9_while_it_is_open_and_awake_it_says_so_again_and_leaves_no_record() -> None:
    for goes in ({}, {"asleep": "go"}):
        gate = GateAlone(gate_of(memory="{silence: 95%}", **goes), again_ns=5_000 * MS)
        for at_ns, confidence in OPENING:
            gate.wave(at_ns, confidence)
        gate.until(11_000 * MS)
        told = [at_ns for at_ns, event in gate.sent if event == "opened"]
        assert told == [100 * MS, 5_100 * MS, 10_100 * MS]
        assert sum(isinstance(one.body, records.Sent) for one in gate.host.records) == 1
        gate.fall_asleep(12_000 * MS)
        gate.until(19_000 * MS)
        again = [at_ns for at_ns, event in gate.sent[3:] if event == "opened"]
        assert again == ([15_100 * MS] if goes else []), "who sleeps is closed, and says nothing"


def test_6_1_what_contradicts_itself_reads_closed() -> None:
    gate = GateAlone(gate_of())
    gate.wave(0, 1.0, 0.0)
    gate.wave(100 * MS, 1.0, 200.0)
    assert gate.readings() == [(100 * MS, "closed")]
    assert gate.sent == [], "attention hears of openings alone"


def test_6_7_a_refused_opening_is_not_asked_for_again_within_a_window() -> None:
    asked: list[Question] = []
    gate = GateAlone(gate_of(cost="{open: 1}"), refusing(asked))
    for number in range(20):
        gate.wave(number * 100 * MS, 1.0)
    assert (gate.reading, gate.state.opening, len(asked)) == ("stable", 0, 2)
    refused = [one for one in gate.host.records if isinstance(one.body, records.Refused)]
    assert [one.time_ns for one in refused] == [100 * MS, 1_600 * MS]


def test_6_8_a_reflex_opens_on_any_wave_and_pays_nothing() -> None:
    asked: list[Question] = []
    gate = GateAlone(gate_of(weight="{start: 82%}", cost="{open: 1}"), refusing(asked))
    gate.wave(0, 0.01)
    assert (gate.reading, asked) == ("open", [])
    gate.tell(10 * MS, "shed", {})
    assert gate.reading == "open", "attention cannot shed a reflex"
    gate.until(60_000 * MS)
    assert gate.readings()[1:] == [(1_500 * MS, "stable")]


def test_6_11_a_gate_that_is_shed_rests() -> None:
    gate = opened(cost="{rest: 3s}")
    gate.tell(200 * MS, "shed", {})
    assert (gate.reading, gate.state.value) == ("resting", 0.0)
    gate.wave(1_000 * MS, 1.0)
    gate.wave(1_100 * MS, 1.0)
    assert gate.reading == "resting", "it is deaf"
    gate.until(3_300 * MS)
    assert gate.reading == "stable"


@pytest.mark.parametrize(("outcome", "weight"), [("confirmed", 120_000), ("failed", 80_000)])
def test_6_10_outcomes_move_the_weight_once(outcome: str, weight: int) -> None:
    gate = opened(weight="{start: 10%}")
    for number in range(3):
        gate.tell((200 + number) * MS, "verified", {"opening": 1, "outcome": outcome})
    assert gate.state.weight == weight
    gate.tell(300 * MS, "verified", {"opening": 7, "outcome": outcome})
    gate.tell(301 * MS, "verified", {"opening": "x"})
    assert gate.state.weight == weight
    assert sum(isinstance(one.body, records.Weighed) for one in gate.host.records) == 1


def test_6_11_disuse_prunes() -> None:
    gate = GateAlone(gate_of(weight="{start: 1%, unused: {every: 1d, loses: 1%}}"))
    gate.until(5 * 86_400_000 * MS)
    assert gate.readings() == [(2 * 86_400_000 * MS, "pruned")]
    gate.wave(6 * 86_400_000 * MS, 1.0)
    assert gate.reading == "pruned"


waves = st.lists(
    st.tuples(
        st.integers(0, 4_000).map(lambda ms: ms * MS),
        st.sampled_from([0.0, 0.1, 0.3, 0.9, 1.0]),
        st.sampled_from([0.0, 10.0, 20.0, 25.0, 90.0, 200.0]),
        st.sampled_from(["cell/a", "cell/b"]),
    ),
    max_size=25,
)


@given(
    waves,
    st.sampled_from(["{open: 0.5}", "{open: 0.2, close: -0.3}", "{open: 0.5, slack: 0.2}"]),
    st.sampled_from(["{silence: 25%}", "{decay: 60%}", "{window: 700ms, waves: 3}", "{silence: 95%}"]),
)
@settings(max_examples=examples(60))
def test_one_timer_is_a_timer_for_each_window(came: Waves, thresholds: str, memory: str) -> None:
    """lazy: what it reads, and when, with silence counted window by window."""
    at_ns, spaced = 0, []
    for gap_ns, confidence, cm, sender in came:
        at_ns += gap_ns
        spaced.append((at_ns, confidence, cm, sender))
    found, wanted = both(gate_of(thresholds=thresholds, memory=memory), spaced, at_ns + 120_000 * MS)
    assert found == wanted
