"""``nimdsl simulate``: a thin layer over :func:`simulate.run`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from nimdsl.commands.asked import Format, assignments, program_for


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
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each step as it happens.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.text,
) -> None:
    """Run a scenario in the virtual garden and judge what came of it.

    Example: nimdsl simulate spark --seed 7 --set economy/lifeforce.opening=50
    """
    from gardens.virtual.driver import Options
    from runtime.report.export import discard, export, journal_in
    from runtime.report.text import Narrator, report
    from runtime.run import find_scenario
    from simulate.running import run

    program = program_for(specs, scenario)
    found = find_scenario(program, scenario)
    overrides = assignments(set_ or [])
    narrator = Narrator(sys.stderr if format_ is Format.json else sys.stdout) if verbose else None
    options = Options(observe=narrator.tell, notice=narrator.notice) if narrator else Options()
    journal = journal_in(out) if out else None
    try:
        result = run(program, found.name, seed=seed, set=overrides, options=options, journal=journal)
        if out and journal:
            export(result, out, journal)
    finally:
        if journal and out:
            journal.close()
            discard(out)
    if format_ is Format.json:
        print(json.dumps(result.summary, indent=2, ensure_ascii=False))
    else:
        report(result, out)
    if not result.ok:
        raise typer.Exit(1)
