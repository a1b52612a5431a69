"""Relaying: what the waves of a gate contain, which are those that it hears, before gates are compiled.

Cells that hear a gate are compiled before it; so what it hears is read off its document, and off what is
known by then of those who emit in its domains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nimdsl.compile.documents import Documents
from nimdsl.compile.gate import hears
from nimdsl.compile.waves import CELL, Waves, together
from nimdsl.text.tree import ListNode, MapNode


def domain_of(spec: MapNode) -> str:
    """The domain of a gate's own waves; empty where it emits none."""
    emits = spec.get("emits")
    return _domain(emits) if isinstance(emits, MapNode) else ""


def ears_of(spec: MapNode) -> Iterator[str]:
    """The domains, and patterns of some, that a gate hears."""
    heard = spec.get("hears")
    for one in heard.items if isinstance(heard, ListNode) else ():
        if isinstance(one, MapNode) and (domain := _domain(one)):
            yield domain


def _domain(node: MapNode) -> str:
    """The domain that is written in it; empty where there is none."""
    found = node.get("domain")
    return str(found.plain()) if found is not None else ""


def cells_behind(documents: Documents, emitter: str) -> list[str]:
    """The names of the cells whose waves those of an actor contain: its own, or those that a gate hears."""
    kind, _, name = emitter.partition("/")
    if kind == CELL:
        return [name]
    cells = {one: _domain(document.spec) for one, document in documents.of("Cell").items()}
    gates = {one: domain_of(document.spec) for one, document in documents.of("Gate").items()}
    found, met, waiting = dict[str, None](), {name}, [name]
    while waiting:
        gate = documents.get("Gate", waiting.pop())
        ears = [*ears_of(gate.spec)] if gate is not None else []
        found |= dict.fromkeys(_heard(ears, cells))
        more = [one for one in _heard(ears, gates) if one not in met]
        met.update(more)
        waiting += more
    return [*found]


def _heard(ears: Sequence[str], domains: Mapping[str, str]) -> list[str]:
    """Those whose domain some ear hears."""
    return [name for name, domain in domains.items() if any(hears(ear, domain) for ear in ears)]


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
