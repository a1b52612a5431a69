"""The purses of a cell: the economy that it lives on, and those that its transitions pay besides."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import lru_cache

from nimdsl.base.diagnostics import Place
from nimdsl.compile.documents import Document
from nimdsl.compile.interface import UNCLAIMED
from nimdsl.compile.reader import Reader
from nimdsl.program.flatten import FAULT, REFUSED, RETURNED
from nimdsl.program.machine import State, every_way
from nimdsl.text.tree import ListNode, MapNode, Node

OUTCOMES = ("done", "failed", "unknown")
BUILT_IN = (REFUSED, FAULT, RETURNED, UNCLAIMED)


def marks_of(reader: Reader, economy: str, accepts: Container[str]) -> list[str]:
    """The marks that a cell can be told: of its own economy, or of any, and of those that it pays besides.

    NIM0208 and NIM0510 for names that mean two things.
    """
    economies = reader.findings.documents.of("Economy")
    paid = _named_in_costs(reader.node) if _may_cost(reader.node.source.text) else ()
    besides = {name: place for name, place in paid if name in economies}
    own = [economy] if economy else [] if "economy" in reader else [*economies]
    known: dict[str, str] = {}
    for name in dict.fromkeys([*own, *besides]):
        for mark in _declared(economies[name]):
            _check_event(reader, name, mark, accepts)
            first = known.setdefault(mark, name)
            if first != name and {first, name} <= {economy, *besides}:
                message = f"`{mark}` is a mark of `{first}` and of `{name}`, and the cell pays from both"
                place = besides.get(name, reader.place("economy"))
                reader.findings.report("NIM0510", message, place, "give one of the marks another name")
    return [*known]


@lru_cache(maxsize=64)
def _may_cost(text: str) -> bool:
    """Whether some document of a file may name economies in ``costs``: of a large one it is asked often."""
    return "costs" in text


def _declared(document: Document) -> list[str]:
    """The marks of an economy, also of one that is wrong itself."""
    marks = document.spec.get("marks")
    return list(marks.entries) if isinstance(marks, MapNode) else []


def purses_of(root: State, economy: str) -> frozenset[str]:
    """The economies that a cell names: the one that it lives on, and those of its ``costs``."""
    besides = {price.economy for way in every_way(root) for price in way.costs}
    return frozenset({economy, *besides} - {""})


def _check_event(reader: Reader, economy: str, mark: str, accepts: Container[str]) -> None:
    inner = reader.sub("accepts")
    for event in (mark, f"{mark}.over"):
        if event in accepts and inner is not None:
            message = f"`{event}` is told by the mark of `{economy}`, so nobody can send it"
            place = inner.node.key_place(event)
            reader.findings.report("NIM0208", message, place, "give the event or the mark another name")
    outcomes = {one.text(way, way): one for _, one in reader.named("work") for way in OUTCOMES}
    if mark in outcomes or mark in BUILT_IN:
        what = "what work comes back with" if mark in outcomes else "an event that every machine can hear"
        own = reader.place("economy") if "economy" in reader else reader.findings.document.place
        place = outcomes[mark].node.place if mark in outcomes else own
        message = f"`{mark}` is a mark of `{economy}`, and {what} too"
        reader.findings.report("NIM0208", message, place, "give one of them another name")


def _named_in_costs(node: Node | None) -> Iterator[tuple[str, Place]]:
    """Every economy that some ``costs`` of the document names, and where."""
    if isinstance(node, ListNode):
        for item in node.items:
            yield from _named_in_costs(item)
    for key, value in node.entries.items() if isinstance(node, MapNode) else ():
        if key == "costs" and isinstance(value, MapNode):
            yield from ((name, value.key_place(name)) for name in value.entries)
        else:
            yield from _named_in_costs(value)
