"""The classes that records are made of: those of the kernel, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, get_args

import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo, fields

from nimdsl.base.errors import PackageError
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
    unions = (
        records.MachineBody,
        records.ProtocolBody,
        records.AttentionBody,
        records.GateBody,
        records.NerveBody,
        records.RackBody,
    )
    return tuple(one for union in unions for one in get_args(union))


@cache
def bodies() -> Mapping[str, type[AnyBody]]:
    """Every class of bodies by its tag, those of other packages included.

    Raises PackageError for a foreign one that could not be told from another, or read again.
    """
    found: dict[str, type[AnyBody]] = {tag_of(one): one for one in own_bodies()}
    for body in foreign_records():
        tag, problem = tag_of(body), problem_of(body)
        if not problem and tag in found:
            problem = f"there is another record `{tag}`: give it a tag of its own, `kind/{tag}` for example"
        if problem:
            raise _refused(body, problem)
        found[tag] = body
    return found


@cache
def check_class(body: type[Body]) -> None:
    """Raises PackageError for a class whose records could be written but not read again."""
    if bodies().get(tag_of(body)) is not body:
        raise _refused(body, "no behaviour says that it leaves it: add it to `records` of its Behaviour")


def _refused(body: type[Body], problem: str) -> PackageError:
    return PackageError(f"the record {body.__module__}.{body.__qualname__} cannot be taken: {problem}")


def tag_of(body: type[Body]) -> str:
    """What bodies of a class are written as."""
    return str(body.__struct_config__.tag)


def problem_of(body: type[Body]) -> str:
    """Why records of a foreign class could not be written and read again; empty when they can."""
    config = body.__struct_config__
    if not isinstance(config.tag, str) or config.tag == body.__name__:
        return 'it has no tag of its own: write `class …(Foreign, frozen=True, tag="…")`'
    if _manner(body) != _manner(records.Foreign):
        return (
            "it would be written in another manner than other records: set nothing but `frozen` and `tag`"
        )
    try:
        found = inspect.type_info(body)
    except (NameError, TypeError) as problem:
        return f"msgspec cannot read its fields: {problem}"
    for one in fields(body):
        if one.encode_name in PLACE:
            return f"`{one.encode_name}` is what every record has: call the field otherwise"
        if not _is_safe(one):
            return (
                f"the default of `{one.name}` would be written by chance: leave it out, or use "
                "None, true, false, an empty text, list or mapping, or a small integer"
            )
    assert isinstance(found, inspect.StructType)
    formless = ((one.name, _formless(one.type, {body})) for one in found.fields)
    return next((f"`{name}` {why}" for name, why in formless if why), "")


def _manner(body: type[Body]) -> tuple[object, ...]:
    config = body.__struct_config__
    return config.tag_field, config.array_like, config.omit_defaults, config.forbid_unknown_fields


def _formless(kind: inspect.Type, seen: set[type]) -> str:
    """Why values of a type have no one JSON form; empty when they have one."""
    match kind:
        case inspect.SetType() | inspect.FrozenSetType():
            return "holds a set, which is in no order: use a list, and sort it"
        case inspect.CustomType() | inspect.ExtType() | inspect.RawType():
            name = getattr(getattr(kind, "cls", None), "__name__", "raw bytes")
            return f"holds what has no JSON form ({name}): use text, numbers, lists, mappings or a Struct"
        case inspect.DictType() if not _is_text(kind.key_type):
            return "holds a mapping whose keys are not text: use `Mapping[str, …]`, or a list of pairs"
        case inspect.StructType() | inspect.NamedTupleType() | inspect.DataclassType():
            if kind.cls in seen:
                return ""
            seen.add(kind.cls)
            chance = isinstance(kind, inspect.StructType) and not _is_steady(kind.cls)
            if chance:
                return (
                    f"holds {kind.cls.__name__}, whose defaults would be written by chance: leave them out"
                )
    return next(filter(None, (_formless(one, seen) for one in _inner(kind))), "")


def _inner(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The types that a type is made of."""
    for name in ("type", "item_type", "key_type", "value_type"):
        if isinstance(one := getattr(kind, name, None), inspect.Type):
            yield one
    yield from (*getattr(kind, "types", ()), *getattr(kind, "item_types", ()))
    yield from (one.type for one in getattr(kind, "fields", ()))


def _is_text(kind: inspect.Type) -> bool:
    match kind:
        case inspect.Metadata():
            return _is_text(kind.type)
        case inspect.LiteralType():
            return all(isinstance(value, str) for value in kind.values)
    return isinstance(kind, inspect.StrType)


def _is_steady(struct: type[msgspec.Struct]) -> bool:
    """Whether its fields are written, or left out, by what they are."""
    return not struct.__struct_config__.omit_defaults or all(map(_is_safe, fields(struct)))


def _is_safe(one: FieldInfo) -> bool:
    if one.default_factory is not msgspec.NODEFAULT:
        return one.default_factory in (dict, list, tuple)
    return one.default is msgspec.NODEFAULT or _is_among(one.default, (*_SINGLETONS, ()))


def _is_among(value: object, known: Sequence[object]) -> bool:
    return any(type(value) is type(one) and value == one for one in known)
