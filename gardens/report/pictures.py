"""What a verb shows of a run besides its text: ``--report`` and ``--perfetto``.

Files are opened before the run, so that one that cannot be written is known at
once, and get their names when they are complete.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from gardens.report.html.page import page
from gardens.report.observe.view import View
from gardens.report.observe.watch import Watch, feed
from gardens.report.perfetto import PerfettoTrace
from gardens.report.result.result import RunResult
from nimdsl.base.atomic_file import whole
from nimdsl.program import Program, Scenario
from runtime.ledger.accounts import Entry
from runtime.records import Record


class Pictures:
    """The page and the trace of one run; a context manager, whose files are there when it has ended."""

    def __init__(self, report: Path | None = None, perfetto: Path | None = None) -> None:
        self._paths = report, perfetto
        self._files = ExitStack()
        self._page: TextIO | None = None
        self._trace_file: TextIO | None = None
        self._trace: PerfettoTrace | None = None
        self._watch: Watch | None = None
        self.view: View | None = None
        """What there is to see, once the run has been drawn."""

    @property
    def written(self) -> list[tuple[str, Path]]:
        """What was asked for, and where it is."""
        named = zip(("report", "trace"), self._paths, strict=True)
        return [(what, path) for what, path in named if path is not None]

    def __enter__(self) -> Self:
        report, perfetto = self._paths
        with ExitStack() as files:
            self._page = files.enter_context(whole(report)) if report else None
            self._trace_file = files.enter_context(whole(perfetto)) if perfetto else None
            self._files = files.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._files.__exit__(kind, problem, traceback)

    def look(self, program: Program, scenario: Scenario) -> Self:
        """Begins to look on."""
        self._watch = Watch(program, scenario)
        if self._trace_file is not None:
            self._trace = PerfettoTrace(self._trace_file, program, scenario)
        return self

    def take(self, record: Record) -> None:
        """See :class:`gardens.report.observe.watch.Onlooker`."""
        assert self._watch is not None
        self._watch.take(record)
        if self._trace is not None:
            self._trace.take(record)

    def book(self, entry: Entry) -> None:
        """See :class:`gardens.report.observe.watch.Onlooker`."""
        assert self._watch is not None
        self._watch.book(entry)
        if self._trace is not None:
            self._trace.book(entry)

    def draw(self, result: RunResult) -> None:
        """Completes the view and the files; a run that nobody looked on is taken as it was kept."""
        if self._watch is None:
            feed(self.look(result.program, result.scenario), result.run)
        assert self._watch is not None
        self.view = self._watch.close(result.run)
        if self._page is not None:
            garden = result.program.gardens.get(result.garden)
            environment = garden.real.environment if garden and garden.real else "dev"
            self._page.write(page(self.view, result.summary, result.scenario.description, environment))
        if self._trace is not None:
            self._trace.close(result.run)
