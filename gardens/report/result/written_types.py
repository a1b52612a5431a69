"""What a cell's records hold: a document says `record`, and the expressions that fill it say the rest.

So a duration in a record is shown with its unit.  A field that is filled with several types has none.
"""

from __future__ import annotations

from nimdsl.expression.types import ANY, Type
from nimdsl.program import Actor
from nimdsl.program.machine import Append, Set


def types_of(actor: Actor) -> dict[str, Type]:
    """The types of the actor's data, its records with the fields that are written into them."""
    types = dict(actor.types)
    for row in (actor.table.begin, *actor.table.rows):
        for action in row.actions:
            if not isinstance(action, Set | Append) or len(action.path) > 1:
                continue
            name, kind = action.path[0], action.value.type
            written = Type("list", kind) if isinstance(action, Append) else kind
            types[name] = _completed(types.get(name, ANY), written)
    return types


def _completed(known: Type, written: Type) -> Type:
    if known.element is not None and written.element is not None:
        return Type(known.name, _completed(known.element, written.element))
    if known.name != written.name or known.name != "record":
        return known
    fields = dict(known.fields or ())
    for name, kind in written.fields or ():
        fields[name] = _agreed(fields[name], kind) if name in fields else kind
    return Type(known.name, fields=tuple(fields.items()), open=True)


def _agreed(one: Type, other: Type) -> Type:
    if one.name == other.name:
        return _completed(one, other)
    return ANY
