"""``nimdsl graph``: a thin layer over :mod:`nimdsl.show.graph` and :mod:`nimdsl.show.notation`."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from nimdsl.base.diagnostics import error
from nimdsl.base.errors import SpecError
from nimdsl.base.suggest import phrase
from nimdsl.commands.options import Root, Sought, Specs, program_of
from nimdsl.commands.streams import tell
from nimdsl.kinds import Kind, kinds
from nimdsl.program import Program
from nimdsl.show.graph import Drawing
from nimdsl.show.notation import to_dot, to_mermaid


class Notation(enum.StrEnum):
    """What to draw in."""

    MERMAID = "mermaid"
    DOT = "dot"


def command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A cell, phase, protocol or attention; or kind/name.")
    ],
    specs: Specs = None,
    root: Root = None,
    format_: Annotated[Notation, typer.Option("--format", help="What to draw in.")] = Notation.MERMAID,
    deep: Annotated[bool, typer.Option("--deep", help="Open composite states.")] = False,
) -> None:
    """Draw the machine of a cell, a phase or a protocol, or the modes of an attention.

    Mermaid is what Markdown on GitHub draws; DOT is for Graphviz.

    Example: nimdsl graph identity

    Example: nimdsl graph protocol/spark --deep --format dot | dot -Tsvg > spark.svg
    """
    drawing = find(program_of(specs, root, Sought(name)), name, deep)
    tell(to_mermaid(drawing) if format_ is Notation.MERMAID else to_dot(drawing), end="")


def find(program: Program, name: str, deep: bool = False) -> Drawing:
    """The drawing of the protocol, phase, cell or attention of that name, in this order; then of others."""
    prefix, _, rest = name.partition("/")
    everything = {kind.prefix: kind for kind in kinds().values()}
    wanted = [everything[prefix.lower()]] if rest and prefix.lower() in everything else _by_rank(everything)
    plain = rest if len(wanted) == 1 else name
    found = next((kind for kind in wanted if plain in program.of(kind.name)), None)
    drawn = [kind for kind in wanted if kind.draw]
    if found is not None and found.draw:
        drawing: Drawing = found.draw(program, plain, deep)
        return drawing
    if found is not None or not drawn:
        message = f"the kind {(found or wanted[0]).name} of `{name}` has no drawing"
        shown = f", or write `nimdsl show {name}`" if found else ""
        names = phrase_of([kind.prefix for kind in _by_rank(everything) if kind.draw])
        raise SpecError((error("NIM0301", message, fix=f"name a {names}{shown}"),))
    known = [one for kind in drawn for one in program.of(kind.name)]
    names = phrase_of([kind.prefix for kind in drawn])
    message = f"there is no {names} named `{name}`"
    raise SpecError((error("NIM0301", message, fix=phrase(plain, known)),))


def _by_rank(everything: Mapping[str, Kind]) -> list[Kind]:
    """Those that are drawn come first, and of these the project's."""
    first = [everything[prefix] for prefix in ("protocol", "phase", "cell", "attention")]
    others = [kind for kind in everything.values() if kind not in first]
    return [*first, *sorted(others, key=lambda kind: kind.draw is None)]


def phrase_of(names: Sequence[str]) -> str:
    """``cell, phase or protocol``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
