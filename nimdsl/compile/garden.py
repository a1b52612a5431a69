"""Compiles ``Garden``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nimdsl.compile.addresses import expanded
from nimdsl.compile.hosts import compile_hosts
from nimdsl.compile.reader import Findings, Reader
from nimdsl.compile.tables import compile_tables
from nimdsl.compile.work import PERFECT, compile_distribution
from nimdsl.expression.types import DURATION
from nimdsl.program import BusModel, Distribution, Garden, Group, RealGarden, Signals

EPOCH = "2026-01-01T00:00:00Z"
PAYLOAD_BYTES_MAX = 1 << 20

PERFECT_BUS = BusModel(PERFECT, 0, 0, 0, PERFECT, 0, PERFECT, PAYLOAD_BYTES_MAX)
PERFECT_GARDEN = Garden("perfect", EPOCH, PERFECT_BUS, {})
"""No latency, no faults: where a scenario runs that names no garden."""
LOCAL_GARDEN = Garden("local", EPOCH, PERFECT_BUS, {}, real=RealGarden())
"""This machine, one process for all cells: where a scenario runs for real that has no garden document."""

RESERVED_GROUPS = ("bus", "economy", "controller")
_PLACES = {
    "actors": ("environment", "garden", "run", "kind", "name"),
    "waves": ("environment", "garden", "run", "layer", "domain", "signal"),
}
_WORD = re.compile(r"[A-Za-z0-9_-]+|\{([a-z]+)\}")


def compile_garden(findings: Findings, reader: Reader) -> Garden:
    """The garden: its bus with shares in millionths, its inventory as tables."""
    clock, bus, real = reader.sub("clock"), reader.sub("bus"), reader.sub("real")
    inventory, _ = compile_tables(reader, "inventory")
    return Garden(
        name=findings.document.name,
        epoch=clock.text("epoch", EPOCH) if clock else EPOCH,
        bus=_bus(bus) if bus else PERFECT_BUS,
        inventory=inventory,
        rate=float(clock.value("rate", 1)) if clock else 1.0,
        real=_real(real) if real else None,
        hosts=compile_hosts(reader),
        signals=_signals(reader),
    )


def _signals(reader: Reader) -> Signals | None:
    signals, real = reader.sub("signals"), reader.sub("real")
    if signals is None:
        return None
    if real is not None:
        message = "a garden explores, or is real: `signals` beside `real`"
        fix = "write two gardens: `nimdsl loop` takes one of each"
        reader.findings.report("NIM0203", message, reader.place("signals"), fix)
    return Signals(
        scenario=signals.reference("scenario", "Scenario"),
        confidence=signals.share("confidence", 700_000),
        fade=signals.share("fade", 100_000),
        probe=signals.value("probe", 0),
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


def _real(reader: Reader) -> RealGarden:
    plain, restart, subjects = RealGarden(), reader.sub("restart"), reader.sub("subjects")
    actors, waves = plain.actors, plain.waves
    if subjects:
        actors, waves = _subject(subjects, "actors", actors), _subject(subjects, "waves", waves)
    return RealGarden(
        scenario=reader.reference("scenario", "Scenario") if "scenario" in reader else "",
        environment=reader.text("environment", plain.environment),
        server=reader.text("server", plain.server),
        port=reader.value("port", plain.port),
        state=reader.text("state", plain.state),
        actors=actors,
        waves=waves,
        groups=tuple(_groups(reader)),
        stand_ins=frozenset(reader.value("stand_ins", [])),
        restart_delay_ns=restart.duration("delay", plain.restart_delay_ns) if restart else 100_000_000,
        restart_delay_max_ns=restart.duration("delay_max", plain.restart_delay_max_ns)
        if restart
        else plain.restart_delay_max_ns,
        restart_limit=restart.value("limit", plain.restart_limit) if restart else plain.restart_limit,
    )


def _groups(reader: Reader) -> Iterable[Group]:
    homes: dict[str, str] = {}
    for name, inner in reader.named("groups"):
        if name in RESERVED_GROUPS:
            message = f"`{name}` is a process of the garden itself"
            reader.findings.report("NIM0210", message, inner.node.place, "give the group another name")
        cells = expanded(inner, "cells", "Cell")
        for cell in cells:
            if cell in homes:
                message = f"`{cell}` lives in the group `{homes[cell]}` already"
                reader.findings.report(
                    "NIM0210", message, inner.place("cells"), "name it in one group only"
                )
            homes[cell] = name
        yield Group(name, tuple(sorted(cells)), tuple(inner.value("command", ())))


def _subject(reader: Reader, key: str, default: str) -> str:
    """A template that can be read back: whole words, the environment first, every place once."""
    template = reader.text(key, default)
    known = _PLACES[key]
    places = []
    for word in template.split("."):
        match = _WORD.fullmatch(word)
        if match is None or (match[1] and match[1] not in known):
            message = f"`{word}` is no word of a subject"
            fix = "a word is letters, digits, - and _, or one of " + ", ".join(f"{{{k}}}" for k in known)
            reader.findings.report("NIM0205", message, reader.place(key), fix)
            return default
        if match[1]:
            places.append(match[1])
    missing = [place for place in known if places.count(place) != 1 and place != "garden"]
    if missing:
        message = f"the subject must have {{{missing[0]}}} once: else two of them could not be told apart"
        reader.findings.report("NIM0205", message, reader.place(key), f"for example `{default}`")
    elif not template.startswith("{environment}."):
        message = "a subject begins with its environment"
        reader.findings.report("NIM0205", message, reader.place(key), f"for example `{default}`")
    return template
