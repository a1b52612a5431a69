"""Tables in a terminal of any width.

The law: no figure and no name is ever cut.  Where a table is too wide its columns first move
closer, then names take more lines, then the columns that matter least are left out, which
one line says.  What is still too wide then, the terminal breaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

NAME_WIDTH, NAME_WIDTH_MIN = 14, 8
"""How narrow names are made before a column is left out, and when none is left to leave out."""
_EDGES = 2
_GAPS = (3, 2)


@dataclass(frozen=True, slots=True)
class Column:
    """``head`` may have several lines; of ``rank`` 0 it is never left out, else the highest first."""

    head: str
    rank: int = 0
    name: bool = False
    """Words, on the left, which may take several lines; else a figure."""

    @property
    def told(self) -> str:
        """The head as words."""
        return " ".join(self.head.split())


Row = Sequence[str]


def print_table(
    console: Console, columns: Sequence[Column], rows: Iterable[Row], total: Row | None = None
) -> None:
    """Prints rows of cells, which are markup, and what was left out of them."""
    every = list(rows)
    widths = [
        max(_width(cell) for cell in (column.head, *(row[place] for row in _all(every, total))))
        for place, column in enumerate(columns)
    ]
    kept, gap = _fitting(columns, widths, console.width)
    table = _table(columns, kept, gap, every, total)
    least = _least(columns, widths, kept, gap, NAME_WIDTH_MIN)
    table.width = least if least > console.width else None
    console.print(table, crop=False)
    lost = [column.told for place, column in enumerate(columns) if place not in kept]
    if lost:
        console.print(f"[dim]not shown for want of width: {', '.join(lost)}[/]")


def _all(rows: list[Row], total: Row | None) -> list[Row]:
    return rows if total is None else [*rows, total]


def _width(markup: str) -> int:
    return max((cell_len(line) for line in Text.from_markup(markup).plain.split("\n")), default=0)


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> tuple[list[int], int]:
    """The places of the columns that are shown, and the gap between them."""
    kept = list(range(len(columns)))
    if _needed(widths, kept, _GAPS[0]) <= width:
        return kept, _GAPS[0]
    gap = _GAPS[-1]
    while _least(columns, widths, kept, gap) > width:
        place = max(kept, key=lambda one: columns[one].rank)
        if not columns[place].rank:
            break
        kept.remove(place)
    return kept, gap


def _needed(widths: Sequence[int], kept: Sequence[int], gap: int) -> int:
    return sum(widths[place] for place in kept) + gap * (len(kept) - 1) + _EDGES


def _least(
    columns: Sequence[Column],
    widths: Sequence[int],
    kept: Sequence[int],
    gap: int,
    name_width: int = NAME_WIDTH,
) -> int:
    """What is needed when names take as many lines as they may."""
    narrow = [
        min(width, name_width) if column.name else width
        for column, width in zip(columns, widths, strict=True)
    ]
    return _needed(narrow, kept, gap)


def _table(
    columns: Sequence[Column], kept: Sequence[int], gap: int, rows: Iterable[Row], total: Row | None
) -> Table:
    padding = (0, 1) if gap == _GAPS[0] else (0, 1, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding)
    for place in kept:
        column = columns[place]
        table.add_column(
            column.head,
            justify="left" if column.name else "right",
            no_wrap=not column.name,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(row[place] for place in kept))
    if total is not None:
        table.add_section()
        table.add_row(*(total[place] for place in kept))
    return table
