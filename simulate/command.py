"""``nimdsl simulate``: a thin layer over :func:`simulate.run`."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from nimdsl.canonical import Plain
from nimdsl.diagnostics import Diagnostic, error
from nimdsl.errors import SpecError


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"


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
    import nimdsl
    from gardens.virtual.driver import Options
    from runtime.report.export import discard, export, journal_in
    from runtime.report.text import Narrator, report
    from simulate.running import find_scenario, run

    program = nimdsl.load(*(specs or []))
    if not specs and any(Path().glob("*.y*ml")):
        print("running the shipped specs; `--specs .` runs this folder", file=sys.stderr)
    if scenario not in program.scenarios and scenario and Path(scenario).exists():
        fix = f"write `--specs {scenario}`"
        raise SpecError((error("NIM0301", f"`{scenario}` is a path, a scenario is wanted", fix=fix),))
    found = find_scenario(program, scenario)
    overrides = _assignments(set_ or [])
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


def _assignments(texts: list[str]) -> dict[str, Plain]:
    from nimdsl.compile.overrides import parse_assignment

    parsed: list[Any] = [parse_assignment(text) for text in texts]
    problems = tuple(item for item in parsed if isinstance(item, Diagnostic))
    if problems:
        raise SpecError(problems)
    return dict(parsed)
