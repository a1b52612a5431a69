"""Units as people write them elsewhere, and what is meant: ``6m``, ``2 hours``, ``1h30min``, ``$5``.

The units of the language are in :mod:`nimdsl.base.units`.
"""

from __future__ import annotations

import re
from decimal import Decimal

from nimdsl.base.units import NANOSECONDS, readable_duration

TIME_WORDS = {
    **dict.fromkeys(("nanosecond", "nanoseconds", "nsec"), "ns"),
    **dict.fromkeys(("microsecond", "microseconds", "usec", "\xb5s", "\u03bcs"), "us"),
    **dict.fromkeys(("millisecond", "milliseconds", "msec", "msecs"), "ms"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
}
"""Words for units of time, in lower case."""
PART = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z\xb5\u03bc]+)\s*")
"""A number and its unit."""
_MONEY = re.compile(
    r"[$\u20ac\xa3\xa5]\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:[$\u20ac\xa3\xa5]|usd|eur|dollars?|euros?)",
    re.IGNORECASE,
)


def meant_duration(text: str) -> str:
    """What to write instead of text that is nearly a duration, between backticks; empty for other text."""
    text = text.strip()
    found = PART.fullmatch(text)
    if found is not None:
        number, word = found.groups()
        if word == "m":
            return f"`{number}min` (minutes) or `{number}ms` (milliseconds)"
        unit = TIME_WORDS.get(word.lower(), "")
        unit = unit or (word.lower() if word.lower() in NANOSECONDS else "")
        return f"`{number}{unit}`" if unit else ""
    parts = PART.findall(text)
    units = [TIME_WORDS.get(word.lower(), word) for _, word in parts]
    whole = "".join(map("".join, parts)) == text.replace(" ", "")
    if len(parts) < 2 or not whole or not all(one in NANOSECONDS for one in units):
        return ""
    total = sum(Decimal(number) * NANOSECONDS[one] for (number, _), one in zip(parts, units, strict=True))
    return f"`{readable_duration(int(total))}`"


def meant_lifeforce(text: str) -> str:
    """The number of an amount in another currency; empty for other text."""
    found = _MONEY.fullmatch(text.strip())
    return (found[1] or found[2]) if found else ""
