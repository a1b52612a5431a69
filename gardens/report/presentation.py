"""How the actors of a kind are shown: one object a kind, found through entry points.

What a report knows of an actor it gathers record by record (:class:`Observer`), in bounded memory.  A
package that brings a kind (:mod:`nimdsl.kinds`) registers a :class:`Presentation` under
``nimdsl.presentations`` with the kind's prefix as its name; a kind without one is shown as states over
time, like a cell.  Those of this project stand in :mod:`gardens.report.presentations`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, Protocol

from markupsafe import Markup

from nimdsl.base.errors import PackageError
from nimdsl.base.plugins import loaded
from nimdsl.program import Actor
from runtime.records import Record

GROUP: Final = "nimdsl.presentations"
_OWN = {
    "cell": "gardens.report.presentations:CELL",
    "protocol": "gardens.report.presentations:PROTOCOL",
    "attention": "gardens.report.presentations:ATTENTION",
    "gate": "gardens.report.presentations:GATE",
    "nerve": "gardens.report.presentations:NERVE",
    "rack": "gardens.report.presentations:RACK",
}


class Observer(Protocol):
    """What is remembered of one actor."""

    def take(self, record: Record) -> None:
        """One record more, in the actor's order."""


class Section(NamedTuple):
    """A part of the page: an anchor, a title, its HTML, a note below the title.

    The rest is text.  ``Markup("<li>{}</li>").format(name)`` escapes what is put into it.
    """

    anchor: str
    title: str
    body: Markup
    note: str = ""


@dataclass(frozen=True)
class Presentation:
    """How one kind is shown; whatever is left out is nothing to see."""

    line: Callable[[Record], str] | None = None
    """A record as one line for a person, as markup of rich; empty for one that nobody wants to see."""
    observe: Callable[[Actor], Observer] | None = None
    text: Callable[[Mapping[str, Any]], Iterable[str]] | None = None
    """Lines of the report, as markup of rich, from the observers of the kind by actor."""
    sections: Callable[[Mapping[str, Any]], Sequence[Section]] | None = None
    """Parts of the page, from the same."""


@cache
def presentation_of(kind: str) -> Presentation:
    """The presentation of a kind, by the first part of its actors' ids.  Raises PackageError."""
    found = loaded(GROUP, _OWN).get(kind, Presentation())
    if not isinstance(found, Presentation):
        raise PackageError(f"`{kind}` ({GROUP}) is no Presentation: name one")
    return found
