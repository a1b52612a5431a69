"""``nimdsl graph``: a thin layer over :mod:`nimdsl.show.graph` and :mod:`nimdsl.show.notation`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from nimdsl.base.diagnostics import error
from nimdsl.base.errors import SpecError
from nimdsl.base.suggest import phrase
from nimdsl.commands.output import chosen
from nimdsl.loading import load
from nimdsl.program import Program
from nimdsl.show.graph import Drawing, draw_cell, draw_phase, draw_protocol
from nimdsl.show.notation import to_dot, to_mermaid


class Notation(enum.StrEnum):
    """What to draw in."""

    MERMAID = "mermaid"
    DOT = "dot"


def command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A cell, phase, protocol or attention; or kind/name.")
    ],
    specs: Annotated[list[Path] | None, typer.Option(help="Files or folders of documents.")] = None,
    format_: Annotated[Notation, typer.Option("--format", help="What to draw in.")] = Notation.MERMAID,
    deep: Annotated[bool, typer.Option("--deep", help="Open composite states.")] = False,
) -> None:
    """Draw the machine of a cell, a phase or a protocol, or the modes of an attention.

    Mermaid is what Markdown on GitHub draws; DOT is for Graphviz.

    Example: nimdsl graph identity

    Example: nimdsl graph protocol/spark --deep --format dot | dot -Tsvg > spark.svg
    """
    drawing = find(load(*chosen(specs)[0]), name, deep)
    print(to_mermaid(drawing) if format_ is Notation.MERMAID else to_dot(drawing), end="")


def find(program: Program, name: str, deep: bool = False) -> Drawing:
    """The drawing of the protocol, phase, cell or attention of that name, in this order."""
    kind, _, rest = name.partition("/")
    kinds = ("protocol", "phase", "cell", "attention")
    wanted = (kind.lower(),) if rest and kind.lower() in kinds else kinds
    plain = rest if len(wanted) == 1 else name
    if "protocol" in wanted and plain in program.protocols:
        return draw_protocol(program.protocols[plain], deep)
    if "phase" in wanted and plain in program.phases:
        return draw_phase(program.phases[plain], deep)
    if "cell" in wanted and plain in program.cells:
        return draw_cell(program.cells[plain], deep)
    if "attention" in wanted and plain in program.attentions:
        return draw_cell(program.attentions[plain], deep)
    known = [*program.protocols, *program.phases, *program.cells, *program.attentions]
    message = f"there is no cell, phase, protocol or attention named `{name}`"
    raise SpecError((error("NIM0301", message, fix=phrase(plain, known)),))
