"""Relaying: what the waves of a gate contain, which are those that it hears, before gates are compiled.

Cells that hear a gate are compiled before it; so what it hears is read off its document, and off what is
known by then of those who emit in its domains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nimdsl.compile.documents import Documents
from nimdsl.compile.gate import hears
from nimdsl.compile.waves import CELL, GATE, Waves, together
from nimdsl.text.tree import ListNode, MapNode


def domain_of(spec: MapNode) -> str:
    """The domain of a gate's own waves; empty where it emits none."""
    emits = spec.get("emits")
    domain = emits.get("domain") if isinstance(emits, MapNode) else None
    return str(domain.plain()) if domain is not None else ""


def ears_of(spec: MapNode) -> Iterator[str]:
    """The domains, and patterns of some, that a gate hears."""
    heard = spec.get("hears")
    for one in heard.items if isinstance(heard, ListNode) else ():
        domain = one.get("domain") if isinstance(one, MapNode) else None
        if domain is not None:
            yield str(domain.plain())


def cells_behind(documents: Documents, emitter: str, around: tuple[str, ...] = ()) -> list[str]:
    """The names of the cells whose waves those of an actor contain: its own, or those that a gate hears."""
    kind, _, name = emitter.partition("/")
    if kind == CELL:
        return [name]
    gate = documents.get("Gate", name)
    if gate is None or emitter in around:
        return []
    ears = [*ears_of(gate.spec)]
    found = []
    for cell, document in documents.of("Cell").items():
        domain = document.spec.get("domain")
        if domain is not None and any(hears(one, str(domain.plain())) for one in ears):
            found.append(cell)
    for other, document in documents.of("Gate").items():
        if other != name and any(hears(one, domain_of(document.spec)) for one in ears):
            found += cells_behind(documents, f"{GATE}/{other}", (*around, emitter))
    return found


def relayed(
    documents: Documents, gate: str, emitted: Mapping[str, Waves | None]
) -> dict[str, Waves | None]:
    """What a gate emits, by its id: None for nothing; no entry where that is not known yet."""
    document = documents.get("Gate", gate.partition("/")[2])
    if document is None or document.broken:
        return {}
    domain = domain_of(document.spec)
    if not domain:
        return {gate: None}
    cells = [f"{CELL}/{name}" for name in cells_behind(documents, gate)]
    sources = [waves for cell in cells if (waves := emitted.get(cell)) is not None]
    if not sources or any(cell not in emitted for cell in cells):
        return {}
    return {gate: together(domain, sources)}
