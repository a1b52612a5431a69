"""Actors as the page lists them: those of their own first, then family by family, large ones folded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gardens.report.observe.doings import Doings

FOLDED_COUNT = 12
"""A family of more members is folded."""


@dataclass(frozen=True)
class ActorGroup:
    """A family, or (without a ``name``) all those that belong to none; in natural order."""

    name: str
    members: Sequence[Doings]

    @property
    def is_folded(self) -> bool:
        """Whether its members are seen only when somebody asks."""
        return bool(self.name) and len(self.members) > FOLDED_COUNT


def groups_of(doings: Sequence[Doings]) -> list[ActorGroup]:
    """Protocols before the others; ``robot-2`` before ``robot-10``."""
    found: dict[str, list[Doings]] = {}
    for one in sorted(doings, key=_order):
        found.setdefault(one.family, []).append(one)
    return [ActorGroup(name, members) for name, members in found.items()]


def _order(one: Doings) -> tuple[bool, str, bool, list[tuple[int, str]]]:
    parts = [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", one.actor)]
    return bool(one.family), one.family, not one.actor.startswith("protocol/"), parts
