"""Economies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nimdsl.program.format import tagged


@tagged("prices")
@dataclass(frozen=True)
class Prices:
    """What a handshake's parts cost, micro-LF."""

    translation: int = 0
    publish: int = 0
    process: int = 0


@tagged("mark")
@dataclass(frozen=True)
class Mark:
    """Told when the pool has less than ``below``, and over when it has ``until`` again; micro-LF."""

    below: int
    until: int


@tagged("economy")
@dataclass(frozen=True)
class Economy:
    """Opening balance, floor, prices, rewards (negative: penalties) and rates; micro-LF, rates a day."""

    name: str
    opening: int
    floor: int
    capacity: int | None
    prices: Prices
    rewards: Mapping[str, int]
    incomes: Mapping[str, int]
    upkeep: Mapping[str, int]
    window_ns: int
    marks: Mapping[str, Mark] = field(default_factory=dict)
