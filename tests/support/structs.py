"""Values of any class of the data plane, as hypothesis strategies: made from the types of its fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Meta, Struct

TEXT = st.text(max_size=8)
"""Without surrogates, which UTF-8 cannot hold."""
INTS = st.integers() | st.integers(-(1 << 70), 1 << 70)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda x: math.copysign(1, x) > 0 or x != 0
)


def plain_values(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Plain data with such leaves."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=6,
    )


EXACT = plain_values(st.none() | st.booleans() | INTS | TEXT)
"""Plain data without floats."""
VALUES = plain_values(st.none() | st.booleans() | INTS | FLOATS | TEXT)
"""Plain data."""
_LEAVES: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: INTS,
    bool: st.booleans(),
    float: FLOATS,
    NoneType: st.none(),
    Any: VALUES,
}


def _within(values: st.SearchStrategy[Any], notes: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    for note in notes:
        if isinstance(note, Meta) and note.pattern is not None:
            values = st.from_regex(note.pattern.replace("$", r"\Z"))
        elif isinstance(note, Meta) and note.ge is not None:
            values = st.integers(int(note.ge), None if note.le is None else int(note.le))
    return values


@cache
def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type that a field can have."""
    if hint in _LEAVES:
        return _LEAVES[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if isinstance(hint, type) and issubclass(hint, Struct | tuple):
        hints = get_type_hints(hint, include_extras=True)
        names = hint.__struct_fields__ if issubclass(hint, Struct) else hint._fields  # type: ignore[attr-defined]
        return st.builds(hint, **{name: values_of(hints[name]) for name in names})
    inner = get_args(hint)
    match get_origin(hint):
        case kind if kind is Annotated:
            return _within(values_of(inner[0]), inner[1:])
        case kind if kind is Literal:
            return st.sampled_from(inner)
        case kind if kind is list:
            return st.lists(values_of(inner[0]), max_size=3)
        case kind if kind is tuple and inner[1:] == (...,):
            return st.lists(values_of(inner[0]), max_size=3).map(tuple)
        case kind if kind is tuple:
            return st.tuples(*map(values_of, inner))
        case kind if isinstance(kind, type) and issubclass(kind, Mapping):
            return st.dictionaries(values_of(inner[0]), values_of(inner[1]), max_size=3)
    return st.one_of(*map(values_of, inner))
