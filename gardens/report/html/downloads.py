"""Tables and curves as CSV to be saved: links that hold the file, so that the page stays one file.

Fields are quoted as RFC 4180 has it.  Text that a spreadsheet would take for a formula begins with an
apostrophe, and what cannot be seen is written out; numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from markupsafe import Markup

from gardens.report.html.templating import render
from gardens.report.observe.spread import Spread
from nimdsl.base.printable import visible
from nimdsl.base.units import SECOND_NS

Cell = str | int | float | None
SPREAD_HEADS = ("count", "mean_s", "p50_s", "p95_s", "max_s")
_FORMULA = ("=", "+", "-", "@")


def csv_link(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Markup:
    """A link to ``<name>.csv``."""
    return render("csv", name=name, file=quote(csv_text(heads, rows), safe=",:;/*()!"))


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The file."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_field(one) for one in row] for row in rows)
    return file.getvalue()


def _field(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        text = visible(value, keep="\n")
        return f"'{text}" if text.startswith(_FORMULA) else text
    return str(value)


def in_seconds(time_ns: int | None) -> float | None:
    """A time as a field."""
    return None if time_ns is None else time_ns / SECOND_NS


def spread_fields(spread: Spread) -> tuple[Cell, ...]:
    """What :data:`SPREAD_HEADS` names."""
    longest = spread.max_ns if spread.total else None
    times = (spread.mean_ns, spread.quantile_ns(0.5), spread.quantile_ns(0.95), longest)
    return spread.total, *(in_seconds(time_ns) for time_ns in times)
