"""The purses of a cell: the economy that it lives on, and those that its transitions pay besides."""

from __future__ import annotations

from collections.abc import Container, Iterator

from nimdsl.base.diagnostics import Place
from nimdsl.compile.documents import Document
from nimdsl.compile.interface import UNCLAIMED
from nimdsl.compile.reader import Reader
from nimdsl.program.flatten import FAULT, REFUSED, RETURNED
from nimdsl.program.machine import State, every_way
from nimdsl.text.tree import ListNode, MapNode, Node

OWN_EVENTS = {"pulse": "pulse", "slumber": "slumber", "wake": "slumber"}
"""What an economy tells besides marks, by the field that makes it do so."""
OUTCOMES = ("done", "failed", "unknown")
BUILT_IN = (REFUSED, FAULT, RETURNED, UNCLAIMED)


def marks_of(reader: Reader, economy: str, accepts: Container[str]) -> list[str]:
    """The marks that a cell can be told: of its own economy, or of any, and of those that it pays besides.

    NIM0208 and NIM0510 for names that mean two things.
    """
    economies = reader.findings.documents.of("Economy")
    declared = {name: marks for name, document in economies.items() if (marks := _declared(document))}
    paid = _paid(reader.node.get("machine")) if declared.keys() - {economy} else ()
    besides = {name: place for name, place in paid if name in declared}
    own = [economy] if economy else [] if "economy" in reader else [*economies]
    known: dict[str, str] = {}
    for name in dict.fromkeys([*own, *besides]):
        for mark in declared.get(name, ()):
            _check_event(reader, name, mark, accepts)
            first = known.setdefault(mark, name)
            if first != name and {first, name} <= {economy, *besides}:
                message = f"`{mark}` is a mark of `{first}` and of `{name}`, and the cell pays from both"
                place = besides.get(name, reader.place("economy"))
                reader.findings.report("NIM0510", message, place, "give one of the marks another name")
    return [*known]


def told_of(reader: Reader, accepts: Container[str]) -> list[str]:
    """What economies tell besides marks: pulses, slumber, waking.  NIM0208 for one that is accepted too."""
    documents = reader.findings.documents.of("Economy").values()
    fields = {key for document in documents for key in document.spec.entries}
    told = [event for event, field in OWN_EVENTS.items() if field in fields]
    inner = reader.sub("accepts")
    for event in told:
        if event in accepts and inner is not None:
            message = f"`{event}` is told by an economy, so nobody can send it"
            place = inner.node.key_place(event)
            reader.findings.report("NIM0208", message, place, "give the event another name")
    return told


def may_hear_more(reader: Reader) -> bool:
    """Whether a cell may be told of marks that cannot be read: an economy that it may live on is broken."""
    economies = reader.findings.documents.of("Economy").values()
    return "economy" not in reader and any(one.broken and not _declared(one) for one in economies)


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


def _paid(node: Node | None) -> Iterator[tuple[str, Place]]:
    """Every economy that the ``costs`` of a machine, or of a state and of those in it, name, and where.

    The machine is not compiled yet: which events there are, and so what it may read, hangs on this.
    """
    if not isinstance(node, MapNode):
        return
    for key in ("any", "transitions", "timers"):
        ways = node.get(key)
        for way in ways.items if isinstance(ways, ListNode) else ():
            costs = way.get("costs") if isinstance(way, MapNode) else None
            if isinstance(costs, MapNode):
                yield from ((name, costs.key_place(name)) for name in costs.entries)
    states = node.get("states")
    for state in states.entries.values() if isinstance(states, MapNode) else ():
        yield from _paid(state)
