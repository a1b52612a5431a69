"""Compiles ``starts`` of a ``Scenario``: who comes into the world after the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from nimdsl.base.suggest import phrase
from nimdsl.compile.reader import Reader
from nimdsl.program import Garden
from nimdsl.program.rack import rack_id


def ids_of(
    protocol: str, cells: Iterable[str], attention: str, others: Iterable[str], garden: Garden | None
) -> list[str]:
    """The ids of all who take part, with the racks of the garden."""
    named = [("protocol", protocol), ("attention", attention), *(("cell", name) for name in sorted(cells))]
    racks = [rack_id(host.name) for host in garden.hosts] if garden is not None else []
    return [*(f"{kind}/{name}" for kind, name in named if name), *others, *racks]


def compile_starts(reader: Reader, ids: Sequence[str]) -> dict[str, int]:
    """When actors begin, ns, by id; of two lines that fit, the one that stands further below.

    NIM0301 for one that takes no part, NIM0203 for an attention, whose beats count from the beginning.
    """
    inner = reader.sub("starts")
    found: dict[str, int] = {}
    if inner is None:
        return found
    for key in inner.node.entries:
        meant = [one for one in ids if fnmatchcase(one, key)]
        if not meant:
            message = f"`{key}` takes no part in this scenario"
            inner.findings.report("NIM0301", message, inner.place(key), phrase(key, ids))
        elif any(one.startswith("attention/") for one in meant):
            message = "an attention is there from the beginning: its beats count from there"
            inner.findings.report("NIM0203", message, inner.place(key), f"remove `{key}`")
        found |= dict.fromkeys(meant, inner.duration(key))
    return found
