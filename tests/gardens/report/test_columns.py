"""Tables of any width: nothing is cut, and what is left out is said."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gardens.report.terminal.columns import Column, print_table

COLUMNS = [
    Column("level", name=True),
    Column("spent"),
    Column("share", 2),
    Column("cost\nLF", 1),
]
ROWS = [
    ["conversation with everybody", "1,234,567 s", "< 0.1 %", "5922.348123"],
    ["x", "0 s", "[red]–[/]", "1"],
]


def printed(width: int) -> list[str]:
    file = io.StringIO()
    print_table(Console(file=file, width=width), COLUMNS, ROWS, ["total", "1", "2", "3"])
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [24, 30, 40, 60, 80])
def test_figures_and_names_are_whole(width: int) -> None:
    lines = printed(width)
    text = "\n".join(lines)
    assert "…" not in text
    assert "1,234,567 s" in text
    assert max(map(len, lines)) <= width
    names = "".join(line[1:].split("  ")[0] for line in lines if line[:2] != "  " and line[:1] == " ")
    assert "conversationwitheverybody" in names.replace(" ", "")


def test_what_matters_least_is_left_out_first_and_that_is_said() -> None:
    assert "not shown" not in "\n".join(printed(60))
    assert printed(48)[-1] == "not shown for want of width: share"
    assert " ".join(" ".join(printed(30)).split()).endswith("not shown for want of width: share, cost LF")


def test_before_a_column_is_left_out_the_others_move_closer() -> None:
    assert printed(67)[4].startswith(" conversation with everybody   1,234,567 s   < 0.1 %")
    assert printed(64)[4].startswith(" conversation with everybody  1,234,567 s  < 0.1 %")


def test_what_does_not_fit_at_all_is_not_cut_either() -> None:
    text = "\n".join(printed(12))
    assert "1,234,567 s" in text
    assert "level" in text
