"""What criteria and expectations may read once a run is over.

The values are gathered by whoever ran the scenario (``runtime.report.outcome``); the
names and types are fixed here, so that a typing mistake is found before.
"""

from __future__ import annotations

from collections.abc import Mapping

from nimdsl.expression.check import Binding, Scope
from nimdsl.expression.types import (
    BOOL,
    DURATION,
    INT,
    LIFEFORCE,
    RECORD,
    STRING,
    Type,
    list_of,
    record_of,
)

LIFEFORCE_FIELDS = ("initial", "spent", "earned", "final")


Cells = Mapping[str, Mapping[str, Type] | None]
"""The types of cells' data by name; None for a cell that is not known because it is wrong itself."""


def outcome_scope(phases: Mapping[str, Type], cells: Cells, open: bool = False) -> Scope:
    """The names of an outcome: ``phases`` as expressions in them see them, ``cells`` by their data.

    ``open`` says that there may be more of both, which could not be compiled.
    """
    kinds = {
        "completed": BOOL,
        "errors": INT,
        "handshakes": INT,
        "accepted": INT,
        "attempts": INT,
        "duration": DURATION,
        "lifeforce": record_of(dict.fromkeys(LIFEFORCE_FIELDS, LIFEFORCE), "lifeforce"),
        "refusals": list_of(record_of({"actor": STRING, "price": LIFEFORCE, "balance": LIFEFORCE})),
        "phases": record_of({name: _phase(kind) for name, kind in phases.items()}, "the protocol", open),
        "cells": record_of({name: _cell(name, data) for name, data in cells.items()}, "the scenario", open),
    }
    return Scope({name: Binding(kind, ("$outcome", name)) for name, kind in kinds.items()})


def _phase(kind: Type) -> Type:
    own = {
        "complete": BOOL,
        "attempts": INT,
        "spent": LIFEFORCE,
        "earned": LIFEFORCE,
        "duration": DURATION,
    }
    return record_of({**dict(kind.fields or ()), **own}, "the phase")


def _cell(name: str, data: Mapping[str, Type] | None) -> Type:
    if data is None:
        return RECORD
    return record_of({"state": STRING, "data": record_of(data, f"`{name}`")}, f"`{name}`")
