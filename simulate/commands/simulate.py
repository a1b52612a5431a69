"""``nimdsl simulate``: a thin layer over :func:`simulate.run`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nimdsl.base.canonical import Plain
from nimdsl.commands.options import (
    Format,
    Named,
    Out,
    Page,
    Perfetto,
    Printed,
    Root,
    Seed,
    Sets,
    Specs,
    Verbose,
    assignments,
    meant,
    say_unless_json,
)
from nimdsl.program import Program, Scenario

if TYPE_CHECKING:
    from gardens.report.observe.watch import Look, Onlooker
    from gardens.report.result.result import RunResult
    from gardens.virtual.driver import Options


def command(
    scenario: Named = "",
    specs: Specs = None,
    root: Root = None,
    seed: Seed = None,
    set_: Sets = None,
    out: Out = None,
    report_: Page = None,
    perfetto: Perfetto = None,
    verbose: Verbose = False,
    format_: Printed = Format.TEXT,
) -> None:
    """Run a scenario in the virtual garden and judge what came of it.

    Example: nimdsl simulate spark --seed 7 --set economy/lifeforce.opening=50
    """
    from gardens.report.outputs import Outputs
    from gardens.report.pictures import Pictures
    from gardens.report.terminal.progress import Progress
    from gardens.report.terminal.text import Narrator, present
    from gardens.virtual.driver import Options
    from runtime.run.run import find_scenario
    from simulate.commands.progress import Simulated

    wanted = meant(scenario, specs, root=root)
    program, found = wanted.program, find_scenario(wanted.program, wanted.scenario)
    overrides = assignments(set_ or [])
    outputs = Outputs(report_, perfetto, out)
    outputs.check(program)
    warnings = say_unless_json(wanted.warnings, format_)
    gc.freeze()  # programs and libraries stay: the collector need not look at them again and again
    with Pictures(report_, perfetto) as pictures, Progress(wanted=not verbose) as progress:
        simulated = Simulated(progress)
        options = Options(observe=simulated.take) if progress.is_wanted else Options()
        if verbose:
            narrator = Narrator(sys.stderr if format_ is Format.JSON else sys.stdout, program)
            options = Options(observe=narrator.tell, notice=narrator.notice)

        def look(program: Program, scenario: Scenario) -> Onlooker:
            outputs.check(program)  # as it runs, with recordings that an override names
            simulated.begin(scenario)
            return pictures.look(program, scenario)

        result = _run(program, found.name, seed, overrides, options, out, look)
        if report_:
            progress.show("drawing the page")
        pictures.draw(result)
    present(result, warnings, out, pictures)
    if not result.ok:
        raise typer.Exit(1)


def _run(
    program: Program,
    scenario: str,
    seed: int | None,
    overrides: Mapping[str, Plain],
    options: Options,
    out: Path | None,
    look: Look,
) -> RunResult:
    """The run, with its files in ``out``."""
    from gardens.report.result.export import RecordFile, discarding, export, journal_in
    from simulate.running import run

    go = partial(run, program, scenario, seed=seed, set=overrides, options=options, keep=False, look=look)
    if out is None:
        return go()
    with discarding(out), closing(RecordFile(out)) as records, journal_in(out) as journal:
        result = go(journal=journal, records=records)
        export(result, out, journal, records)
    return result
