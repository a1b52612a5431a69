"""``nimdsl run``: a scenario in a real garden of its own."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

if TYPE_CHECKING:
    from gardens.report.pictures import Pictures
    from gardens.report.result.result import RunResult
    from nimdsl.base.canonical import Plain
    from nimdsl.program import Program, Scenario


def command(
    scenario: Named = "",
    garden: Annotated[str, typer.Option(help="The real garden to run it in; default: `local`.")] = "",
    specs: Specs = None,
    root: Root = None,
    seed: Seed = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, max=10_000, help="Garden seconds in a second; default: the garden's."),
    ] = None,
    set_: Sets = None,
    out: Out = None,
    report_: Page = None,
    perfetto: Perfetto = None,
    verbose: Verbose = False,
    format_: Printed = Format.TEXT,
) -> None:
    """Run a scenario for real: processes, a NATS server, real time; then judge what came of it.

    Uses the bus of the garden when it is up, else brings one of its own; always with a run id and a
    ledger of its own.

    Example: nimdsl run spark --out out/real
    """
    from gardens.real.commands.resolve import find_garden, need_linux
    from gardens.real.commands.run_once import run_in
    from gardens.report.outputs import Outputs
    from gardens.report.pictures import Pictures
    from gardens.report.terminal.text import present
    from nimdsl.commands.options import folders_of

    need_linux()
    wanted = meant(scenario, specs, root=root)
    program, found = _with_assignments(wanted.program, wanted.scenario, assignments(set_ or []))
    Outputs(report_, perfetto, out).check(program)
    where = find_garden(program, garden)
    warnings = say_unless_json(wanted.warnings, format_)
    with Pictures(report_, perfetto) as pictures:
        go = partial(
            run_in,
            program,
            found,
            replace(where, rate=rate or where.rate),
            seed=found.seed if seed is None else seed,
            folders=folders_of(wanted.paths, root),
            verbose=verbose,
            stream=sys.stderr if format_ is Format.JSON else sys.stdout,
        )
        result = _kept(go, out, pictures)
    present(result, warnings, out, pictures)
    raise typer.Exit(0 if result.ok else 1)


def _kept(
    go: Callable[..., Coroutine[None, None, RunResult]], out: Path | None, pictures: Pictures
) -> RunResult:
    """What comes of ``go``, with its pictures and its files in ``out``; nothing is left half written."""
    from gardens.report.result.export import discarding, export, journal_in

    with tempfile.TemporaryDirectory(prefix="nimdsl-run-") as name:
        scratch = Path(name)
        with discarding(out or scratch), journal_in(out or scratch) as journal:
            result = asyncio.run(go(scratch=scratch, journal=journal))
            pictures.draw(result)
            if out:
                export(result, out, journal)
    return result


def _with_assignments(program: Program, name: str, given: Mapping[str, Plain]) -> tuple[Program, Scenario]:
    """The program as the scenario and the command line ``set`` it, and the scenario in it."""
    from nimdsl.loading import with_overrides
    from runtime.run.run import find_scenario

    program = with_overrides(program, {**find_scenario(program, name).set, **given})
    return program, find_scenario(program, name)
