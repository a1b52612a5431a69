"""Compiles ``Economy``."""

from __future__ import annotations

from nimdsl.base.units import format_lifeforce
from nimdsl.compile.reader import Findings, Reader
from nimdsl.program import Economy, Prices


def compile_economy(findings: Findings, reader: Reader) -> Economy:
    """The economy: amounts in micro-LF, rates in micro-LF per second."""
    prices = reader.sub("prices")
    economy = Economy(
        name=findings.document.name,
        opening=reader.lifeforce("opening"),
        floor=reader.lifeforce("floor"),
        capacity=reader.lifeforce("capacity") if "capacity" in reader else None,
        prices=Prices(*(prices.lifeforce(key) for key in ("translation", "publish", "process")))
        if prices
        else Prices(),
        rewards=reader.lifeforces("rewards"),
        incomes=reader.lifeforces("incomes"),
        upkeep=reader.lifeforces("upkeep"),
        window_ns=reader.duration("window", 60_000_000_000),
    )
    _check(findings, reader, economy)
    return economy


def _check(findings: Findings, reader: Reader, economy: Economy) -> None:
    if economy.window_ns <= 0:
        fix = "write for example `window: 1min`"
        findings.report("NIM0210", "`window` must be longer than 0", reader.place("window"), fix)
    if economy.floor > economy.opening:
        message = f"the floor ({format_lifeforce(economy.floor)} LF) is above the opening balance"
        findings.report("NIM0506", message, reader.place("floor"), "lower the floor or raise `opening`")
    if economy.capacity is not None and economy.capacity < economy.opening:
        message = f"the capacity ({format_lifeforce(economy.capacity)} LF) is below the opening balance"
        findings.report("NIM0506", message, reader.place("capacity"), "raise the capacity")
