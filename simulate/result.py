"""A result to look at: in a script, at a prompt, in a notebook.

Everything shown is in LF and seconds.  Not here: what a run came to
(:mod:`gardens.report.result.result`), how it is drawn (:mod:`gardens.report.terminal`,
:mod:`gardens.report.html`, :mod:`simulate.plot`); all of that is loaded when it is asked for.
"""

from __future__ import annotations

import io
from dataclasses import fields
from typing import TYPE_CHECKING, Self

from gardens.report.result.result import RunResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ReportText(str):
    """Text that a prompt shows as it is, and not in quotes."""

    def __repr__(self) -> str:
        return str(self)


class Result(RunResult):
    """What came of one run of one scenario, and how to look at it."""

    @classmethod
    def of(cls, outcome: RunResult) -> Self:
        """The same result, to look at."""
        return cls(**{field.name: getattr(outcome, field.name) for field in fields(outcome)})

    def report(self) -> str:
        """What ``nimdsl simulate`` prints of the run, as text; a prompt shows it as it is.

        The beats are in it if the run kept its records.
        """
        from gardens.report.pictures import Pictures
        from gardens.report.terminal.text import report

        pictures = Pictures() if self.kept else None
        if pictures is not None:
            pictures.draw(self)
        stream = io.StringIO()
        report(self, pictures=pictures, stream=stream)
        return ReportText(stream.getvalue())

    def plot(self) -> Figure:
        """Lifeforce over time and, with an attention, the time of its levels beat by beat, as a figure.

        Raises NimdslError without matplotlib, which the extra ``notebook`` brings.
        """
        from simulate.plot import plot

        return plot(self)

    def _repr_html_(self) -> str:
        from gardens.report.html.notebook import notebook

        return str(notebook(self))
