"""Compiles ``Economy``."""

from __future__ import annotations

import re

from nimdsl.base.units import NANOSECONDS, format_lifeforce
from nimdsl.compile.reader import Findings, Reader
from nimdsl.program import Economy, Mark, Prices
from nimdsl.program.economy import Flowing, Profile

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


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
        incomes=_flows(reader, "incomes"),
        upkeep=_flows(reader, "upkeep"),
        window_ns=reader.duration("window", 60_000_000_000),
        marks={name: _mark(inner) for name, inner in sorted(reader.named("marks"))},
    )
    _check(findings, reader, economy)
    return economy


def _flows(reader: Reader, key: str) -> dict[str, Flowing]:
    """The rates of one direction, sorted by name."""
    inner, profiles = reader.sub(key), dict(reader.named(key))
    return {
        name: _profile(name, profiles[name]) if name in profiles else inner.rate(name)
        for name in sorted(reader.keys(key))
        if inner
    }


def _profile(name: str, reader: Reader) -> Profile:
    """A rate by the time of day; NIM0514 for times that do not divide a day."""
    inner, parts = reader.sub("profile"), list[tuple[int, int]]()
    if inner is None:
        return Profile(((0, 0),))
    for time in reader.keys("profile"):
        found = _TIME_OF_DAY.fullmatch(time)
        at_ns = int(found[1]) * NANOSECONDS["h"] + int(found[2]) * NANOSECONDS["min"] if found else 0
        problem, fix = "", ""
        if not found:
            problem = f"{time[:40]!r} is no time of the day"
            fix = 'write hours and minutes from "00:00" to "23:59"'
        elif not parts and at_ns:
            problem, fix = f"`{name}` says nothing of the time before {time}", 'begin with "00:00"'
        elif parts and at_ns <= parts[-1][0]:
            problem, fix = f"{time} does not come after the time before it", "write them in their order"
        if problem:
            reader.findings.report("NIM0514", problem, inner.node.key_place(time), fix)
            return Profile(((0, 0),))
        parts.append((at_ns, inner.rate(time)))
    return Profile(tuple(parts))


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
