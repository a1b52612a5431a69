"""What verbs are asked: which documents, which scenario or garden, what changed."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from nimdsl.assembly import Report
from nimdsl.base.canonical import Plain
from nimdsl.base.diagnostics import Diagnostic, error
from nimdsl.base.errors import SpecError
from nimdsl.base.suggest import phrase
from nimdsl.commands.output import print_diagnostics
from nimdsl.commands.streams import styled, tell
from nimdsl.compile.documents import gather
from nimdsl.compile.overrides import parse_assignment
from nimdsl.kinds import by_prefix, kind_names
from nimdsl.loading import check, shipped_specs
from nimdsl.program import Program
from nimdsl.text.source import SUFFIXES, read_sources
from nimdsl.text.streams import descriptor_of
from nimdsl.text.tree import Node, parse


class Format(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


HERE = Path()
OF_THIS_FOLDER = "documents of ./"
SPECS_OR_PATH = "`--specs DIR`, or a path, names others"
NAMED_MAX = 3
"""How many folders a remark names."""
LOOKED_AT_MAX = 1 << 16
"""How many characters of a file are looked at to see whether it is ours."""

Named = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO|PATH",
        help="The scenario to run, or its documents (`-`: from a pipe); default: `spark`, or the only one.",
    ),
]
Specs = Annotated[
    list[Path] | None,
    typer.Option(
        help="Documents: files, folders, `-` for standard input; default: this folder's, else the shipped."
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where files are that documents name, when they are not in the folder of their document.",
    ),
]
Garden = Annotated[str, typer.Argument(help="The garden; default: `local`.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Root of all draws; default: the scenario's.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a field for this run.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for the journal (SQLite) and the records.")]
Page = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write a page (HTML) that shows the run.")
]
Perfetto = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a trace for ui.perfetto.dev (JSON).")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show each step as it happens.")]
Printed = Annotated[Format, typer.Option("--format", help="How to print.")]


# Which documents


@dataclass(frozen=True)
class Meant:
    """What a command line means: a program, a scenario in it (empty: its own choice), where it is from."""

    program: Program
    scenario: str
    paths: tuple[Path, ...]
    warnings: tuple[Diagnostic, ...] = ()
    """And notes: what `nimdsl validate` says of the documents."""


def meant(given: str, specs: Sequence[Path] | None, quiet: bool = False, root: Path | None = None) -> Meant:
    """What ``given`` means: a scenario's name, or the path of documents.  Raises SpecError.

    A name is looked for in ``specs``; without any, in the documents of this folder, then in the shipped
    ones.  A name wins over a path.  What is not clear from the command line is said, unless ``quiet``.
    ``root`` is where documents may name files, too.
    """
    is_path = bool(given) and Path(given).exists()
    if specs:
        found = _loaded(specs, given, root)
        if is_path and given not in found.program.scenarios:
            fix = f"write `--specs {given}`"
            text = f"`{given}` is a path, a scenario of `--specs` is wanted"
            raise SpecError((error("NIM0301", text, fix=fix),))
        return found
    named = [Path(given)]
    if descriptor_of(named[0]) is not None:
        return _loaded(named, "", root)
    if is_path and (named[0].name != given or named[0].suffix.lower() in SUFFIXES):
        return _loaded(named, "", root)
    if not is_path and ("/" in given or named[0].suffix.lower() in SUFFIXES):
        return _loaded(named, "", root)  # which says that there is no such file
    found = _named(given, is_path, quiet, root)
    if found.scenario not in found.program.scenarios and is_path:
        return _loaded(named, "", root)
    if is_path and not quiet:
        say(f"`{given}` is a scenario, and a path: `--specs {given}` takes that")
    return found


def _loaded(paths: Sequence[Path], scenario: str, root: Path | None) -> Meant:
    """What is in documents that were named.  Raises SpecError."""
    return _meant(check(paths, root), scenario, paths)


def _meant(report: Report, scenario: str, paths: Sequence[Path]) -> Meant:
    if report.program is None:
        _check_declared(Sought(scenario, ["Scenario"], "`{}` is neither a path nor a scenario"), paths)
        raise SpecError(report.diagnostics)
    return Meant(report.program, scenario, tuple(paths), report.diagnostics)


def _named(given: str, is_path: bool, quiet: bool, root: Path | None) -> Meant:
    """This folder, unless only the shipped specs have a scenario of that name, or it holds no documents."""
    shipped = [shipped_specs()]
    if not holds_documents(HERE):
        return _loaded(shipped, given, root)
    report = check([HERE], root)
    here = report.program
    if not given or (given in here.scenarios if here else declares([HERE], given)):
        found = _of_here(report, given)
        if not quiet:
            say(OF_THIS_FOLDER)
        return found
    found = _loaded(shipped, given, root)
    if given in found.program.scenarios:
        if not quiet:
            say(f"documents of the shipped specs: those of ./ have no scenario `{given}`")
        return found
    if is_path:
        return found
    return _of_here(report, given)


def _of_here(report: Report, scenario: str, how: str = SPECS_OR_PATH) -> Meant:
    """What is in this folder.  Raises SpecError, having said that nobody named the folder."""
    if report.program is None:
        say(unasked(how))
    return _meant(report, scenario, [HERE])


@dataclass(frozen=True)
class Sought:
    """The name that somebody asks for: of which kinds (none: any), what to say if nobody has it.

    ``others`` are names that would do as well.
    """

    name: str
    kinds: Sequence[str] = ()
    unknown: str = "there is no document named `{}`"
    others: Sequence[str] = ()


def program_of(
    specs: Sequence[Path] | None, root: Path | None = None, sought: Sought | None = None
) -> Program:
    """The program in the documents that are ``chosen``; says their warnings.  Raises SpecError.

    Of documents that are wrong and do not have the name that is ``sought`` for only the latter is said.
    """
    paths, _ = chosen(specs, quiet=True)
    report = check(paths, root)
    if report.program is None and sought is not None:
        _check_declared(sought, paths)
    if specs or paths != [HERE]:
        found = _meant(report, "", paths)
    else:
        found = _of_here(report, "", "`--specs DIR` names others")
        say(OF_THIS_FOLDER)
    say_warnings(found.warnings)
    return found.program


def unasked(how: str) -> str:
    """That this folder was read because none was named, what lies below it, and how to name others."""
    names = (Path(source.name).parts for source in read_sources([HERE])[0])
    below = [f"{name}/" for name in sorted({parts[0] for parts in names if len(parts) > 1})]
    more = [f"{len(below) - NAMED_MAX} more"] if len(below) > NAMED_MAX else []
    also = ", ".join([*(f"`{name}`" for name in below[:NAMED_MAX]), *more])
    return f"no documents were named, so ./ was read{f', with {also} below it' if also else ''}: {how}"


def declares(paths: Sequence[Path], name: str, kinds: Sequence[str] = ("Scenario",)) -> bool:
    """Whether documents of these kinds, in or below ``paths``, are called so; they need not compile.

    A file that cannot be read to its end is taken at the word that stands in it.
    """
    names, unread = _names_in(paths, kinds)
    return name in names or any(name in text for text in unread)


def _names_in(paths: Sequence[Path], kinds: Sequence[str]) -> tuple[set[str], list[str]]:
    """The names of documents, also as they are written, and the texts that cannot be read to their end."""
    roots: list[Node] = []
    unread: list[str] = []
    for source in read_sources([*paths])[0]:
        trees, problems = parse(source)
        unread += [source.text] if problems else []
        roots += trees
    documents = gather(roots)[0]
    found = [one for kind in kinds for one in documents.of(kind).values()]
    return {name for one in found for name in (one.name, one.template)}, unread


def _check_declared(sought: Sought, paths: Sequence[Path]) -> None:
    """Says of a name that nobody has, in documents that are wrong, only that.  Raises SpecError."""
    prefix, _, rest = sought.name.partition("/")
    name = rest if prefix.lower() in by_prefix() else sought.name
    if not name or any(descriptor_of(path) is not None for path in paths):
        return
    names, unread = _names_in(paths, sought.kinds or kind_names())
    if name not in names and not any(name in text for text in unread):
        likely = phrase(name, [*names, *sought.others])
        fix = "; ".join(filter(None, [likely, "`nimdsl validate` says what is wrong with the documents"]))
        raise SpecError((error("NIM0301", sought.unknown.format(sought.name), fix=fix),))


def chosen(paths: Sequence[Path] | None, quiet: bool = False) -> tuple[list[Path], str]:
    """The documents that are meant, and what to call them: the named, this folder's, or the shipped."""
    if paths:
        return list(paths), " ".join(str(path) for path in paths)
    if not holds_documents(HERE):
        return [shipped_specs()], "the shipped specs"
    if not quiet:
        say(OF_THIS_FOLDER)
    return [HERE], "this folder"


