"""The files that a verb is asked to write, before it writes any: none replaces what the run reads.

Files are the same when the system says so, whatever they are called: links are seen through.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gardens.report.atomic_file import partial_of
from gardens.report.result.export import files_in
from nimdsl.base.errors import PermanentPortError
from nimdsl.program import Program
from nimdsl.text.source import Source


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
        self._check_apart()

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


def _are_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
