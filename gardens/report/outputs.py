"""The files that a verb is asked to write, before it writes any: none replaces what the run reads.

Files are the same when the system says so, whatever they are called: links are seen through.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gardens.report.result.export import files_in
from nimdsl.base.atomic_file import partial_of
from nimdsl.base.errors import PermanentPortError
from nimdsl.program import Actor, Program
from nimdsl.text.source import SUFFIXES, Source, is_within


@dataclass(frozen=True)
class Outputs:
    """``--report``, ``--perfetto`` and ``--out`` of a verb."""

    report: Path | None = None
    perfetto: Path | None = None
    out: Path | None = None

    def check(self, program: Program) -> None:
        """Looks at them beside the files that ``program`` was made of.

        Raises PermanentPortError for one that would replace such a file, or another of them.
        """
        there = [(path, wanted) for path, wanted in self._files() if os.path.exists(path)]
        for what, read in _inputs(program) if there else ():
            for path, wanted in there:
                if _are_same(path, read):
                    raise PermanentPortError(
                        f"cannot write to {path}: it is {what} of this run, choose another {wanted}"
                    )
        self._check_names(program)
        self._check_apart()

    def _check_names(self, program: Program) -> None:
        """A page is no document: it would be read as one the next time that its folder is."""
        roots = _roots(program)
        for path in (self.report, self.perfetto):
            if path is not None and path.suffix.lower() in SUFFIXES and is_within(path, roots):
                raise PermanentPortError(
                    f"cannot write to {path}: it would be read as a document, choose a name "
                    f"that does not end in {path.suffix}"
                )

    def _files(self) -> Iterator[tuple[Path, str]]:
        """Everything that will be written, and what to choose another of."""
        for path in (self.report, self.perfetto):
            if path is not None:
                yield path, "name"
                yield partial_of(path), "name"
        if self.out is not None:
            for path in files_in(self.out):
                yield path, "folder"

    def _check_apart(self) -> None:
        named = [("--report", self.report), ("--perfetto", self.perfetto)]
        taken = {os.path.realpath(path): "--out" for path in (files_in(self.out) if self.out else ())}
        for option, path in named:
            if path is None:
                continue
            other = taken.setdefault(os.path.realpath(path), option)
            if other != option:
                raise PermanentPortError(f"{other} and {option} both write to {path}: choose another name")


def _inputs(program: Program) -> Iterator[tuple[str, Path]]:
    documents = program.documents
    for source in documents.sources if documents is not None else ():
        if source.path is not None:
            yield "a document", source.path
    for recording in documents.recordings.values() if documents is not None else ():
        if isinstance(recording, Source) and recording.path is not None:
            yield "a recording", recording.path

    for path in _modules(program):
        yield "a module", path
    for garden in program.gardens.values():
        for group in garden.real.groups if garden.real else ():
            yield from (("a program", Path(word)) for word in group.command)


def _roots(program: Program) -> list[Path]:
    """The folders that the documents were read from."""
    sources = program.documents.sources if program.documents is not None else ()
    return list(dict.fromkeys(root for source in sources for root in source.roots))


def _modules(program: Program) -> Iterator[Path]:
    """Where the Python callables of works may be."""
    actors: list[Actor] = [*program.cells.values(), *program.attentions.values()]
    actors += [protocol.actor for protocol in program.protocols.values()]
    works = [work for actor in actors for work in actor.works.values()]
    names = [str(work.real["python"]).partition(":")[0] for work in works if "python" in work.real]
    folders = [*_roots(program), Path()]
    for name in dict.fromkeys(names):
        for folder in folders:
            module = folder.joinpath(*name.split("."))
            yield module.with_suffix(".py")
            yield module / "__init__.py"


def _are_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
