"""``nimdsl explain``: a diagnostic code from the catalogue, or a field from the kinds' schemas."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from nimdsl.catalogue import Entry, catalogue
from nimdsl.commands.output import styled
from nimdsl.diagnostics import error
from nimdsl.errors import SpecError
from nimdsl.fields import Unknown, explain_field, find_field
from nimdsl.kinds import KINDS, document_schema
from nimdsl.suggest import did_you_mean, phrase

_CODE = re.compile(r"(nim)?\d{2,}", re.IGNORECASE)


def command(
    what: Annotated[
        str, typer.Argument(metavar="CODE|FIELD", help="A code (NIM0203) or a field (Cell.machine.states).")
    ] = "",
) -> None:
    """Explain a code of a diagnostic, or a field of a document.

    Without an argument it lists all codes and kinds.

    Example: nimdsl explain NIM0203

    Example: nimdsl explain cell.work.virtual.latency
    """
    if not what:
        print(overview())
    elif _CODE.fullmatch(what) or what.upper().startswith("NIM"):
        print(_code(what))
    else:
        print(_field(what))


def overview() -> str:
    """Every code and every kind with its line."""
    groups = {
        "NIM01": "files and YAML",
        "NIM02": "structure",
        "NIM03": "names and expressions",
        "NIM04": "machines",
        "NIM05": "phases, protocols, economy, scenarios",
        "NIM06": "attention",
    }
    lines: list[str] = []
    for prefix, title in groups.items():
        own = [entry for entry in catalogue().values() if entry.code.startswith(prefix)]
        lines += [styled(title, "bold"), *(f"  {entry.code}  {entry.title}" for entry in own), ""]
    lines.append(styled("kinds", "bold"))
    lines += [f"  {kind:<10} {document_schema(kind)['description']}" for kind in KINDS]
    return "\n".join([*lines, "", "`nimdsl explain NIM0203` or `nimdsl explain Cell.machine` says more"])


def _code(what: str) -> str:
    digits = re.sub(r"\D", "", what)
    code = f"NIM{digits:0>4}"
    found = catalogue().get(code)
    if found is None:
        raise SpecError(
            (error("NIM0301", f"there is no code `{what}`", fix="`nimdsl explain` lists them all"),)
        )
    return _shown(found)


def _shown(entry: Entry) -> str:
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
        codes = did_you_mean(what, [*KINDS, *catalogue()])
        fix = f"did you mean `{codes}`?" if codes else "begin with a kind: " + ", ".join(KINDS)
        raise SpecError((error("NIM0301", f"`{found.word}` is neither a kind nor a code", fix=fix),))
    message = f"`{found.known}` has no field `{found.word}`"
    raise SpecError((error("NIM0203", message, fix=phrase(found.word, found.candidates)),))
