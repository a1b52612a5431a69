"""Words for figures: durations, instants, amounts, shares, counts; alike in a terminal and on a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from nimdsl.base.units import (
    BYTES,
    MICRO,
    NANOSECONDS,
    SECOND_NS,
    format_bytes,
    format_lifeforce,
    format_share,
)
from nimdsl.base.values import Fields, Value
from nimdsl.expression.types import ANY, QUANTITIES, Type
from runtime.run.run import Stopped

VALUE_LENGTH_MAX = 120
SIZE_LENGTH_MAX = 8
LARGE, LARGEST = 1e4, 1e15
"""Between them a number is told as a whole one, and not as a power of ten."""
_MINUTE_NS, _HOUR_NS = NANOSECONDS["min"], NANOSECONDS["h"]

REASONS = {
    "beat": "still waiting when the beat ended",
    "cut": "its time was over",
    "queue": "the queue was full",
    "max_per_beat": "more than the beat may have",
    "abandoned": "given up when a higher level came",
    "closed": "its gate was open no more",
    "starved": "it never had the time, two beats long",
    "unheard": "nothing was heard of its gate, two beats long",
}
"""Why an item was dropped."""


ENDS: Mapping[Stopped, str] = {
    "horizon": "the horizon was reached",
    "quiet": "nothing was left to happen",
    "starved": "it starved",
    "limit": "there were too many events",
    "stuck": "time stands still: too many events at one instant (a loop without delay?)",
    "final": "the protocol ended",
    "ended": "a person ended it",
    "broken": "a part of it was given up",
}
"""Why a run ended."""


def number(value: float) -> str:
    """At most three digits behind the point, and no zeros at its end: for coordinates."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def span(time_ns: int) -> str:
    """A duration for people: ``50 ms``, ``28.2 s``, ``12 min 30 s``, ``24 h``."""
    if time_ns < 0:
        return f"−{span(-time_ns)}"
    if time_ns < SECOND_NS:
        for unit in ("ms", "us"):
            if time_ns >= NANOSECONDS[unit]:
                return f"{_short(time_ns / NANOSECONDS[unit])} {'µs' if unit == 'us' else unit}"
        return f"{time_ns} ns" if time_ns else "0 s"
    if time_ns < 10 * _MINUTE_NS:
        return f"{_short(time_ns / SECOND_NS)} s"
    if time_ns < _HOUR_NS:
        return _two(time_ns, _MINUTE_NS, "min", SECOND_NS, "s")
    return _two(time_ns, _HOUR_NS, "h", _MINUTE_NS, "min")


def seconds(time_ns: int) -> str:
    """A duration among others: never minutes, so that they can be compared: ``50 ms``, ``1,992 s``."""
    return span(time_ns) if abs(time_ns) < 100 * SECOND_NS else f"{time_ns / SECOND_NS:,.0f} s"


def clock(time_ns: int, end_ns: int = 0) -> str:
    """A time of a garden for people: ``12.5 s``; ``1:04:30`` if it, or the end, is ten minutes or more."""
    if max(time_ns, end_ns) < 10 * _MINUTE_NS:
        return span(time_ns)
    minutes, seconds = divmod(time_ns // SECOND_NS, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def quarters(end_ns: int) -> list[str]:
    """The times of a scale: its beginning, its end, and three between."""
    return [clock(end_ns * quarter // 4, end_ns) for quarter in range(5)]


def lifeforce(amount: int) -> str:
    """Micro-LF as LF with at most two digits behind the point."""
    return f"{amount / MICRO:,.2f}".rstrip("0").rstrip(".")


def window(window_ns: int, run_ns: int) -> str:
    """Which part of a run lambda is of; nothing when it is the whole run."""
    return f"last {span(window_ns)}" if 0 < window_ns < run_ns else ""


def share(part: float, whole: float) -> str:
    """Percent; what is not nothing is never ``0 %``."""
    if not whole or not part:
        return "–"
    percent = 100 * part / whole
    return "< 0.1 %" if percent < 0.1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def percent(millionths: float) -> str:
    """A share of 1, also where it is 0."""
    return f"{millionths / 10_000:.0f} %"


def fields(types: Mapping[str, Type], data: Fields) -> str:
    """Named values on one line, quantities with their units: ``hot=3 s, worth=1.5 LF, part=40 %``.

    What is very long ends with dots.
    """
    told = {name: value_of(types.get(name, ANY), value) for name, value in data.items()}
    return ", ".join(f"{name}={_cut(text)}" for name, text in told.items())


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_LENGTH_MAX else f"{text[: VALUE_LENGTH_MAX - 1]}…"


def value_of(kind: Type, value: Value) -> str:
    """A value as it is kept: a quantity with its unit, a number to four digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.0f}" if LARGE <= abs(value) < LARGEST else f"{value:.4g}"
    if isinstance(value, int) and kind in QUANTITIES:
        return _quantity(kind, value)
    if isinstance(value, list):
        return f"[{', '.join(_item(kind.element or ANY, item) for item in value)}]"
    if isinstance(value, dict):
        known = dict(kind.fields or ())
        return f"{{{', '.join(f'{key}: {_item(known.get(key, ANY), one)}' for key, one in value.items())}}}"
    return str(value)


def _item(kind: Type, value: Value) -> str:
    """Within a list or a record, where text ends is to be seen."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value_of(kind, value)


def _quantity(kind: Type, value: int) -> str:
    if kind.name == "duration":
        return span(value)
    if kind.name == "bytes":
        return size(value)
    return f"{format_lifeforce(value)} LF" if kind.name == "lifeforce" else f"{format_share(value)[:-1]} %"


def size(value: int) -> str:
    """Bytes for people: ``20 GiB``, ``1.5 TB``; rounded in units of 1024 where the exact text is long."""
    exact = format_bytes(value)
    if len(exact) > SIZE_LENGTH_MAX:
        unit = max((one for one in BYTES if "i" in one and abs(value) >= BYTES[one]), key=BYTES.__getitem__)
        exact = f"{'−' if value < 0 else ''}{_short(abs(value) / BYTES[unit])}{unit}"
    number = exact.rstrip("kKMGTPiB")
    return f"{number} {exact[len(number) :]}"


def letters(names: Sequence[str]) -> dict[str, str]:
    """A letter for each name, as early in it as possible, each once; then digits."""
    taken: dict[str, str] = {}
    for name in names:
        offered = [*name.lower(), *"abcdefghijklmnopqrstuvwxyz0123456789"]
        free = (one for one in offered if one.isalnum() and one not in taken.values())
        taken[name] = next(free, "?")
    return taken


def _short(value: float) -> str:
    return (
        f"{value:.0f}"
        if value >= 100
        else f"{value:.3g}"
        if value < 10
        else f"{value:.1f}".removesuffix(".0")
    )


def _two(time_ns: int, large_ns: int, large: str, small_ns: int, small: str) -> str:
    whole, rest = divmod(time_ns, large_ns)
    return f"{whole} {large}" + (f" {rest // small_ns} {small}" if rest >= small_ns else "")