def folders_of(specs: Sequence[Path] | None, root: Path | None = None) -> tuple[str, ...]:
    """Where Python callables are looked for: beside the documents, in their root, and here."""
    beside = [path if path.is_dir() else path.parent for path in specs or () if descriptor_of(path) is None]
    beside += [root] if root is not None else []
    return tuple(dict.fromkeys(str(path.resolve()) for path in [*beside, Path()]))


def holds_documents(folder: Path) -> bool:
    """Whether a YAML file in it, not below it, has a document of ours; other tools' files are none."""
    kinds = "|".join(kind_names())
    ours = re.compile(rf"^(apiVersion:.*nimdsl|kind:\s*['\"]?({kinds})\b)", re.MULTILINE)
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
        return any(path.name[0] != "." and ours.search(_beginning(path)) for path in sorted(files))
    except OSError:
        return False


def _beginning(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(LOOKED_AT_MAX)


def say(text: str) -> None:
    """A remark for a person, on standard error."""
    tell(styled(text, "dim"), sys.stderr)


def say_warnings(warnings: Sequence[Diagnostic]) -> None:
    """What `nimdsl validate` would say too, on standard error."""
    print_diagnostics(warnings, sys.stderr)
    if warnings:
        tell(stream=sys.stderr)


def say_unless_json(warnings: Sequence[Diagnostic], format_: Format) -> Sequence[Diagnostic] | None:
    """The warnings that a program finds in its JSON; None for a person, who is told them now."""
    if format_ is Format.JSON:
        return warnings
    say_warnings(warnings)
    return None


def assignments(texts: Sequence[str]) -> dict[str, Plain]:
    """``--set PATH=VALUE``, each of them.  Raises SpecError."""
    parsed: list[Any] = [parse_assignment(text) for text in texts]
    problems = tuple(item for item in parsed if isinstance(item, Diagnostic))
    if problems:
        raise SpecError(problems)
    return dict(parsed)
