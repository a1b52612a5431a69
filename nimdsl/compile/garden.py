"""Compiles ``Garden``."""

from __future__ import annotations

from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.tables import compile_tables
from nimdsl.compile.work import PERFECT, compile_distribution
from nimdsl.expression.types import DURATION
from nimdsl.program import BusModel, Distribution, Garden

EPOCH = "2026-01-01T00:00:00Z"
PAYLOAD_BYTES_MAX = 1 << 20

PERFECT_BUS = BusModel(PERFECT, 0, 0, 0, PERFECT, 0, PERFECT, PAYLOAD_BYTES_MAX)
PERFECT_GARDEN = Garden("perfect", EPOCH, PERFECT_BUS, {})
"""No latency, no faults: where a scenario runs that names no garden."""


def compile_garden(findings: Findings, reader: Reader) -> Garden:
    """The garden: its bus with shares in millionths, its inventory as tables."""
    clock, bus = reader.sub("clock"), reader.sub("bus")
    inventory, _ = compile_tables(reader, "inventory")
    return Garden(
        name=findings.document.name,
        epoch=clock.text("epoch", EPOCH) if clock else EPOCH,
        bus=_bus(bus) if bus else PERFECT_BUS,
        inventory=inventory,
    )


def _bus(reader: Reader) -> BusModel:
    delay, delay_by = _fault(reader, "delay")
    reorder, reorder_by = _fault(reader, "reorder")
    return BusModel(
        latency=compile_distribution(reader, "latency", DURATION),
        loss=reader.share("loss"),
        duplicate=reader.share("duplicate"),
        delay=delay,
        delay_by=delay_by,
        reorder=reorder,
        reorder_by=reorder_by,
        payload_bytes_max=reader.value("payload", PAYLOAD_BYTES_MAX),
    )


def _fault(reader: Reader, key: str) -> tuple[int, Distribution]:
    inner = reader.sub(key)
    return (inner.share("chance"), compile_distribution(inner, "by", DURATION)) if inner else (0, PERFECT)
