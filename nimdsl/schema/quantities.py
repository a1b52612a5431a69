"""Quantities that are written wrongly: which unit was meant, and what the grid and the range allow."""

from __future__ import annotations

import re
from decimal import Decimal

from nimdsl.base.meant_units import PART, TIME_WORDS, meant_duration, meant_lifeforce
from nimdsl.base.units import (
    BYTES,
    INT64_MAX,
    MICRO,
    NANOSECONDS,
    format_bytes,
    format_lifeforce,
    format_rate,
    format_share,
    meant_bytes,
    readable_duration,
)

UNIT_FIX = {
    "duration": ("a duration with its unit", "write for example `200ms`, `5s` or `1.5min`"),
    "share": ("a share in percent", "write for example `40%`"),
    "lifeforce": ("lifeforce as a plain decimal number", "write for example `0.4`"),
    "rate": ("lifeforce over time", "write for example `0.4` (LF a second), `0.3/min`, `5/h` or `40/d`"),
    "bytes": ("a size with its unit", "write for example `64B`, `40GB` or `20GiB`"),
}
"""What is wanted, and an example."""
UNIT_WRITTEN = {
    "duration": r"\s?(?:ns|us|ms|s|min|h|d)",
    "share": r"\s?%",
    "lifeforce": "",
    "rate": r"\s?/\s?(?:s|min|h|d)",
    "bytes": r"\s?(?:[kMGTP]?B|[KMGTP]iB)",
}
"""How each unit is written behind its number, as a regular expression."""
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(percent|per cent|pct)?", re.IGNORECASE)
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:LF)?\s*(?:/|per|a|an|each)\s*([A-Za-z]+)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_GRIDS = {
    "duration": "1ns",
    "share": "0.0001%",
    "lifeforce": "0.000001",
    "rate": "0.000001/d",
    "bytes": "1B",
}
_SHOWN = {
    "duration": readable_duration,
    "share": format_share,
    "lifeforce": format_lifeforce,
    "rate": format_rate,
    "bytes": format_bytes,
}


def unit_fix(unit: str, text: str) -> str:
    """What to write instead of ``text``, which is no quantity of that kind."""
    text = text.strip()[:40]
    found = PART.fullmatch(text)
    if unit == "duration" and (likely := meant_duration(text)):
        return f"write {likely}"
    if unit == "bytes" and found:
        number, word = found.groups()
        if word.upper() in ("K", "M", "G", "T", "P"):
            thousands, binary = meant_bytes(f"{word}B"), meant_bytes(f"{word}iB")
            return f"write `{number}{thousands}` (powers of 1000) or `{number}{binary}` (of 1024)"
        if meant_bytes(word):
            return f"write `{number}{meant_bytes(word)}`"
    if unit == "lifeforce" and (number := re.fullmatch(r"(\d+(?:\.\d+)?)\s*LF", text, re.IGNORECASE)):
        return f"leave the unit out: `{number[1]}`"
    if unit == "lifeforce" and (number := meant_lifeforce(text)):
        return f"write `{number}`: amounts are in lifeforce (LF)"
    if unit == "rate" and (flow := _RATE.fullmatch(text)):
        number, word = flow[1], flow[2].lower()
        per = "min" if word == "m" else TIME_WORDS.get(word, word)
        return f"write `{number}/{per}`" if per in ("s", "min", "h", "d") else UNIT_FIX[unit][1]
    if unit == "share" and (number := _PERCENT.fullmatch(text)) and Decimal(number[1]) <= 100:
        share = Decimal(number[1])
        if 0 < share < 1 and not number[2]:
            return f"write `{(share * 100).normalize():f}%`, or `{share}%` if so little is meant"
        return f"write `{number[1]}%`"
    return UNIT_FIX[unit][1]


def off_grid(unit: str, text: str) -> tuple[str, str]:
    """What is wrong with a quantity that has its unit and no value, and what to write instead."""
    value = _exact(unit, text)
    shown = _SHOWN[unit]
    if abs(value) <= INT64_MAX:
        nearest = round(value) or (1 if value > 0 else -1)
        return f"finer than the grid of {_GRIDS[unit]}", f"write `{shown(nearest)}`"
    most = {
        "duration": f"{INT64_MAX // NANOSECONDS['d']}d",
        "lifeforce": f"{INT64_MAX // MICRO}",
        "rate": "1000",
        "bytes": f"{INT64_MAX // BYTES['PB']}PB",
    }
    return "too large", f"write at most `{most.get(unit, '100%')}`"


def _exact(unit: str, text: str) -> Decimal:
    number = _NUMBER.search(text[:4_000])
    value = Decimal(number.group() if number else 0)
    if unit in ("duration", "bytes"):
        units = NANOSECONDS if unit == "duration" else BYTES
        return value * units[max((one for one in units if text.strip().endswith(one)), key=len)]
    if unit == "rate":
        name = text.rpartition("/")[2].strip() if "/" in text else "s"
        return value * MICRO * (NANOSECONDS["d"] // NANOSECONDS[name])
    return value * (10_000 if unit == "share" else MICRO)
