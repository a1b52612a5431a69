"""Compiles ``Economy``."""

from __future__ import annotations

from nimdsl.base.units import format_lifeforce
from nimdsl.compile.reader import Findings, Reader
from nimdsl.program import Economy, Mark, Prices


def compile_economy(findings: Findings, reader: Reader) -> Economy:
    """The economy: amounts in micro-LF, rates in micro-LF a day."""
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
        incomes=reader.rates("incomes"),
        upkeep=reader.rates("upkeep"),
        window_ns=reader.duration("window", 60_000_000_000),
        marks={name: _mark(inner) for name, inner in sorted(reader.named("marks"))},
    )
    _check(findings, reader, economy)
    return economy


def _mark(reader: Reader) -> Mark:
    below = reader.lifeforce("below")
    return Mark(below, reader.lifeforce("until", below))


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
    for name, inner in reader.named("marks"):
        _check_mark(inner, economy, name)


def _check_mark(reader: Reader, economy: Economy, name: str) -> None:
    """NIM0510: a mark that can never be told, or never be over."""
    mark, report, lf = economy.marks[name], reader.findings.report, format_lifeforce
    if mark.until < mark.below:
        message = f"`{name}` would be over at {lf(mark.until)} LF, where it is told"
        report("NIM0510", message, reader.place("until"), f"write `until: {lf(mark.below)}` or more")
    elif mark.below <= economy.floor:
        message = f"`{name}` is never told: the pool never has less than its floor, {lf(economy.floor)} LF"
        report("NIM0510", message, reader.place("below"), "raise `below`, or lower the floor")
    elif economy.capacity is not None and mark.until > economy.capacity:
        key = "until" if "until" in reader else "below"
        message = f"`{name}` is never over: the capacity is {lf(economy.capacity)} LF"
        report("NIM0510", message, reader.place(key), "lower it, or raise the capacity")
