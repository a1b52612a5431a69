"""How far a simulated run has come, from the records that it makes."""

from __future__ import annotations

from gardens.report.terminal.progress import Progress
from gardens.report.words import span
from nimdsl.program import Scenario
from runtime.records import Record

RECORDS_A_LOOK = 256
"""How many records pass between two looks at the clock."""


class Simulated:
    """Tells a progress how much of a scenario's time has passed."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._name, self._horizon_ns = "", 1
        self._record_count = 0

    def begin(self, scenario: Scenario) -> None:
        """What is run, with all overrides."""
        self._name, self._horizon_ns = scenario.name, scenario.horizon_ns
        self._show(0)

    def take(self, record: Record) -> None:
        """Is told each record as it is made."""
        self._record_count += 1
        if not self._record_count % RECORDS_A_LOOK:
            self._show(record.time_ns)

    def _show(self, now_ns: int) -> None:
        whole_ns = self._horizon_ns
        done = f"{span(now_ns)} of {span(whole_ns)} simulated, {100 * now_ns // whole_ns} %"
        self._progress.show(f"{self._name}: {done}", now_ns / whole_ns)
