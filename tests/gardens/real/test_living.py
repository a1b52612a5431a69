"""The real garden as one that is led; and a closed loop with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gardens.real.supervisor.living import RealLife
from gardens.report.result.export import seal
from gardens.stores.sqlite import SqliteJournal
from nimdsl.compile.garden import LOCAL_GARDEN
from nimdsl.program import Program, Scenario
from runtime.conformance.living import LivingGardenSuite
from runtime.run import recording
from runtime.run.living import LivingGarden
from runtime.run.replay import replay
from simulate.loop import run_loop
from simulate.pair import pair_of, sides
from tests.support.loops import looped


class TestRealGarden(LivingGardenSuite):
    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @contextmanager
    def living(self, program: Program, scenario: Scenario) -> Iterator[LivingGarden]:
        journal = SqliteJournal(self.folder / "journal.sqlite")
        garden = replace(LOCAL_GARDEN, rate=30.0)
        living = RealLife(
            program, scenario, garden, seed=1, folders=(), scratch=self.folder, journal=journal
        )
        try:
            yield living
        finally:
            living.close()
            journal.close()


def test_what_really_happens_moves_the_weights_of_the_virtual_garden(tmp_path: Path) -> None:
    """The hand is broken from the beginning: what comes after is refuted, and both runs replay."""
    program = looped(("payload: {now: false}", "payload: {now: true}"), ("at: 1s", "at: 0s"))
    pair = pair_of(program, "dream", "room", 6, rate=60.0)
    with sides(pair, tmp_path) as (virtual, real):
        result = run_loop(pair.rules, virtual, real, 6, pair.beat_ns)
        verified = [one for one in result.predictions if one.fate == "verified"]
        assert len(verified) >= 2
        assert {one.outcome for one in verified[1:]} == {"failed"}
        assert result.virtual.outcome["gates"]["seen"]["weight"] < 500_000
        for run in (result.virtual, result.real):
            seal(run.journal, run)
            assert replay(recording.opened(run.journal)).identical
