"""What criteria and expectations may read once a run is over.

The values are gathered by whoever ran the scenario (``gardens.report.result.outcome``); the
names and types are fixed here, so that a typing mistake is found before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import (
    ANY,
    BOOL,
    DURATION,
    INT,
    LIFEFORCE,
    SHARE,
    STRING,
    Type,
    join,
    list_of,
    record_of,
)
from nimdsl.program import Beat

AMOUNTS = ("initial", "spent", "earned", "final", "least", "most", "shortfall")
"""What is told of an economy in lifeforce: ``least`` and ``most`` are of its pool."""
PURSE = {**dict.fromkeys(AMOUNTS, LIFEFORCE), "starved": BOOL, "starved_at": DURATION}
LENDING = {
    "granted": INT,
    "withdrawn": INT,
    "refused": INT,
    "utilisation": SHARE,
    "waited": DURATION,
    "waited_max": DURATION,
    "queue_max": INT,
}
"""What is told of a resource: ``waited`` is the mean of all that were granted."""
ORGAN = {
    **dict.fromkeys(("served", "refused", "loads", "evictions", "slices", "version"), INT),
    "resident": DURATION,
}
"""What is told of an organ: ``resident`` is how long it had memory of a card in all."""
REFUSAL = {"actor": STRING, "economy": STRING, "price": LIFEFORCE, "balance": LIFEFORCE}
_SUMS = ("completed", "errors", "handshakes", "accepted", "attempts", "duration", "lifeforce")
NAMES = frozenset(
    (*_SUMS, "refusals", "phases", "cells", "economies", "resources", "organs", "beats", "attention")
)
"""What is known without kinds from other packages."""


@dataclass(frozen=True)
class CellView:
    """What expectations see of a cell: the types of its data, and the paths of its states."""

    data: Mapping[str, Type]
    states: tuple[str, ...]


Cells = Mapping[str, CellView | None]
"""By name; None for a cell that is not known because it is wrong itself."""
NO_PROTOCOL = "this scenario runs no protocol, so there is no phase `{}`"
STAY = record_of({"entered": INT, "time": DURATION, "longest": DURATION}, "the state")


def outcome_scope(
    phases: Mapping[str, Type],
    cells: Cells,
    beat: Beat | None = None,
    others: Mapping[str, Mapping[str, Type]] | None = None,
    families: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    economies: Sequence[str] = (),
    resources: Sequence[str] = (),
    organs: Sequence[str] = (),
    open: bool = False,
) -> Scope:
    """The names of an outcome: ``phases`` as expressions in them see them, ``cells`` as they are seen.

    ``beat`` is that of the attention, if one takes part; ``others`` are what is seen of actors of other
    kinds, by the plural of the kind and by name; ``families`` is what is seen together.  ``economies``,
    ``resources`` and ``organs`` are those that take part.  ``open`` says that there may be more phases and
    cells, which could not be compiled; what a cell lives on, acquires or asks that could not is not known
    either.
    """
    seen = {name: _cell(name, cell) for name, cell in cells.items()}
    together = families or {}
    for text, names in together.get("cells", {}).items():
        seen[text] = _together([_cell(text, cells[one]) for one in names])
    unsure = open or None in cells.values()
    purses = _alike(PURSE, economies, together.get("economies", {}))
    lending = _alike(LENDING, resources, together.get("resources", {}))
    asked = _alike(ORGAN, organs, together.get("organs", {}))
    judged = {name: _phase(kind) for name, kind in phases.items()}
    of_phase = "the protocol has no phase `{}`"
    kinds = {
        "completed": BOOL,
        "errors": INT,
        "handshakes": INT,
        "accepted": INT,
        "attempts": INT,
        "duration": DURATION,
        "lifeforce": record_of(PURSE, "lifeforce"),
        "economies": record_of(purses, "no economy `{}` takes part", unsure),
        "resources": record_of(lending, "no resource `{}` takes part", unsure),
        "organs": record_of(asked, "nobody asks an organ `{}`", unsure),
        "refusals": list_of(record_of(REFUSAL)),
        "phases": record_of(judged, of_phase if judged else NO_PROTOCOL, open),
        "cells": record_of(seen, "no cell `{}` takes part", open),
    }
    if beat is not None:
        kinds |= _attention(beat)
    kinds |= {plural: record_of(named, "the scenario", open) for plural, named in (others or {}).items()}
    return Scope({name: Binding(kind, ("$outcome", name)) for name, kind in kinds.items()})


def _alike(
    fields: Mapping[str, Type], names: Sequence[str], families: Mapping[str, Sequence[str]]
) -> dict[str, Type]:
    """Records of the same fields by name, and lists of them by the name of a family."""
    alone = {name: record_of(fields, f"`{name}`") for name in names}
    return alone | {text: list_of(record_of(fields, f"`{text}`")) for text in families}


def _attention(beat: Beat) -> dict[str, Type]:
    """``beats``, one after the other, and ``attention``, their sums."""
    parts = dict.fromkeys(("overhead", "charged", "reflex", "idle", "settle"), DURATION)
    counted = {"spent": DURATION, "granted": DURATION, "preempted": INT, "dropped": INT, "done": INT}
    names = [level.name for level in beat.levels]
    once = record_of({**counted, "started": DURATION}, "the level")
    summed = record_of(counted, "the level")
    one = {"index": INT, "settled": BOOL, **parts}
    of_beat = record_of(dict.fromkeys(names, once), "the attention")
    in_all = record_of(dict.fromkeys(names, summed), "the attention")
    return {
        "beats": list_of(record_of({**one, "levels": of_beat}, "the beat")),
        "attention": record_of({"beats": INT, "settled": INT, **parts, "levels": in_all}, "`attention`"),
    }


def _phase(kind: Type) -> Type:
    own = {
        "complete": BOOL,
        "attempts": INT,
        "retries": INT,
        "spent": LIFEFORCE,
        "earned": LIFEFORCE,
        "duration": DURATION,
    }
    return record_of({**dict(kind.fields or ()), **own}, "the phase")


def _together(members: Sequence[Type]) -> Type:
    """The type of a list of cells: that of each, where they have the same fields."""
    common = members[0]
    for one in members[1:]:
        common = join(common, one) or ANY
    return list_of(common)


def _cell(name: str, cell: CellView | None) -> Type:
    if cell is None:
        return ANY
    states = record_of(dict.fromkeys(cell.states, STAY), f"`{name}`")
    seen = {"state": STRING, "data": record_of(cell.data, f"`{name}`"), "states": states, "dropped": INT}
    return record_of(seen, f"`{name}`")
