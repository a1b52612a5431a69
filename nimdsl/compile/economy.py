"""Compiles ``Economy``."""

from __future__ import annotations

import re

from nimdsl.base.units import NANOSECONDS, SECOND_NS, format_lifeforce
from nimdsl.compile.reader import Findings, Reader
from nimdsl.program import Economy, Mark, Prices
from nimdsl.program.economy import Flowing, Profile, Pulse, Slumber
from nimdsl.text.tree import MapNode

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
        pulse=_pulse(reader),
        slumber=_slumber(reader),
        emergency=reader.lifeforce("emergency"),
        starve_ns=wake.duration("starve") if (wake := reader.sub("wake")) else 0,
        allowance=_allowance(findings, reader),
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


def _pulse(reader: Reader) -> Pulse | None:
    inner = reader.sub("pulse")
    if inner is None:
        return None
    pulse = Pulse(
        inner.duration("base", SECOND_NS),
        inner.duration("slowest", 60 * SECOND_NS),
        inner.share("threshold", 200_000),
        inner.share("scale", 100_000),
    )
    report = inner.findings.report
    for key, value in (("base", pulse.base_ns), ("scale", pulse.scale)):
        if value <= 0:
            fix = "remove it: the default is longer" if key == "base" else "write for example `10%`"
            report("NIM0210", f"`{key}` must be more than 0", inner.place(key), fix)
    if pulse.slowest_ns < pulse.base_ns:
        message = "the slowest pulse is faster than its base"
        key = "slowest" if "slowest" in inner else "base"
        report("NIM0210", message, inner.place(key), "raise `slowest`, or lower `base`")
    return pulse


def _slumber(reader: Reader) -> Slumber | None:
    asleep = reader.sub("slumber")
    if asleep is None:
        return None
    wake = reader.sub("wake")
    return Slumber(
        asleep.duration("window", reader.duration("window", 60 * SECOND_NS)),
        asleep.lifeforce("lambda", 700_000),
        asleep.share("level", 200_000),
        asleep.share("urgency", 500_000),
        asleep.duration("reserve_time"),
        wake.lifeforce("lambda", 1_200_000) if wake else 1_200_000,
        wake.share("level", 500_000) if wake else 500_000,
        wake.share("urgency", 700_000) if wake else 700_000,
    )


def _allowance(findings: Findings, reader: Reader) -> tuple[str, int] | None:
    """What comes from another economy; NIM0516 where it could never come, or comes back."""
    inner = reader.sub("allowance")
    if inner is None:
        return None
    giver, rate = inner.reference("from", "Economy"), inner.rate("rate")
    if "capacity" not in reader:
        message = "an allowance fills a purse up to its `capacity`, and this has none"
        findings.report("NIM0516", message, reader.place("allowance"), "add `capacity:`")
    name, seen = giver, [findings.document.name]
    while name and name not in seen:
        seen.append(name)
        name = _giver(findings, name)
    if name and name == findings.document.name:
        message = f"what `{giver}` gives comes back to it"
        findings.report(
            "NIM0516", message, inner.place("from"), "name an economy that gets nothing from here"
        )
    return (giver, rate) if giver else None


def _giver(findings: Findings, name: str) -> str:
    """Who gives an economy its allowance, as its document says; empty for nobody."""
    document = findings.documents.get("Economy", name)
    allowance = document.spec.get("allowance") if document is not None else None
    giver = allowance.get("from") if isinstance(allowance, MapNode) else None
    return str(giver.plain()) if giver is not None else ""


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
    kept = economy.kept
    if economy.emergency and economy.capacity is not None and economy.capacity < kept:
        message = f"the capacity is below floor and emergency together ({format_lifeforce(kept)} LF)"
        findings.report(
            "NIM0506", message, reader.place("emergency"), "lower `emergency`, or raise the capacity"
        )
    _check_sleep(reader, economy)
    for name, inner in reader.named("marks"):
        _check_mark(inner, economy, name)


def _check_sleep(reader: Reader, economy: Economy) -> None:
    """NIM0515: what needs a capacity, a pulse or slumber, and has none; NIM0510: marks named like them."""
    report = reader.findings.report
    needs = (("pulse", "capacity"), ("slumber", "pulse"), ("wake", "slumber"))
    for key, needed in needs:
        alone = key == "wake" and reader.keys(key) == ["starve"]
        if key in reader and needed not in reader and not alone:
            report("NIM0515", f"`{key}` needs `{needed}`", reader.place(key), f"add `{needed}:`")
            return
    if economy.pulse is not None and not economy.capacity:
        report(
            "NIM0515", "`pulse` needs a capacity above 0", reader.place("capacity"), "raise the capacity"
        )
    for name in sorted({*economy.own_events} & {*economy.marks}):
        inner = reader.sub("marks")
        place = inner.node.key_place(name) if inner else reader.place("marks")
        report("NIM0510", f"`{name}` is an event of its own", place, "give the mark another name")


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
