"""What a script hands to a run: looked at first, so that a mistake is said in words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gardens.virtual.driver import Options
from nimdsl.base import diagnostics
from nimdsl.base.arguments import paths_of
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import NimdslError, PermanentPortError, SpecError
from nimdsl.base.words import shown
from nimdsl.loading import load, load_all
from nimdsl.program import Program
from runtime.ports.journal import Journal, encoded

Place = str | Path


def program_of(given: Program | Place | Sequence[Place] | None) -> Program:
    """A program, as it is or from its documents.  Raises SpecError; NimdslError for what is neither."""
    if isinstance(given, Program):
        return given
    if given is None:
        return load()
    if isinstance(given, str):
        _check_no_scenario(given)
    if isinstance(given, Place):
        return load(given)
    paths = paths_of("program", given, "a Program, a path, a list of paths or None (the shipped specs) is")
    return load_all(paths)


def _check_no_scenario(given: str) -> None:
    """A path is wanted, where a command line takes the name of a scenario too."""
    if not os.path.exists(given) and given in load().scenarios:
        fix = f'to run a shipped scenario write `simulate.run(None, "{given}")`'
        place = diagnostics.Place(given)
        raise SpecError((diagnostics.error("NIM0101", f"no such file: `{given}`", place, fix),))


def check_overrides(given: Mapping[str, Plain] | None) -> dict[str, Plain]:
    """The overrides of a run.  Raises NimdslError for what can be none."""
    example = 'write `set={"economy/lifeforce.opening": 50}`'
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise NimdslError(f"`set`: fields and their values are wanted, this is {shown(given)}: {example}")
    for field, value in given.items():
        if not isinstance(field, str):
            raise NimdslError(f"`set`: the name of a field is text, this is {shown(field)}: {example}")
        try:
            encoded(value)
        except ValueError:
            raise NimdslError(f"`set`: `{field}`: {shown(value)} cannot stand in a document") from None
    return dict(given)


def check_seed(given: int | None) -> int | None:
    """The seed of a run, None for the scenario's own.  Raises NimdslError for what can be none."""
    whole = isinstance(given, int) and not isinstance(given, bool)
    if given is None or (whole and given >= 0):
        return given
    raise NimdslError(f"`seed`: a whole number from 0 on is wanted, this is {shown(given)}: write `seed=1`")


def check_options(given: Options | None) -> Options:
    """How to run.  Raises NimdslError for what does not say that."""
    if given is None:
        return Options()
    if isinstance(given, Options):
        check_seed(given.seed)
        return given
    raise NimdslError(f"`options`: `simulate.Options` is wanted, this is {shown(given)}")


def check_journal(given: object) -> None:
    """A run needs a journal without another run in it.  Raises NimdslError, PermanentPortError."""
    if given is None:
        return
    if not isinstance(given, Journal):
        fix = "write `SqliteJournal(path)`, of `gardens.stores.sqlite`"
        raise NimdslError(f"`journal`: a journal is wanted, this is {shown(given)}: {fix}")
    if given.counts():
        raise PermanentPortError(
            f"{given.place}: it holds a run already: give each run a journal of its own"
        )
