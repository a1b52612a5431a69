"""``nimdsl show``: resolved documents and what they cost at worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from nimdsl.base.diagnostics import error
from nimdsl.base.errors import SpecError
from nimdsl.base.suggest import phrase
from nimdsl.commands.options import Format, Printed, Root, Sought, Specs, program_of
from nimdsl.commands.output import print_json
from nimdsl.commands.streams import styled, tell
from nimdsl.compile.documents import Document
from nimdsl.kinds import WorstCost, by_prefix, kind_names, kinds
from nimdsl.program import Program
from nimdsl.show.resolved import resolve_document, to_yaml
from nimdsl.show.table import table_data, table_of, table_text


@dataclass(frozen=True)
class Found:
    """A document that was asked for: its name as it is written, and all instances that came of it."""

    document: Document
    template: str
    instances: tuple[str, ...]
    costs: tuple[WorstCost, ...]


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A document's name, or kind/name.")],
    specs: Specs = None,
    root: Root = None,
    format_: Printed = Format.TEXT,
    table: Annotated[
        bool, typer.Option("--table", help="Show the flat table that its machine is run as.")
    ] = False,
) -> None:
    """Show a document resolved: defaults, instances, and what it costs at worst.

    The YAML is complete and validates again.  With `--table` it is the machine as the kernel runs it:
    states, events, rows with guards, prices and actions, timers.

    Example: nimdsl show phase/identity

    Example: nimdsl show cell/vocabulary-cell --table
    """
    program = program_of(specs, root, Sought(name))
    found = find(program, name)
    if table:
        _print_tables(program, found, format_)
    elif format_ is Format.JSON:
        print_json([_data(item) for item in found])
    else:
        tell("---\n".join(_text(item) for item in found), end="")


def _print_tables(program: Program, found: list[Found], format_: Format) -> None:
    """The tables of what was found.  Raises SpecError when nothing of it is a machine."""
    documents = [item.document for item in found]
    parts = {
        f"{one.kind.lower()}/{one.name}": program.of(one.kind)[one.name]
        for one in documents
        if one.name in program.of(one.kind)
    }
    tables = {name: table for name, part in parts.items() if (table := table_of(part)) is not None}
    if not tables:
        text = f"`{documents[0].name}` has no machine of its own: it is of kind {documents[0].kind}"
        fix = "name a cell, an attention or a protocol; a phase is a part of its protocol's"
        raise SpecError((error("NIM0301", text, fix=fix),))
    if format_ is Format.JSON:
        print_json([{"name": name, **table_data(table)} for name, table in tables.items()])
    else:
        tell("\n".join(table_text(name, table) for name, table in tables.items()), end="")


def find(program: Program, name: str) -> list[Found]:
    """Every document of that name, of any kind; all instances where it is the name of a `for` document."""
    kind, _, rest = name.partition("/")
    kinds = by_prefix()
    wanted = [kinds[kind.lower()]] if rest and kind.lower() in kinds else list(kind_names())
    plain = rest if len(wanted) == 1 else name
    everything = [
        _found(program, document) for each in wanted for document in program.documents.of(each).values()
    ]
    found = [item for item in everything if plain in (item.document.name, item.template)]
    if found:
        return found
    known = [item.document.name for item in everything]
    raise SpecError((error("NIM0301", f"there is no document named `{name}`", fix=phrase(plain, known)),))


def _found(program: Program, document: Document) -> Found:
    template = document.template
    siblings: list[Document] = list(program.documents.of(document.kind).values())
    instances = [one.name for one in siblings if document.variables and one.written is document.written]
    return Found(document, template, tuple(instances), tuple(_costs(program, document)))


def _costs(program: Program, document: Document) -> list[WorstCost]:
    costs = kinds()[document.kind].costs
    return costs(program, document.name) if costs and document.name in program.of(document.kind) else []


def _data(found: Found) -> dict[str, Any]:
    return {
        "kind": found.document.kind,
        "name": found.document.name,
        "file": found.document.place.file,
        "line": found.document.place.line,
        "instances": list(found.instances),
        "costs": list(found.costs),
        "document": resolve_document(found.document),
    }


def _text(found: Found) -> str:
    document = found.document
    place = document.place
    comments = [f"# {document.kind} {document.name}, from {place.file}:{place.line}"]
    if found.instances:
        comments.append(
            f"# one of {len(found.instances)} of `{found.template}`: {_listed(found.instances)}"
        )
    comments += [f"# at worst: {cost['text']}" for cost in found.costs]
    return "\n".join([*(styled(line, "dim") for line in comments), to_yaml(resolve_document(document))])


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
