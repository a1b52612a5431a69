"""``nimdsl init``: a project to begin with, from a template or from the shipped specs."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from nimdsl.base.errors import NimdslError, PermanentPortError
from nimdsl.commands.schema import ANY_DOCUMENT, write_schemas
from nimdsl.commands.streams import styled, tell
from nimdsl.loading import shipped_specs
from nimdsl.text.source import SUFFIXES

TEMPLATES = Path(__file__).parent.parent / "templates"
SCHEMAS = "schemas"
_EDITOR_COMMENT = re.compile(r"^# yaml-language-server: .*$", re.MULTILINE)


class Template(enum.StrEnum):
    """What to begin with."""

    CELL = "cell"
    FLEET = "fleet"
    CREATURE = "creature"
    SPARK = "spark"


class UnsuitableFolderError(NimdslError):
    """The folder cannot become a project."""


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to make; it must be new or empty.")
    ],
    template: Annotated[
        Template,
        typer.Option("--from", help="A first cell, a fleet, a creature, or a copy of the shipped specs."),
    ] = Template.CELL,
) -> None:
    """Make a commented project that validates and simulates at once.

    Example: nimdsl init my-garden

    Example: nimdsl init my-spark --from spark
    """
    files = make(folder, template)
    shown = folder.as_posix()
    tell(f"{styled(shown, 'bold')}: {len(files)} files, and JSON Schemas for your editor in {SCHEMAS}/")
    for file in files:
        tell(f"  {file.as_posix()}")
    tell("\nnext:")
    quoted = f'"{shown}"' if " " in shown else shown
    tell(f"  nimdsl validate {quoted}")
    tell(f"  nimdsl simulate {quoted}")


def make(folder: Path, template: Template) -> list[Path]:
    """Writes the project and returns its YAML files, relative to the folder."""
    _check_empty(folder)
    source = shipped_specs() if template is Template.SPARK else TEMPLATES / template.value
    files = sorted(_yaml_below(source))
    try:
        for file in files:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            text = (source / file).read_text(encoding="utf-8")
            target.write_text(_with_editor_comment(text, file), encoding="utf-8")
    except OSError as problem:
        raise PermanentPortError(f"cannot write to `{folder}`: {problem.strerror}") from problem
    write_schemas(folder / SCHEMAS)
    return files


def _check_empty(folder: Path) -> None:
    try:
        if folder.exists() and not folder.is_dir():
            raise UnsuitableFolderError(f"`{folder}` is a file; name a folder that does not exist yet")
        held = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    except OSError as problem:
        raise PermanentPortError(f"cannot look into `{folder}`: {problem.strerror}") from problem
    if held:
        raise UnsuitableFolderError(
            f"`{folder}` is not empty (it holds `{held[0]}`); name a folder that is new or empty"
        )


def _yaml_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix in SUFFIXES and path.is_file():
            yield path.relative_to(folder)


def _with_editor_comment(text: str, file: Path) -> str:
    """The text with the comment that leads editors to the project's own schemas, at its top."""
    up = os.path.relpath(SCHEMAS, file.parent).replace(os.sep, "/")
    comment = f"# yaml-language-server: $schema={up}/{ANY_DOCUMENT}"
    if _EDITOR_COMMENT.search(text):
        return _EDITOR_COMMENT.sub(lambda _: comment, text)
    return f"{comment}\n{text}"
