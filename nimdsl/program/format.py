"""The program as plain data: what its hash is made of.

The law: a part is written under the tag that stands beside its class, by the names of its fields, but
for those at their default and those that no step reads (``compare=False``, or ``hashed: False`` in a
field's metadata).  So classes can be renamed and fields be added or change places, and no old hash changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field
from typing import Any, Final, TypeVar

from nimdsl.base.errors import NimdslError
from nimdsl.base.values import Value
from nimdsl.expression.types import Type

PROGRAM_FORMAT: Final = 2
"""The version of these data; it grows when an old hash could mean something else."""

Class = TypeVar("Class", bound=type)

_TAGS: dict[type, tuple[str, tuple[str, ...]]] = {}


def tagged(tag: str, also: Sequence[str] = ()) -> Callable[[Class], Class]:
    """Gives a dataclass its name in hashes; ``also`` are properties that are hashed like fields."""

    def register(kind: Class) -> Class:
        _TAGS[kind] = tag, tuple(also)
        return kind

    return register


def tag_of(value: object) -> str:
    """The tag of a part that steps read.  Raises KeyError for anything else."""
    return _TAGS[type(value)][0]


def is_tagged(value: object) -> bool:
    """Whether a value is a part that steps read."""
    return type(value) in _TAGS


def to_data(value: Any) -> Value:
    """Plain data of anything in a program that steps read.  Raises NimdslError for what has no tag."""
    if hasattr(value, "to_data"):
        data: Value = value.to_data()
        return data
    if isinstance(value, Type):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _part(value)
    if isinstance(value, Mapping):
        return {str(key): to_data(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted((to_data(item) for item in value), key=repr)
    if isinstance(value, tuple | list):
        return [to_data(item) for item in value]
    plain: Value = value
    return plain


def _part(value: Any) -> Value:
    if type(value) not in _TAGS:
        raise NimdslError(
            f"{type(value).__name__} has no tag, so nothing says what its hash is made of:"
            ' write `@tagged("…")` above the class'
        )
    tag, also = _TAGS[type(value)]
    kept = [
        one.name
        for one in dataclasses.fields(value)
        if one.compare
        and one.metadata.get("hashed", True)
        and not _is_default(one, getattr(value, one.name))
    ]
    return [tag, {name: to_data(getattr(value, name)) for name in (*kept, *also)}]


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and bool(value == field.default)
