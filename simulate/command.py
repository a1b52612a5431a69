"""``nimdsl simulate``: a thin layer over :func:`simulate.run`."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimdsl.canonical import Plain
from nimdsl.commands.asked import Format, assignments, program_for
from nimdsl.program import Program

if TYPE_CHECKING:
    from gardens.virtual.driver import Options
    from runtime.report.pictures import Pictures
    from runtime.report.result import Result


def command(
    scenario: Annotated[
        str, typer.Argument(help="The scenario to run; default: `spark`, or the only one.")
    ] = "",
    specs: Annotated[
        list[Path] | None, typer.Option(help="Files or folders of documents; default: the shipped specs.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Root of all draws; default: the scenario's.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a field for this run.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the journal (SQLite) and the records.")
    ] = None,
    report_: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write a page (HTML) that shows the run."),
    ] = None,
    perfetto: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a trace for ui.perfetto.dev (JSON).")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each step as it happens.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.text,
) -> None:
    """Run a scenario in the virtual garden and judge what came of it.

    Example: nimdsl simulate spark --seed 7 --set economy/lifeforce.opening=50
    """
    from gardens.virtual.driver import Options
    from runtime.report.pictures import Pictures
    from runtime.report.text import Narrator, report
    from runtime.run import find_scenario

    program = program_for(specs, scenario)
    found = find_scenario(program, scenario)
    overrides = assignments(set_ or [])
    narrator = Narrator(sys.stderr if format_ is Format.json else sys.stdout) if verbose else None
    options = Options(observe=narrator.tell, notice=narrator.notice) if narrator else Options()
    gc.freeze()  # programs and libraries stay: the collector need not look at them again and again
    with Pictures(report_, perfetto) as pictures:
        result = _run(program, found.name, seed, overrides, options, out, pictures)
    if format_ is Format.json:
        print(json.dumps(result.summary, indent=2, ensure_ascii=False))
    else:
        report(result, out, pictures)
    if not result.ok:
        raise typer.Exit(1)


def _run(
    program: Program,
    scenario: str,
    seed: int | None,
    overrides: Mapping[str, Plain],
    options: Options,
    out: Path | None,
    pictures: Pictures,
) -> Result:
    """The run, with its files in ``out`` and its pictures."""
    from runtime.report.export import RecordFile, discard, export, journal_in
    from simulate.running import run

    journal = journal_in(out) if out else None
    records = RecordFile(out) if out else None
    try:
        result = run(
            program,
            scenario,
            seed=seed,
            set=overrides,
            options=options,
            journal=journal,
            keep=False,
            records=records,
            look=pictures.look,
        )
        pictures.draw(result)
        if out and journal:
            export(result, out, journal, records)
    finally:
        if out and journal and records:
            journal.close()
            records.close()
            discard(out)
    return result
