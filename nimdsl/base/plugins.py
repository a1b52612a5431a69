"""What other packages bring, found through entry points and loaded when it is first asked for.

So nothing imports what stands above it: the language finds verbs and kinds, the kernel the behaviours of
actors, the report their presentations.  ``own`` is what this project brings itself, also where it
is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from nimdsl.base.errors import PackageError

GROUPS: Final = "nimdsl."
"""How the names of all our groups begin."""


def points(group: str, own: Mapping[str, str]) -> dict[str, EntryPoint]:
    """The entry points of a group by name.  Raises PackageError when two packages bring the same name."""
    found: dict[str, EntryPoint] = {}
    for point in [*(EntryPoint(name, at, group) for name, at in own.items()), *entry_points(group=group)]:
        other = found.get(point.name)
        if other is not None and other.value != point.value:
            raise PackageError(f"two packages bring `{point.name}` ({group}): {other.value}, {point.value}")
        found[point.name] = point
    return found


def load(point: EntryPoint) -> Any:
    """What an entry point names.  Raises PackageError when it cannot be had."""
    where = f"`{point.name}` ({point.group}) of the package `{package_of(point)}`"
    if not EntryPoint.pattern.match(point.value):
        raise PackageError(f"{where} names no object: write `module:object` instead of `{point.value}`")
    try:
        return point.load()
    except Exception as problem:
        message = f"{type(problem).__name__}: {problem}"
        raise PackageError(
            f"{where} cannot be loaded: {message}: mend the package, or uninstall it"
        ) from problem


_loaded = cache(load)


def loaded(group: str, own: Mapping[str, str]) -> dict[str, object]:
    """What the entry points of a group name, by name.  Raises PackageError for one that cannot be had."""
    return {name: _loaded(point) for name, point in points(group, own).items()}


def package_of(point: EntryPoint) -> str:
    """The package that brings an entry point, as messages call it."""
    return point.dist.name if point.dist else module_of(point).partition(".")[0]


def module_of(point: EntryPoint) -> str:
    """The module that an entry point names, also where it names no object."""
    return point.value.partition(":")[0].strip()


@cache
def brought_by(module: str) -> EntryPoint | None:
    """An entry point of the package that a module belongs to; None for a package that has none."""
    top, known = module.partition(".")[0], entry_points()
    found = [
        point
        for group in known.groups
        if group.startswith(GROUPS)
        for point in known.select(group=group)
        if module_of(point).partition(".")[0] == top
    ]
    return max(found, key=lambda point: _shared(module_of(point), module), default=None)


def _shared(one: str, other: str) -> int:
    """How many parts of their names two modules have in common: packages may share the first."""
    return sum(a == b for a, b in zip(one.split("."), other.split("."), strict=False))
