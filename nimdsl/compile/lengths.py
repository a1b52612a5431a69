"""How long an item may be: what no beat can finish is said before the run."""

from __future__ import annotations

from nimdsl.base.diagnostics import Place, Severity
from nimdsl.base.units import format_duration
from nimdsl.compile.reader import Findings
from nimdsl.program import Beat, Level


def check_length(findings: Findings, beat: Beat, level: Level, takes_ns: int, place: Place) -> None:
    """NIM0606, a warning: an item takes more than a beat has, and its level carries nothing over.

    Work may come back early, and of `each` the level says how long.
    """
    if level.carry or level.work or level.policy == "each" or takes_ns <= beat.window_ns:
        return
    message = (
        f"an item of `{level.name}` that takes {format_duration(takes_ns)} can never be done: of a beat "
        f"the levels have {format_duration(beat.window_ns)}, and the rest is dropped"
    )
    fix = "make it shorter, or write `leftover: carry` for the level"
    findings.report("NIM0606", message, place, fix, Severity.WARNING)
