"""Resources: units that work borrows."""

from __future__ import annotations

from dataclasses import dataclass

from nimdsl.program.format import tagged


@tagged("resource")
@dataclass(frozen=True)
class Resource:
    """So many units, and how many requests may wait for them."""

    name: str
    capacity: int
    queue: int
