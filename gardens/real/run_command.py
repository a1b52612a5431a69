"""``nimdsl run``: a scenario in a real garden of its own."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nimdsl.commands.asked import Format, assignments, program_for


def command(
    scenario: Annotated[
        str, typer.Argument(help="The scenario to run; default: `spark`, or the only one.")
    ] = "",
    garden: Annotated[str, typer.Option(help="The real garden to run it in; default: `local`.")] = "",
    specs: Annotated[
        list[Path] | None, typer.Option(help="Files or folders of documents; default: the shipped specs.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Root of all draws; default: the scenario's.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, max=10_000, help="Garden seconds in a second; default: the garden's."),
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
    """Run a scenario for real: processes, a NATS server, real time; then judge what came of it.

    Uses the bus of the garden when it is up, else brings one of its own; always with a run id and a
    ledger of its own.

    Example: nimdsl run spark --out out/real
    """
    from gardens.real.owning import find_garden, folders_of, need_linux
    from gardens.real.running import run_in
    from nimdsl.loading import with_overrides
    from runtime.report.export import discard, export, journal_in
    from runtime.report.pictures import Pictures
    from runtime.report.text import report
    from runtime.run import find_scenario

    need_linux()
    program = program_for(specs, scenario)
    found = find_scenario(program, scenario)
    program = with_overrides(program, {**found.set, **assignments(set_ or [])})
    found = find_scenario(program, found.name)
    where = find_garden(program, garden)
    where = replace(where, rate=rate) if rate else where
    with (
        Pictures(report_, perfetto) as pictures,
        tempfile.TemporaryDirectory(prefix="nimdsl-run-") as scratch,
    ):
        journal = journal_in(out or Path(scratch) / "out")
        try:
            result = asyncio.run(
                run_in(
                    program,
                    found,
                    where,
                    seed=found.seed if seed is None else seed,
                    folders=folders_of(specs),
                    scratch=Path(scratch),
                    journal=journal,
                    verbose=verbose,
                    stream=sys.stderr if format_ is Format.json else sys.stdout,
                )
            )
            pictures.draw(result)
            if out:
                export(result, out, journal)
        finally:
            journal.close()
            if out:
                discard(out)
    if format_ is Format.json:
        print(json.dumps(result.summary, indent=2, ensure_ascii=False))
    else:
        report(result, out, pictures)
    if not result.ok:
        raise typer.Exit(1)
