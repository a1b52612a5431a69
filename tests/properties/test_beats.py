"""SEMANTICS 5 over random attentions: a second scheduler agrees, and the records keep the laws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import simulate
from nimdsl.base.units import MICRO
from runtime.kernel.interpreters import TransitionsInterpreter
from runtime.records import Record
from runtime.run.host import Checks
from tests.properties.beat_laws import broken_laws
from tests.properties.beat_reach import MONEY, SITUATIONS, WORK, Applies, reached
from tests.properties.worlds import ledger_laws
from tests.support.attentions import Case, cases
from tests.support.effort import examples
from tests.support.outcomes import Comes, Outcome, outcome_of
from tests.support.plain import Plain, plain
from tests.support.small_garden import NAME, PUNCTUAL, Lasts
from tests.support.ticks import expected

TICK_NS = 1_000_000
KINDS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "dear": {"dear": True},
    "at work": {"work": True},
    "dear and at work": {"dear": True, "work": True},
}


def outcome(case: Case, records: Sequence[Record]) -> Outcome:
    return outcome_of(records, case.beats)


@given(cases())
@settings(max_examples=examples(2_400))
def test_a_second_scheduler_does_the_same(case: Case) -> None:
    """Stretches, drops, counts, and what each level was granted and spent in each beat."""
    wanted = expected(case.beat, case.stimuli, case.beats)
    assert outcome(case, case.run().host.records) == wanted


@given(cases())
@settings(max_examples=examples(150))
def test_a_second_scheduler_does_what_a_whole_garden_does(case: Case) -> None:
    wanted = expected(case.beat, case.stimuli, case.beats)
    result = simulate.run(case.program(), NAME)
    assert outcome(case, result.run.hosts[case.actor.id].records) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_every_run_is_lawful(kind: str) -> None:
    @given(cases(TICK_NS, **KINDS[kind]))
    @settings(max_examples=examples(200))
    def run(case: Case) -> None:
        assert list(broken_laws(case, case.run())) == []

    run()


@given(cases(TICK_NS, dear=True))
@settings(max_examples=examples(100))
def test_a_whole_garden_gives_the_same_records_and_a_lawful_ledger(case: Case) -> None:
    result = simulate.run(case.program(), NAME)
    records = case.run(program=result.program.sha256).host.records
    assert result.run.hosts[case.actor.id].records[: len(records)] == records
    assert list(ledger_laws(result)) == []


@given(cases(TICK_NS, dear=True, work=True))
@settings(max_examples=examples(60))
def test_l0_canonical_bytes_restored_snapshots_and_the_other_interpreter_change_nothing(case: Case) -> None:
    records = case.run().host.records
    assert case.run(checks=Checks(round_trip=True, restore=True)).host.records == records
    assert case.run(interpreter=TransitionsInterpreter).host.records == records


@given(cases(TICK_NS), st.integers(0, 200 * TICK_NS), st.integers(0, 200 * TICK_NS))
@settings(max_examples=examples(150))
def test_5_1_a_late_begin_and_late_timers_change_nothing(case: Case, timer_ns: int, begin_ns: int) -> None:
    """What is due between two events is noted at the instant at which it was due."""
    end_ns, begin_ns = case.beats * case.beat.length_ns, begin_ns % case.beat.length_ns
    case = replace(case, stimuli=tuple(one for one in case.stimuli if one.at_ns >= begin_ns))

    def noted(lasts: Lasts) -> list[Plain]:
        found = plain(case.run(lasts=lasts).host.records)
        for record in found:
            del record["time_ns"]
        return [record for record in found if record["at_ns"] < end_ns]

    assert noted(Lasts(timer_ns=timer_ns, begin_ns=begin_ns)) == noted(PUNCTUAL)


@given(cases())
@settings(max_examples=examples(200))
def test_a_beat_that_is_a_million_times_as_long_is_the_same_beat(case: Case) -> None:
    """But for shares, which come out in whole nanoseconds."""
    case = replace(case, beat=scaled(case.beat, 1, share=MICRO))
    longer = replace(
        case,
        beat=scaled(case.beat, MICRO),
        stimuli=tuple(
            Comes(one.at_ns * MICRO, one.event, scaled_payload(one.payload)) for one in case.stimuli
        ),
    )
    short, long = (outcome(one, one.run().host.records) for one in (case, longer))
    assert [(*one[:3], one.from_ns * MICRO, one.to_ns * MICRO, one.ended) for one in short.stretches] == (
        long.stretches
    )
    assert [(one.item, one.left_ns * MICRO, one.reason) for one in short.drops] == [
        (one.item, one.left_ns, one.reason) for one in long.drops
    ]


def scaled(beat: Any, factor: int, **changes: Any) -> Any:
    """A beat whose lengths are so many times as long."""

    def longer(thing: Any, **more: Any) -> Any:
        lengths = {name: value * factor for name, value in vars(thing).items() if name.endswith("_ns")}
        return replace(thing, **lengths, **more)

    return longer(beat, levels=tuple(longer(level, **changes) for level in beat.levels))


def scaled_payload(payload: Any) -> Any:
    return {**payload, "takes": payload["takes"] * MICRO} if "takes" in payload else payload


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        (cases, SITUATIONS),
        (lambda: cases(TICK_NS, dear=True), MONEY),
        (lambda: cases(TICK_NS, work=True), WORK),
    ],
    ids=["ticks", "dear", "at work"],
)
def test_the_generator_reaches_what_the_laws_are_about(
    strategy: Callable[[], st.SearchStrategy[Case]], wanted: Mapping[str, Applies]
) -> None:
    """Each situation occurs in at least 5 % of the examples in which it can."""
    seen: Counter[str] = Counter()
    possible: Counter[str] = Counter()

    @given(strategy())
    @settings(
        max_examples=600, phases=[Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def survey(case: Case) -> None:
        found = reached(case, case.run())
        for name, applies in wanted.items():
            if applies(case):
                possible[name] += 1
                seen[name] += name in found

    survey()
    rare = {name: (seen[name], possible[name]) for name in wanted if seen[name] < 0.05 * possible[name]}
    assert not rare, f"seen too rarely: {rare}"
    assert all(possible[name] >= 30 for name in wanted), possible
