"""Economies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nimdsl.program.format import tagged


@tagged("prices")
@dataclass(frozen=True)
class Prices:
    """What a handshake's parts cost, micro-LF."""

    translation: int = 0
    publish: int = 0
    process: int = 0


@tagged("economy")
@dataclass(frozen=True)
class Economy:
    """Opening balance, floor, prices, rewards (negative: penalties) and rates; micro-LF, per second."""

    name: str
    opening: int
    floor: int
    capacity: int | None
    prices: Prices
    rewards: Mapping[str, int]
    incomes: Mapping[str, int]
    upkeep: Mapping[str, int]
    window_ns: int
