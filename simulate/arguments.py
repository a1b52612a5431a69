"""What a script hands to a run: looked at first, so that a mistake is said in words."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gardens.virtual.driver import Options
from nimdsl.base import diagnostics
from nimdsl.base.arguments import paths_of
from nimdsl.base.canonical import Plain
from nimdsl.base.errors import NimdslError, PermanentPortError, SpecError
from nimdsl.base.words import shown
from nimdsl.loading import load, load_all
from nimdsl.program import Program
from runtime.kernel.kernel import day_of
from runtime.ports.journal import Journal, encoded
from runtime.run.host import Checks

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
    if given is None or _is_whole(given):
        return given
    raise NimdslError(f"`seed`: {_WHOLE} is wanted, this is {shown(given)}: write `seed=1`")


def check_options(given: Options | None) -> Options:
    """How to run.  Raises NimdslError for what does not say that."""
    if given is None:
        return Options()
    if not isinstance(given, Options):
        raise NimdslError(f"`options`: `simulate.Options` is wanted, this is {shown(given)}")
    check_seed(given.seed)
    for name, (is_right, wanted, fix) in _OPTIONS.items():
        value = getattr(given, name)
        if not is_right(value):
            raise NimdslError(f"`options.{name}`: {wanted} is wanted, this is {shown(value)}: write {fix}")
    return given


def _is_whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 0


def _is_epoch(given: object) -> bool:
    try:
        return isinstance(given, str) and (not given or day_of(given) >= 0)
    except ValueError:
        return False


def _is_callable_or_none(given: object) -> bool:
    return given is None or callable(given)


def _is_translator_or_none(given: object) -> bool:
    return given is None or (callable(getattr(given, "translate", None)) and not isinstance(given, type))


_WHOLE = "a whole number from 0 on"
_OPTIONS: Mapping[str, tuple[Callable[[object], bool], str, str]] = {
    "replication": (_is_whole, _WHOLE, "`replication=1`"),
    "epoch": (_is_epoch, "an instant in ISO 8601, or nothing,", '`epoch="2026-01-01T06:00:00Z"`'),
    "checks": (
        lambda given: isinstance(given, Checks),
        "a `Checks`",
        "`checks=Checks(round_trip=True)`, of `runtime.run.host`",
    ),
    "interpreter": (
        callable,
        "a function from a table to an interpreter",
        "`interpreter=PlainInterpreter`, of `runtime.kernel.interpreters`",
    ),
    "translator": (
        _is_translator_or_none,
        "an object with a method `translate`, or None,",
        "`translator=DocumentTranslator(program.schemas)`, of `runtime.ports.translator`",
    ),
    "observe": (_is_callable_or_none, "a function that takes a record, or None,", "`observe=print`"),
    "notice": (_is_callable_or_none, "a function that takes an incident, or None,", "`notice=print`"),
    "booked": (_is_callable_or_none, "a function that takes an entry, or None,", "`booked=print`"),
    "keep": (lambda given: isinstance(given, bool), "True or False", "`keep=False`"),
}
"""For each field but the seed: whether a value is right, what is wanted, an example."""


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
