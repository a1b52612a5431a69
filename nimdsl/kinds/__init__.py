"""The kinds of documents: one object a kind, found through entry points.

A :class:`Kind` says all that the language needs of it: the schema of its documents, how they are compiled
and checked, what is drawn, what it costs, what expectations may read.  Whatever stands above the language
registers upward under the same name: how its actors take events (``nimdsl.behaviours``, see
:mod:`runtime.kernel.behaviour`), how a report shows them (``nimdsl.presentations``, see
:mod:`gardens.report.presentation`).  The kinds of this project stand in :mod:`nimdsl.assembly`.

Not here: the JSON Schemas of whole documents (:mod:`nimdsl.kinds.schemas`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NotRequired, TypedDict

from nimdsl.base.errors import PackageError
from nimdsl.base.plugins import loaded
from nimdsl.expression.types import Type
from nimdsl.program import Program

GROUP: Final = "nimdsl.kinds"
_OWN = (
    "Schema",
    "Economy",
    "Resource",
    "Organ",
    "Cell",
    "Gate",
    "Nerve",
    "Attention",
    "Phase",
    "Protocol",
    "Garden",
    "Scenario",
)
"""The kinds of this project, also where it is not installed, in the order in which they are listed.

Others follow by name."""


class WorstCost(TypedDict):
    """A worst case: micro-LF, or how long something takes, and how it comes about."""

    micro_lf: int
    text: str
    longest_ns: NotRequired[int]


@dataclass(frozen=True)
class Kind:
    """One kind of documents.

    ``compile`` gets a :class:`nimdsl.compile.compilation.Compilation` and gives what it made of each sound
    document, by name; the kinds that it ``needs`` come first.  ``part`` makes a part of the program of it.
    """

    name: str
    spec: Callable[[], Mapping[str, Any]]
    """The JSON Schema of a document's ``spec``, with a description; ``#/$defs/...`` are the common ones."""
    compile: Callable[[Any], Mapping[str, Any]]
    part: Callable[[Any, str, Any], Any] = lambda _, __, compiled: compiled
    needs: tuple[str, ...] = ()
    plural: str = ""
    """Under which name expectations see what became of its actors."""
    outcome: Callable[[Any], Type] | None = None
    """The type of what expectations see of an actor, from what was compiled."""
    participant: Callable[[Any], Any] | None = None
    """What a scenario must know of an actor: a :class:`nimdsl.compile.compilation.Participant`."""
    draw: Callable[[Program, str, bool], Any] | None = None
    """The drawing of a part: a :class:`nimdsl.show.graph.Drawing`; opened up, if asked for."""
    costs: Callable[[Program, str], list[WorstCost]] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    """What its words of results mean."""

    @property
    def prefix(self) -> str:
        """The first part of its actors' ids, and of paths to its documents."""
        return self.name.lower()


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by name.  Raises PackageError for one that cannot be had, or told from another."""
    own = {name: f"nimdsl.assembly.{name.lower()}:KIND" for name in _OWN}
    found = loaded(GROUP, own)
    order = [name for name in _OWN if name in found] + sorted(set(found) - set(_OWN))
    named: dict[str, Kind] = {}
    prefixes: dict[str, str] = {}
    for name in order:
        kind = found[name]
        if not isinstance(kind, Kind) or kind.name != name:
            raise PackageError(f"`{name}` ({GROUP}) is no kind of that name")
        if other := prefixes.get(kind.prefix):
            raise PackageError(
                f"`{name}` ({GROUP}) has the same ids as `{other}`, `{kind.prefix}/…`:"
                " rename it, or uninstall the package that brings it"
            )
        named[name] = kind
        prefixes[kind.prefix] = name
    return named


def kind_names() -> tuple[str, ...]:
    """The names of all kinds, in the order in which they are listed."""
    return tuple(kinds())


def is_own(name: str) -> bool:
    """Whether a kind is one of this project."""
    return name in _OWN


def by_prefix() -> Mapping[str, str]:
    """The names of all kinds by how paths begin: ``cell`` is ``Cell``."""
    return {kind.prefix: name for name, kind in kinds().items()}
