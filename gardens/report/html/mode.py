"""What gates and attention amount to, on the page: a band, and how long it was what."""

from __future__ import annotations

from markupsafe import Markup

from gardens.report.html.bands import HEADS, rows_of, stacked
from gardens.report.html.downloads import csv_link
from gardens.report.html.templating import render
from gardens.report.observe.mode import IDLE, MODES, mode_shares
from gardens.report.observe.view import View
from gardens.report.words import number, quarters, share

COLUMN_COUNT_MAX = 480


def mode(view: View) -> Markup:
    """Nothing where nothing ever opened or was heard."""
    shares, end_ns = mode_shares(view.mode), max(view.time_ns, 1)
    if not set(shares) - {IDLE}:
        return Markup()
    kinds = {name: f"m-{name}" for name in MODES}
    told = ", ".join(f"{name} {share(time_ns, end_ns)}" for name, time_ns in shares.items())
    top = max(shares.values())
    return render(
        "mode",
        told=told,
        paths=stacked(view.mode, end_ns, kinds, COLUMN_COUNT_MAX),
        times=quarters(end_ns),
        modes=[
            (name, kinds[name], time_ns, share(time_ns, end_ns), number(100 * time_ns / top))
            for name, time_ns in shares.items()
        ],
    ) + csv_link("mode", HEADS, rows_of(view.mode, end_ns))
