"""One suite for every implementation of the port :class:`runtime.run.living.LivingGarden`.

Subclass :class:`LivingGardenSuite` and write ``living``: it makes a garden that has not begun, whose
journal is empty, and takes down what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

from nimdsl.assembly import Report
from nimdsl.base.units import SECOND_NS
from nimdsl.loading import check_text
from nimdsl.program import Program, Scenario
from runtime.kernel.events import Stimulus
from runtime.run.lines import Accepted, line_of
from runtime.run.living import LivingGarden

DOCUMENTS = """\
apiVersion: nimdsl.dev/v1
kind: Cell
metadata: {name: counter}
spec:
  accepts: {add: {amount: int}}
  data: {sum: int, ticks: int}
  machine:
    initial: counts
    any: [{event: add, internal: true, do: [{set: {sum: "${sum + event.amount}"}}]}]
    states:
      counts: {timers: [{after: 10s, to: counts, do: [{set: {ticks: "${ticks + 1}"}}]}]}
---
apiVersion: nimdsl.dev/v1
kind: Scenario
metadata: {name: counting}
spec: {horizon: 60s, cells: [counter]}
"""
STARVING = (
    DOCUMENTS.replace("{horizon: 60s,", "{horizon: 60s, economy: purse,")
    + """\
---
apiVersion: nimdsl.dev/v1
kind: Economy
metadata: {name: purse}
spec: {opening: 8, upkeep: {life: 1/s}, wake: {starve: 5s}}
"""
)
CELL = "cell/counter"


class LivingGardenSuite:
    """The laws of the port."""

    def living(self, program: Program, scenario: Scenario) -> AbstractContextManager[LivingGarden]:
        """A garden that has not begun."""
        raise NotImplementedError

    def _begun(self) -> AbstractContextManager[LivingGarden]:
        report: Report = check_text(DOCUMENTS)
        assert report.program is not None
        return self.living(report.program, report.program.scenarios["counting"])

    def test_it_lives_to_its_horizon(self) -> None:
        """Nothing stops it before; then it ends there."""
        with self._begun() as garden:
            garden.begin()
            assert garden.until(20 * SECOND_NS) is None
            assert garden.until(60 * SECOND_NS) is None
            run = garden.end(None)
        assert (run.stopped, run.time_ns) == ("horizon", 60 * SECOND_NS)
        assert run.hosts[CELL].snapshot.data["ticks"] == 5

    def test_what_is_told_arrives_once_and_is_in_the_journal(self) -> None:
        """Known by its sender and number, like any message."""
        said = [_adding(1, 1), _adding(2, 2)]
        with self._begun() as garden:
            garden.begin()
            for one in (said[0], said[0], said[1]):
                garden.tell(CELL, one, 0)
            assert garden.until(30 * SECOND_NS) is None
            run = garden.end(None)
            told = [(one.sender, one.number) for one in _accepted(garden) if isinstance(one, Stimulus)]
        assert told == [("garden/other", 1), ("garden/other", 2)]
        assert run.hosts[CELL].snapshot.data["sum"] == 3

    def test_what_was_told_later_comes_later(self) -> None:
        """Never before the instant for which it was told."""
        with self._begun() as garden:
            garden.begin()
            assert garden.until(15 * SECOND_NS) is None
            garden.tell(CELL, _adding(5, 1), 15 * SECOND_NS)
            garden.until(60 * SECOND_NS)
            garden.end(None)
            times = [line.time_ns for line in _lines(garden) if isinstance(line.event, Stimulus)]
        assert len(times) == 1
        assert times[0] >= 15 * SECOND_NS

    def test_it_says_why_it_ended_before_that(self) -> None:
        """One that starves ends there, not at the instant that was asked for."""
        report: Report = check_text(STARVING)
        assert report.program is not None
        with self.living(report.program, report.program.scenarios["counting"]) as garden:
            garden.begin()
            assert garden.until(5 * SECOND_NS) is None
            assert garden.until(50 * SECOND_NS) == "starved"
            run = garden.end("starved")
        assert run.time_ns < 40 * SECOND_NS

    def test_one_that_is_left_is_closed(self) -> None:
        """Also in the middle of its life, and twice."""
        with self._begun() as garden:
            garden.begin()
            garden.close()
            garden.close()


def _adding(amount: int, number: int) -> Stimulus:
    return Stimulus(name="add", payload={"amount": amount}, sender="garden/other", number=number)


def _lines(garden: LivingGarden) -> Iterator[Accepted]:
    for entry in garden.journal.read(CELL):
        line = line_of(entry)
        if isinstance(line, Accepted):
            yield line


def _accepted(garden: LivingGarden) -> Iterator[object]:
    return (line.event for line in _lines(garden))
