"""What other packages bring, found through entry points and loaded when it is first asked for.

So nothing imports what stands above it: the language finds verbs and kinds, the kernel the behaviours of
actors, the report their presentations.  ``own`` is what this project brings itself, also where it
is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from nimdsl.base.errors import NimdslError


def points(group: str, own: Mapping[str, str]) -> dict[str, EntryPoint]:
    """The entry points of a group by name.  Raises NimdslError when two packages bring the same name."""
    found: dict[str, EntryPoint] = {}
    for point in [*(EntryPoint(name, at, group) for name, at in own.items()), *entry_points(group=group)]:
        other = found.get(point.name)
        if other is not None and other.value != point.value:
            raise NimdslError(f"two packages bring `{point.name}` ({group}): {other.value}, {point.value}")
        found[point.name] = point
    return found


@cache
def _loaded(point: EntryPoint) -> object:
    try:
        return point.load()
    except (ImportError, AttributeError) as problem:
        raise NimdslError(f"`{point.name}` ({point.group}) cannot be loaded: {problem}") from problem


def loaded(group: str, own: Mapping[str, str]) -> dict[str, object]:
    """What the entry points of a group name, by name.  Raises NimdslError for one that cannot be had."""
    return {name: _loaded(point) for name, point in points(group, own).items()}
