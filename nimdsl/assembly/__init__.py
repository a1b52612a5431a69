"""The kinds of this project, an object each, and the order in which all kinds are compiled.

A kind comes after those that it needs.  What another package brings is compiled like what stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nimdsl.assembly.times import mark_times
from nimdsl.assembly.whole import check_whole
from nimdsl.base.diagnostics import Diagnostic, Severity
from nimdsl.base.errors import PackageError
from nimdsl.compile.compilation import Compilation
from nimdsl.compile.documents import Documents
from nimdsl.compile.outcome import NAMES
from nimdsl.kinds import GROUP, Kind, is_own, kinds
from nimdsl.program import Program


@dataclass(frozen=True)
class Report:
    """What compiling found: every diagnostic, and the program if none of them is an error."""

    diagnostics: tuple[Diagnostic, ...]
    program: Program | None


def compile_documents(documents: Documents) -> Report:
    """Compiles everything."""
    compilation = Compilation(documents)
    known = kinds()
    _check_plurals(known)
    for kind in in_order(known):
        compilation.parts[kind.name] = dict(kind.compile(compilation))
        if kind.participant is not None:
            compilation.plurals[kind.prefix] = kind.plural
            for name, compiled in compilation.parts[kind.name].items():
                compilation.participants[f"{kind.prefix}/{name}"] = kind.participant(compiled)
    mark_times(compilation)
    check_whole(compilation)
    found = tuple(compilation.diagnostics)
    wrong = documents.damaged or any(one.severity is Severity.ERROR for one in found)
    return Report(found, None if wrong else _program(compilation, known))


def _check_plurals(known: Mapping[str, Kind]) -> None:
    """Raises PackageError where expectations could not tell kinds apart, or from what they know."""
    taken = dict.fromkeys(NAMES, "expectations")
    for kind in known.values():
        if not kind.plural or (kind.participant is None and is_own(kind.name)):
            continue  # cells and the attention are among the names
        if other := taken.get(kind.plural):
            raise PackageError(
                f"the plural `{kind.plural}` of the kind `{kind.name}` ({GROUP}) is taken by {other}:"
                " give it another"
            )
        taken[kind.plural] = f"the kind `{kind.name}`"


def _program(compilation: Compilation, known: Mapping[str, Kind]) -> Program:
    return Program(
        {
            name: {one: kind.part(compilation, one, part) for one, part in compilation.parts[name].items()}
            for name, kind in known.items()
        },
        compilation.documents,
    )


def in_order(known: Mapping[str, Kind]) -> Iterator[Kind]:
    """The kinds, each after those that it needs.  Raises PackageError where that cannot be."""
    done: set[str] = set()
    # Scenarios look at everybody who could take part.
    waiting = {name: {*kind.needs} & {*known} for name, kind in known.items()}
    waiting["Scenario"] = {*known} - {"Scenario"}
    while waiting:
        ready = [name for name, needs in waiting.items() if needs <= done]
        if not ready:
            raise PackageError(f"kinds that need each other: {', '.join(sorted(waiting))}")
        for name in ready:
            del waiting[name]
            done.add(name)
            yield known[name]
