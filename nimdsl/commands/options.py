"""What verbs are asked: which documents, which scenario or garden, what changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import Diagnostic, error
from nimdsl.base.errors import SpecError
from nimdsl.compile.overrides import parse_assignment
from nimdsl.loading import load
from nimdsl.program import Program


class Format(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


Named = Annotated[str, typer.Argument(help="The scenario to run; default: `spark`, or the only one.")]
Specs = Annotated[
    list[Path] | None, typer.Option(help="Files or folders of documents; default: the shipped specs.")
]
Garden = Annotated[str, typer.Argument(help="The garden; default: `local`.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Root of all draws; default: the scenario's.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a field for this run.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for the journal (SQLite) and the records.")]
Page = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write a page (HTML) that shows the run.")
]
Perfetto = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a trace for ui.perfetto.dev (JSON).")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show each step as it happens.")]
Printed = Annotated[Format, typer.Option("--format", help="How to print.")]


def program_for(specs: Sequence[Path] | None, scenario: str, quiet: bool = False) -> Program:
    """The program in ``specs``, else the shipped one, which is said unless ``quiet``.  Raises SpecError."""
    program = load(*(specs or []))
    if not quiet and not specs and any(Path().glob("*.y*ml")):
        print("running the shipped specs; `--specs .` runs this folder", file=sys.stderr)
    if scenario and scenario not in program.scenarios and Path(scenario).exists():
        fix = f"write `--specs {scenario}`"
        raise SpecError((error("NIM0301", f"`{scenario}` is a path, a scenario is wanted", fix=fix),))
    return program


def assignments(texts: Sequence[str]) -> dict[str, Plain]:
    """``--set PATH=VALUE``, each of them.  Raises SpecError."""
    parsed: list[Any] = [parse_assignment(text) for text in texts]
    problems = tuple(item for item in parsed if isinstance(item, Diagnostic))
    if problems:
        raise SpecError(problems)
    return dict(parsed)
