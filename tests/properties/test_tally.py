"""What is counted while a run goes on is what its complete lists come to, over random runs."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gardens.report.result.result import RunResult
from gardens.report.result.tally import Tally
from gardens.virtual.driver import Options
from nimdsl.program import Program
from runtime.records import Record
from runtime.run.host import Checks
from simulate import run
from tests.properties.worlds import World, worlds
from tests.support.effort import examples
from tests.support.reckoning import reckoned, tallied


def unkept(world: World, **options: Any) -> RunResult:
    return run(world.program(), "world", seed=world.seed, options=Options(**options), keep=False)


@given(worlds())
@settings(max_examples=examples(60))
def test_a_tally_says_what_the_complete_lists_say(world: World) -> None:
    result = world.run()
    assert tallied(result) == reckoned(result)


@given(worlds())
@settings(max_examples=examples(60))
def test_a_run_that_keeps_nothing_says_the_same(world: World) -> None:
    told: list[Record] = []
    kept, other = world.run(), unkept(world, observe=told.append)
    assert other.summary == kept.summary
    assert other.outcome == kept.outcome
    assert sorted(told, key=_place) == kept.records()
    assert not any(host.records for host in other.run.hosts.values())
    ours, theirs = kept.run.ledger, other.run.ledger
    assert ours is not None
    assert theirs is not None
    assert theirs.balances() == ours.balances()
    assert (theirs.spent(), theirs.earned()) == (ours.spent(), ours.earned())


@given(worlds())
@settings(max_examples=examples(15))
def test_8_3_also_with_bytes_and_restored_snapshots(world: World) -> None:
    checks = Checks(round_trip=True, restore=True)
    assert unkept(world, checks=checks).summary == world.run().summary


@given(worlds(), st.data())
@settings(max_examples=examples(25))
def test_how_actors_take_turns_changes_nothing(world: World, data: st.DataObject) -> None:
    result = world.run()
    tally = Tally(result.program, result.scenario)
    left = {name: list(reversed(host.records)) for name, host in result.run.hosts.items() if host.records}
    while left:
        name = data.draw(st.sampled_from(sorted(left)))
        for _ in range(data.draw(st.integers(1, 40))):
            if left[name]:
                tally.take(left[name].pop())
        if not left[name]:
            del left[name]
    assert _said(tally, result.program) == _said(result.tally, result.program)


def _said(tally: Tally, program: Program) -> Any:
    return (
        tally.record_count,
        tally.trace.trace_sha256,
        tally.trace.decision_sha256,
        tally.refusals,
        tally.notices,
        tally.handshakes,
        tally.failures,
        tally.phases,
        list(tally.beats),
        [tally.count(f"cell/{name}", "transition") for name in program.cells],
    )


def _place(record: Record) -> tuple[int, str, int]:
    return record.time_ns, record.actor, record.sequence
