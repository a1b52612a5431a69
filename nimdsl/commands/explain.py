"""``nimdsl explain``: a code or a word from the catalogue, or a field from the kinds' schemas."""

from __future__ import annotations

import re
import textwrap
from typing import Annotated

import typer

from nimdsl.base.catalogue import CatalogueEntry, Word, catalogue, words
from nimdsl.base.diagnostics import error
from nimdsl.base.errors import SpecError
from nimdsl.base.suggest import did_you_mean, phrase
from nimdsl.commands.streams import styled, tell
from nimdsl.kinds import kind_names
from nimdsl.kinds.schemas import document_schema
from nimdsl.schema.fields import Unknown, explain_field, explain_fields, fields_called, find_field

_CODE = re.compile(r"(nim)?\d{2,}", re.IGNORECASE)


def command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="CODE|FIELD|WORD",
            help="A code (NIM0203), a field (Cell.machine.states) or a word of results (granted).",
        ),
    ] = "",
) -> None:
    """Explain a code of a diagnostic, a field of a document, or a word that results use.

    Without an argument it lists all codes, kinds and words.

    Example: nimdsl explain NIM0203

    Example: nimdsl explain cell.work.virtual.latency
    """
    if not what:
        tell(overview())
    elif _CODE.fullmatch(what) or what.upper().startswith("NIM"):
        tell(_code(what))
    elif (word := _word(what)) is not None:
        tell(f"{styled(' · '.join([word.name, *word.also]), 'bold')}\n\n{word.text.rstrip()}")
        if called := fields_called(what):
            tell(f"\n{explain_fields(called)}")
    else:
        tell(_field(what))


def overview() -> str:
    """Every code and every kind with its line."""
    groups = {
        "NIM01": "files and YAML",
        "NIM02": "structure",
        "NIM03": "names and expressions",
        "NIM04": "machines",
        "NIM05": "phases, protocols, economy, scenarios",
        "NIM06": "attention",
        "NIM07": "the creature",
    }
    lines: list[str] = []
    for prefix, title in groups.items():
        own = [entry for entry in catalogue().values() if entry.code.startswith(prefix)]
        lines += [styled(title, "bold"), *(f"  {entry.code}  {entry.title}" for entry in own), ""]
    lines.append(styled("kinds", "bold"))
    lines += [f"  {kind:<10} {document_schema(kind)['description']}" for kind in kind_names()]
    told = textwrap.wrap(", ".join(words()), 90, break_on_hyphens=False)
    lines += ["", styled("words", "bold"), *(f"  {line}" for line in told), ""]
    return "\n".join([*lines, "`nimdsl explain NIM0203`, `... Cell.machine` or `... granted` says more"])


def _word(what: str) -> Word | None:
    """The word that is called that, in capitals or not."""
    known = {name.lower(): one for one in words().values() for name in (one.name, *one.also)}
    return known.get(what.lower())


def _code(what: str) -> str:
    digits = re.sub(r"\D", "", what)
    code = f"NIM{digits:0>4}"
    found = catalogue().get(code)
    if found is None:
        raise SpecError(
            (error("NIM0301", f"there is no code `{what}`", fix="`nimdsl explain` lists them all"),)
        )
    return _shown(found)


def _shown(entry: CatalogueEntry) -> str:
    lines = [f"{styled(entry.code, 'bold')}: {entry.title}", "", entry.explanation.rstrip()]
    for title, colour, example in (("wrong", "red", entry.wrong), ("right", "green", entry.right)):
        if example:
            lines += ["", styled(title, colour), *_indented(example)]
    if entry.stage:
        lines += ["", styled(f"(beside documents that are in order: {entry.beside})", "dim")]
    return "\n".join(lines)


def _indented(text: str) -> list[str]:
    return [f"    {line}".rstrip() for line in text.rstrip("\n").split("\n")]


def _field(what: str) -> str:
    found = find_field(what)
    if not isinstance(found, Unknown):
        return explain_field(found)
    if not found.known:
        if called := fields_called(what):
            return explain_fields(called)
        codes = did_you_mean(what, [*kind_names(), *catalogue(), *words()])
        fix = f"did you mean `{codes}`?" if codes else "begin with a kind: " + ", ".join(kind_names())
        message = f"`{found.word}` is neither a kind nor a code nor a word of results"
        raise SpecError((error("NIM0301", message, fix=fix),))
    message = f"`{found.known}` has no field `{found.word}`"
    raise SpecError((error("NIM0203", message, fix=phrase(found.word, found.candidates)),))
