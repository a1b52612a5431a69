"""SEMANTICS 3 and 4 over random protocols, faults and seeds; 8.3 (L0) on the same runs."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gardens.stores.memory import MemoryJournal
from gardens.virtual.driver import Options
from nimdsl.base import canonical
from runtime.kernel.interpreters import PlainInterpreter
from runtime.kernel.snapshot import Snapshot
from runtime.run.host import Checks, fold
from tests.properties.worlds import World, laws, reached, worlds
from tests.support.effort import examples


@given(worlds())
@settings(max_examples=examples(150))
def test_every_run_is_lawful(world: World) -> None:
    assert list(laws(world.run())) == []


@given(worlds())
@settings(max_examples=examples(40))
def test_l0_canonical_bytes_restored_snapshots_and_the_plain_interpreter_change_nothing(
    world: World,
) -> None:
    first = world.run().summary
    proven = world.run(Options(checks=Checks(round_trip=True, restore=True))).summary
    plain = world.run(Options(interpreter=PlainInterpreter)).summary
    assert first == proven == plain


@given(worlds(), st.integers(0, 1_000))
@settings(max_examples=examples(40))
def test_8_1_every_prefix_of_a_journal_leads_to_a_prefix_of_the_records(world: World, share: int) -> None:
    result = world.run()
    for actor, host in result.run.hosts.items():
        lines = list(result.journal.read(actor))
        shorter = MemoryJournal()
        for line in lines[: len(lines) * share // 1_000]:
            shorter.append(actor, line.kind, line.body)
        snapshot, records, _ = fold(host.kernel, shorter.read(actor))
        assert records == host.records[: len(records)]
        assert Snapshot.from_data(canonical.decode(canonical.encode(snapshot.to_data()))) == snapshot


@pytest.mark.slow
def test_the_generator_reaches_what_the_laws_are_about() -> None:
    seen: Counter[str] = Counter()

    @given(worlds())
    @settings(
        max_examples=150, phases=[Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def survey(world: World) -> None:
        result = world.run()
        seen.update(reached(result))
        seen["runs"] += 1

    survey()
    wanted = (
        "timeout",
        "nack",
        "retry",
        "rejected",
        "untranslatable",
        "answered_again",
        "crashed",
        "refused",
    )
    rare = {
        name: seen[name] for name in (*wanted, "lost", "duplicated") if seen[name] < 0.05 * seen["runs"]
    }
    assert not rare, f"seen too rarely in {seen['runs']} runs: {rare}"
