"""``nimdsl schema``: JSON Schemas of kinds (for editors) and of wire messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nimdsl.base.atomic_file import whole
from nimdsl.base.diagnostics import error
from nimdsl.base.errors import SpecError
from nimdsl.base.suggest import phrase
from nimdsl.base.words import counted
from nimdsl.commands.options import Root, Sought, chosen, program_of
from nimdsl.commands.output import print_json
from nimdsl.commands.streams import tell
from nimdsl.kinds import by_prefix, kind_names
from nimdsl.kinds.schemas import any_schema, document_schema, editor_schema
from nimdsl.loading import load

_UNKNOWN = "there is neither a kind nor a Schema named `{}`"
ANY_DOCUMENT = "document.json"


def command(
    name: Annotated[
        str, typer.Argument(metavar="KIND|SCHEMA", help="A kind (Cell) or the name of a Schema document.")
    ] = "",
    specs: Annotated[list[Path] | None, typer.Option(help="Documents to look for the Schema in.")] = None,
    root: Root = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the schemas of all kinds into this folder.")
    ] = None,
) -> None:
    """Print the JSON Schema of a kind or of a message.

    Without an argument it lists what there is.

    Example: nimdsl schema Cell

    Example: nimdsl schema --out schemas
    """
    kinds = by_prefix()
    if out is not None:
        files = write_schemas(out)
        tell(f"{counted(len(files), 'schema')} in {out}; put this on top of a YAML file:")
        tell(f"# yaml-language-server: $schema={(out / ANY_DOCUMENT).as_posix()}")
    elif name.lower() in kinds:
        print_json(editor_schema(kinds[name.lower()]))
    elif name:
        print_json(_wire(name, specs, root))
    else:
        _list(specs, root)


def _wire(name: str, specs: list[Path] | None, root: Path | None) -> Mapping[str, Any]:
    schemas = program_of(specs, root, Sought(name, ["Schema"], _UNKNOWN, kind_names())).schemas
    if name not in schemas:
        fix = phrase(name, [*kind_names(), *schemas])
        raise SpecError((error("NIM0301", _UNKNOWN.format(name), fix=fix),))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **schemas[name].wire}


def _list(specs: list[Path] | None, root: Path | None) -> None:
    tell("kinds")
    for kind in kind_names():
        tell(f"  {kind:<9} {document_schema(kind)['description']}")
    paths, called = chosen(specs)
    try:
        schemas = load(*paths, root=root).schemas
    except SpecError:
        tell(f"\nthe messages of {called} cannot be listed: `nimdsl validate` says why")
        return
    tell(f"\nmessages of {called}")
    for schema in schemas.values():
        tell(f"  {schema.name}  ({schema.role}, {schema.type})")


def write_schemas(folder: Path) -> list[Path]:
    """Writes the schema of each kind, and of a document of any kind, into ``folder``."""
    schemas = {f"{kind.lower()}.json": editor_schema(kind) for kind in kind_names()}
    schemas[ANY_DOCUMENT] = any_schema()
    files: list[Path] = []
    for name, schema in schemas.items():
        with whole(folder / name) as file:
            file.write(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
        files.append(folder / name)
    return files
