"""``nimdsl seance``: a thin layer over :func:`simulate.seance.seance`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gardens.report.terminal.console import terminal
from gardens.report.terminal.progress import Progress
from nimdsl.base.errors import NimdslError
from nimdsl.base.units import INT64_MAX, NANOSECONDS, parse_duration
from nimdsl.commands.options import Format, Printed
from nimdsl.commands.output import print_json
from simulate.commands.replay import JournalPath
from simulate.seance import DEPTH, DEPTH_MAX, Account, seance
from simulate.seance_text import LINES_MAX, lines_of

_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(sorted(NANOSECONDS, key=len, reverse=True))})\s*")

ActorName = Annotated[
    str, typer.Option("--actor", metavar="X", help="Whose record: `cell/motor`, or `motor` alone.")
]
AtTime = Annotated[
    str,
    typer.Option(
        "--at",
        metavar="TIME",
        help="The last record at or before this garden time: `12.36s`, `1h2min`, or seconds.",
    ),
]
RecordNumber = Annotated[
    int | None, typer.Option("--record", metavar="N", min=0, help="The record of this number instead.")
]
Depth = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=DEPTH_MAX,
        help=f"How many causes back; default: {DEPTH}, and as many as one screen holds.",
    ),
]


def command(
    journal: JournalPath,
    actor: ActorName,
    at: AtTime = "",
    record: RecordNumber = None,
    depth: Depth = None,
    format_: Printed = Format.TEXT,
) -> None:
    """Why did this happen: a record of a run, with guards and prices, back to its causes.

    Example: nimdsl seance out --at 12.36s --actor motor
    """
    if at and record is not None:
        raise NimdslError("`--at` and `--record` both say which record: leave one out")
    at_ns = garden_time(at) if at else None
    with Progress() as progress:
        progress.show(f"replaying {journal}")
        account = seance(Path(journal), actor, at_ns=at_ns, record=record, depth=depth or DEPTH)
    if format_ is Format.JSON:
        print_json(account.summary)
    else:
        _show(account, None if depth else LINES_MAX)


def _show(account: Account, lines_max: int | None) -> None:
    console = terminal()
    for line in lines_of(account, console.width, lines_max):
        console.print(Text(line.text, line.style), soft_wrap=True)


def garden_time(text: str) -> int:
    """Nanoseconds of a garden time: a number of seconds, a duration, or several after one another.

    Raises NimdslError for what is none.
    """
    bare = text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", bare):
        bare += "s"
    parts = _PART.findall(bare)
    found = [parse_duration(number + unit) for number, unit in parts]
    whole = sum(one for one in found if one is not None)
    if not parts or _PART.sub("", bare) or None in found or whole > INT64_MAX:
        fix = "write `12.36s`, `1h2min` or a number of seconds"
        raise NimdslError(f"`--at {text}` is no garden time: {fix}")
    return whole
