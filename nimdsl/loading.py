"""Loading: from paths to a program, or to everything that is wrong.

:func:`check` never raises for anything a user wrote in documents; :func:`load`
raises SpecError.  Overrides (``kind/name.field.path: value``) change documents before
they are compiled.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from nimdsl.assembly import Report, compile_documents
from nimdsl.base.arguments import check_paths, check_text_argument, paths_of
from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import Diagnostic, Severity, error, in_order
from nimdsl.base.errors import NimdslError, SpecError
from nimdsl.compile.documents import gather
from nimdsl.compile.mending import mended
from nimdsl.compile.overrides import override
from nimdsl.compile.recordings import with_recordings
from nimdsl.program import Program
from nimdsl.schema.foreign import is_foreign, left_out, mentions_ours
from nimdsl.schema.remedies import MEANT_BOOLEANS
from nimdsl.text.source import Source, read_sources
from nimdsl.text.tree import Node, parse

_NAME_SOME = "name at least one file or folder"


def shipped_specs() -> Path:
    """The folder of the specs that come with nimdsl."""
    packaged = Path(__file__).parent / "shipped" / "specs"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "specs"


def check(paths: Path | str | Iterable[Path | str], root: Path | str | None = None) -> Report:
    """Everything about the documents at ``paths``: a file, a folder, or several of them.

    ``-`` is standard input.  Documents may name files in the folders of ``paths`` and in ``root``, where
    the paths in standard input begin.  Raises NimdslError for an argument that is no path.
    """
    given = paths_of("paths", paths, "a path or several are", 'write `check("garden.yaml")`')
    sources, diagnostics = read_sources([Path(path) for path in given], _root_of(root))
    if not given:
        diagnostics = (error("NIM0105", "no documents: the list of paths is empty", fix=_NAME_SOME),)
    return check_sources(sources, diagnostics)


def check_text(text: str, name: str = "<text>", root: Path | str | None = None) -> Report:
    """Everything about the documents in ``text``; they may name files in ``root``, and else none.

    Raises NimdslError for an argument that is no text, or no path.
    """
    _check_text("check_text", text, name)
    folder = _root_of(root)
    return check_sources([Source(name, text, folder, roots=(folder,) if folder is not None else ())])


def _root_of(root: Path | str | None) -> Path | None:
    """The folder that a caller allows.  Raises NimdslError for what is none."""
    if root is None:
        return None
    (folder,) = paths_of("root", root, "the path of a folder is")
    if not os.path.isdir(folder):
        raise NimdslError(f"`root`: there is no folder `{folder}`")
    return Path(folder)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Without the cycle collector: everything that is made here is kept, so a third of the time was its.

    Nor is all of it looked at in the end as if it were young: it joins what is old already, unless
    somebody has frozen objects, which would be thawed by that.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


@_collector_at_rest()
def check_sources(
    sources: Sequence[Source], found: Sequence[Diagnostic] = (), recordings: Sequence[Source] = ()
) -> Report:
    """Everything about the documents in ``sources``; ``found`` is known already.

    Recordings that scenarios name and that are not among ``recordings`` are read from their files.
    """
    roots, own, broken = _parsed(sources)
    diagnostics = [*found, *broken]
    lost = any(d.severity is Severity.ERROR for d in diagnostics)
    documents, problems = gather(roots, lost)
    known_better = {one.place for one in problems if _says_more(one)}
    diagnostics = [one for one in diagnostics if one.code != "NIM0110" or one.place not in known_better]
    blamed = {diagnostic.place for diagnostic in diagnostics}
    diagnostics += [problem for problem in problems if problem.place not in blamed]
    known = {recording.name: recording for recording in recordings}
    documents = replace(documents, sources=own, recordings=known)
    report = compile_documents(with_recordings(documents))
    diagnostics += report.diagnostics
    wrong = any(d.severity is Severity.ERROR for d in diagnostics)
    return Report(in_order(diagnostics), None if wrong else report.program)


def _says_more(problem: Diagnostic) -> bool:
    """Whether it is the better thing to say of a word that the versions of YAML read differently."""
    quoted_example = problem.code == "NIM0205" and problem.fix.startswith('write for example `"')
    return problem.code == "NIM0203" or problem.fix in MEANT_BOOLEANS or quoted_example


def _parsed(sources: Sequence[Source]) -> tuple[list[Node], tuple[Source, ...], list[Diagnostic]]:
    """The documents, where they are from, and what is wrong as YAML; other tools' files are left out."""
    roots: list[Node] = []
    own: list[Source] = []
    diagnostics: list[Diagnostic] = []
    foreign: list[str] = []
    for source in sources:
        trees, problems = parse(source)
        if (
            source.below is not None
            and all(map(is_foreign, trees))
            and not (problems and mentions_ours(source.text))
        ):
            foreign.append(source.name)
            continue
        own.append(source)
        roots += [tree for tree in trees if not (source.below is not None and is_foreign(tree))]
        diagnostics += mended(source, problems)
    if foreign:
        diagnostics.append(left_out(foreign))
    if foreign and not roots:
        message = "no documents: nothing that was found is of nimdsl"
        diagnostics.append(error("NIM0105", message, fix=_NAME_SOME))
    return roots, tuple(own), diagnostics


def load(*paths: Path | str, root: Path | str | None = None) -> Program:
    """The program in files and folders; without any, the shipped specs.

    ``-`` and ``root`` are as in :func:`check`.  Raises SpecError; NimdslError for an argument that is no
    path.
    """
    check_paths("load", paths)
    return _sound(check(paths or [shipped_specs()], root))


def load_all(paths: Sequence[Path | str]) -> Program:
    """The program in files and folders, of which there must be one.  Raises SpecError."""
    return _sound(check(paths))


def load_text(text: str, name: str = "<text>", root: Path | str | None = None) -> Program:
    """The program in ``text``, which may name files in ``root``.

    Raises SpecError; NimdslError for an argument that is no text, or no path.
    """
    _check_text("load_text", text, name)
    return _sound(check_text(text, name, root))


def with_overrides(program: Program, overrides: Mapping[str, Plain]) -> Program:
    """The program with fields of its documents changed.  Raises SpecError."""
    if not overrides:
        return program
    documents, problems = override(program.documents, overrides)
    if problems:
        raise SpecError(in_order(problems))
    report = compile_documents(with_recordings(documents))
    return _sound(Report(in_order(report.diagnostics), report.program))


def provenance(program: Program) -> dict[str, Plain]:
    """Everything that ``program`` was made of, as plain data: it travels with a run's journal."""
    documents = program.documents
    texts = [[source.name, source.text] for source in documents.sources]
    read = [[one.name, one.text] for one in documents.recordings.values() if isinstance(one, Source)]
    return {"documents": texts, "recordings": read, "set": dict(documents.changes)}


def rebuilt(origin: Mapping[str, Any]) -> Program:
    """The program that ``provenance`` describes.  Raises SpecError when it is sound no more."""
    sources = [Source(name, text, below=Path()) for name, text in origin["documents"]]
    recordings = [Source(name, text) for name, text in origin.get("recordings", ())]
    program = _sound(check_sources(sources, recordings=recordings))
    return with_overrides(program, origin["set"])


def _check_text(function: str, text: object, name: object) -> None:
    check_text_argument("text", text, function)
    check_text_argument("name", name, function)


def _sound(report: Report) -> Program:
    if report.program is None:
        raise SpecError(report.diagnostics)
    return report.program
