"""The classes that records are made of: those of the kernel, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, get_args

import msgspec
from msgspec.structs import FieldInfo, fields

from nimdsl.base.errors import NimdslError
from runtime import records
from runtime.kernel.behaviour import foreign_records
from runtime.records import AnyBody, Body, Moment

PLACE: Final = frozenset(
    {"type", "actor", "sequence", "time_ns", *(one.encode_name for one in fields(Moment))}
)
"""What stands in a record beside its body."""
_SINGLETONS = (None, True, False, "", *range(-5, 257))
"""Whatever equals one of these is the same object, by which msgspec knows a field at its default."""


def own_bodies() -> tuple[type[AnyBody], ...]:
    """The classes of bodies of the kernel."""
    unions = (records.MachineBody, records.ProtocolBody, records.AttentionBody)
    return tuple(one for union in unions for one in get_args(union))


@cache
def bodies() -> Mapping[str, type[AnyBody]]:
    """Every class of bodies by its tag, those of other packages included.

    Raises NimdslError for a foreign one that could not be told from another, or read again.
    """
    found: dict[str, type[AnyBody]] = {tag_of(one): one for one in own_bodies()}
    for body in foreign_records():
        tag, problem = tag_of(body), problem_of(body)
        if not problem and tag in found:
            problem = f"there is another record `{tag}`: give it a tag of its own, `kind/{tag}` for example"
        if problem:
            raise NimdslError(
                f"the record {body.__module__}.{body.__qualname__} cannot be taken: {problem}"
            )
        found[tag] = body
    return found


def tag_of(body: type[Body]) -> str:
    """What bodies of a class are written as."""
    return str(body.__struct_config__.tag)


def problem_of(body: type[Body]) -> str:
    """Why records of a foreign class could not be written and read again; empty when they can."""
    if tag_of(body) in ("None", body.__name__):
        return 'it has no tag of its own: write `class …(Foreign, frozen=True, tag="…")`'
    for one in fields(body):
        if one.encode_name in PLACE:
            return f"`{one.encode_name}` is what every record has: call the field otherwise"
        if not _is_safe(one):
            return (
                f"the default of `{one.name}` would be written by chance: leave it out, or use "
                "None, true, false, an empty text, list or mapping, or a small integer"
            )
    return ""


def _is_safe(one: FieldInfo) -> bool:
    if one.default_factory is not msgspec.NODEFAULT:
        return one.default_factory in (dict, list, tuple)
    return one.default is msgspec.NODEFAULT or _is_among(one.default, (*_SINGLETONS, ()))


def _is_among(value: object, known: Sequence[object]) -> bool:
    return any(type(value) is type(one) and value == one for one in known)
