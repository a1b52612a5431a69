"""Quantities as they are written: ``200ms``, ``0.4`` LF, ``40%``, ``20GiB``.

Time is int64 nanoseconds, lifeforce int64 micro-LF, shares int64 millionths, sizes
int64 bytes (SEMANTICS 2.3).  Decimal text is read exactly; what does not fit the unit's
grid is refused, never rounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
BYTES = {
    "B": 1,
    **{f"{letter}B": 1_000**power for power, letter in enumerate("kMGTP", 1)},
    **{f"{letter}iB": 1_024**power for power, letter in enumerate("KMGTP", 1)},
}
SECOND_NS = NANOSECONDS["s"]
MICRO = 1_000_000
INT64_MAX = 2**63 - 1

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s?(ns|us|ms|s|min|h|d)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s?%")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s?/\s?(s|min|h|d)")
_BYTES = re.compile(rf"(\d+(?:\.\d+)?)\s?({'|'.join(BYTES)})")
_DECIMAL = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def parse_duration(text: str) -> int | None:
    """Nanoseconds of text such as ``1.5s``; None when it is no duration or finer than a nanosecond."""
    match = _DURATION.fullmatch(text.strip())
    return _on_grid(Decimal(match[1]) * NANOSECONDS[match[2]]) if match else None


def parse_share(text: str) -> int | None:
    """Millionths of text such as ``40%``; None when it is no share or finer than a millionth."""
    match = _SHARE.fullmatch(text.strip())
    return _on_grid(Decimal(match[1]) * 10_000) if match else None


def parse_lifeforce(text: str) -> int | None:
    """Micro-LF of a decimal such as ``0.4``; None when it is no decimal or finer than a micro-LF."""
    text = text.strip()
    if len(text) > 40 or not _DECIMAL.fullmatch(text):
        return None
    value = Decimal(text)
    return None if value.adjusted() > 40 else _on_grid(value * MICRO)


def parse_rate(text: str) -> int | None:
    """Micro-LF a day of text such as ``0.3/min``; a bare decimal is LF a second.

    None when it is no rate, or finer than a micro-LF a day.
    """
    text = text.strip()
    match = _RATE.fullmatch(text)
    number, unit = (match[1], match[2]) if match else (text, "s")
    if len(number) > 40 or not _DECIMAL.fullmatch(number):
        return None
    value = Decimal(number)
    times = NANOSECONDS["d"] // NANOSECONDS[unit]
    return None if value.adjusted() > 40 else _on_grid(value * MICRO * times)


def parse_bytes(text: str) -> int | None:
    """Bytes of text such as ``20GiB``; None when it is no size or finer than a byte."""
    match = _BYTES.fullmatch(text.strip())
    return _on_grid(Decimal(match[1]) * BYTES[match[2]]) if match else None


PARSERS: Mapping[str, Callable[[str], int | None]] = {
    "duration": parse_duration,
    "share": parse_share,
    "lifeforce": parse_lifeforce,
    "bytes": parse_bytes,
}
"""How the text of each quantity is read, by the name of its type."""


def _on_grid(value: Decimal) -> int | None:
    if value != value.to_integral_value() or abs(value) > INT64_MAX:
        return None
    return int(value)


def format_duration(value_ns: int) -> str:
    """Exact text in the largest of s, ms, us, ns that fits: ``1500000000`` is ``1.5s``."""
    for unit in ("s", "ms", "us"):
        if value_ns == 0 or abs(value_ns) >= NANOSECONDS[unit]:
            return _trim(format(Decimal(value_ns) / NANOSECONDS[unit], "f")) + unit
    return f"{value_ns}ns"


def readable_duration(value_ns: int) -> str:
    """As :func:`format_duration`, but whole minutes in min or h: ``62h``."""
    for unit in ("h", "min"):
        if value_ns and value_ns % NANOSECONDS[unit] == 0:
            return f"{value_ns // NANOSECONDS[unit]}{unit}"
    return format_duration(value_ns)


def format_lifeforce(value_micro_lf: int) -> str:
    """Decimal LF with at least one digit behind the point: ``1400000`` is ``1.4``."""
    sign = "-" if value_micro_lf < 0 else ""
    whole, rest = divmod(abs(value_micro_lf), MICRO)
    return f"{sign}{whole}." + (f"{rest:06d}".rstrip("0") or "0")


def format_rate(value: int) -> str:
    """A rate of micro-LF a day, exactly, as it is written: ``0.3/min``; LF a second without a unit."""
    for unit in ("s", "min", "h"):
        times = NANOSECONDS["d"] // NANOSECONDS[unit]
        if not value % times:
            return _trim(format_lifeforce(value // times)) + ("" if unit == "s" else f"/{unit}")
    return _trim(format_lifeforce(value)) + "/d"


def format_bytes(value: int) -> str:
    """Exact text in the unit that makes it shortest: ``20GiB`` and ``40GB`` are written so."""
    fitting = [unit for unit, size in BYTES.items() if abs(value) >= size] or ["B"]
    texts = (_trim(f"{Decimal(value) / BYTES[unit]:f}") + unit for unit in reversed(fitting))
    return min((text for text in texts if parse_bytes(text.removeprefix("-")) == abs(value)), key=len)


def format_share(value: int) -> str:
    """Percent: ``400000`` is ``40%``."""
    return _trim(format(Decimal(value) / 10_000, "f")) + "%"


def meant_bytes(word: str) -> str:
    """The unit of a size that a word stands for (``gb``, ``GIB``, ``Gi``, ``bytes``); else empty."""
    small = word.lower()
    found = {unit.lower(): unit for unit in BYTES} | {
        unit[:2].lower(): unit for unit in BYTES if "i" in unit
    }
    return {"byte": "B", "bytes": "B", **found}.get(small, "")


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
