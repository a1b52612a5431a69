"""``nimdsl validate``: a thin layer over :func:`nimdsl.check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nimdsl.assembly import Report
from nimdsl.base.diagnostics import Severity
from nimdsl.base.errors import NimdslError
from nimdsl.base.words import counted
from nimdsl.commands.options import HERE, Format, Printed, Root, chosen, say, unasked
from nimdsl.commands.output import print_diagnostics, print_json
from nimdsl.commands.streams import styled, tell
from nimdsl.compile.recordings import RECORDING_SUFFIX
from nimdsl.loading import check
from nimdsl.text.source import SUFFIXES
from nimdsl.text.streams import descriptor_of


def command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Files and folders, `-` for standard input; default: this folder's, else the shipped.",
        ),
    ] = None,
    root: Root = None,
    format_: Printed = Format.TEXT,
    watch: Annotated[bool, typer.Option("--watch", help="Validate again whenever a file changes.")] = False,
) -> None:
    """Check documents and show everything that is wrong with them.

    Exit code 0: no errors; 1: errors.

    Example: nimdsl validate garden.yaml cells/

    Example: cat garden.yaml | nimdsl validate -
    """
    wanted, called = chosen(paths, quiet=True)
    if watch and any(descriptor_of(path) is not None for path in wanted):
        raise NimdslError("standard input and pipes are read once: `--watch` needs files or folders")
    report = check(wanted, root)
    if report.program is None and not paths and wanted == [HERE]:
        say(unasked("`nimdsl validate PATH` names others"))
    _print(report, called, format_)
    if watch:
        _watch(wanted, root, called, format_)
    elif report.program is None:
        raise typer.Exit(1)


def _print(report: Report, called: str, format_: Format) -> None:
    if format_ is Format.JSON:
        print_json([diagnostic.to_data() for diagnostic in report.diagnostics])
        return
    print_diagnostics(report.diagnostics)
    if report.diagnostics:
        tell()
    tell(summary(report, called))


def summary(report: Report, called: str) -> str:
    """The last line: how many errors in how many files, or how many documents of which kinds."""
    errors = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    milder = len(report.diagnostics) - len(errors)
    also = f", {counted(milder, 'warning or note', 'warnings and notes')}" if milder else ""
    if errors or report.program is None:
        files = len({d.place.file for d in errors})
        example = f"nimdsl explain {errors[0].code}" if errors else ""
        hint = styled(f"  (`{example}` says more)", "dim") if errors else ""
        return styled(f"{counted(len(errors), 'error')} in {counted(files, 'file')}", "red") + also + hint
    counts = {kind: len(found) for kind, found in report.program.documents.by_kind.items() if found}
    parts = ", ".join(counted(count, kind.lower(), _plural(kind)) for kind, count in counts.items())
    total = counted(sum(counts.values()), "document")
    return styled("ok", "green") + f": {total} in {called} ({parts}){also}"


def _plural(kind: str) -> str:
    return "economies" if kind == "Economy" else kind.lower() + "s"


def _watch(paths: list[Path], root: Path | None, called: str, format_: Format) -> None:
    import watchfiles

    present = [path for path in paths if path.exists()]
    folders = {path if path.is_dir() else path.parent for path in present}
    if not folders:
        raise typer.Exit(1)
    tell(styled("watching for changes; Ctrl-C ends", "dim"), flush=True)
    for changes in watchfiles.watch(*folders, raise_interrupt=False):
        if any(name.lower().endswith((*SUFFIXES, RECORDING_SUFFIX)) for _, name in changes):
            tell()
            _print(check(paths, root), called, format_)
            sys.stdout.flush()
